"""The observer sees what an edit does: nothing where nothing was done, and the edit where it is."""

from __future__ import annotations

import base64
import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.scripted import HEIGHT, WIDTH, face_points, make_clip, picture, script
from tests.tinypack import SIZE, make_tiny_pack
from videdit.cli.main import main
from videdit.geometry import face_quad
from videdit.networks.recognizer import Recognizer
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_network
from videdit.pipeline.stills import frame_of
from videdit.report import Observer
from videdit.types import Frame, Track

COUNT = 20


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = make_tiny_pack(tmp_path_factory.mktemp("packs"), name="face-128")
    torch.manual_seed(3)
    config = {"size": SIZE, "width": 4, "dim": 16}
    save_network(folder, "recognizer", Recognizer(**config), config, license="MIT", trained_on="nothing")
    return load_pack(folder)


def track(pack: Pack) -> Track:
    times = np.arange(COUNT) / 24
    points = np.stack([face_points(time) for time in times])
    quads = np.stack([face_quad(p, pack.face_frame) for p in points])
    return Track(np.arange(COUNT), times, quads, points, np.ones(COUNT, np.float32))


def frames(index: int, change: float) -> tuple[Frame, Frame, np.ndarray]:
    """A frame, the same with a lighter middle, and where that is."""
    source = picture(index)
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[40:90, 50:110] = 1 if change else 0
    edited = np.clip(source + change * mask[..., None], 0, 255).astype(np.uint8)
    return (*(frame_of(p, index=index, time_base=Fraction(1, 24)) for p in (source, edited)), mask)


def observed(pack: Pack, change: float) -> dict:  # type: ignore[type-arg]
    observer, share = Observer(pack, {"smile": 1.0}), np.ones(COUNT, np.float32)
    share[:4] = 0
    observer.meet([(track(pack), share)])
    for index in range(COUNT):
        observer(*frames(index, change))
    (found,) = observer.measures()
    return found


def test_nothing_done(pack: Pack) -> None:
    found = observed(pack, 0)
    assert len(found["times"]) == len(found["identities"]) == COUNT - 4
    assert found["identity"]["min"] == pytest.approx(1, abs=1e-5)
    assert found["identity"]["TL-ID"] == pytest.approx(1, abs=1e-5)
    assert found["attributes"]["smile"]["before"] == pytest.approx(found["attributes"]["smile"]["after"])
    assert all(value == pytest.approx(0, abs=1e-6) for value in found["others"].values())
    assert found["seam"]["level"] is None


def test_something_done(pack: Pack) -> None:
    found = observed(pack, 60)
    assert found["identity"]["mean"] < 0.9999
    assert found["seam"]["level"] > 30
    assert found["seam"]["gradient"] > 1.1
    assert found["flicker"] > 0
    assert len(found["flickers"]["edited"]) == COUNT - 4
    assert len(found["strip"]) == 8
    time, before, after = found["strip"][0]
    assert time == pytest.approx(4 / 24)
    pictures = [cv2.imdecode(np.frombuffer(base64.b64decode(uri.split(",")[1]), np.uint8), cv2.IMREAD_COLOR) for uri in (before, after)]
    assert pictures[0].shape == (160, 160, 3)
    assert pictures[1].mean() > pictures[0].mean() + 5


def test_a_pack_without_a_recognizer_has_no_identity(tmp_path: Path) -> None:
    found = observed(load_pack(make_tiny_pack(tmp_path)), 60)
    assert "identity" not in found
    assert found["attributes"]


def test_from_the_command(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    monkeypatch.setenv("VIDEDIT_PACKS", str(pack.manifest.root.parent))
    source, page = make_clip(tmp_path / "in.mp4", pts=range(8)), tmp_path / "r.html"
    command = [str(source), "--smile", "1", "-o", str(tmp_path / "out.mp4"), "--no-cache", "-q", "--report", str(page)]
    assert main(command) == 0
    (file,) = json.loads((tmp_path / "r.json").read_text())["files"]
    (person,) = file["measured"]
    assert len(person["identities"]) == 8
    assert "strip" not in person
    text = page.read_text("utf-8")
    assert "data:image/jpeg;base64," in text and "in.mp4" in text
    assert main([*command, "--overwrite"]) == 0
    assert main([*command[:-1], str(tmp_path / "no" / "r.html"), "--overwrite"]) == 7
