from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.faces.conftest import MakeFrame, face_at
from videdit.errors import MissingError, PackError
from videdit.faces.landmarks import FAN_FILES, LANDMARKS, FanLandmarks, MeshLandmarks, add_forehead, cut, fan_weights, heatmap_points
from videdit.faces.shape import MEAN_FACE, five_points
from videdit.geometry import transform_points
from videdit.packs.fetch import fetch
from videdit.packs.registry import read_registry
from videdit.packs.weights import digest, place
from videdit.types import Face


class BrightSpot(nn.Module):
    """Takes the centre of brightness for the middle between the eyes of an average face."""

    size = 96

    def folded(self) -> BrightSpot:
        return self

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        light = ((image[:, 0] + 1) / 2).clamp(0, 1) ** 4
        middle = (torch.arange(self.size) + 0.5) / self.size
        total = light.sum((1, 2)).clamp_min(1e-6)
        x, y = (light.sum(1) * middle).sum(1) / total, (light.sum(2) * middle).sum(1) / total
        shape = torch.tensor(MEAN_FACE).float() * 0.25
        return shape + torch.stack([x, y], -1)[:, None], torch.where(total > 5, 5.0, -5.0)


def picture_with_spot(x: float, y: float, radius: int = 30) -> np.ndarray:
    rgb = np.zeros((360, 480, 3), np.uint8)
    cv2.circle(rgb, (int(x), int(y)), radius, (255, 255, 255), -1)
    return rgb


