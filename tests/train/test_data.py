"""Held-out people: those one chooses by are not those one reports."""

from pathlib import Path

import numpy as np

from tests.train.faces import make_work
from videdit.train import data


def test_nobody_is_chosen_by_and_reported(tmp_path: Path) -> None:
    faces = data.load(make_work(tmp_path, people=60))
    chosen_by, reported = faces.held_out(choosing=True), faces.held_out(choosing=False)
    assert 0 < len(chosen_by) < len(reported)
    assert sorted([*chosen_by, *reported]) == faces.rows(5).tolist()
    assert not np.intersect1d(faces.identity[chosen_by], faces.identity[reported]).size
