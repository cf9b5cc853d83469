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

STEADY = 0.05  # seconds that changes are smoothed over; their latents already are, by --smooth
Render = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # latents [N,L,D] -> pictures [N,S,S,3] RGB 0..255


@dataclass(slots=True)
class Motion:
    """A person ready to be rendered: latents float32 [T,L,D] before and after the edit, and the edit's share in each frame [T].

    present bool [T]: where the face is there, misses of a few frames bridged; render: by the generator that serves this person.
    """

    person: Person
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    share: NDArray[np.float32]
    present: NDArray[np.bool_]
    render: Render

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


def move(
    person: Person, sight: Sight, w: NDArray[np.float32], strengths: dict[str, float], locks: tuple[str, ...], pack: Pack, render: Render
) -> Motion:
    """The edit of one person; w float32 [T,L,D] are the smoothed latents."""
    after = edit.METHODS["axes"](w, strengths, pack.axes(), locks=locks)
    return Motion(person, w, after, shares(person, sight), bridge(person.track.times, person.latents.valid), render)


def changes(motion: Motion, size: int, *, mode: str, seconds: float, clock: Stopwatch) -> Iterator[Change]:
    """One change per frame of the track, steady over time; renders are made in batches, as they are asked for.

    seconds: what the latents were smoothed over; 0 leaves the changes as they are, too.
    """
    times = np.asarray(motion.person.track.times, np.float64)
    raw = analysed(motion, size, mode=mode, clock=clock)
    return composite.steady(raw, times, motion.present, seconds=min(STEADY, seconds))


def analysed(motion: Motion, size: int, *, mode: str, clock: Stopwatch) -> Iterator[Change]:
    """One change per frame, not yet steady."""
    track = motion.person.track
    for start in range(0, len(track), BATCH):
        rows = slice(start, min(start + BATCH, len(track)))
        count = rows.stop - rows.start
        with clock.stage("generate"):
            pictures = motion.render(np.concatenate([_padded(motion.before[rows]), _padded(motion.after[rows])]))
        points = np.stack([crop_points(p, q, size) for p, q in zip(track.landmarks[rows], track.quads[rows], strict=True)])
        with clock.stage("analyse"):
            found = composite.analyse(pictures[:count], pictures[BATCH : BATCH + count], points, mode=mode)
        yield from found


def crop_points(landmarks: NDArray[np.floating], quad: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Landmarks [78,2] px of the frame in px of the crop."""
    return transform_points(landmarks, quad_to_crop(quad, size))


def _padded(w: NDArray[np.float32]) -> NDArray[np.float32]:
    """[n,L,D] filled up to a whole batch with its last row."""
    return w if len(w) == BATCH else np.concatenate([w, np.repeat(w[-1:], BATCH - len(w), axis=0)])
