"""--max-identity-drop: how far an edit may go before the face is somebody else's, found on a few frames before any is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit import composite
from videdit.composite import Change
from videdit.edit.plan import Moves
from videdit.invert import encode
from videdit.pipeline.changes import Motion, acting, crop_points, padded, weaker
from videdit.pipeline.drawn import Draw, on_skin
from videdit.pipeline.models import Models
from videdit.pipeline.people import crop_frame
from videdit.types import Frame
from videdit.video.reader import read_frames

SAMPLES = 6  # frames of a shot, evenly spread
HALVINGS = 5  # of what lies between too much and little enough: to 3 % of the strength
NEAR = 0.95  # of the height, from which a frame counts as one where the edit shows most
SMALLEST = 0.1  # of the strength; an edit that has to be smaller is none

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Gate:
    """What became of one person in one shot, from `start` to `stop` s: `scale` 0..1 of the strength is shown, 0 where the gate does not
    hold even at SMALLEST. drop: 1 less the cosine of the worst sampled frame at that scale (at SMALLEST where it fails); asked: at full
    strength."""

    start: float
    stop: float
    scale: float
    drop: float
    asked: float

    def words(self, limit: float) -> str:
        """For a warning; empty where nothing was held back."""
        if self.scale == 1:
            return ""
        where = f"from {self.start:.2f} s to {self.stop:.2f} s"
        if self.scale == 0:
            return f"identity drops by {self.drop:.2f} even at {SMALLEST:.0%} of the strength {where} ({limit:g} allowed): left unedited"
        return f"held back to {self.scale:.0%} of the strength {where}: identity would drop by {self.asked:.2f} ({limit:g} allowed)"


def hold(motion: Motion, source: Path, models: Models, moves: Moves, limit: float, *, mode: str, blend: str) -> Gate:
    """The largest share of an edit at which no sampled frame's identity drops by more than `limit` (1 - cosine of the pack's recognizer,
    source against edited), by bisection. Sampled frames are composited singly, without what `steady` adds.

    Raises PackError for a pack without recognizer, UnreadableError.
    """
    pack, times = models.pack, motion.person.track.times
    rows = sample(motion, moves)
    if not len(rows):
        return Gate(float(times[0]), float(times[-1]), 1.0, 0.0, 0.0)
    frames = list(_frames_at(motion, rows, source))
    makers: list[tuple[Motion, Callable[[float], list[Change]]]] = []  # by the two ways an edit can work, see changes and drawn
    if moves.drawn:
        drawn = acting(motion, moves, drawn=True)
        makers.append((drawn, _drawn(drawn, rows, frames, partial(models.draw, moves=moves), pack.size, mode)))
    if moves.latent:
        moved = acting(motion, moves, drawn=False)
        makers.append((moved, _rendered(moved, rows, pack.size, mode)))
    crops = _crops(motion, rows, frames, pack.size)
    known = encode(pack.recognizer, crops, device=pack.device)

    def drop(scale: float) -> float:
        edited = [replace(frame, planes=tuple(plane.copy() for plane in frame.planes)) for frame in frames]
        for acts, make in makers:
            for frame, change, row in zip(edited, make(scale), rows, strict=True):
                composite.apply(frame, change, motion.person.track.quads[row], fade=float(acts.share[row]), blend=blend)
        codes = encode(pack.recognizer, _crops(motion, rows, edited, pack.size), device=pack.device)
        return float(1 - (codes * known).sum(1).min())

    scale, found, asked = largest(drop, limit)
    return Gate(float(times[0]), float(times[-1]), scale, found, asked)


def largest(drop: Callable[[float], float], limit: float) -> tuple[float, float, float]:
    """The largest scale in 0..1 with drop(scale) <= limit, taking drop to grow with it; the drop there; and drop(1). Scale 0, with the
    drop at SMALLEST, where even that is too much."""
    asked = drop(1.0)
    if asked <= limit:
        return 1.0, asked, asked
    low, found = SMALLEST, drop(SMALLEST)
    if found > limit:
        return 0.0, found, asked
    high = 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        value = drop(middle)
        if value <= limit:
            low, found = middle, value
        else:
            high = middle
    return low, found, asked


def sample(motion: Motion, moves: Moves) -> NDArray[np.integer]:
    """Rows of the track where the edit shows most, evenly spread: of a curve, where it is near its height."""
    weight = motion.present * motion.share * motion.strength * strength(moves, motion.person.track.times)
    shown = np.flatnonzero(weight > 0)
    shown = shown[weight[shown] >= NEAR * weight.max()] if len(shown) else shown
    middles = (np.arange(SAMPLES) + 0.5) / SAMPLES * len(shown)
    return shown[np.unique(middles.astype(int))] if len(shown) else shown


def strength(moves: Moves, times: NDArray[np.floating]) -> NDArray[np.float64]:
    """All that is asked for at times [T] s, in one figure [T]: the sum of what each strength is, whatever its sign."""
    asked = [value for method in moves.by_method for value in moves.strengths(method, times).values()]
    total = np.zeros(np.shape(times))
    for value in (*asked, moves.expressed(times)):
        total += np.abs(value)
    return total


def _frames_at(motion: Motion, rows: NDArray[np.integer], source: Path) -> Iterator[Frame]:
    """The frames of some rows, read singly: a shot may be long."""
    track = motion.person.track
    for row in rows:
        time = float(track.times[row])
        with closing(read_frames(source, start=max(0.0, time - 1e-3), stop=time + 1e-3)) as frames:
            yield next(frame for frame in frames if frame.index == int(track.frames[row]))


def _crops(motion: Motion, rows: NDArray[np.integer], frames: list[Frame], size: int) -> Array:
    return np.stack([crop_frame(frame, motion.person.track.quads[row], size) for frame, row in zip(frames, rows, strict=True)])


def _points(motion: Motion, rows: NDArray[np.integer], size: int) -> NDArray[np.floating]:
    track = motion.person.track
    return np.stack([crop_points(track.landmarks[row], track.quads[row], size) for row in rows])


def _rendered(motion: Motion, rows: NDArray[np.integer], size: int, mode: str) -> Callable[[float], list[Change]]:
    """Changes at a scale, by latents; what does not depend on the scale is made once."""
    pairs = [motion.latents(int(row), int(row) + 1) for row in rows]
    before, after = (np.concatenate(latents) for latents in zip(*pairs, strict=True))
    points, unedited = _points(motion, rows, size), motion.render(before)

    def make(scale: float) -> list[Change]:
        change = np.float32(scale) * (after - before)
        moves = composite.moves_of(change, motion.shape, size)
        return composite.analyse(unedited, motion.render(before + change), points, mode=mode, moves=moves)

    return make


def _drawn(
    motion: Motion, rows: NDArray[np.integer], frames: list[Frame], draw: Draw, size: int, mode: str
) -> Callable[[float], list[Change]]:
    """Changes at a scale, by redrawn crops."""
    crops, points, count = _crops(motion, rows, frames, size), _points(motion, rows, size), len(rows)
    times = padded(np.asarray(motion.person.track.times)[rows])
    lies = np.concatenate([on_skin(motion, size, slice(row, row + 1)) for row in rows])
    full, within = (found[:count] for found in draw(padded(crops), padded(lies), times))
    after = weaker(crops, full, motion.strength[rows])

    def make(scale: float) -> list[Change]:
        return composite.analyse(crops, crops + np.float32(scale) * (after - crops), points, mode=mode, within=within)

    return make
