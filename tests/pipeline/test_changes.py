"""What a move is read off."""

import numpy as np
import pytest

from videdit.pipeline.changes import Motion
from videdit.pipeline.people import Person
from videdit.types import LatentTrack, Track


def motion(reading: float) -> Motion:
    """A still face whose latents are noisy, and a move that is minus a third of what it reads."""
    count = 40
    w = np.random.default_rng(0).normal(size=(count, 2, 3)).astype(np.float32)
    track = Track(np.arange(count), np.arange(count) / 25, np.zeros((count, 4, 2)), np.zeros((count, 78, 2)), np.ones(count, np.float32))
    person = Person(track, LatentTrack(w, np.ones(count, bool), "pack"), np.zeros((0, 4, 4, 3), np.uint8), np.zeros(0, np.int64))
    shares = np.ones(count, np.float32)
    return Motion(person, np.ones(count, bool), shares, 0.05, reading, lambda w, times: w * np.float32(2 / 3), lambda w: w)


def test_a_move_is_as_calm_as_what_it_reads() -> None:
    def unrest(reading: float) -> float:
        before, after = motion(reading).latents(0, 40)
        return float(np.abs(np.diff(after - before, axis=0)).mean())

    before, after = motion(0.05).latents(5, 30)
    assert after == pytest.approx(before * 2 / 3, abs=1e-5)
    assert unrest(0.3) < 0.3 * unrest(0.05)
