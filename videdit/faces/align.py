"""Landmarks steady in time, and the quads the networks see the face through.

Smoothing is a Gaussian-weighted straight line fitted around every frame: it keeps a constant and a steady motion, has no
delay, and never looks across a gap or a cut. It works while frames stream by, a few frames behind.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from videdit.faces.track import Observation
from videdit.geometry import FaceFrame, Floats, face_quad
from videdit.types import Frame

SECONDS = 0.06  # standard deviation of the smoothing
REACH = 3.0  # standard deviations looked at on either side
LOOK = 2  # frames on either side that `Doubt` wants to see

Doubt = Callable[[Floats, Floats], Floats]  # landmarks [n,78,2] px at times [n] s -> how far each is to be trusted, [n] in 0..1


class Follower(Protocol):
    """A tracker, as far as it matters here."""

    def update(self, frame: Frame) -> list[Observation]: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """Another way to smooth: at(row, landmarks [n,78,2] px, times [n] s, trust [n]) -> landmarks [78,2] px of that row.

    behind, ahead: how many seconds of the past and the future it wants to see.
    """

    at: Callable[[int, Floats, Floats, Floats], Floats]
    behind: float
    ahead: float

    @property
    def needs(self) -> tuple[float, int]:
        """Seconds, and frames before those: all that the places behind a frame `place_faces` has given depend on.

        Frames are finished, and judged, in groups as long as `ahead` and as what `Doubt` waits for; the oldest that is held for a group
        lies `behind` s and LOOK frames before its first, and one more says that it is the oldest.
        """
        return self.behind + self.ahead, 2 * LOOK + 2


@dataclass(frozen=True, slots=True)
class Placed:
    """A person in a frame, smoothed: landmarks float64 [78,2] px, quad float64 [4,2] px of the pack's frame, presence in 0..1."""

    track_id: int
    landmarks: Floats
    quad: Floats
    presence: float


def smooth_at(time: float, times: Floats, values: Floats, seconds: float, trust: Floats | None = None) -> Floats:
    """Value at `time` s of the line fitted to values [T,...] at times [T] s under Gaussian weights, times trust [T]."""
    if seconds <= 0:
        return np.array(values[np.argmin(np.abs(times - time))], np.float64)
    offset = times - time
    weight = np.exp(-0.5 * (offset / seconds) ** 2)
    if trust is not None and (weight * trust).any():
        weight = weight * trust
    zero, one, two = weight.sum(), (weight * offset).sum(), (weight * offset**2).sum()
    spread = zero * two - one**2
    # at the ends of a track the line's tilt is as uncertain as the points; there it is held back
    taps = weight * (two - one * offset) / spread if spread > 1e-3 * (zero * seconds) ** 2 else weight / zero
    return np.tensordot(taps, values, 1)


def smooth_landmarks(landmarks: Floats, times: Floats, *, seconds: float = SECONDS) -> Floats:
    """landmarks [T,78,2] px of one person without a gap, at times [T] s -> the same, steady."""
    out = np.empty(landmarks.shape)
    for i, time in enumerate(times):
        near = np.abs(times - time) <= REACH * seconds
        near[i] = True
        out[i] = smooth_at(time, times[near], landmarks[near], seconds)
    return out


def quads(landmarks: Floats, frame: FaceFrame) -> Floats:
    """landmarks [T,78,2] px -> quads [T,4,2] px of the pack's frame."""
    return np.stack([face_quad(points, frame) for points in landmarks]) if len(landmarks) else np.zeros((0, 4, 2))


def line_fit(seconds: float) -> Fit:
    """The Gaussian-weighted line of `smooth_landmarks`."""

    def at(row: int, landmarks: Floats, times: Floats, trust: Floats) -> Floats:
        near = np.abs(times - times[row]) <= REACH * seconds
        return smooth_at(times[row], times[near], landmarks[near], seconds, trust[near])

    return Fit(at, REACH * seconds, REACH * seconds)


