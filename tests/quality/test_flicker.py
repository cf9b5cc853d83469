"""quality.flicker"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from videdit.quality.flicker import Flicker


def clip(frames: int = 5, size: int = 96) -> list[np.ndarray]:
    """A texture that moves one pixel a frame, with some camera noise."""
    draw = np.random.default_rng(3)
    texture = cv2.GaussianBlur(draw.uniform(0, 255, (size + 20, size + 20, 3)).astype(np.float32), (0, 0), 2)
    texture = (texture - texture.min()) / np.ptp(texture) * 220 + 16
    return [texture[i : i + size, i : i + size] + draw.normal(0, 2, (size, size, 3)).astype(np.float32) for i in range(frames)]


def ratio(edit: list[np.ndarray]) -> float:
    frames, mask = clip(), np.zeros((96, 96), np.float32)
    mask[24:72, 24:72] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), 6)
    flicker = Flicker()
    for frame, change in zip(frames, edit, strict=True):
        flicker.add(frame, frame + change * mask[..., None], mask)
    assert flicker.frames == len(frames) - 1
    return flicker.ratio


def test_no_edit_and_a_constant_edit_add_none() -> None:
    assert ratio([np.zeros((96, 96, 3), np.float32)] * 5) == 1.0
    assert ratio([np.full((96, 96, 3), 9, np.float32)] * 5) == pytest.approx(1.0, abs=0.05)


def test_a_blinking_edit_adds_a_lot() -> None:
    assert ratio([np.full((96, 96, 3), 12.0 * (i % 2), np.float32) for i in range(5)]) > 2


def test_nothing_is_compared_across_a_cut_or_in_one_frame() -> None:
    flicker, frame = Flicker(), clip(1)[0]
    flicker.add(frame, frame, np.ones((96, 96)))
    assert np.isnan(flicker.ratio)
    flicker.cut()
    flicker.add(frame, frame, np.ones((96, 96)))
    assert flicker.frames == 0
