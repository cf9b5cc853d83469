"""Pairwise covering: few rows of values in which every allowed pair of values stands somewhere. Deterministic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


def covering(factors: Mapping[str, Sequence[str]], allowed: Callable[[Row], bool]) -> list[Row]:
    """Rows, each with one value a factor, such that every pair of values that can stand in an allowed row does.

    allowed says of a row with some factors only whether it can be completed as far as is known.
    """
    names = list(factors)
    wanted = [pair for pair in _pairs(factors) if _complete(dict(pair), factors, names, allowed, set(), 0) is not None]
    open_pairs, rows = dict.fromkeys(wanted), []
    while open_pairs:
        row = _complete(dict(next(iter(open_pairs))), factors, names, allowed, set(open_pairs), len(rows))
        assert row is not None
        rows.append({name: row[name] for name in names})
        for pair in covered(rows[-1]):
            open_pairs.pop(pair, None)
    return rows


def covered(row: Row) -> set[Pair]:
    """All pairs of a row."""
    return set(combinations(row.items(), 2))


def _pairs(factors: Mapping[str, Sequence[str]]) -> list[Pair]:
    return [((a, x), (b, y)) for a, b in combinations(factors, 2) for x in factors[a] for y in factors[b]]


def _complete(
    row: Row, factors: Mapping[str, Sequence[str]], names: Sequence[str], allowed: Callable[[Row], bool], wanted: set[Pair], turn: int
) -> Row | None:
    """The row with all factors, each value chosen for the open pairs it covers, or else in turn; None where none is allowed."""
    if not allowed(row):
        return None
    missing = [name for name in names if name not in row]
    if not missing:
        return row
    name = missing[0]

    def gain(value: str) -> int:
        pairs = (((a, b), (name, value)) if names.index(a) < names.index(name) else ((name, value), (a, b)) for a, b in row.items())
        return sum(pair in wanted for pair in pairs)

    start = turn % len(factors[name])
    for value in sorted((*factors[name][start:], *factors[name][:start]), key=gain, reverse=True):
        found = _complete({**row, name: value}, factors, names, allowed, wanted, turn)
        if found is not None:
            return found
    return None
