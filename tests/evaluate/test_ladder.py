"""Rates, and where a curve reaches them."""

from __future__ import annotations

import numpy as np
import pytest

from videdit.evaluate.ladder import at_rate, best_strength, matched, rates_of, strength_for, turn
from videdit.evaluate.likeness import strangers_median


def points(*pairs: tuple[float, float]) -> list[dict[str, object]]:
    return [{"strength": s, "seen": {"changed": c, "kept": 1.0}} for s, c in pairs]


def test_rates_count_only_faces_that_are_not_yet_as_asked() -> None:
    before = np.array([[0.1, 0.5], [0.2, 0.5], [0.9, 0.5], [0.8, 0.5]])
    after = np.array([[0.7, 0.5], [0.3, 0.9], [0.1, 0.5], [0.9, 0.5]])
    asked = np.array([True, True, False, True])  # the last one has it already
    found = rates_of(before, after, 0, asked)
    assert found["changed"] == pytest.approx(2 / 3)
    assert found["on"] == pytest.approx(1 / 2)
    assert found["off"] == 1.0
    assert found["kept"] == pytest.approx(3 / 4)


def test_the_strength_lies_between_the_measured_ones() -> None:
    curve = points((1, 0.4), (2, 0.8), (3, 0.7), (4, 1.0))
    assert strength_for(curve, 0.6, "seen") == pytest.approx(1.5)
    assert strength_for(curve, 0.2, "seen") == pytest.approx(0.5)
    assert strength_for(curve, 0.9, "seen") == pytest.approx(3.5)  # a dip does not count as falling back
    assert strength_for(curve[:1], 0.9, "seen") is None


def test_where_it_is_never_reached_the_best_there_is_serves() -> None:
    assert best_strength(points((1, 0.2), (2, 0.6), (3, 0.5))) == 2


def test_figures_at_a_rate() -> None:
    entries = [{"changed": 0.8, "kept": 0.98}, {"changed": 0.96, "kept": 0.90}]
    assert at_rate(entries, 0.88, "kept") == pytest.approx(0.94)
    assert at_rate(entries, 0.4, "kept") == pytest.approx(0.99)  # doing nothing keeps everything
    assert at_rate(entries, 0.97, "kept") == pytest.approx(0.90)  # as near as makes no difference
    assert np.isnan(at_rate(entries, 0.99, "kept"))
    assert np.isnan(at_rate(entries, 0.9, "identity"))


def test_a_few_faces_an_attribute_are_many_together() -> None:
    assert {int(row) for number in range(8) for row in turn(number, 64, 500)} == set(range(500))
    assert list(turn(3, 64, 10)) == [2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_strangers_are_different_people() -> None:
    codes = np.array([[1.0, 0], [1, 0], [0, 1], [0.6, 0.8]])
    assert strangers_median(codes, np.array([0, 0, 1, 1])) == pytest.approx(0.3)
    assert np.isnan(strangers_median(codes, np.zeros(4, int)))


class Rising:
    """A trial whose change rate is half of what the curve promised."""

    people = range(8)
    number = 0

    def __init__(self) -> None:
        self.asked: list[float] = []

    def look(self, size: float, rows: np.ndarray, *, views: list[str], keep: bool) -> float:
        self.asked.append(size)
        return size

    def rates(self, look: float, rows: np.ndarray) -> dict[str, dict[str, float]]:
        return {view: {"changed": 0.3 * look, "kept": 1 - 0.01 * look} for view in ("seen", "drawn")}


def test_a_rate_that_was_missed_is_tried_further_up_to_the_curves_end() -> None:
    trial = Rising()
    curve = [{"strength": s, "seen": {"changed": c}, "drawn": {"changed": 0.0}} for s, c in ((1, 0.9), (2, 1.0))]
    entries, main = matched(trial, curve, [0.8, 0.9], np.arange(4), None, None, 0)  # type: ignore[arg-type]
    assert trial.asked == pytest.approx([0.8 / 0.9, 1.0, 1.2, 1.44, 1.728, 2.0])
    assert main == 1.0
    assert [e["faces"] for e in entries["seen"]] == [4, 8, 8, 8, 8, 8]
    assert entries["drawn"] == []
