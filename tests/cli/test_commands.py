"""The small commands, on a tiny pack and a clip of nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tinypack import add_pixel, make_tiny_pack
from videdit.cli.preview import parse_ladder, parse_time
from videdit.cli.progress import Plain, clock
from videdit.packs.manifest import read_manifest

Run = Callable[..., Any]


def test_attributes(videdit: Run) -> None:
    assert "--smile" in videdit("attributes").out
    listed = json.loads(videdit("attributes", "--json").out)
    assert {"smile", "age", "male", "eyeglasses", "mouth-open", "beard"} <= {a["name"] for a in listed["attributes"]}
    assert listed["range"] == [-3.0, 3.0]


def test_models(videdit: Run, default_pack: Path, tmp_path: Path) -> None:
    drawing = add_pixel(make_tiny_pack(tmp_path))
    assert str(default_pack) in videdit("models", "list").out
    assert "8 style layers of 16" in videdit("models", "show").out
    assert "pixel redraws: --eyeglasses -1, --mouth-open +1, --male -1, --age -1" in videdit("models", "show", str(drawing)).out
    verified = videdit("models", "verify", str(default_pack))
    assert verified.code == 0
    assert all(line.endswith(": ok") for line in verified.out.splitlines())


def test_a_damaged_pack_does_not_verify(videdit: Run, default_pack: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(default_pack, tmp_path / "copy")
    (copy / "axes.safetensors").write_bytes(b"broken")
    result = videdit("models", "verify", str(copy))
    assert result.code == 5
    assert "sha256" in result.out


def test_sample(videdit: Run) -> None:
    from PIL import Image

    assert videdit("sample", "-n", "5", "-o", "grid.png").code == 0
    with Image.open("grid.png") as picture:
        assert picture.size == (3 * 32, 2 * 32)
    first = Path("grid.png").read_bytes()
    assert videdit("sample", "-n", "5", "-o", "grid.png").code == 7
    assert videdit("sample", "-n", "5", "-o", "grid.png", "--overwrite").code == 0
    assert Path("grid.png").read_bytes() == first


def test_the_list_of_encoders(videdit: Run) -> None:
    lines = videdit("--video-encoder", "list").out.splitlines()
    x264 = next(line for line in lines if line.startswith("libx264 "))
    assert "crf 17" in x264 and " yes " in x264 and ".mp4" in x264
    assert not any(line.startswith("prores_ks") and ".mp4" in line for line in lines)


def test_inspect_a_picture(videdit: Run) -> None:
    from PIL import Image

    Image.new("RGB", (64, 48), (90, 120, 30)).save("grey.png")
    shown = videdit("inspect", "grey.png", "--samples", "0")
    assert shown.code == 0
    assert "64x48" in shown.out
    assert json.loads(videdit("inspect", "grey.png", "--json", "--samples", "0").out)["width"] == 64


def test_doctor_says_what_it_finds(videdit: Run) -> None:
    result = videdit("doctor")
    assert result.code in (0, 5)
    assert "FFmpeg inside PyAV" in result.out
    assert "verified, id face-128-" in result.out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.2s", (3.2, None)),
        ("3.2", (3.2, None)),
        (".5", (0.5, None)),
        ("1:02.5", (62.5, None)),
        ("1:00:01", (3601.0, None)),
        ("96f", (None, 96)),
    ],
)
def test_times(text: str, expected: tuple[float | None, int | None]) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("smile=-1..1:5", "smile", (-1, -0.5, 0, 0.5, 1)),
        ("smile=0..1:2", "smile", (0, 1)),
        ("young=-.5..1.5:3", "age", (0.5, -0.5, -1.5)),
        ("mouth-open=-1e-1..1e-1:2", "mouth-open", (-0.1, 0.1)),
    ],
)
def test_ladders(default_pack: Path, text: str, name: str, values: tuple[float, ...]) -> None:
    steps = parse_ladder(text, read_manifest(default_pack))
    assert steps.name == name
    assert steps.values == pytest.approx(values)


def test_plain_progress_is_lines() -> None:
    stream = io.StringIO()
    talk = Plain(stream)
    talk.file("a.mp4")
    for done in range(1, 101):
        talk("edit", done, 100)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "a.mp4: editing 1/100"
    assert lines[-1].startswith("a.mp4: editing 100/100, ")
    assert len(lines) == 2
    assert clock(75.2) == "1:15"
    assert clock(3675) == "1:01:15"
