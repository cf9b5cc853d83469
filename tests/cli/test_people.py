"""--person, --face and the lists and pictures of people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.faces.test_track import Truth
from tests.scripted import HEIGHT, WIDTH, make_clip
from videdit.cli.outcomes import summary
from videdit.curves import Curve, FrameNumber
from videdit.errors import NobodyError
from videdit.faces.shape import MEAN_FACE, bounding_box
from videdit.faces.track import FaceTracker
from videdit.types import Face, Frame

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("flags", "shared", "people"),
    [
        ("--person 1 --smile +0.5 --person 2 --age -1", {}, {1: {"smile": 0.5}, 2: {"age": -1.0}}),
        ("--smile 1 --person 2 --age -1 --mouth-open .5", {"smile": 1.0}, {2: {"age": -1.0, "mouth-open": 0.5}}),
        ("--person 2 --smile 1 --person 1 --young 1 --person 2 --age 1", {}, {1: {"age": -1.0}, 2: {"smile": 1.0, "age": 1.0}}),
        ("--person=3 --smile=-1", {}, {3: {"smile": -1.0}}),
    ],
)
def test_strengths_go_to_the_person_before_them(
    videdit: Run, clip: Path, pipeline: Any, flags: str, shared: dict[str, float], people: dict[int, dict[str, float]]
) -> None:
    result = videdit(str(clip), *flags.split(), "-o", "out.mp4")
    assert result.code == 0, result.err
    assert pipeline.calls[0][2] == shared
    assert pipeline.people == people


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ("--person 0 --smile 1", "--person"),
        ("--person anna --smile 1", "--person"),
        ("--person 1 --person 2 --smile 1", "person 1"),
        ("--person 1 --smile 4", "--smile"),
        ("--person 1 --smile 1 --lock smile", "locked"),
        ("--smile 1 --face middle", "--face"),
        ("--smile 1 --face 0", "--face"),
        ("--smile 1 --face nobody.png", "nobody.png"),
    ],
)
def test_what_makes_no_sense_is_said(videdit: Run, clip: Path, pipeline: Any, flags: str, word: str) -> None:
    result = videdit(str(clip), *flags.split(), "-o", "out.mp4")
    assert result.code == 2
    assert word in result.err
    assert not pipeline.calls


def test_dry_run_names_people(videdit: Run, clip: Path, pipeline: Any) -> None:
    shown = videdit(str(clip), "--smile", "1", "--person", "2", "--age", "-1", "-o", "out.mp4", "--dry-run", "--face", "left")
    assert "smile +1, person 2: age -1" in shown.out
    assert "face=left" in shown.out


def test_who_is_not_in_one_clip_does_not_stop_the_others(videdit: Run, clip: Path, pipeline: Any) -> None:
    other = Path("b.mp4")
    other.write_bytes(b"x")

    def nobody() -> None:
        raise NobodyError("there is no person 2", hint="It shows one person, number 1.")

    pipeline.acts["in.mp4"] = nobody
    result = videdit("in.mp4", "b.mp4", "--person", "2", "--smile", "1", "-o", "out/")
    assert result.code == 3
    assert "no person 2" in result.err
    assert (Path("out") / "b.mp4").exists()
    assert videdit("in.mp4", "--person", "2", "--smile", "1", "-o", "out.mp4").code == 2


def test_the_summary_names_people_where_they_differ() -> None:
    report = SimpleNamespace(output="o.mp4", edits={"smile": 1.0}, window="", people={1: {"smile": 1.0}}, status="edited", wall=0.0)
    report.frames, report.frames_with_face, report.faces = 2, 2, 2
    assert "o.mp4: smile +1; 2 faces" in summary(report)
    report.people[2] = {"age": -1.0}
    assert "person 1: smile +1; person 2: age -1; 2 faces" in summary(report)
    report.people[2], report.window = {"age": Curve((0, 2), (0, -1))}, "from 1s"
    assert "person 1: smile +1; person 2: age 0s:0 2s:-1 from 1s; 2 faces" in summary(report)


def test_strengths_over_time_for_some(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("edit.csv").write_text("time,smile\n0,0\n2,1\n")
    flags = ["--curves", "edit.csv", "--mouth-open", "1s:1 2s:0", "--person", "2", "--young", "0s:0 10f:+1 ease", "--from", "1s"]
    assert videdit(str(clip), *flags, "-o", "out.mp4", "--report", "r.json").code == 0
    assert pipeline.calls[0][2] == {"smile": Curve((0, 2), (0, 1)), "mouth-open": Curve((1, 2), (1, 0))}
    assert pipeline.people == {2: {"age": Curve((0, FrameNumber(10)), (0, -1), ease=True)}}
    assert json.loads(Path("r.json").read_text())["people"] == {"2": {"age": "0s:0 10f:-1 ease"}}
    shown = videdit(str(clip), *flags, "-o", "other.mp4", "--dry-run")
    assert "smile 0s:0 2s:+1, mouth-open 1s:+1 2s:0, person 2: age 0s:0 10f:-1 ease from 1s" in shown.out
    assert videdit(str(clip), "--person", "2", "--smile", "2s:1 1s:0", "-o", "out2.mp4").code == 2


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip of a large face on the right throughout and a smaller one on the left in its second half, and a tracker that knows."""

    def world(i: int) -> list[Face]:
        places = [(MEAN_FACE * 20 + [112, 56])] + ([MEAN_FACE * 13 + [40, 50]] if i >= 12 else [])
        return [Face(bounding_box(points), points, 0.99) for points in places]

    class Tracker(FaceTracker):
        def update(self, frame: Frame) -> list[Any]:
            truth.now = frame.index
            return super().update(frame)

    truth = Truth(world)
    truth.find = lambda frame, face: truth._nearest(face.landmarks.mean(0), 30)  # type: ignore[method-assign]
    monkeypatch.setattr(
        "videdit.pipeline.watch.make_tracker", lambda models, settings: Tracker(truth, detector=truth, which="all", detect_every=0.1)
    )
    return make_clip(Path("crowd.mp4"))


