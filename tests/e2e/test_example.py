"""The clip that ships, through the command line, with the pack that ships: the invariants of docs/pipeline.md on the real thing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.scripted import make_clip, packets, same_outside, same_planes
from videdit import pipeline
from videdit.cli.main import main
from videdit.config import DEFAULT_PACK, Settings
from videdit.errors import MissingError
from videdit.packs.load import Pack, load_pack
from videdit.packs.manifest import find_pack
from videdit.video.reader import read_frames

EXAMPLE = Path(__file__).parents[2] / "examples" / "astronaut.mp4"


@pytest.fixture(scope="module")
def pack() -> Pack:
    try:
        find_pack(DEFAULT_PACK)
    except MissingError:
        pytest.skip(f"the pack {DEFAULT_PACK} is not in models/: train it or fetch it")
    return load_pack(DEFAULT_PACK)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first second of the example, its sound copied."""
    import av

    if not EXAMPLE.exists():
        pytest.skip("examples/astronaut.mp4 is not there; examples/make_clip.py makes it")
    path = tmp_path_factory.mktemp("e2e") / "short.mp4"
    with av.open(str(EXAMPLE)) as source, av.open(str(path), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams if s.type in ("video", "audio")}
        for packet in source.demux(list(source.streams.video + source.streams.audio)):
            if packet.dts is not None and packet.pts * packet.time_base < 1.0:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEDIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_one_command(short: Path, pack: Pack, cache: Path, tmp_path: Path) -> None:
    target, report = tmp_path / "out.mp4", tmp_path / "r.json"
    assert main([str(short), "--smile", "-1", "-o", str(target), "--report", str(report), "-q"]) == 0
    done = json.loads(report.read_text())["files"][0]
    assert done["status"] == "edited"
    assert done["frames_with_face"] == done["frames"] == len(list(read_frames(short)))
    assert [f.time for f in read_frames(short)] == [f.time for f in read_frames(target)]
    assert packets(short, "audio") == packets(target, "audio")
    again = tmp_path / "again.mp4"
    assert main([str(short), "--smile", "-1", "-o", str(again), "-q"]) == 0
    assert again.read_bytes() == target.read_bytes()


def test_only_the_mask_changes_and_a_zero_edit_nothing(short: Path, pack: Pack, cache: Path, tmp_path: Path) -> None:
    seen: list[tuple] = []  # type: ignore[type-arg]
    pipeline.edit_video(short, tmp_path / "a.mp4", {"smile": -1.0}, pack=pack, on_frame=lambda *f: seen.append(f))
    assert all(same_outside(before, after, mask) for before, after, mask in seen)
    assert not any(same_planes(before, after) for before, after, _ in seen)
    seen.clear()
    report = pipeline.edit_video(short, tmp_path / "b.mp4", {"smile": 0.0}, pack=pack, on_frame=lambda *f: seen.append(f))
    assert report.cached
    assert all(same_planes(before, after) for before, after, _ in seen)


def test_nobody_there_is_4_and_the_clip_is_still_written(pack: Pack, cache: Path, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "nobody.mp4", pts=range(8))
    assert main([str(source), "--smile", "1", "-o", str(tmp_path / "out.mp4"), "-q"]) == 4
    before, after = (list(read_frames(path)) for path in (source, tmp_path / "out.mp4"))
    assert [f.time for f in before] == [f.time for f in after]
    assert np.mean([np.abs(a.planes[0].astype(int) - b.planes[0]).mean() for a, b in zip(before, after, strict=True)]) < 3


def test_a_preview_agrees_with_the_clip(short: Path, pack: Pack, cache: Path, tmp_path: Path) -> None:
    seen: list[tuple] = []  # type: ignore[type-arg]
    pipeline.edit_video(short, tmp_path / "a.mp4", {"smile": -1.0}, Settings(tune="off"), pack=pack, on_frame=lambda *f: seen.append(f))
    before, after = pipeline.preview(short, {"smile": -1.0}, frame=12, pack=pack)
    assert np.array_equal(before, np.clip(np.rint(seen[12][0].rgb()), 0, 255).astype(np.uint8))
    clip = np.clip(np.rint(seen[12][1].rgb()), 0, 255)
    change, difference = np.abs(clip - before).mean(), np.abs(clip - after).mean()
    assert difference < 0.35 * change
