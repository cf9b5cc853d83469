"""What survives a file's way through reader and writer, over the kinds of files there are.

`python -m tests.video.matrix` writes docs/formats.md.

Every row is a small clip that FFmpeg makes, read and written again without an edit into a container by an encoder. What the source
said is compared with what the output says, read with PyAV alone. A loss counts as announced when a warning names it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests import media
from tests.video.pairs import Row, covering
from videdit.errors import OutputError
from videdit.video.color import coarse_chroma
from videdit.video.probe import probe, video_stream
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
MARK = "<!-- made by python -m tests.video.matrix -->"

FACTORS = {
    "container": ("mp4", "mov", "mkv", "webm", "avi", "ts"),
    "codec": ("h264", "hevc", "vp9", "av1", "prores", "mjpeg", "mpeg4", "ffv1"),
    "samples": ("420p", "422p", "444p", "420p10le", "422p10le", "444p10le"),
    "tags": ("untagged", "601", "709", "2020", "PQ", "HLG"),
    "range": ("limited", "full"),
    "times": ("constant", "variable", "gap", "late"),
    "b": ("0", "2"),
    "rotation": ("0", "90", "180", "270"),
    "size": ("even", "odd"),
    "pixel": ("1:1", "4:3"),
    "audio": ("0", "1", "2", "3"),
    "subtitles": ("no", "yes"),
    "chapters": ("no", "yes"),
    "into": ("mp4", "mov", "mkv", "webm", "avi", "ts"),
    "encoder": ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1"),
}
CARRIES = {
    "mp4": ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg"),
    "mov": ("h264", "hevc", "prores", "mjpeg", "mpeg4"),
    "mkv": ("h264", "hevc", "vp9", "av1", "prores", "mjpeg", "mpeg4", "ffv1"),
    "webm": ("vp9", "av1"),
    "avi": ("h264", "mjpeg", "mpeg4", "ffv1"),
    "ts": ("h264", "hevc"),
}
WRITES = {
    "mp4": ("libx264", "libx265", "libsvtav1", "libvpx-vp9"),
    "mov": ("libx264", "libx265", "prores_ks"),
    "mkv": ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1"),
    "webm": ("libx264", "libsvtav1", "libvpx-vp9"),  # libx264 is the default: VP9 is taken in its place
    "avi": ("libx264", "ffv1"),
    "ts": ("libx264", "libx265"),
}
EIGHT, TEN = ("420p", "422p", "444p"), ("420p10le", "422p10le", "444p10le")
SAMPLES = {
    "h264": EIGHT + TEN,
    "hevc": EIGHT + TEN,
    "vp9": EIGHT,
    "av1": ("420p", "420p10le"),
    "prores": ("422p10le", "444p10le"),
    "mjpeg": EIGHT,
    "mpeg4": ("420p",),
    "ffv1": EIGHT + TEN,
}
SOURCE_ENCODERS = {
    "h264": ("libx264", {"preset": "ultrafast", "threads": "1"}),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"}),
    "vp9": ("libvpx-vp9", {"deadline": "good", "cpu-used": "8", "threads": "1"}),
    "av1": ("libsvtav1", {"preset": "12", "svtav1-params": "lp=1"}),
    "prores": ("prores_ks", {"threads": "1"}),
    "mjpeg": ("mjpeg", {"threads": "1", "strict": "-1"}),
    "mpeg4": ("mpeg4", {"threads": "1"}),
    "ffv1": ("ffv1", {"threads": "1"}),
}
TAGS = {"untagged": None, "601": (6, 6, 6), "709": (1, 1, 1), "2020": (9, 14, 9), "PQ": (9, 16, 9), "HLG": (9, 18, 9)}
TIMES = {"constant": (0, 1, 2, 3, 4, 5), "variable": (0, 2, 3, 5, 9, 10), "gap": (0, 1, 2, 40, 41, 42), "late": (12, 13, 14, 15, 16, 17)}
SOUNDS = {"webm": "libopus", "avi": "libmp3lame"}
TEXTS = {"mkv": "subrip", "mp4": "mov_text", "mov": "mov_text", "webm": "webvtt"}
# Which warnings announce that this is not as it was.
ANNOUNCES = {
    "times": r"ticks|later|moved on|not keep the times",
    "tags": r"does not keep the (colour|transfer|range)|full range",
    "chroma place": r"where chroma|chroma that stands|coarser",
    "depth": r"bits a sample",
    "chroma": r"chroma is written coarser",
    "size": r"size",
    "pixel shape": r"shape of pixels",
    "audio": r"audio stream|later|AAC",
    "subtitles": r"subtitle stream|later",
    "chapters": r"chapters",
    "words": r"metadata|language",
    "picture": r"not keep the colour matrix",  # readers then guess
}


@dataclass
class Result:
    """One row: what was kept, what was announced and by which words, and what was lost in silence."""

    row: Row
    warnings: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: str = ""


def allowed(row: Row) -> bool:
    """Whether FFmpeg can make such a source, and such an output."""
    get = row.get
    container, codec, samples = get("container"), get("codec"), get("samples")
    if container and codec and codec not in CARRIES[container]:
        return False
    if codec and samples and samples not in SAMPLES[codec]:
        return False
    if get("into") and get("encoder") and row["encoder"] not in WRITES[row["into"]]:
        return False
    if get("size") == "odd" and codec and samples:
        takes = codec in ("vp9", "mjpeg", "ffv1") or (codec in ("h264", "hevc") and samples.startswith("444"))
        if not takes:
            return False
    if get("size") == "odd" and codec in ("av1", "prores", "mpeg4"):
        return False
    if get("b") == "2" and (codec not in (None, "h264", "hevc") or container == "avi"):
        return False
    if get("range") == "limited" and codec == "mjpeg":
        return False
    if get("tags") in ("PQ", "HLG") and samples in EIGHT:
        return False
    if container in ("webm", "avi", "ts") and get("rotation") not in (None, "0"):
        return False
    if container in ("avi", "ts") and (get("subtitles") == "yes" or get("chapters") == "yes"):
        return False
    return not (container == "avi" and get("times") not in (None, "constant"))


def rows() -> list[Row]:
    """The combinations."""
    return covering(FACTORS, allowed)


def make(row: Row, folder: Path) -> Path:
    """The source of a row."""
    encoder, options = SOURCE_ENCODERS[row["codec"]]
    options = dict(options)
    if row["codec"] == "h264":
        options["bf"] = row["b"]
    if row["codec"] == "hevc":
        options["x265-params"] += f":bframes={row['b']}"
    tags = TAGS[row["tags"]]
    full = row["range"] == "full"
    container = row["container"]
    return media.make_clip(
        folder / f"in.{container}",
        size=(71, 65) if row["size"] == "odd" else (72, 64),
        times=TIMES[row["times"]],
        time_base=Fraction(1, 25),
        rate=25,
        encoder=encoder,
        pix_fmt=("yuvj" if full and row["codec"] == "mjpeg" else "yuv") + row["samples"],
        tags=(*(tags or (2, 2, 2)), 2 if full else (1 if tags else 0)),
        rotation=int(row["rotation"]),
        audio=int(row["audio"]),
        sound=SOUNDS.get(container, "aac"),
        subtitles=[(0.0, 0.1, "Hello"), (0.12, 0.2, "you")] if row["subtitles"] == "yes" else (),
        text=TEXTS.get(container, "subrip"),
        chapters=[(0, 0.1, "one"), (0.1, 0.2, "two")] if row["chapters"] == "yes" else (),
        metadata={"title": "A title"},
        aspect=Fraction(4, 3) if row["pixel"] == "4:3" else None,
        options=options,
    )


@dataclass
class Contents:
    """What a file holds, read with PyAV."""

    times: list[Fraction]
    packets: dict[str, list[tuple[Fraction, bytes]]]
    chapters: list[tuple[Fraction, Fraction, str]]
    words: dict[str, str]


def contents(path: Path) -> Contents:
    """Frame times, other packets, chapters and words."""
    packets: dict[str, list[tuple[Fraction, bytes]]] = {}
    times = []
    with av.open(str(path)) as container:
        video = video_stream(container, path)
        chapters = [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"].get("title", "")) for c in container.chapters()]
        words = {key.lower(): value for key, value in container.metadata.items()}
        for packet in container.demux():
            if packet.pts is None or packet.is_discard:
                continue
            if packet.stream_index == video.index:
                times.append(packet.pts * packet.time_base)
            elif packet.stream.type in ("audio", "subtitle"):
                packets.setdefault(f"{packet.stream.type} {packet.stream_index}", []).append((packet.pts * packet.time_base, bytes(packet)))
    return Contents(sorted(times), packets, chapters, words)


def run(row: Row, folder: Path) -> Result:
    """Make, read, write and compare."""
    result = Result(row)
    source = make(row, folder)
    target = folder / f"out.{row['into']}"
    try:
        with ClipWriter(target, probe(source), encoder=row["encoder"]) as out:
            for frame in read_frames(source):
                out.write(frame)
    except OutputError as error:
        result.refused = str(error).replace(str(folder) + "/", "")
        return result
    result.warnings = out.warnings
    for name, same in compared(source, target):
        if same:
            result.kept.append(name)
        elif any(re.search(ANNOUNCES[name], warning) for warning in out.warnings):
            result.announced.append(name)
        else:
            result.lost.append(name)
    return result


def compared(source: Path, target: Path) -> Iterator[tuple[str, bool]]:
    """Each property the source has, and whether the output has it too."""
    before, after = contents(source), contents(target)
    was, now = probe(source), probe(target)
    yield "times", before.times == after.times
    if any(was.color.tags[name] not in (0, 2) for name in was.color.tags):
        wanted, found = _said(was.color.tags), _said(now.color.tags)
        yield "tags", all(found[name] == value for name, value in wanted.items() if value not in (0, 2) or name == "range")
    if was.chroma_place not in ("", "left") and coarse_chroma(now.pix_fmt):
        yield "chroma place", was.chroma_place == now.chroma_place
    yield "depth", now.color.depth >= was.color.depth
    yield "chroma", _chroma(now.pix_fmt) <= _chroma(was.pix_fmt)
    yield "size", (was.width, was.height) == (now.width, now.height)
    if was.aspect != 1:
        yield "pixel shape", was.aspect == now.aspect
    for kind in ("audio", "subtitle"):
        streams = [packets for name, packets in before.packets.items() if name.startswith(kind)]
        if streams:
            written = [packets for name, packets in after.packets.items() if name.startswith(kind)]
            yield ("subtitles" if kind == "subtitle" else kind), _bytes(streams) == _bytes(written)
    if before.chapters:
        yield "chapters", before.chapters == after.chapters
    if "title" in before.words:
        yield "words", after.words.get("title") == before.words["title"]
    yield "picture", _alike(source, target)


def _said(tags: Mapping[str, int]) -> dict[str, int]:
    """Tags without two names of one thing: 5 and 6 are one matrix, and no word on the range means limited."""
    return {**tags, "space": 6 if tags["space"] == 5 else tags["space"], "range": tags["range"] or 1}


def _chroma(pix_fmt: str) -> tuple[int, int]:
    layout = av.VideoFormat(pix_fmt, 64, 64)
    return 64 // layout.chroma_width(64), 64 // layout.chroma_height(64)


def _bytes(streams: list[list[tuple[Fraction, bytes]]]) -> list[list[bytes]]:
    return [[data for _, data in packets] for packets in streams]


def _alike(source: Path, target: Path) -> bool:
    """Whether the last frames look the same upright: within four levels of 255 on average, as RGB."""
    *_, a = read_frames(source)
    *_, b = read_frames(target)
    a.color, b.color = (replace(frame.color, tags={}) for frame in (a, b))  # HDR as it is stored
    return bool(np.abs(a.rgb() - b.rgb()).mean() < 4)


def page(results: list[Result]) -> str:
    """The generated part of docs/formats.md."""
    lines = [
        f"{MARK}\n\nMade with PyAV {av.__version__}. {len(results)} files, so chosen that every pair of properties that FFmpeg can put into"
    ]
    lines += ["one file occurs; *said* counts files in which a warning named what was not kept. Nothing was lost in silence.", ""]
    lines += _summary(results) + ["", "### What is said", ""]
    said = Counter(_general(warning) for result in results for warning in {*result.warnings, result.refused} - {""})
    lines += [f"- {text} ({count})" for text, count in sorted(said.items())]
    head = ["source", "samples", "tags", "times", "turned", "size", "with it", "into", "kept", "said"]
    lines += ["", "### File by file", "", " | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(_cells(result)) for result in results]
    return "\n".join(lines) + "\n"


def _summary(results: list[Result]) -> list[str]:
    """Properties by output container."""
    lines = [" | ".join(["into", *(f".{name}" for name in FACTORS["into"])]), " | ".join("---" for _ in range(7))]
    for name in ANNOUNCES:
        cells = []
        for container in FACTORS["into"]:
            here = [result for result in results if result.row["into"] == container]
            kept, said = sum(name in result.kept for result in here), sum(name in result.announced for result in here)
            cells.append(f"{kept} kept" + (f", {said} said" if said else "") if kept or said else "")
        lines.append(" | ".join([name, *cells]))
    refused = [sum(bool(result.refused) for result in results if result.row["into"] == name) for name in FACTORS["into"]]
    return [*lines, " | ".join(["refused with a reason", *(str(count or "") for count in refused)])]


def _general(text: str) -> str:
    """Without numbers that differ from file to file."""
    text = re.sub(r"(stream|begins) [-+.\d]+", r"\1 N", text)
    text = re.sub(r"(audio stream N \(\w+\))(, audio stream N \(\w+\))+", r"\1", text)
    return re.sub(r"ticks of 1/\d+ s", "ticks", text)


def _cells(result: Result) -> list[str]:
    row = result.row
    parts = {
        f"{row['audio']} audio": row["audio"] != "0",
        "subtitles": row["subtitles"] == "yes",
        "chapters": row["chapters"] == "yes",
        "B-frames": row["b"] == "2",
        f"pixels {row['pixel']}": row["pixel"] != "1:1",
    }
    beside = [name for name, there in parts.items() if there]
    said = result.refused or ", ".join(result.announced)
    return [
        f".{row['container']} {row['codec']}",
        row["samples"].removesuffix("le"),
        f"{row['tags']}, {row['range']}",
        row["times"],
        row["rotation"],
        row["size"],
        ", ".join(beside) or "-",
        f".{row['into']} {row['encoder']}",
        ", ".join(result.kept) or "-",
        said or "-",
    ]


def all_results() -> list[Result]:
    """Every row, in folders that are thrown away."""
    found = []
    for row in rows():
        with tempfile.TemporaryDirectory() as folder:
            found.append(run(row, Path(folder)))
    return found


def main() -> int:
    """Write the page. Returns 1 when something is lost in silence."""
    results = all_results()
    for result in results:
        if result.lost:
            print(result.lost, result.row, result.warnings, file=sys.stderr)
    head = PAGE.read_text("utf-8").split(MARK)[0] if PAGE.exists() else ""
    PAGE.write_text(head + page(results), "utf-8")
    return int(any(result.lost for result in results))


if __name__ == "__main__":
    raise SystemExit(main())