@pytest.mark.parametrize("turn", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("eyes", [30.0, 150.0])
def test_cut_shows_each_point_where_the_matrix_says(make_frame: MakeFrame, turn: float, eyes: float) -> None:
    c, s = np.cos(turn) * eyes, np.sin(turn) * eyes
    points = transform_points(MEAN_FACE, np.array([[c, -s, 700.0], [s, c, 500.0]]))
    rgb = np.zeros((1000, 1400, 3), np.uint8)
    cv2.circle(rgb, tuple(int(v) for v in points[30]), max(2, int(eyes / 12)), (255, 255, 255), -1)
    crop, matrix = cut(make_frame(rgb), points, 96, 1.4)
    rows, columns = np.nonzero(crop[..., 0] > 100)
    expected = transform_points(points[30], matrix)
    assert np.allclose([columns.mean() + 0.5, rows.mean() + 0.5], expected, atol=1.0)
    up, down = transform_points(points[27], matrix), transform_points(points[8], matrix)
    assert abs(up[0] - down[0]) < 1  # the face stands upright in its crop


def test_cut_at_the_edge_of_the_frame_repeats_it(make_frame: MakeFrame) -> None:
    crop, _ = cut(make_frame(np.full((200, 200, 3), 77, np.uint8)), MEAN_FACE * 60 + [-10, 195], 96, 1.4)
    assert np.allclose(crop, 77, atol=0.5)


def test_mesh_homes_in_on_a_detection_and_follows(make_frame: MakeFrame) -> None:
    mesh = MeshLandmarks(BrightSpot())  # type: ignore[arg-type]
    face = face_at(215, 160)
    points, presence = mesh.find(make_frame(picture_with_spot(200, 150)), Face(face.box, five_points(face.landmarks), 0.9))
    assert presence > 0.9
    assert np.allclose((points[36:42].mean(0) + points[42:48].mean(0)) / 2, [200, 150], atol=3)
    moved, presence = mesh.follow(make_frame(picture_with_spot(212, 156)), points)
    eyes = (moved[36:42].mean(0) + moved[42:48].mean(0)) / 2
    assert np.allclose(eyes, [212, 156], atol=3)
    assert mesh.follow(make_frame(picture_with_spot(20, 340, 2)), points)[1] < 0.1


class Maps(nn.Module):
    """68 heatmaps that always show the average face."""

    def __init__(self) -> None:
        super().__init__()
        points = torch.tensor(MEAN_FACE[:68]).float() * 14 + torch.tensor([32.0, 26.0])
        y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
        maps = torch.exp(-((x - points[:, :1, None]) ** 2 + (y - points[:, 1:, None]) ** 2) / 4.5)
        self.register_buffer("maps", maps[None])

    def forward(self, image: Tensor) -> Tensor:
        return self.maps


def test_heatmaps_are_read_to_a_fraction_of_a_pixel() -> None:
    points, heights = heatmap_points(Maps().maps[0].numpy())
    assert np.abs(points - (MEAN_FACE[:68] * 14 + [32, 26])).max() < 0.25
    assert heights.min() > 0.7


@pytest.fixture
def fan_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """face-alignment's network, replaced by Maps."""
    monkeypatch.setitem(sys.modules, "face_alignment", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "face_alignment.models", SimpleNamespace(FAN=lambda stacks: Maps()))


def test_fan_gives_78_points(make_frame: MakeFrame, tmp_path: Path, fan_net: None) -> None:
    torch.save(Maps().state_dict(), tmp_path / "fan.pth.tar")
    fan = FanLandmarks(weights=tmp_path / "fan.pth.tar")
    points, presence = fan.find(make_frame(picture_with_spot(200, 150)), face_at(200, 150))
    assert points.shape == (78, 2)
    assert presence == 1.0


def test_torchscript_runs_only_if_it_is_the_published_file(make_frame: MakeFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.jit.script(Maps()).save(str(tmp_path / "fan.zip"))
    with pytest.raises(PackError, match="is not run"):
        FanLandmarks(weights=tmp_path / "fan.zip")
    monkeypatch.setattr("videdit.faces.landmarks.FAN_SCRIPT", digest(tmp_path / "fan.zip"))
    fan = FanLandmarks(weights=tmp_path / "fan.zip")
    assert fan.find(make_frame(picture_with_spot(200, 150)), face_at(200, 150))[1] == 1.0


class Shout:
    """A pickle that would write a file when read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("canary",)


@pytest.mark.parametrize("content", ["hostile", "other", "empty", "noise"])
def test_other_files_are_refused_unread(tmp_path: Path, fan_net: None, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "fan.pth.tar"
    if content in ("hostile", "other"):
        torch.save({"maps": Shout() if content == "hostile" else torch.zeros(1)}, path)
    else:
        path.write_bytes(b"" if content == "empty" else b"noise" * 100)
    with pytest.raises(PackError, match="can't be read as the weights of FAN"):
        FanLandmarks(weights=path)
    assert not (tmp_path / "canary").exists()


def test_forehead_is_the_average_ones() -> None:
    assert np.allclose(add_forehead(MEAN_FACE[:68] * 50 + 9), MEAN_FACE * 50 + 9)


def test_fan_without_weights_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("VIDEDIT_WEIGHTS", str(tmp_path / "weights"))
    with pytest.raises(MissingError) as error:
        LANDMARKS["fan"](None)
    assert str(tmp_path) in error.value.hint
    assert "videdit models get fan" in error.value.hint


def test_fan_weights_that_were_fetched_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fan_net: None) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("VIDEDIT_WEIGHTS", str(tmp_path / "weights"))
    torch.save(Maps().state_dict(), tmp_path / "mine")
    entry = replace(read_registry()["fan"], sha256=digest(tmp_path / "mine"))
    monkeypatch.setattr("videdit.packs.weights.read_registry", lambda: {"fan": entry})
    fetch(entry, place(entry), source=tmp_path / "mine", say=print, progress=lambda done, total: None)
    assert fan_weights() == tmp_path / "weights" / "fan" / FAN_FILES[0]
    FanLandmarks()
    fan_weights().write_bytes(b"damaged")
    with pytest.raises(PackError) as error:
        LANDMARKS["fan"](None)
    assert "videdit models get fan" in error.value.hint


def test_fan_weights_without_the_package_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    monkeypatch.setitem(sys.modules, "face_alignment.models", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("VIDEDIT_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / FAN_FILES[0]).touch()
    with pytest.raises(MissingError, match="face-alignment"):
        FanLandmarks()
