"""The change between two renders, put into a frame."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from videdit import composite
from videdit.composite.blend import BLENDS
from videdit.composite.mask import face_hull
from videdit.types import Color, Frame

SIZE = 128


def landmarks() -> np.ndarray:
    """78 points of an upright face that fills the crop."""
    turn = np.linspace(0, np.pi, 17)
    jaw = np.stack([64 - 46 * np.cos(turn), 60 + 56 * np.sin(turn)], 1)
    points = np.full((78, 2), 64.0)
    points[:17] = jaw
    points[27:36] = [64, 68]
    points[68:] = np.stack([np.linspace(22, 106, 10), 30 - 10 * np.sin(np.linspace(0, np.pi, 10))], 1)
    return points


def render(seed: int = 0) -> np.ndarray:
    """A smooth picture float32 [S,S,3]."""
    noise = np.random.default_rng(seed).uniform(0, 255, (16, 16, 3)).astype(np.float32)
    return cv2.GaussianBlur(cv2.resize(noise, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), (9, 9), 2).clip(0, 255)


def frame(width: int = 320, height: int = 240, depth: int = 8) -> Frame:
    rng = np.random.default_rng(7)
    top = 1 << depth
    kind = np.uint8 if depth == 8 else np.uint16

    def plane(h: int, w: int) -> np.ndarray:
        coarse = rng.uniform(0.3 * top, 0.7 * top, (h // 16 + 1, w // 16 + 1)).astype(np.float32)
        return cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC).astype(kind)

    planes = (plane(height, width), plane(height // 2, width // 2), plane(height // 2, width // 2))
    return Frame(planes, Color("bt709", False, depth), "yuv420p" if depth == 8 else "yuv420p10le", 0, Fraction(1, 30), 0)


QUAD = np.array([[80.0, 40], [70, 180], [210, 190], [220, 50]])


def one(before: np.ndarray, after: np.ndarray, mode: str = "transfer") -> composite.Change:
    return composite.analyse(before[None], after[None], landmarks()[None], mode=mode)[0]


def test_equal_renders_change_nothing():
    change = one(render(), render())
    picture = frame()
    planes = [p.copy() for p in picture.planes]
    assert change.empty
    assert composite.apply(picture, change, QUAD) is None
    assert all(np.array_equal(a, b) for a, b in zip(planes, picture.planes, strict=True))


@pytest.mark.parametrize("blend", list(BLENDS))
@pytest.mark.parametrize("mode", ["transfer", "render"])
@pytest.mark.parametrize("depth", [8, 10])
def test_outside_the_mask_every_sample_stays(blend: str, mode: str, depth: int):
    picture, source = frame(depth=depth), frame(depth=depth)
    done = composite.apply(picture, one(render(0), render(1), mode), QUAD, blend=blend)
    assert done is not None
    region, mask = done
    whole = np.zeros((picture.height, picture.width), np.float32)
    whole[region.slices] = mask
    outside = whole == 0
    assert outside.mean() > 0.5
    assert np.array_equal(picture.planes[0][outside], source.planes[0][outside])
    far = cv2.resize(cv2.dilate((whole > 0).astype(np.uint8), np.ones((3, 3), np.uint8)), None, fx=0.5, fy=0.5) == 0
    assert all(np.array_equal(a[far], b[far]) for a, b in zip(picture.planes[1:], source.planes[1:], strict=True))
    assert np.abs(picture.planes[0].astype(int) - source.planes[0])[~outside].mean() > 1


def test_what_moves_is_found_as_flow():
    after = render()
    before = cv2.warpAffine(after, np.float32([[1, 0, 3], [0, 1, -2]]), (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    change = one(before, after)
    inner = slice(48, 80)
    assert np.abs(change.flow[inner, inner, 0].mean() - 3) < 0.7
    assert np.abs(change.flow[inner, inner, 1].mean() + 2) < 0.7
    assert change.replace[inner, inner].mean() < 0.1


def test_what_appears_is_added_or_replaced_not_moved():
    before = np.full((SIZE, SIZE, 3), 120, np.float32)
    after = before.copy()
    after[60:66, 40:88] = 20  # a dark bar, such as the rim of glasses
    change = one(before, after)
    assert np.abs(change.flow).max() < 0.5
    assert change.replace[60:68, 48:80].min() > 0.9
    picture = frame()
    bright = picture.rgb()[:, :, 1].copy()
    composite.apply(picture, change, QUAD)
    centre = (QUAD[0] + QUAD[2]) / 2
    assert picture.rgb()[int(centre[1]), int(centre[0]), 1] < bright[int(centre[1]), int(centre[0])] - 60


def test_a_full_fade_is_the_source():
    picture, source = frame(), frame()
    assert composite.apply(picture, one(render(0), render(1)), QUAD, fade=0.0) is None
    assert all(np.array_equal(a, b) for a, b in zip(picture.planes, source.planes, strict=True))


def test_a_quad_beyond_the_frame_is_cut():
    for shift in (-150, 200, 2000):
        picture = frame()
        composite.apply(picture, one(render(0), render(1)), QUAD + [shift, 0])


def test_the_hull_ends_inside_the_crop():
    hull = face_hull(landmarks(), SIZE)
    assert hull[64, 64] > 0.99
    assert not hull[0].any() and not hull[-1].any() and not hull[:, 0].any() and not hull[:, -1].any()


def test_steady_keeps_a_constant_and_does_not_cross_gaps():
    change = one(render(0), render(1))
    times, valid = np.arange(6) / 30, np.array([True, True, True, False, True, True])
    out = list(composite.steady(iter([change] * 6), times, valid, seconds=0.05))
    assert len(out) == 6
    inside = change.mask > 0  # elsewhere nothing is shown of it
    for each in out:
        assert np.allclose(each.residual[inside], change.residual[inside], atol=1e-3)
    other = one(render(2), render(3))
    mixed = list(composite.steady(iter([change, change, change, other, other, other]), times, valid, seconds=0.05))
    assert np.allclose(mixed[2].residual[inside], change.residual[inside], atol=1e-3)
    assert np.allclose(mixed[4].residual[other.mask > 0], other.residual[other.mask > 0], atol=1e-3)
