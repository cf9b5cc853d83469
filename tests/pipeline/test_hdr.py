"""A 10-bit PQ clip through the whole: only the face changes, at 10 bits, and everything it says about itself comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import media
from tests.scripted import HEIGHT, WIDTH, same_outside, same_planes, script, watched
from tests.tinypack import make_tiny_pack
from videdit.config import Settings
from videdit.packs.load import Pack, load_pack
from videdit.video.probe import probe

DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture(scope="module", params=[16, 18], ids=["PQ", "HLG"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.make_clip(
        tmp_path_factory.mktemp("clips") / "hdr.mp4",
        size=(WIDTH, HEIGHT),
        times=range(8),
        encoder="libx265",
        pix_fmt="yuv420p10le",
        tags=(9, request.param, 9, 1),
        options={
            "preset": "ultrafast",
            "x265-params": f"log-level=error:master-display={DISPLAY}:max-cll=1000,400",
            "chroma_sample_location": "topleft",
        },
        audio=1,
    )


@pytest.mark.parametrize("smile", [0.0, 1.5])
def test_ten_bits_in_and_out(smile: float, clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    settings = Settings(cache=False, tune="off", video_encoder="libx265", max_blur=100)  # ramps look like blurred edges
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": smile}, settings, pack)
    assert len(seen) == 8
    assert all(before.color.depth == 10 and before.planes[0].dtype == np.uint16 for before, _, _ in seen)
    assert all(same_outside(before, after, mask) for before, after, mask in seen)
    assert all(same_planes(before, after) == (smile == 0) for before, after, _ in seen)
    source, written = probe(clip), probe(tmp_path / "out.mp4")
    assert source.mastering is not None and source.light == (1000, 400)
    for name in ("color", "pix_fmt", "mastering", "light", "chroma_place", "aspect", "frames"):
        assert getattr(written, name) == getattr(source, name), name
    assert report.warnings == []


def test_networks_see_a_bright_enough_picture(clip: Path) -> None:
    """PQ samples taken for SDR are gray and dull; seen through the curve, mid grays are mid grays."""
    from videdit.video.reader import read_frames

    frame = next(read_frames(clip))
    seen = frame.rgb().mean()
    taken = replace(frame, color=replace(frame.color, tags={})).rgb().mean()
    assert abs(seen - taken) > 5
