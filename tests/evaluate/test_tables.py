"""Means compare like with like."""

from __future__ import annotations

from typing import Any

from videdit.evaluate.tables import _means, _pairs, best, page


def method(**figures: tuple[float, float] | None) -> dict[str, Any]:
    """By attribute, preservation and identity at 0.9; None where it is not reached."""
    out: dict[str, Any] = {}
    for name, figure in figures.items():
        entries = [{"rate": 0.9, "strength": 1.0, "changed": 0.9, "kept": figure[0], "identity": figure[1]}] if figure else []
        curve = [{"strength": 3.0, "seen": {"changed": 0.4, "kept": 0.9}, "drawn": {"changed": 0.4, "kept": 0.9}}]
        out[name] = {"source": name, "matched": {"seen": entries, "drawn": []}, "curve": curve}
    return {"attributes": out}


METHODS = {"axes": method(smile=(0.98, 0.96), hat=(0.80, 0.70)), "ganspace": method(smile=(0.96, 0.95), hat=None)}


def test_means_say_over_how_many_attributes() -> None:
    axes, ganspace = _means(METHODS, [0.9], "seen")
    assert axes["kept at 0.9"] == 0.89 and axes["attributes at 0.9"] == "2 of 2"
    assert ganspace["kept at 0.9"] == 0.96 and ganspace["attributes at 0.9"] == "1 of 2"


def test_baselines_are_compared_on_what_both_reach() -> None:
    (pair,) = _pairs(METHODS, [0.9, 0.95], "seen")
    assert (pair["rate"], pair["kept"], pair["kept, baseline"], pair["attributes both reach"]) == ("0.9", 0.98, 0.96, "smile")


def test_the_best_of_the_packs_own_methods() -> None:
    methods = METHODS | {"mapper": method(smile=(0.97, 0.99), hat=None)}
    assert best(methods) == {"smile": "mapper", "hat": "axes"}
    assert best({"ganspace": METHODS["ganspace"]}) == {}


def test_what_is_not_reached_is_said() -> None:
    head = {"faces": 2, "curve_faces": 2, "identities": 0, "pack": "p", "strengths": [3.0], "rates": [0.9], "methods": METHODS}
    text = page(head)
    assert "– (at most 0.40)" in text
    assert "nan" not in text
