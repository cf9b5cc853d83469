"""From a person's latents to one change per frame: edit, render before and after, analyse, steady."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from videdit import composite, edit
from videdit.composite import Change
from videdit.config import Settings
from videdit.geometry import quad_to_crop, transform_points
from videdit.invert.encoder import BATCH
from videdit.packs.load import Pack
from videdit.pipeline.calm import calmed
from videdit.pipeline.certainty import factors_of, strength_of
from videdit.pipeline.covers import uncovered
from videdit.pipeline.lowered import Lowered
from videdit.pipeline.people import Person, Sight
from videdit.pipeline.report import Stopwatch
from videdit.pipeline.steadiness import Steadiness, smooth_latents, steadiness_of, there, weights_of
from videdit.pipeline.threads import ahead
from videdit.smooth import METHODS, fade
from videdit.store import Rows

Latents = NDArray[np.float32]  # [N,L,D]
Pictures = NDArray[np.float32]  # [N,S,S,3] RGB 0..255
Render = Callable[[Latents], Pictures]
Move = Callable[[Latents, NDArray[np.floating]], Latents]  # latents at times [N] s -> edited ones
Shape = NDArray[np.float32]  # [78,2,L,D]: movement of each landmark, in crop sides, per unit of each latent


@dataclass(slots=True)
class Motion:
    """A person ready to be rendered.

    present bool [T]: where the face is there, short misses bridged; share float32 [T]: how much of the change shows; strength float32
    [T]: how much of the edit the face bears; scale: how far the edit goes of what was asked, 0..1; weights float64 [T]: how far its
    latents are trusted; steady: smoothing; move: the edit; render: by the generator that serves this person; shape: how the pack's
    latents move landmarks, if it says; kept: where renders of the unedited face are kept between runs; rows: how many pictures `render`
    makes at once. Latents are smoothed and moved a few rows at a time, so that a long track is held only once.
    """

    person: Person
    present: NDArray[np.bool_]
    share: NDArray[np.float32]
    strength: NDArray[np.float32]
    weights: NDArray[np.float64]
    steady: Steadiness
    move: Move
    render: Render
    shape: Shape | None = None
    scale: float = 1.0
    kept: Rows | None = None
    rows: int = BATCH

    @property
    def first(self) -> int:
        """Number of the first frame."""
        return int(self.person.track.frames[0])

    @property
    def last(self) -> int:
        """Number of the last frame."""
        return int(self.person.track.frames[-1])

    def latents(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Latents float32 [n,L,D] of rows start..stop, before and after the edit."""
        before = smooth_latents(self.person, self.steady, self.weights, start, stop)
        after = self.move(before, self.person.track.times[start:stop])
        return before, weaker(before, after, np.float32(self.scale) * self.strength[start:stop])

    def both(self, before: Latents, after: Latents, start: int) -> tuple[Pictures, Pictures]:
        """Renders [n,S,S,3] of latents [n,L,D] before and after the edit, rows from `start` on, in one pass where `render` makes that many.

        Those before are whole levels, whether they are made now or were kept.
        """
        count = len(before)
        if self.kept and (known := self.kept.read(start, start + count)) is not None:
            return known.astype(np.float32), self.render(after)
        if self.rows < 2 * BATCH:
            made, edited = self.render(before), self.render(after)
        else:
            pictures = self.render(np.concatenate([before, after]))
            made, edited = pictures[:count], pictures[count:]
        whole = np.rint(made).astype(np.uint8)
        if self.kept:
            self.kept.write(start, whole)
        return whole.astype(np.float32), edited

    def passes(self, begun: int) -> Iterator[tuple[list[slice], bool]]:
        """Rows from `begun` on, BATCH by BATCH, and whether anything of them shows; of those that do, as many together as fill a pass."""
        alone = self.kept is not None and self.kept.whole  # only edited renders are to be made
        most, count = max(1, (self.rows if alone else self.rows // 2) // BATCH), len(self.person.track)
        waiting: list[slice] = []
        for start in range(begun, count, BATCH):
            rows = slice(start, min(start + BATCH, count))
            shows = bool(self.share[rows].any())
            if waiting and (not shows or len(waiting) == most):
                yield waiting, True
                waiting = []
            if shows:
                waiting.append(rows)
            else:
                yield [rows], False
        if waiting:
            yield waiting, True


def weaker(before: NDArray[np.float32], after: NDArray[np.float32], strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is edited, `after` [n,...], taken back towards `before` where strength [n] is below 1; to the bit `after` where it is 1."""
    if (strength >= 1).all():
        return after
    share = strength.reshape(-1, *[1] * (after.ndim - 1))
    return np.where(share < 1, before + share * (after - before), after)


def shares(person: Person, sight: Sight, ramp: float) -> NDArray[np.float32]:
    """How much of the edit each frame of a track shows; no ramp (of that many seconds) where the clip or a shot begins or ends."""
    track = person.track
    borders = {*sight.shots, sight.frames}
    starts, ends = int(track.frames[0]) in borders, int(track.frames[-1]) + 1 in borders
    return fade(track.times, there(person), seconds=ramp, open_start=starts, open_end=ends)


def motion_of(
    person: Person,
    sight: Sight,
    moves: edit.Moves,
    pack: Pack,
    render: Render,
    settings: Settings,
    lowered: Lowered | None = None,
    *,
    rows: int = BATCH,
) -> Motion:
    """The edit of one person; lowered: counts the frames with less of it; rows: how many pictures `render` makes at once."""
    steady, weights = steadiness_of(settings), weights_of(person)
    moves = calmed(moves, person, steady, weights, pack)

    def move(w: NDArray[np.float32], times: NDArray[np.floating]) -> NDArray[np.float32]:
        return edit.move(w, moves, pack, times=times).astype(np.float32, copy=False)

    present, share, factors = there(person), shares(person, sight, settings.ramp), factors_of(person, settings)
    if lowered is not None:
        lowered.add(factors, share, valid=person.latents.valid, present=present)
    strength = strength_of(factors, person.track.times, present, settings.ramp)
    return Motion(person, present, share, strength, weights, steady, move, render, pack.shape(), rows=rows)


def acting(motion: Motion, moves: edit.Moves, *, drawn: bool) -> Motion:
    """The same for one kind of method (drawn: those that redraw crops), showing nothing where that is asked for nothing.

    Beside such frames the change fades: it is the mean over its neighbours (`steady`), and would end in a step.
    """
    times = motion.person.track.times
    acts = moves.acts(times, drawn=drawn)
    if acts.all():
        return motion
    return replace(motion, share=motion.share * fade(times, acts, seconds=motion.steady.changes, open_start=True, open_end=True))


def changes(motion: Motion, size: int, *, mode: str, clock: Stopwatch, start: int = 0) -> Iterator[Change]:
    """One change per frame of the track from row `start` on, steady over time; renders are made in batches, as they are asked for."""
    return steadied(motion, analysed(motion, size, mode=mode, clock=clock, begun=batch_before(motion, start)), size, start)


def batch_before(motion: Motion, row: int) -> int:
    """The row at which the batches begin that the change at a row depends on: the same batches as from the track's beginning."""
    if not 0 < row < len(motion.person.track):
        return 0
    behind = composite.behind_of(motion.steady.changes, _filter(motion.steady))
    return composite.needed_from(np.asarray(motion.person.track.times, np.float64), row, behind) // BATCH * BATCH


def steadied(motion: Motion, raw: Iterator[Change], size: int, start: int = 0) -> Iterator[Change]:
    """A person's changes from row `start` on, smoothed over time, but for what is in front of them.

    raw: changes from row `batch_before(start)` on, made in a thread of their own while others are smoothed.
    """
    times, begun = np.asarray(motion.person.track.times, np.float64), batch_before(motion, start)
    seconds, other = motion.steady.changes, _filter(motion.steady)
    moved, weights = motion.person.moved, motion.weights
    with closing(ahead(raw, 2 * BATCH)) as made:
        calm = composite.steady(
            made, times, motion.present, seconds=seconds, weights=weights, other=other, moved=moved, start=start, begun=begun
        )
        yield from uncovered(calm, motion.person.covers, size, start=start)


def _filter(steady: Steadiness) -> composite.Filter | None:
    """How changes are smoothed; None is the composite's own Gaussian mean."""
    if steady.method == "gaussian":
        return None
    method = METHODS[steady.method]
    return composite.Filter(method.smooth, method.reach, 0.0 if method.causal else method.reach)


def analysed(motion: Motion, size: int, *, mode: str, clock: Stopwatch, begun: int = 0) -> Iterator[Change]:
    """One change per frame from row `begun` on, where a batch begins; not yet steady."""
    track = motion.person.track
    for parts, shows in motion.passes(begun):
        if not shows:  # outside of --from and --to there is nothing to render
            yield from (no_change(size) for part in parts for _ in range(part.start, part.stop))
            continue
        with clock.stage("generate"):  # all but the renders in the same batches whatever a pass takes: sums round by how many there are
            latents = [motion.latents(part.start, part.stop) for part in parts]
            befores, afters = (np.concatenate(them) for them in zip(*latents, strict=True))
            pictures = motion.both(befores, afters, parts[0].start)
        for part, (before, after) in zip(parts, latents, strict=True):
            points = np.stack([crop_points(p, q, size) for p, q in zip(track.landmarks[part], track.quads[part], strict=True)])
            made = slice(part.start - parts[0].start, part.stop - parts[0].start)
            with clock.stage("analyse"):
                moves = composite.moves_of(after - before, motion.shape, size)
                found = composite.analyse(pictures[0][made], pictures[1][made], points, mode=mode, moves=moves)
            yield from found


def no_change(size: int) -> Change:
    """What a frame without an edit changes."""
    plane, picture = np.zeros((size, size), np.float32), np.zeros((size, size, 3), np.float32)
    return Change(np.zeros((size, size, 2), np.float32), picture, plane, plane, plane, picture, picture)


def crop_points(landmarks: NDArray[np.floating], quad: NDArray[np.floating], size: int) -> NDArray[np.floating]:
    """Landmarks [78,2] px of the frame in px of the crop."""
    return transform_points(landmarks, quad_to_crop(quad, size))


def padded(w: NDArray[np.floating]) -> NDArray[np.float32]:
    """[n,...] filled up to a whole batch with its last row."""
    w = np.asarray(w, np.float32)
    return w if len(w) == BATCH else np.concatenate([w, np.repeat(w[-1:], BATCH - len(w), axis=0)])
