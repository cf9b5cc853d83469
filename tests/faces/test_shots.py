from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.faces.conftest import MakeFrame
from videdit.faces.shots import CutDetector


def _scene(seed: int) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 256, (12, 24, 3), np.uint8)
    return cv2.resize(blocks, (1280, 160), interpolation=cv2.INTER_LINEAR)


def test_a_pan_is_no_cut_and_another_scene_is_one(make_frame: MakeFrame) -> None:
    cuts, found = CutDetector(), []
    for i in range(30):
        scene = _scene(0 if i < 17 else 1)
        if cuts.update(make_frame(scene[:, i * 6 : i * 6 + 480], i)):
            found.append(i)
    assert found == [17]


def test_ten_bit_frames_are_measured_alike(make_frame: MakeFrame) -> None:
    from dataclasses import replace

    cuts = CutDetector()
    for i, value in enumerate((100, 104, 180)):
        frame = make_frame(np.full((64, 64, 3), value, np.uint8), i)
        frame.planes = tuple(p.astype(np.uint16) * 4 for p in frame.planes)
        frame.color = replace(frame.color, depth=10)
        assert cuts.update(frame) == (i == 2)


@pytest.mark.parametrize("kind", ["whip pan", "flash", "jolt"])
def test_the_same_scene_moved_or_lit_is_no_cut(make_frame: MakeFrame, kind: str) -> None:
    cuts, scene = CutDetector(), _scene(0)
    for i in range(30):
        x = {"whip pan": 60 * max(0, min(i - 12, 11)), "flash": 3 * i, "jolt": 3 * i + (60 if i == 15 else 0)}[kind]
        picture = scene[:, x : x + 480].astype(int) // 2 + (100 if kind == "flash" and i in (15, 16) else 0)
        assert not cuts.update(make_frame(picture.astype(np.uint8), i)), i


def test_cuts_within_a_whip_pan_and_to_black(make_frame: MakeFrame) -> None:
    cuts, found = CutDetector(), []
    for i in range(40):
        x = 60 * max(0, min(i - 12, 11))
        picture = _scene(0 if i < 12 else 1)[:, x : x + 480] * (0 if 30 <= i < 34 else 1)
        if cuts.update(make_frame(picture, i)):
            found.append(i)
    assert found == [12, 30, 34]
