"""What every entry of every method table promises, whatever it does inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.scripted import HEIGHT, WIDTH, face_points, picture
from tests.tinypack import LAYERS, STYLE, add_editors, make_tiny_pack
from videdit.composite.blend import BLENDS
from videdit.edit import METHODS as MAPPERS
from videdit.errors import MissingError, UsageError
from videdit.faces.landmarks import LANDMARKS
from videdit.invert import METHODS as INVERTERS
from videdit.networks.encoder import Encoder
from videdit.networks.landmarker import Landmarker
from videdit.packs.load import Pack, load_pack
from videdit.pipeline.stills import frame_of

LINEAR = {"axes"}  # there and back again is exact


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Everything a method may use."""
    return load_pack(add_editors(make_tiny_pack(tmp_path_factory.mktemp("packs"))))


@pytest.mark.parametrize("name", MAPPERS)
class TestMapper:
    """w [T,L,D] and strengths by source name -> w' of the same shape, float32."""

    w = np.random.default_rng(1).normal(size=(5, LAYERS, STYLE)).astype(np.float32)

    def test_nothing_asked_nothing_moved(self, name: str, pack: Pack) -> None:
        assert np.array_equal(MAPPERS[name](self.w, {}, pack), self.w)
        assert np.array_equal(MAPPERS[name](self.w, {"Smiling": 0.0}, pack, locks=("Male",)), self.w)

    def test_moves_every_frame_and_keeps_its_input(self, name: str, pack: Pack) -> None:
        before = self.w.copy()
        out = MAPPERS[name](self.w, {"Smiling": 1.0, "Eyeglasses": -0.5}, pack, locks=("Young",))
        assert out.shape == self.w.shape
        assert out.dtype == np.float32
        assert (np.abs(out - self.w).max((1, 2)) > 0).all()
        assert np.array_equal(self.w, before)

    def test_more_is_further(self, name: str, pack: Pack) -> None:
        near, far = (MAPPERS[name](self.w, {"Male": s}, pack) - self.w for s in (0.5, 1.5))
        assert np.linalg.norm(far) > np.linalg.norm(near)

    def test_a_strength_for_every_frame(self, name: str, pack: Pack) -> None:
        ramp = np.linspace(-1, 1, 5)
        out = MAPPERS[name](self.w, {"Smiling": ramp, "Male": 0.3 * (ramp + 1)}, pack)
        for row, strength in enumerate(ramp):
            alone = MAPPERS[name](self.w[row : row + 1], {"Smiling": strength, "Male": 0.3 * (strength + 1)}, pack)
            np.testing.assert_allclose(out[row], alone[0], atol=1e-5)

    def test_nothing_goes_along_what_is_locked(self, name: str, pack: Pack) -> None:
        axes = pack.axes()
        moved = (MAPPERS[name](self.w, {"Smiling": 1.0}, pack, locks=("Male", "Young")) - self.w).reshape(5, -1)
        for lock in ("Male", "Young"):
            np.testing.assert_allclose(moved @ axes.directions[axes.order.index(lock)].reshape(-1), 0, atol=1e-5)

    def test_there_and_back(self, name: str, pack: Pack) -> None:
        there = MAPPERS[name](self.w, {"Young": 1.2}, pack)
        left = np.linalg.norm(MAPPERS[name](there, {"Young": -1.2}, pack) - self.w)
        assert left < (1e-4 if name in LINEAR else np.linalg.norm(there - self.w))

    @pytest.mark.parametrize(("strengths", "locks"), [({"Smirk": 1.0}, ()), ({"Male": 1.0}, ("Male",)), ({"Male": 1.0}, ("Smirk",))])
    def test_senseless_names_are_usage_errors(self, name: str, pack: Pack, strengths: dict[str, float], locks: tuple[str, ...]) -> None:
        with pytest.raises(UsageError):
            MAPPERS[name](self.w, strengths, pack, locks=locks)


@pytest.mark.parametrize("name", INVERTERS)
class TestInverter:
    """Crops [N,S,S,3] 0..255 -> latents float32 [N,L,D], however they arrive."""

    def test_batching_does_not_show(self, name: str, device: str) -> None:
        torch.manual_seed(0)
        encoder = Encoder(size=32, style_dim=8, num_layers=8, channels=(8, 8, 8), neck=4).eval().to(device)
        crops = np.random.default_rng(0).uniform(0, 255, (10, 32, 32, 3)).astype(np.float32)
        whole = INVERTERS[name](encoder, crops, device=device)
        assert whole.shape == (10, 8, 8)
        assert whole.dtype == np.float32
        parts = [INVERTERS[name](encoder, part, device=device) for part in (crops[:3], crops[3:4], crops[4:])]
        assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("name", BLENDS)
class TestBlend:
    """source, target [h,w,3], mask [h,w] -> the change to add, zero where the mask is."""

    source = picture(0).astype(np.float32)
    target = picture(9).astype(np.float32)

    def mask(self) -> np.ndarray:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        return np.clip(1.5 - np.hypot(x - 80, y - 64) / 30, 0, 1).astype(np.float32)

    def test_nothing_outside_the_mask(self, name: str) -> None:
        mask = self.mask()
        change = BLENDS[name](self.source, self.target - self.source, mask)
        assert change.shape == self.source.shape
        assert not change[mask == 0].any()
        assert np.abs(change[mask == 1]).mean() > 1

    def test_an_empty_mask_is_no_change(self, name: str) -> None:
        assert not BLENDS[name](self.source, self.target - self.source, np.zeros((HEIGHT, WIDTH), np.float32)).any()

    def test_the_source_itself_is_no_change(self, name: str) -> None:
        assert np.abs(BLENDS[name](self.source, np.zeros_like(self.source), self.mask())).max() <= 1.0


@pytest.mark.parametrize("name", LANDMARKS)
def test_landmarks_find_and_follow(name: str, device: str) -> None:
    """A frame and last frame's points -> points [78,2] px and a presence in 0..1, the same every time."""
    torch.manual_seed(0)
    try:
        landmarks = LANDMARKS[name](Landmarker(size=96, points=78).eval(), device=device)
    except MissingError as error:
        pytest.skip(str(error))
    frame = frame_of(picture(0))
    results = [landmarks.follow(frame, face_points(0.0)) for _ in range(2)]
    for points, presence in results:
        assert np.shape(points) == (78, 2)
        assert 0 <= presence <= 1
    assert np.array_equal(results[0][0], results[1][0])