def test_inspect_lists_people(videdit: Run, crowd: Path) -> None:
    shown = videdit("inspect", str(crowd))
    assert shown.code == 0, shown.err
    lines = [line.strip() for line in shown.out.splitlines() if "person" in line]
    assert lines[0].startswith("person 1  24 frames, 0.00-1.00 s;")
    assert lines[1].startswith("person 2  12 frames, 0.50-1.00 s;")
    people = json.loads(videdit("inspect", str(crowd), "--json").out)["people"]
    assert [person["number"] for person in people] == [1, 2]
    assert people[1]["spans"] == [[0.5, 1.0]]
    assert people[0]["size"][0] == pytest.approx(np.ptp(MEAN_FACE[:, 0]) * 20, abs=3)
    assert json.loads(videdit("inspect", str(crowd), "--json", "--samples", "0").out)["people"] == []


def test_preview_draws_everybody_once(videdit: Run, crowd: Path) -> None:
    assert videdit("preview", str(crowd), "--people", "-o", "p.png").code == 0
    with Image.open("p.png") as picture:
        assert picture.size == (WIDTH, HEIGHT), "one frame shows both"
        drawn = np.asarray(picture).astype(int)
    for color in ((230, 60, 60), (50, 170, 70)):
        assert (np.abs(drawn - color).sum(2) < 12).sum() > 100
    assert videdit("preview", str(crowd), "--people", "--smile", "1", "-o", "q.png").code == 2
    assert videdit("preview", str(crowd), "--person", "2", "--smile", "1", "-t", "22f", "-o", "r.png").code == 0
    assert videdit("preview", str(crowd), "--person", "5", "--smile", "1", "-t", "22f", "-o", "s.png").code == 2
