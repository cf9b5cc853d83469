"""Things before a face: they are where they say they are, and the figures are those of changes that are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import hands, occlusion
from benchmarks.things import SIDE, covered, things
from tests.scripted import make_clip, picture, script
from tests.tinypack import make_tiny_pack
from videdit.config import Settings
from videdit.networks.occluder import Occluder
from videdit.packs.load import load_pack
from videdit.packs.save import save_network

SKIN = np.array([200.0, 150.0, 120.0])


@pytest.mark.parametrize("name", ["mug", "leaf", "letter", "ice", "hand"])
def test_a_thing_lies_where_its_opacity_says_and_nowhere_else(name: str) -> None:
    sprite, _ = things(SKIN)[name]
    assert sprite.shape == (SIDE, SIDE, 4)
    frame = picture(0)
    out, opacity = covered(frame, sprite, np.array([70.0, 60.0]), 60.0, 30.0, 0)
    assert np.array_equal(out[opacity == 0], frame[opacity == 0])
    there = opacity > 0.99
    assert 0.15 * 60**2 < there.sum() < 60**2
    other, _ = covered(255 - frame, sprite, np.array([70.0, 60.0]), 60.0, 30.0, 0)
    assert np.abs(out[there].astype(int) - other[there]).max() <= 3, "what is behind shows through"
    rows, columns = np.nonzero(opacity > 0.5)
    assert np.hypot(columns.mean() + 0.5 - 70, rows.mean() + 0.5 - 60) < 12


def test_the_hand_has_the_faces_colour() -> None:
    sprite, _ = things(SKIN)["hand"]
    palm = sprite[int(0.55 * SIDE), int(0.5 * SIDE)]
    assert palm[3] == 1
    assert np.abs(palm[:3] - SKIN).max() < 20


def test_figures_of_changes_that_are_known() -> None:
    face = np.zeros((2, 20, 20), bool)
    face[:, 5:15, 5:15] = True
    opacity = np.zeros((2, 20, 20), np.float32)
    opacity[1, :, :10] = 1
    bare = np.full((2, 20, 20, 3), 8, np.int16)
    change = np.full((2, 20, 20, 3), 6, np.int16)
    change[1, :, :10] = -1
    found = occlusion.measure(change, bare, opacity, face)
    assert found == pytest.approx({"under": 1.0, "under, worst": 1.0, "bare": 8.0, "kept": 0.75, "alike": 1.0})
    none = occlusion.measure(change, bare, 0 * opacity, face)
    assert np.isnan(none["under"]) and none["kept"] < 0.75


def test_what_is_shown_is_the_face_and_its_surroundings() -> None:
    face = np.zeros((2, 100, 200), bool)
    face[0, 40:60, 10:50], face[1, 40:60, 20:71] = True, True
    assert occlusion.around(face) == (slice(31, 68), slice(0, 100))


def sees_everywhere(folder: Path) -> None:
    """Give a pack a network that sees something before all of every face."""
    config = {"size": 16, "widths": [4, 8, 8, 8, 8]}
    network = Occluder(**config).eval()
    torch.nn.init.constant_(network.out.bias, 50.0)
    save_network(folder, "occluder", network, config, license="MIT", trained_on="nothing")


def test_a_row_with_and_without_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that sees something everywhere leaves nothing of the edit; a pack without one has one row for each thing."""
    script(monkeypatch)
    monkeypatch.setattr(occlusion, "things", lambda skin: {"leaf": things(skin)["leaf"]})
    clip, folder, settings = make_clip(tmp_path / "clip.mp4"), make_tiny_pack(tmp_path), Settings(cache=False, max_blur=100)
    rows, note = occlusion.run([(clip, {"smile": 1.5})], load_pack(folder), settings, frames=9)
    assert [row["network"] for row in rows] == ["no"]
    assert "no network" in note
    assert float(rows[0]["under"]) > 0.5
    sees_everywhere(folder)
    rows, note = occlusion.run([(clip, {"smile": 1.5})], load_pack(folder), replace(settings), frames=9, strips=tmp_path / "strips")
    assert [row["network"] for row in rows] == ["yes", "no"]
    assert "no network" not in note
    assert float(rows[0]["under"]) == 0.0
    assert float(rows[1]["under"]) > 0.5
    assert len(list((tmp_path / "strips").glob("*.png"))) == 2


def test_outlines_drawn_by_hand_lie_in_their_frames() -> None:
    _, masks = hands.drawn()
    assert len(masks) == 12
    assert all(0.02 < mask.mean() < 0.3 for mask in masks.values())


def test_rows_of_a_real_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes within the outlines only are counted, with the network and without, for every edit from the same start."""
    script(monkeypatch)
    clip, folder = make_clip(tmp_path / "clip.mp4"), make_tiny_pack(tmp_path)
    sees_everywhere(folder)
    high, wide = picture(0).shape[:2]
    all_of_it = [[0, 0], [wide, 0], [wide, high], [0, high]]
    (tmp_path / "hands.json").write_text(json.dumps({"clip": clip.name, "size": [wide, high], "frames": {"2": all_of_it, "5": all_of_it}}))
    monkeypatch.setattr(hands, "drawn", lambda read=hands.drawn: read(tmp_path / "hands.json"))
    monkeypatch.setattr(hands, "EDITS", ({"smile": 1.5}, {"smile": -1.5}))
    rows = hands.run(tmp_path, load_pack(folder), Settings(cache=False, max_blur=100), strips=tmp_path / "strips")
    assert [(row["edit"], row["network"]) for row in rows] == [(f"smile {s}", n) for s in ("+1.5", "-1.5") for n in ("yes", "no")]
    assert [float(row["under"]) == 0 for row in rows] == [True, False, True, False]
    assert len(list((tmp_path / "strips").glob("*.png"))) == 4
    assert hands.run(tmp_path / "strips", load_pack(folder), Settings(), strips=None) == []
