"""A cut is a border: a shot comes out as if it were a clip of its own, and its first frame gets all of the edit."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.scripted import face_points, picture
from tests.tinypack import make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.faces.track import Observation
from videdit.packs.load import Pack, load_pack
from videdit.types import Frame

CUT, FPS = 5, 24
FIRST = [255 - picture(3 * i) for i in range(CUT)]
SECOND = [picture(i) for i in range(9)]


@dataclass
class Cut:
    """A tracker by script: somebody (or nobody) up to frame `cut`, somebody else elsewhere from then on; `told`: as a shot of its own."""

    cut: int
    somebody: bool = True
    told: bool = True
    shots: list[int] = field(default_factory=lambda: [0])

    def update(self, frame: Frame) -> list[Observation]:
        if frame.index < self.cut:
            return [Observation(0, face_points(0.0) - 8, 0.99)] if self.somebody else []
        if frame.index == self.cut > 0 and self.told:
            self.shots.append(self.cut)
        return [Observation(1, face_points(0.0), 0.99)]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


def edited(
    frames: list[np.ndarray], tracker: Cut, pack: Pack, monkeypatch: pytest.MonkeyPatch, smoother: str = "gaussian"
) -> list[np.ndarray]:
    monkeypatch.setattr("videdit.pipeline.watch.make_tracker", lambda models, settings: tracker)
    # waves have no edges to judge blur by
    settings = Settings(cache=False, face="all", smoother=smoother, max_blur=100)
    return pipeline.edit_frames(frames, {"smile": 1.5}, settings, fps=FPS, pack=pack)


def change(before: list[np.ndarray], after: list[np.ndarray]) -> np.ndarray:
    """Mean change of each frame, in levels."""
    return np.array([np.abs(b.astype(int) - a).mean() for a, b in zip(before, after, strict=True)])


@pytest.mark.parametrize("smoother", ["gaussian", "one-euro"])
@pytest.mark.parametrize("somebody", [True, False])
def test_a_shot_is_edited_as_if_it_were_alone(somebody: bool, smoother: str, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = edited(FIRST + SECOND, Cut(CUT, somebody), pack, monkeypatch, smoother)
    alone = edited(SECOND, Cut(0), pack, monkeypatch, smoother)
    differ = np.abs(np.stack(whole[CUT:]).astype(int) - np.stack(alone))
    assert differ.max() <= 1  # seconds are counted from elsewhere
    assert (differ > 0).mean() < 1e-3
    if not somebody:
        assert np.array_equal(np.stack(whole[:CUT]), np.stack(FIRST))


def test_the_first_frame_gets_all_of_the_edit(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as the others; where nobody says that there was a cut, the edit fades in."""
    still = [SECOND[0]] * 9
    cut, faded = (edited(FIRST + still, Cut(CUT, False, told), pack, monkeypatch)[CUT:] for told in (True, False))
    levels = change(still, cut)
    assert levels[0] > 0.3
    assert levels[0] == pytest.approx(levels[4], rel=0.02)
    assert change(still, faded)[0] < 0.5 * levels[0]