class LandmarkSmoother:
    """`smooth_landmarks` for one person while frames stream by.

    push every frame's landmarks, or None where the person is not there; what is finished comes back as (index, landmarks
    [78,2] px), where index counts pushes from 0. A None finishes everything before it, and so does flush(). fit: another way to
    smooth; doubt: whom to trust less, by default nobody.
    """

    def __init__(self, *, seconds: float = SECONDS, fit: Fit | None = None, doubt: Doubt | None = None) -> None:
        self._fit, self._doubt = fit or line_fit(seconds), doubt
        self._held: deque[tuple[int, float, Floats]] = deque()  # of the current run, still needed
        self._pushed = self._done = 0

    def push(self, time: float, landmarks: Floats | None) -> list[tuple[int, Floats]]:
        if landmarks is None:
            out = self.flush()
            self._pushed += 1
            return out
        self._held.append((self._pushed, time, np.asarray(landmarks, np.float64)))
        self._pushed += 1
        judged = 1 + LOOK if self._doubt else 1  # the newest frames are judged by those that follow
        return self._finish(self._held[-judged][1] - self._fit.ahead) if len(self._held) >= judged else []

    def flush(self) -> list[tuple[int, Floats]]:
        """Finish what is left; the next push starts anew."""
        out = self._finish(np.inf)
        self._held.clear()
        return out

    def _finish(self, until: float) -> list[tuple[int, Floats]]:
        """Smooth what lies up to `until` s, then forget what nobody needs any more."""
        ready = [row for row, (index, time, _) in enumerate(self._held) if index >= self._done and time <= until]
        if not ready:
            return []
        times = np.array([t for _, t, _ in self._held])
        values = np.stack([v for _, _, v in self._held])
        trust = self._doubt(values, times) if self._doubt else np.ones(len(times))
        out = [(self._held[row][0], self._fit.at(row, values, times, trust)) for row in ready]
        self._done = out[-1][0] + 1
        waiting = [t for i, t, _ in self._held if i >= self._done]
        oldest = (waiting[0] if waiting else times[-1]) - self._fit.behind
        extra = LOOK if self._doubt else 0
        while len(self._held) > extra and self._held[extra][0] < self._done and self._held[extra][1] < oldest:
            self._held.popleft()
        return out


def place_faces(
    frames: Iterable[Frame],
    tracker: Follower,
    frame: FaceFrame,
    *,
    seconds: float = SECONDS,
    fit: Fit | None = None,
    doubt: Doubt | None = None,
) -> Iterator[tuple[Frame, list[Placed]]]:
    """Every frame once, in order, with the people in it; runs about 3 x seconds behind and holds only those frames.

    fit, doubt: see LandmarkSmoother.
    """
    waiting: deque[tuple[Frame, dict[int, float], list[Placed]]] = deque()  # frame, presence of who is unfinished, who is finished
    first = 0  # number of waiting[0]
    smoothers: dict[int, LandmarkSmoother] = {}
    since: dict[int, int] = {}  # per person the number of the frame pushed first; every one since then was
    for number, now in enumerate(frames):
        seen = {o.track_id: o for o in tracker.update(now)}
        waiting.append((now, {i: o.presence for i, o in seen.items()}, []))
        for person in seen.keys() | smoothers.keys():
            if person not in smoothers:
                smoothers[person], since[person] = LandmarkSmoother(seconds=seconds, fit=fit, doubt=doubt), number
            points = seen[person].landmarks if person in seen else None
            for index, smoothed in smoothers[person].push(now.time, points):
                _settle(waiting[since[person] + index - first], person, smoothed, frame)
            if person not in seen:
                del smoothers[person], since[person]
        while waiting and not waiting[0][1]:
            done, _, people = waiting.popleft()
            first += 1
            yield done, sorted(people, key=lambda p: p.track_id)
    for person, smoother in smoothers.items():
        for index, smoothed in smoother.flush():
            _settle(waiting[since[person] + index - first], person, smoothed, frame)
    for done, _, people in waiting:
        yield done, sorted(people, key=lambda p: p.track_id)


def _settle(slot: tuple[Frame, dict[int, float], list[Placed]], person: int, points: Floats, frame: FaceFrame) -> None:
    """Note a person's smoothed points in the frame they belong to."""
    _, unfinished, people = slot
    people.append(Placed(person, points, face_quad(points, frame), unfinished.pop(person)))
