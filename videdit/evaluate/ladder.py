"""One method on one attribute: change and preservation over strengths, then everything at a matched change rate.

Every face is asked to flip: towards the attribute where the judge does not see it in the picture, away from it where it does. Two views:
`seen` is the composited picture against the source picture, `drawn` the render of the edited latent against the render of the latent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from videdit.evaluate.bench import VIEWS, Bench, Look
from videdit.evaluate.likeness import Likeness
from videdit.evaluate.methods import Editor
from videdit.evaluate.people import People
from videdit.quality.attributes import preservation
from videdit.quality.identity import cosines

Floats = NDArray[np.floating]
Rows = NDArray[np.integer]
NEAR = 0.02  # a change rate missed by less than this counts as reached
MAIN = 0.9  # the change rate that everything but the table is measured at


@dataclass(frozen=True, slots=True)
class Trial:
    """A method on an attribute. source: the attribute's name in the pack; number: which of the evaluated attributes it is."""

    bench: Bench
    people: People
    editor: Editor
    source: str
    number: int = 0

    @property
    def column(self) -> int:
        """The judge's."""
        return self.bench.names.index(self.source)

    def strengths(self, size: float, rows: Rows) -> NDArray[np.float64]:
        """What is asked of each face [n] at a strength of this size."""
        return size * self.people.flips(self.column, rows)

    def asked(self, size: float, rows: Rows) -> dict[str, NDArray[np.float64]]:
        """The same by the attribute's name."""
        return {self.source: self.strengths(size, rows)}

    def look(self, size: float, rows: Rows, *, locks: Sequence[str] = (), views: Sequence[str] = VIEWS, keep: bool = False) -> Look:
        """What comes out of it."""
        return self.bench.look(self.editor, self.people, rows, partial(self.asked, size), locks=locks, views=views, keep=keep)

    def rates(self, look: Look, rows: Rows) -> dict[str, dict[str, float]]:
        """By view: changed (share of the faces not yet as asked that are, after), on and off (the same, one direction), kept
        (share of the other attributes with |dp| < 0.25)."""
        asked = self.people.flips(self.column, rows) > 0
        views = {"seen": (self.people.seen[rows], look.seen), "drawn": (self.people.drawn[rows], look.drawn)}
        return {view: rates_of(before, after, self.column, asked) for view, (before, after) in views.items() if len(after)}


def rates_of(before: Floats, after: Floats, column: int, asked: NDArray[np.bool_]) -> dict[str, float]:
    """changed, on, off and kept (see Trial.rates) of probabilities [n,A]; asked [n]: True where the attribute is to appear."""
    needed = (before[:, column] < 0.5) == asked
    done = (after[:, column] >= 0.5) == asked

    def share(member: NDArray[np.bool_]) -> float:
        return float(done[member].mean()) if member.any() else float("nan")

    kept = preservation(before, after, [column])
    return {"changed": share(needed), "on": share(needed & asked), "off": share(needed & ~asked), "kept": kept}


def curve(trial: Trial, strengths: Sequence[float], rows: Rows) -> list[dict[str, object]]:
    """The rates at each strength."""
    return [{"strength": float(s), **trial.rates(trial.look(s, rows), rows)} for s in strengths]


def strength_for(points: Sequence[Mapping[str, object]], rate: float, view: str) -> float | None:
    """The strength at which a curve reaches a change rate, between the strengths measured; None where it never does."""
    strengths = [0.0] + [float(p["strength"]) for p in points]  # type: ignore[arg-type]
    changed = [0.0] + [float(np.nan_to_num(p[view]["changed"])) for p in points]  # type: ignore[index]
    rising = np.maximum.accumulate(changed)
    if rising[-1] < rate:
        return None
    first = int(np.argmax(rising >= rate))
    low, high = rising[first - 1], rising[first]
    return float(np.interp(rate, [low, high], strengths[first - 1 : first + 1]))


def best_strength(points: Sequence[Mapping[str, object]], view: str = "seen") -> float:
    """Where a curve comes nearest to MAIN: that strength, or the one with the highest change rate."""
    reached = strength_for(points, MAIN, view)
    if reached is not None:
        return reached
    top = max(points, key=lambda p: float(np.nan_to_num(p[view]["changed"])))  # type: ignore[index]
    return float(top["strength"])  # type: ignore[arg-type]


