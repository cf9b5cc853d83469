"""An edit is held back until the face stays the same person's, or its shot is left alone and the clip fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.scripted import make_clip, same_planes, script, watched
from tests.tinypack import SIZE, add_pixel, make_tiny_pack
from videdit import pipeline
from videdit.cli.main import main
from videdit.config import Settings
from videdit.errors import PackError
from videdit.networks.recognizer import Recognizer
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_network
from videdit.pipeline.gate import SMALLEST, largest
from videdit.report import Observer


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = add_pixel(make_tiny_pack(tmp_path_factory.mktemp("packs"), name="face-128"))
    torch.manual_seed(3)
    config = {"size": SIZE, "width": 4, "dim": 16}
    save_network(folder, "recognizer", Recognizer(**config), config, license="MIT", trained_on="nothing")
    return load_pack(folder)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "in.mp4", pts=range(12), audio=False)


@pytest.mark.parametrize("method", ["axes", "pixel"])
def test_strength_goes_back_until_it_holds(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    script(monkeypatch)
    edit = {"smile": 3.0} if method == "axes" else {"eyeglasses": -3.0, "male": -3.0}

    def run(limit: float | None, name: str) -> tuple[pipeline.ClipReport, float]:
        observer = Observer(pack, edit)
        settings = Settings(cache=False, tune="off", method=method, max_identity_drop=limit)
        report = pipeline.edit_video(clip, tmp_path / name, edit, settings, pack=pack, on_frame=observer, on_people=observer.meet)
        return report, 1 - observer.measures()[0]["identity"]["min"]

    free, drop = run(None, "free.mp4")
    assert free.gates == [] and drop > 0
    held, less = run(drop / 2, "held.mp4")
    (gate,) = held.gates
    assert SMALLEST <= gate.scale < 1
    assert gate.drop <= drop / 2 < gate.asked
    assert gate.asked == pytest.approx(drop, rel=0.25)  # some frames, not steadied, against all
    assert less < 0.75 * drop
    assert held.status == "edited"
    assert any("held back to" in warning for warning in held.warnings)
    wide, same = run(1.0, "wide.mp4")
    assert wide.gates[0].scale == 1 and not [w for w in wide.warnings if "held back" in w]
    assert same == drop
    assert (tmp_path / "wide.mp4").read_bytes() == (tmp_path / "free.mp4").read_bytes()


def test_where_nothing_holds_the_shot_is_left_alone_and_the_clip_fails(
    clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 3.0}, Settings(cache=False, max_identity_drop=0.0), pack)
    assert (report.status, report.gates[0].scale) == ("failed", 0.0)
    assert "identity drops by" in report.reason and "left unedited" in report.reason
    assert all(same_planes(before, after) for before, after, _ in seen)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert "comment" not in container.metadata
    assert report.as_json()["gates"][0]["scale"] == 0


def test_the_command_says_so_and_ends_with_3(
    clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(monkeypatch)
    monkeypatch.setenv("VIDEDIT_PACKS", str(pack.manifest.root.parent))
    command = [str(clip), "--smile", "3", "-o", str(tmp_path / "out.mp4"), "--no-cache", "-q", "--report", str(tmp_path / "r.json")]
    assert main([*command, "--max-identity-drop", "0"]) == 3
    assert "identity drops by" in capsys.readouterr().err
    assert json.loads((tmp_path / "r.json").read_text())["files"][0]["status"] == "failed"
    assert (tmp_path / "out.mp4").exists()
    assert main([*command, "--overwrite", "--max-identity-drop", "2"]) == 2


def test_a_pack_without_recognizer_can_not_hold_it(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    with pytest.raises(PackError, match="has no recognizer"):
        pipeline.edit_video(
            clip, tmp_path / "o.mp4", {"smile": 1.0}, Settings(cache=False, max_identity_drop=0.3), pack=load_pack(make_tiny_pack(tmp_path))
        )


@pytest.mark.parametrize(
    ("drop", "expected"),
    [(lambda s: 0.2 * s, 1.0), (lambda s: s, 0.3), (lambda s: 0.31 + s, 0.0), (lambda s: s**2, np.sqrt(0.3))],
)
def test_bisection(drop: Callable[[float], float], expected: float) -> None:
    scale, found, asked = largest(drop, 0.3)
    assert expected - 0.9 / 2**5 - 1e-9 <= scale <= expected
    assert asked == drop(1.0)
    assert found == drop(scale or SMALLEST)
