"""What else moves when one attribute is edited, with and without locks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from videdit.evaluate.bench import Look
from videdit.evaluate.ladder import Trial

Floats = NDArray[np.floating]
Rows = NDArray[np.integer]
MOVED = 0.25  # |dp| that preservation counts as a change


def leakage(trial: Trial, free: Look, size: float, locks: Sequence[str], rows: Rows) -> dict[str, object]:
    """The edit without and with `locks` (source names) at the same strength, on the faces `rows`; free: the look at all faces without.

    changed: change rate of the attribute itself; others: by source name, `mean` |dp|, `along` (mean dp in the direction of the edit,
    so that what goes along with the attribute is positive) and `moved` (share with |dp| >= 0.25).
    """
    held = trial.look(size, rows, locks=locks, views=["seen"])
    before, flips = trial.people.seen[rows], trial.people.flips(trial.column, rows)
    out: dict[str, object] = {"strength": size, "locks": list(locks)}
    for name, after in (("free", free.seen[rows]), ("locked", held.seen)):
        look = Look(after, np.zeros(0, np.float32), np.zeros(0, np.uint8), np.zeros(0, np.uint8))
        out[name] = {"changed": trial.rates(look, rows)["seen"]["changed"], "others": moves(before, after, flips, trial.bench.names)}
    return out


def moves(before: Floats, after: Floats, flips: Floats, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """How each attribute's probability [n,A] moved, by name."""
    dp = np.asarray(after, np.float64) - before
    rows = zip(names, np.abs(dp).mean(0), (dp * flips[:, None]).mean(0), (np.abs(dp) >= MOVED).mean(0), strict=True)
    return {name: {"mean": float(mean), "along": float(along), "moved": float(moved)} for name, mean, along, moved in rows}


def summary(found: Mapping[str, Mapping[str, object]], source: str, locks: Sequence[str]) -> dict[str, float | str]:
    """A line of the table out of `leakage`'s answer."""
    line: dict[str, float | str] = {}
    for state in ("free", "locked"):
        others: Mapping[str, Mapping[str, float]] = {k: v for k, v in found[state]["others"].items() if k != source}  # type: ignore[attr-defined]
        line[f"{state} changed"] = float(found[state]["changed"])  # type: ignore[arg-type]
        line[f"{state} all"] = float(np.mean([v["mean"] for v in others.values()]))
        line[f"{state} locks"] = float(np.mean([others[name]["mean"] for name in locks if name in others])) if locks else float("nan")
    most = sorted((item for item in found["free"]["others"].items() if item[0] != source), key=lambda item: -item[1]["mean"])  # type: ignore[attr-defined]
    line["moves most"] = ", ".join(f"{name} {value['along']:+.2f}" for name, value in most[:3])
    return line
