from __future__ import annotations

import cv2
import numpy as np

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
