"""Changes by methods that redraw crops: frames are read once more, and what lies in a person's quads is redrawn, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit import composite
from videdit.composite import Change
from videdit.composite.motion import along
from videdit.invert.encoder import BATCH
from videdit.pipeline.changes import Motion, batch_before, crop_points, no_change, padded, steadied, weaker
from videdit.pipeline.people import crop_frame
from videdit.pipeline.report import Stopwatch
from videdit.smooth import METHODS
from videdit.types import Frame
from videdit.video.reader import read_frames

Array = NDArray[np.float32]
Floats = NDArray[np.floating]
# crops [N,S,S,3], landmarks [N,78,2], times [N] s -> crops, where [N,S,S]
Draw = Callable[[Array, Floats, Floats], tuple[Array, Array]]
STRAY = 0.012  # of the crop's side: landmarks that lie farther off where their skin has gone show what the skin does not, such as a mouth


def drawn_changes(
    motion: Motion, frames: Iterator[Frame], draw: Draw, size: int, *, mode: str, clock: Stopwatch, start: int = 0
) -> Iterator[Change]:
    """One change per frame of the track from row `start` on, steady over time; `frames` are the track's, in order, from row
    `batch_before(start)` on."""
    raw = _analysed(motion, frames, draw, size, mode, clock, begun=batch_before(motion, start))
    return steadied(motion, raw, size, start)


def frames_of(motion: Motion, source: Path, begun: int = 0, *, seek: bool = True) -> Iterator[Frame]:
    """The frames of a person's track from row `begun` on, read from the file; seek: where that does not give other frames there."""
    times = motion.person.track.times
    since = float(times[begun if seek else 0])
    with closing(read_frames(source, start=max(0.0, since - 1e-3), stop=float(times[-1]) + 1e-3)) as frames:
        yield from (frame for frame in frames if motion.first + begun <= frame.index <= motion.last)


def _analysed(
    motion: Motion, frames: Iterator[Frame], draw: Draw, size: int, mode: str, clock: Stopwatch, *, begun: int = 0
) -> Iterator[Change]:
    """One change per frame from row `begun` on, not yet steady."""
    track = motion.person.track
    for start in range(begun, len(track), BATCH):
        rows = slice(start, min(start + BATCH, len(track)))
        if not motion.share[rows].any():
            for _ in range(rows.start, rows.stop):
                next(frames)
                yield no_change(size)
            continue
        with clock.stage("decode"):
            crops = np.stack([crop_frame(next(frames), quad, size) for quad in track.quads[rows]])
        points = np.stack([crop_points(p, q, size) for p, q in zip(track.landmarks[rows], track.quads[rows], strict=True)])
        with clock.stage("generate"):
            times = np.pad(np.asarray(track.times[rows], np.float64), (0, BATCH - len(crops)), mode="edge")
            after, within = draw(padded(crops), padded(on_skin(motion, size, rows)), times)
            after = weaker(crops, after[: len(crops)], np.float32(motion.scale) * motion.strength[rows])
        with clock.stage("analyse"):
            found = composite.analyse(crops, after, points, mode=mode, within=within[: len(crops)])
        yield from found


def on_skin(motion: Motion, size: int, rows: slice) -> NDArray[np.float64]:
    """Landmarks [n,78,2] px of the crops of some rows, for what is drawn onto the skin below them: it moves as the skin does
    (composite.motion), and only where on it they lie is smoothed, over more time than a face could be. So it shakes no more than skin."""
    track, moved, seconds = motion.person.track, motion.person.moved, motion.steady.placed
    method = METHODS[motion.steady.method]
    reach = method.reach * seconds
    first, last = np.searchsorted(track.times, (track.times[rows][0] - reach, track.times[rows][-1] + reach))
    near, wanted = slice(int(first), int(last) + 1), slice(rows.start - int(first), rows.stop - int(first))
    points = np.stack([crop_points(p, q, 1) for p, q in zip(track.landmarks[near], track.quads[near], strict=True)])
    found = points[wanted]
    if moved is None or seconds <= 0:
        return np.asarray(size * found)
    gone = along(moved[near], points)
    times, present, weights = track.times[near], motion.present[near], motion.weights[near]
    lie = method.smooth(points - gone, times, present, seconds, weights=weights, start=wanted.start, stop=wanted.stop) + gone[wanted]
    off = np.linalg.norm(lie - found, axis=-1, keepdims=True)
    return np.asarray(size * (found + (lie - found) * np.clip(2 - off / STRAY, 0, 1)))
