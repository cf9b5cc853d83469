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


def test_sunglasses_are_left_out_and_glasses_stay(tmp_path: Path) -> None:
    work = make_work(tmp_path, people=12)
    faces = data.load(work)
    row = faces.attributes.index("Eyeglasses")
    wearers = np.flatnonzero(faces.labels[:, row])
    bare = np.flatnonzero(faces.labels[:, row] == 0)
    pictures = np.array(faces.faces)
    dark = [wearers[0], bare[0]]  # a shadow over the eyes of a face without glasses is none of glasses
    pictures[dark, 50:66, 30:98] = 15
    np.save(work / "faces.npy", pictures)
    everybody = np.arange(len(faces.labels))
    left = data.load(work).without_dark_lenses(everybody)
    assert sorted(set(everybody) - set(left)) == [wearers[0]]
