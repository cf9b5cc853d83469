"""Changes by methods that redraw crops: frames are read once more, and what lies in a person's quads is redrawn, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit import composite
from videdit.composite import Change
from videdit.invert.encoder import BATCH
from videdit.pipeline.changes import Motion, batch_before, crop_points, no_change, padded, steadied, weaker
from videdit.pipeline.people import crop_frame
from videdit.pipeline.report import Stopwatch
from videdit.types import Frame
from videdit.video.reader import read_frames

Array = NDArray[np.float32]
Floats = NDArray[np.floating]
# crops [N,S,S,3], landmarks [N,78,2], times [N] s -> crops, where [N,S,S]
Draw = Callable[[Array, Floats, Floats], tuple[Array, Array]]


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
            after, within = draw(padded(crops), padded(points), times)
            after = weaker(crops, after[: len(crops)], np.float32(motion.scale) * motion.strength[rows])
        with clock.stage("analyse"):
            found = composite.analyse(crops, after, points, mode=mode, within=within[: len(crops)])
        yield from found
