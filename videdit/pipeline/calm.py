"""What a picture's expression asks of a face, over time: a change that hardly moves, so that what moves is the face's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from videdit.edit import Moves
from videdit.edit.axes import Parts
from videdit.edit.expression import lacking
from videdit.pipeline.people import Person
from videdit.pipeline.steadiness import BATCH, Steadiness, smooth_latents, there
from videdit.smooth import gaussian
from videdit.smooth.gaussian import runs
from videdit.types import Asked

REACH = 2.0  # times the smoothing: how near a face has to lack something for a frame to get it


def calmed(moves: Moves, person: Person, steady: Steadiness, weights: NDArray[np.floating], pack: Parts) -> Moves:
    """The same, with what a driver that is a picture asks of this person steady over time (`slow`); weights [T]: as of `smooth_latents`.

    A picture has an expression and no movement. What a face lacks of it changes as fast as the face moves, and taking the edit back in
    step with that holds a mouth still under moving skin, a moment too soon or too late. A clip that drives is followed frame by frame.
    """
    driver, count = moves.driver, len(person.track)
    if driver is None or not driver.still or not count or steady.expression <= 0:
        return moves
    parts = []
    for start in range(0, count, BATCH):
        lacks = lacking(smooth_latents(person, steady, weights, start, min(start + BATCH, count)), driver.w, pack)
        if lacks is None:
            return moves
        parts.append(lacks)
    times = np.asarray(person.track.times, np.float64)
    return replace(moves, asked=Asked(times, slow(np.concatenate(parts), times, there(person), steady.expression)))


def slow(lacks: NDArray[np.floating], times: NDArray[np.floating], valid: NDArray[np.bool_], seconds: float) -> NDArray[np.float32]:
    """Amounts float32 [T,K] from what a face lacks [T,K] at times [T] s: the most that is lacked within 2 x seconds, a Gaussian mean of it.

    So a face that begins to smile is still given all it lacked before, and what it then has too much goes slowly. What is to go
    (below 0) likewise. valid bool [T] as of `smooth.gaussian`: nothing reaches across a gap.
    """
    most, least = np.maximum(lacks, 0).astype(np.float64), np.minimum(lacks, 0).astype(np.float64)
    widest = most + least
    for first, last in runs(valid):
        low = first + np.searchsorted(times[first:last], times[first:last] - REACH * seconds, "left")
        high = first + np.searchsorted(times[first:last], times[first:last] + REACH * seconds, "right")
        for row, (a, b) in enumerate(zip(low, high, strict=True), first):
            widest[row] = most[a:b].max(0) + least[a:b].min(0)
    return gaussian(widest, times, valid, seconds).astype(np.float32)
