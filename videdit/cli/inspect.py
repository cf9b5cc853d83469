"""videdit inspect: what a file holds, and who is in it; or, by sampling, where faces are."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videdit.cli.edit import add_talk
from videdit.cli.parser import Parser, add_options, settings_of
from videdit.cli.plan import find_inputs
from videdit.cli.progress import Reporter, reporter
from videdit.cli.say import say, shown
from videdit.config import Settings
from videdit.errors import UsageError

if TYPE_CHECKING:
    from videdit.types import Frame
    from videdit.video.probe import ClipInfo, StreamInfo

OPTIONS = ("landmarks", "pack", "device", "cache", "cache_dir")


def build() -> Parser:
    """The parser."""
    parser = Parser(
        "videdit inspect",
        "videdit inspect IN... [--json]",
        "Streams, frame rate, rotation, colour, and the people in it, numbered as --person counts them.",
    )
    parser.add_argument("inputs", nargs="+", metavar="IN", help="clips, pictures, or folders of them")
    parser.add_argument(
        "--samples", type=int, default=None, metavar="N", help="look for faces at N moments only, instead of following people through it"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_options(parser, only=OPTIONS)
    add_talk(parser.add_argument_group("this run"))
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    space = build().parse(argv)
    if space.samples is not None and not 0 <= space.samples <= 1000:
        raise UsageError(f"--samples can't be {space.samples}", hint="From 0 to 1000.")
    found = find_inputs(space.inputs)
    from videdit.video.probe import probe

    results, settings = [], settings_of(space)
    with reporter("none" if space.quiet or space.json else space.progress) as talk:
        for path in found:
            talk.file(path.name)
            info = probe(path)
            faces = find_faces(path, info, space.samples) if space.samples else []
            people = list_people(path, settings, talk) if space.samples is None else []
            results.append({**as_json(info, faces), "people": people})
            if not space.json:
                _print(info, faces)
                _print_people(people, asked=space.samples is None)
    if space.json:
        say(json.dumps(results if len(results) > 1 else results[0], indent=2))
    return 0


def list_people(path: Path, settings: Settings, talk: Reporter) -> list[dict[str, Any]]:
    """The people of a clip: number, frames, spans in seconds, and the face's width and height in px, in the median."""
    from videdit import pipeline

    return [
        {
            "number": person.number,
            "frames": person.frames,
            "spans": [[round(start, 3), round(end, 3)] for start, end in person.spans],
            "size": [round(person.width, 1), round(person.height, 1)],
        }
        for person in pipeline.known(pipeline.find_people(path, settings, progress=talk))
    ]


def find_faces(path: Path, info: ClipInfo, samples: int) -> list[dict[str, Any]]:
    """The faces at moments spread over a clip: seconds, and a box (left, top, right, bottom px) and score for each face."""
    import numpy as np

    from videdit.faces.detect import MtcnnDetector

    detector = MtcnnDetector()
    out = []
    for frame in _moments(path, info, samples):
        rgb = np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8)
        faces = [{"box": [round(float(v), 1) for v in face.box], "score": round(face.score, 3)} for face in detector.detect(rgb)]
        out.append({"time": round(frame.time, 3), "frame": frame.index, "faces": faces})
    return out


def _moments(path: Path, info: ClipInfo, samples: int) -> list[Frame]:
    """Frames in the middle of equal parts of a clip."""
    from videdit.video.reader import read_frames

    frames: dict[int, Frame] = {}
    for i in range(samples if info.duration else 1):
        at = info.start + (info.duration or 0.0) * (i + 0.5) / samples if info.duration else None
        reader = read_frames(path, start=at)
        try:
            frame = next(reader, None)
        finally:
            reader.close()
        if frame is not None:
            frames.setdefault(frame.index, frame)
    return [frames[index] for index in sorted(frames)]


def as_json(info: ClipInfo, faces: list[dict[str, Any]]) -> dict[str, Any]:
    """Plain values."""
    values = {field.name: _plain(getattr(info, field.name)) for field in dataclasses.fields(info)}
    return {**values, "samples": faces}


def _plain(value: Any) -> Any:
    if isinstance(value, (Fraction, Path)):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return dict(value) if hasattr(value, "keys") else value


def _print(info: ClipInfo, faces: list[dict[str, Any]]) -> None:
    say(shown(info.path))
    turned = f", turned by {info.rotation} degrees from {info.coded_width}x{info.coded_height}" if info.rotation else ""
    say(f"  {info.kind}, {info.container}, {info.width}x{info.height}{turned}")
    color = info.color
    say(f"  video     {info.codec}, {info.pix_fmt}, {color.matrix}, {'full' if color.full_range else 'limited'} range, {color.depth} bit")
    for name, words in _unusual(info):
        say(f"  {name:<9} {shown(words)}")
    if info.kind != "picture":
        rate = f"{float(info.rate):.3f} frames/s" if info.rate else "unknown rate"
        seconds = f"{info.duration:.2f} s, " if info.duration else ""
        frames = f"{info.frames} frames, " if info.frames else ""
        say(f"  time      {seconds}{frames}{rate}{', variable' if info.variable_rate else ''}, time base {info.time_base}")
    for stream in info.streams:
        say(f"  {stream.type:<9} {shown(_words(stream))}")
    if info.chapters:
        say(f"  chapters  {info.chapters}")
    for warning in info.warnings:
        say(f"  warning   {shown(warning)}")
    for moment in faces:
        boxes = [_box(*face["box"]) for face in moment["faces"]]
        count = f"{len(boxes)} face{'s' if len(boxes) > 1 else ''}: " if boxes else "no face"
        say(f"  at {moment['time']:>7.2f} s {count}{'; '.join(boxes)}")


def _unusual(info: ClipInfo) -> list[tuple[str, str]]:
    """HDR, fields, pixels that are no squares, timecode: where there are any."""
    found = []
    if info.color.curve:
        light = f", content light {info.light[0]}/{info.light[1]} cd/m2" if info.light else ""
        display = f", mastered up to {info.mastering.brightest / 10000:g} cd/m2" if info.mastering else ""
        found.append(("HDR", f"{info.color.curve.upper()}{display}{light}"))
    if info.fields:
        found.append(("fields", {"tff": "upper first", "bff": "lower first"}.get(info.fields, "of unknown order")))
    if info.aspect != 1:
        found.append(("pixels", f"{info.aspect.numerator}:{info.aspect.denominator}"))
    if info.timecode:
        found.append(("timecode", info.timecode))
    return found


def _print_people(people: list[dict[str, Any]], *, asked: bool) -> None:
    for person in people:
        spans = ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in person["spans"])
        frames = f"{person['frames']} frame{'s' if person['frames'] != 1 else ''}"
        say(f"  person {person['number']:<2} {frames}, {spans}; the face is about {person['size'][0]:.0f}x{person['size'][1]:.0f}")
    if asked and not people:
        say("  nobody")


def _box(left: float, top: float, right: float, bottom: float) -> str:
    return f"{right - left:.0f}x{bottom - top:.0f} at {left:.0f},{top:.0f}"


def _words(stream: StreamInfo) -> str:
    return ", ".join(filter(None, [stream.codec, stream.language, stream.detail])) + " (copied as it is)"
