"""benchmarks.quality.Observer on made-up frames, with judges that say the same of everybody."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from benchmarks.people import Subject
from benchmarks.quality import Judges, Observer
from videdit.pipeline.clip import copy_frame
from videdit.pipeline.stills import frame_of
from videdit.quality.embedder import Embedder
from videdit.quality.judge import Judge
from videdit.types import Frame, Region


class SameForAll:
    """Stands in for dlib."""

    def align(self, rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        return landmarks

    def embed(self, rgb: np.ndarray, aligned: object) -> np.ndarray:
        return np.ones(8)


def watched(subject_frames: range) -> tuple[Observer, list[Frame], np.ndarray]:
    draw = np.random.default_rng(0)
    picture = cv2.GaussianBlur(draw.integers(0, 255, (120, 160, 3)).astype(np.uint8), (0, 0), 2)
    noisy = [np.clip(picture + draw.normal(0, 2, picture.shape), 0, 255).astype(np.uint8) for _ in range(4)]
    frames = [frame_of(p, index=i) for i, p in enumerate(noisy)]
    quad = np.array([[40, 20], [40, 100], [120, 100], [120, 20]], float)
    subject = Subject(
        Path("c.mp4"), dict.fromkeys(subject_frames, quad), dict.fromkeys(subject_frames, np.zeros((78, 2))), Region(30, 10, 100, 100)
    )
    mask = np.zeros((120, 160), np.float32)
    mask[40:80, 60:100] = 1
    return Observer(subject, Judges(cast(Judge, None), [], cast(Embedder, SameForAll()))), frames, cv2.GaussianBlur(mask, (0, 0), 4)


def test_a_steady_edit_inside_the_mask() -> None:
    observer, frames, mask = watched(range(4))
    for frame in frames:
        edited = copy_frame(frame)
        edited.add(Region(0, 0, 160, 120), 20 * mask[..., None] * np.ones(3, np.float32))
        observer(frame, edited, mask)
    assert observer.frames == [0, 1, 2, 3]
    assert observer.outside == 0
    assert observer.flicker.ratio == pytest.approx(1, abs=0.1)
    assert observer.before[0].shape == (128, 128, 3)
    assert observer.after[0].mean() > observer.before[0].mean()
    assert observer.pictures[0][1].shape == (256, 256, 3)


def test_a_change_outside_the_mask_is_seen_even_without_the_subject() -> None:
    observer, frames, mask = watched(range(0))
    edited = copy_frame(frames[0])
    edited.planes[0][2, 3] ^= 4
    observer(frames[0], edited, mask)
    assert observer.outside == pytest.approx(4)
    assert observer.frames == []