def turn(number: int, count: int, total: int) -> Rows:
    """`count` of `total` faces, others for each attribute, so that few a attribute are many together."""
    return (number * count + np.arange(min(count, total))) % total


def matched(
    trial: Trial,
    points: Sequence[Mapping[str, object]],
    rates: Sequence[float],
    some: Rows,
    likeness: Likeness | None,
    codes: Codes,
    count: int,
) -> tuple[dict[str, list[dict[str, float]]], Look]:
    """By view, at each rate that the curve reaches: strength, the rates, identity on `count` faces. And the look at the composited
    pictures of everybody at MAIN (or as near as it gets).

    Everybody is looked at at MAIN; other rates are measured on the rows `some` with half as many identities, and not on renders.
    """
    everybody = np.arange(len(trial.people))
    out: dict[str, list[dict[str, float]]] = {view: [] for view in VIEWS}
    main: Look | None = None
    for rate in rates:
        size, rows = strength_for(points, rate, "seen"), everybody if rate == MAIN else some
        while size is not None:
            look = trial.look(size, rows, views=["seen"], keep=True)
            entry = _entry(trial, "seen", rate, size, rows, look, likeness, codes, count if rate == MAIN else count // 2)
            main = look if rate == MAIN and main is None else main
            out["seen"].append(entry)
            size = _further(points, size) if rate == max(rates) and entry["changed"] < rate - NEAR else None
    if main is None:
        main = trial.look(best_strength(points), everybody, views=["seen"], keep=True)
    size = strength_for(points, MAIN, "drawn") if "drawn" in points[0] else None
    if size is not None:
        look = trial.look(size, everybody, views=["drawn"], keep=True)
        out["drawn"].append(_entry(trial, "drawn", MAIN, size, everybody, look, likeness, codes, count))
    return out, main


def _further(points: Sequence[Mapping[str, object]], size: float) -> float | None:
    """A somewhat larger strength within the curve; None at its end."""
    top = max(float(p["strength"]) for p in points)  # type: ignore[arg-type]
    return min(top, 1.2 * size) if size < top else None


def _entry(
    trial: Trial, view: str, rate: float, size: float, rows: Rows, look: Look, likeness: Likeness | None, codes: Codes, count: int
) -> dict[str, float]:
    people = trial.people
    found = {"rate": rate, "strength": size, "faces": len(rows), **trial.rates(look, rows)[view]}
    if likeness is None or count == 0:
        return found
    chosen = turn(trial.number, count, len(rows))
    pictures, points = (look.pictures, people.points) if view == "seen" else (look.renders, people.marks)
    same = cosines(codes.of(view, rows[chosen], likeness), likeness.codes(pictures[chosen], points[rows[chosen]]))
    return found | {"identity": float(same.mean()), "identity_10th": float(np.quantile(same, 0.1))}


class Codes:
    """Embeddings of the unedited pictures and renders, each made once."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._known: dict[tuple[str, int], NDArray[np.float64]] = {}

    def of(self, view: str, rows: Rows, likeness: Likeness) -> NDArray[np.float64]:
        """Embeddings [n,dim] of these faces in a view."""
        people, missing = self._people, [int(row) for row in rows if (view, int(row)) not in self._known]
        if missing:
            pictures = people.pictures if view == "seen" else np.clip(np.rint(people.before), 0, 255).astype(np.uint8)
            points = people.points if view == "seen" else people.marks
            for row, code in zip(missing, likeness.codes(pictures[missing], points[missing]), strict=True):
                self._known[view, row] = code
        return np.stack([self._known[view, int(row)] for row in rows])


def at_rate(entries: Sequence[Mapping[str, float]], rate: float, name: str) -> float:
    """A figure at a change rate, between the measured ones; doing nothing changes and harms nothing. NaN where none comes near."""
    known = sorted((e["changed"], e[name]) for e in entries if name in e)
    if not known or known[-1][0] < rate - NEAR:
        return float("nan")
    return float(np.interp(rate, [0.0] + [k[0] for k in known], [1.0] + [k[1] for k in known]))
