"""Side by side and GIF: every frame at its time, labelled, with the sound; no ffmpeg on the PATH."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests import media
from videdit.errors import OutputError, UnreadableError, UsageError
from videdit.video.graphs import Span, compare, labels, make_gif
from videdit.video.notes import note_in
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter

NOTE = "AI-edited with videdit 0.1.0: smile +1"
SIZE = (160, 96)


def darker(source: Path, target: Path) -> Path:
    """The clip with its right half darkened, and a note, as an edit would write it."""
    with ClipWriter(target, probe(source), note=NOTE) as out:
        for frame in read_frames(source):
            frame.planes[0][:, frame.width // 2 :] //= 2
            out.write(frame)
    return target


def contents(path: Path) -> tuple[list[np.ndarray], list[float], list[bytes]]:
    """Pictures, times, and packets of the sound."""
    with av.open(str(path)) as container:
        frames = [(frame.to_ndarray(format="rgb24"), frame.time) for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        sound = [bytes(packet) for packet in container.demux(*container.streams.audio) if packet.size] if container.streams.audio else []
    return [f[0] for f in frames], [f[1] for f in frames], sound


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_both_are_beside_each_other_at_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=media.UNEVEN, audio=1)
    edited = darker(source, tmp_path / f"out{suffix}")
    compare(source, edited, tmp_path / f"both{suffix}")
    before, after, both = (contents(path) for path in (source, edited, tmp_path / f"both{suffix}"))
    assert len(both[1]) == len(media.UNEVEN)
    assert both[1] == pytest.approx(after[1], abs=0.0011)
    assert both[2] == before[2] != []
    body = slice(40, None)  # below the labels
    for i in (0, 5, 11):
        left, right = both[0][i][body, : SIZE[0]], both[0][i][body, SIZE[0] :]
        assert np.abs(left.astype(int) - before[0][i][body]).mean() < 4
        assert np.abs(right.astype(int) - after[0][i][body]).mean() < 4
    top = both[0][0][:30].astype(int) - np.concatenate([before[0][0], after[0][0]], axis=1)[:30]
    assert (np.abs(top[:, : SIZE[0]]).max(-1) > 40).mean() > 0.01 < (np.abs(top[:, SIZE[0] :]).max(-1) > 40).mean()
    assert note_in(tmp_path / f"both{suffix}") == NOTE
    assert not list(tmp_path.glob("*.part"))


def test_turned_odd_ten_bit_and_anamorphic_clips(tmp_path: Path) -> None:
    turned = media.make_clip(tmp_path / "turned.mov", size=(96, 64), rotation=90, times=range(3))
    compare(turned, darker(turned, tmp_path / "a.mov"), tmp_path / "turned_both.mp4")
    assert contents(tmp_path / "turned_both.mp4")[0][0].shape == (96, 128, 3)
    odd = media.make_clip(tmp_path / "odd.mkv", size=(97, 65), pix_fmt="yuv444p10le", times=range(3))
    compare(odd, darker(odd, tmp_path / "b.mkv"), tmp_path / "odd_both.mkv")
    info = probe(tmp_path / "odd_both.mkv")
    assert (info.width, info.height, info.pix_fmt) == (192, 64, "yuv420p10le")


def test_pictures(tmp_path: Path) -> None:
    media_picture = Image.fromarray(media.picture(0, SIZE))
    media_picture.save(tmp_path / "in.png")
    edited = darker(tmp_path / "in.png", tmp_path / "out.png")
    compare(tmp_path / "in.png", edited, tmp_path / "both.png")
    with Image.open(tmp_path / "both.png") as both:
        pixels = np.asarray(both)
    assert np.array_equal(pixels[40:, :160], np.asarray(media_picture)[40:])
    assert np.array_equal(pixels[40:, 160:], np.asarray(Image.open(edited))[40:])
    assert note_in(tmp_path / "both.png") == NOTE


def test_gifs_of_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(60))
    edited = darker(source, tmp_path / "out.mp4")
    make_gif(edited, tmp_path / "a.gif", span=Span(0.5, 1.5), width=80, fps=10)
    with Image.open(tmp_path / "a.gif") as made:
        assert (made.size, made.n_frames, made.info["loop"]) == ((80, 48), 10, 0)
        assert made.info["duration"] == 100
    assert note_in(tmp_path / "a.gif") == NOTE
    make_gif(edited, tmp_path / "b.gif", before=source, span=Span(None, 0.5), width=320)
    pictures, times, _ = contents(tmp_path / "b.gif")
    assert pictures[0].shape == (96, 320, 3)
    assert len(times) == pytest.approx(8, abs=1)
    halves = pictures[0][40:, :160].astype(int).mean((0, 2)), pictures[0][40:, 160:].astype(int).mean((0, 2))
    assert halves[0][100:].mean() - halves[1][100:].mean() > 30  # the right half is the darkened one


def test_a_gif_compared_stays_a_gif(tmp_path: Path) -> None:
    source = media.make_gif(tmp_path / "in.gif", delays=(8, 9, 3, 50, 8, 10))
    compare(source, darker(source, tmp_path / "out.gif"), tmp_path / "both.gif")
    times = contents(tmp_path / "both.gif")[1]
    assert times == pytest.approx([0, 0.08, 0.17, 0.2, 0.7, 0.78], abs=0.011)


def test_a_file_can_be_compared_with_itself(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "in.mp4", times=range(3))
    compare(clip, clip, tmp_path / "both.mp4")
    assert len(contents(tmp_path / "both.mp4")[1]) == 3


def test_what_can_not_be_written(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "in.mp4", times=range(3))
    with pytest.raises(UsageError, match=r"can't be written as both\.png"):
        compare(clip, clip, tmp_path / "both.png")
    with pytest.raises(OutputError, match="no such file"):
        compare(clip, clip, tmp_path / "nowhere" / "both.mp4")
    with pytest.raises(UnreadableError):
        make_gif(tmp_path / "nothing.mp4", tmp_path / "a.gif")
    broken = media.truncate(clip, tmp_path / "broken.mp4", 0.3)
    with pytest.raises(OutputError) as caught:
        make_gif(clip, tmp_path / "a.gif", before=broken)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a.gif").exists()
    assert not list(tmp_path.glob("*.part"))


def test_labels_lie_at_the_top_of_both_halves() -> None:
    strip = np.asarray(labels((160, 96)))[..., 3]
    assert strip.shape == (96, 320)
    assert strip[:40, :80].any() and strip[:40, 160:240].any()
    assert not strip[40:].any()
    assert Fraction(int((strip > 0).sum()), strip.size) < Fraction(1, 8)
