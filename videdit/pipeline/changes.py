"""From a person's latents to one change per frame: edit, render before and after, analyse, steady."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videdit import composite, edit
from videdit.composite import Change
from videdit.geometry import quad_to_crop, transform_points
from videdit.invert.encoder import BATCH
from videdit.packs.load import Pack
from videdit.pipeline.people import Person, Sight
from videdit.pipeline.report import Stopwatch
from videdit.smooth import METHODS, bridge, fade

Render = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # latents [N,L,D] -> pictures [N,S,S,3] RGB 0..255


@dataclass(slots=True)
class Motion:
    """A person ready to be rendered: latents float32 [T,L,D] before and after the edit, and the edit's share in each frame [T]."""

    person: Person
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    share: NDArray[np.float32]
    steady: NDArray[np.bool_]

    @property
    def first(self) -> int:
        """Number of the first frame."""
        return int(self.person.track.frames[0])

    @property
    def last(self) -> int:
        """Number of the last frame."""
        return int(self.person.track.frames[-1])


def smooth_latents(person: Person, seconds: float, *, method: str = "gaussian") -> NDArray[np.float32]:
    """The person's latents float32 [T,L,D], smoothed over time; misses of a few frames do not interrupt."""
    there = bridge(person.track.times, person.latents.valid)
    return METHODS[method](person.latents.w, person.track.times, there, seconds).astype(np.float32, copy=False)


def shares(person: Person, sight: Sight) -> NDArray[np.float32]:
    """How much of the edit each frame of a track shows; no ramp where the clip or a shot begins or ends."""
    track = person.track
    there = bridge(track.times, person.latents.valid)
    borders = {*sight.shots, sight.frames}
    return fade(track.times, there, open_start=int(track.frames[0]) in borders, open_end=int(track.frames[-1]) + 1 in borders)


def move(person: Person, sight: Sight, w: NDArray[np.float32], strengths: dict[str, float], locks: tuple[str, ...], pack: Pack) -> Motion:
    """The edit of one person; w float32 [T,L,D] are the smoothed latents."""
    after = edit.METHODS["axes"](w, strengths, pack.axes(), locks=locks)
    return Motion(person, w, after, shares(person, sight), bridge(person.track.times, person.latents.valid))


def changes(motion: Motion, render: Render, size: int, *, mode: str, seconds: float, clock: Stopwatch) -> Iterator[Change]:
    """One change per frame of the track, steady over time; renders are made in batches, as they are asked for."""
    times = np.asarray(motion.person.track.times, np.float64)
    raw = analysed(motion, render, size, mode=mode, clock=clock)
    return composite.steady(raw, times, motion.steady, seconds=seconds)


def analysed(motion: Motion, render: Render, size: int, *, mode: str, clock: Stopwatch) -> Iterator[Change]:
    """One change per frame, not yet steady."""
    track = motion.person.track
    for start in range(0, len(track), BATCH):
        rows = slice(start, min(start + BATCH, len(track)))
        count = rows.stop - rows.start
        with clock.stage("generate"):
            pictures = render(np.concatenate([_padded(motion.before[rows]), _padded(motion.after[rows])]))
        points = np.stack([crop_points(p, q, size) for p, q in zip(track.landmarks[rows], track.quads[rows], strict=True)])
        with clock.stage("analyse"):
            found = composite.analyse(pictures[:count], pictures[BATCH : BATCH + count], points, mode=mode)
        yield from found


def crop_points(landmarks: NDArray[np.floating], quad: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Landmarks [78,2] px of the frame in px of the crop."""
    return transform_points(landmarks, quad_to_crop(quad, size))


def _padded(w: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n,L,D] filled up to a whole batch with its last row."""
    return w if len(w) == BATCH else np.concatenate([w, np.repeat(w[-1:], BATCH - len(w), axis=0)])
