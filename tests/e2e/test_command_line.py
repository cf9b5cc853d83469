"""The command itself, in a process of its own, on pictures of the clip that ships."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from videdit.config import DEFAULT_PACK
from videdit.packs import find_packs
from videdit.video.reader import read_frames

CLIP = Path(__file__).resolve().parents[2] / "examples" / "astronaut.mp4"

pytestmark = pytest.mark.skipif(DEFAULT_PACK not in find_packs(), reason=f"the pack {DEFAULT_PACK} is not here: nothing to edit with")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """face.png with one face, wall.jpg with none, broken.mp4."""
    made = tmp_path_factory.mktemp("inputs")
    rgb = next(read_frames(CLIP)).rgb()
    Image.fromarray(np.clip(np.rint(rgb), 0, 255).astype(np.uint8)).save(made / "face.png")
    Image.new("RGB", (320, 240), (120, 110, 100)).save(made / "wall.jpg")
    (made / "broken.mp4").write_bytes(b"no clip")
    return made


def videdit(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, without ffmpeg on the PATH and with a home of its own."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home), "PATH": "", "VIDEDIT_CACHE": str(home / "cache")}
    return subprocess.run(
        [sys.executable, "-m", "videdit", *argv], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_picture_is_edited(folder: Path) -> None:
    done = videdit(folder, "face.png", "--smile", "-1", "-o", "out.png", "--report", "r.json")
    assert done.returncode == 0, done.stderr
    assert "1 face in 1 of 1 frames" in done.stdout
    report = json.loads((folder / "r.json").read_text())
    assert report["files"][0]["status"] == "edited"
    assert report["pack"]["license"]
    before, after = (np.asarray(Image.open(folder / name)).astype(int) for name in ("face.png", "out.png"))
    assert np.abs(before - after).max() > 8
    assert not np.abs(before - after)[:, 500:].any()  # nobody is over there


def test_several_inputs(folder: Path) -> None:
    done = videdit(folder, "face.png", "wall.jpg", "broken.mp4", "--smile", "1", "-o", "many", "--progress", "none")
    assert done.returncode == 3
    assert sorted(path.name for path in (folder / "many").iterdir()) == ["face.png", "wall.jpg"]
    assert "broken.mp4" in done.stderr


def test_nobody_in_the_picture(folder: Path) -> None:
    done = videdit(folder, "wall.jpg", "--smile", "1", "-o", "same.png")
    assert done.returncode == 4
    same = np.asarray(Image.open(folder / "wall.jpg")) == np.asarray(Image.open(folder / "same.png"))
    assert same.all()


def test_an_unreadable_input(folder: Path) -> None:
    done = videdit(folder, "broken.mp4", "--smile", "1", "-o", "o.mp4")
    assert done.returncode == 6
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("o.mp4*"))


def test_preview_of_a_moment_and_a_ladder(folder: Path) -> None:
    done = videdit(folder, "preview", str(CLIP), "-t", "1s", "--smile", "-1", "-o", "p.png")
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "p.png").size == (1280, 360)
    done = videdit(folder, "preview", "face.png", "--grid", "smile=-1..1:3", "-o", "ladder.png")
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "ladder.png").size == (3 * 640, 360)
