"""A seeded mutator of everything videdit reads, and one run of the command on each mutant.

Case N of a seed is always the same: a good file (a clip of some container and codec, a picture, a GIF, a pack's pack.toml or weights, a
preset, a curve) is broken somewhere and goes through the whole command in this process, with a pack of random weights and a face where
no detector has to find one. `problems` says what a user must never see: a traceback, an error without a hint, a wrong exit code, a file
left half written, an input that was touched.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from tests import media
from tests.mutants import mutate
from tests.tinypack import make_tiny_pack
from videdit.batch.memory import held
from videdit.cli.main import main
from videdit.config import DEFAULT_PACK
from videdit.errors import NoFaceError
from videdit.faces.shape import MEAN_FACE
from videdit.faces.track import Observation
from videdit.packs.save import digest, read_tables, write_tables
from videdit.types import Frame

SIZE = (72, 64)
CODES = {  # how a run on a mutant may end
    "clip": (0, 3, 4, 6),
    "picture": (0, 2, 3, 4, 6),  # several JPEGs in one file are a clip, and no picture is made of a clip
    "gif": (0, 2, 3, 4, 6),  # a WebP may become one that does not move, and no clip is made of a picture
    "manifest": (0, 2, 4, 5),  # a pack may lose the attribute that is asked for
    "weights": (0, 4, 5),
    "preset": (0, 2, 4),
    "curve": (0, 2, 4),
}
DONE = (0, 3, 4)  # the output is there
PRESET = """# a preset
smooth = 0.2
face = "all"
lock = ["male", "age"]
crf = 20
blend = "alpha"
occlusion = true
[attributes]
smile = 0.5
beard = "0s:0 1s:+0.5 ease"
"""
CURVES = {
    "curve.csv": "time,strength\n0,0\n0.1,0.5\n2s,-0.5\n",
    "curve.json": '{"keys": [[0, 0], ["0.1s", 0.5], [2, -0.5]], "ease": true}',
    "table.csv": "time,smile,Young ease\n0s,0,-1\n3f,,1\n2,0.5,\n",
    "table.json": '{"smile": "0s:0 2s:+0.5", "young": 0.5, "beard": [[0, 0], [1, 0.5]]}',
}


@dataclass(slots=True)
class Ended:
    """One case: what was broken and how, how the command ended, and what is wrong with that."""

    number: int
    what: str
    code: int
    argv: list[str]
    err: str = ""
    problems: list[str] = field(default_factory=list)


class Everywhere:
    """A tracker that sees one face in the middle of every frame."""

    shots: tuple[int, ...] = (0,)

    def update(self, frame: Frame) -> list[Observation]:
        side = max(4.0, min(frame.width, frame.height) / 6)
        return [Observation(0, MEAN_FACE * side + np.array([frame.width / 2, frame.height / 2]), 0.99)]


def make_seeds(folder: Path) -> dict[str, list[Path]]:
    """Good files by kind, small and each of another make."""
    folder.mkdir(parents=True, exist_ok=True)
    six, tenth = tuple(range(6)), Fraction(1, 1000)
    ms = [40 * i for i in six]
    clip = media.make_clip
    rich = {"audio": 1, "chapters": [(0, 0.1, "one")], "metadata": {"title": "A", "comment": "B"}}
    clips = [
        clip(folder / "h264.mp4", size=SIZE, times=six, **rich),  # type: ignore[arg-type]
        clip(folder / "turned.mov", size=SIZE, times=(0, 2, 3, 9, 10, 11), rotation=90, metadata={"timecode": "01:02:03:04"}),
        clip(folder / "prores.mov", size=SIZE, times=six[:3], encoder="prores_ks", pix_fmt="yuv422p10le"),
        clip(folder / "mpeg4.3gp", size=SIZE, times=six, encoder="mpeg4"),
        clip(folder / "mpeg4.avi", size=SIZE, times=six, encoder="mpeg4", audio=1, sound="libmp3lame"),
        clip(folder / "mjpeg.avi", size=SIZE, times=six, encoder="mjpeg", pix_fmt="yuvj420p"),
        clip(folder / "h264.mkv", size=SIZE, times=ms, time_base=tenth, subtitles=[(0, 0.1, "Hello")], attachment=b"abc", **rich),  # type: ignore[arg-type]
        clip(folder / "ffv1.mkv", size=(71, 65), times=ms, time_base=tenth, encoder="ffv1", pix_fmt="yuv420p10le"),
        clip(folder / "vp9.webm", size=SIZE, times=ms, time_base=tenth, encoder="libvpx-vp9", audio=1, sound="libopus", options=FAST_VP9),
        clip(folder / "h264.ts", size=SIZE, times=[3600 * i for i in six], time_base=Fraction(1, 90000), audio=1),
        clip(folder / "h264.flv", size=SIZE, times=ms, time_base=tenth, audio=1),
        clip(folder / "pq.mp4", size=SIZE, times=six[:3], encoder="libx265", tags=(9, 16, 9, 1), pix_fmt=TEN, options=QUIET_265),
    ]
    pack = make_tiny_pack(folder / "pack", name=DEFAULT_PACK)
    return {
        "clip": clips,
        "picture": _pictures(folder),
        "gif": _moving(folder),
        "manifest": [pack / "pack.toml"],
        "weights": sorted(pack.glob("*.safetensors")),
        "preset": [_text(folder / "preset.toml", PRESET)],
        "curve": [_text(folder / name, text) for name, text in CURVES.items()],
    }


FAST_VP9 = {"deadline": "good", "cpu-used": "8", "threads": "1"}
TEN = "yuv420p10le"
QUIET_265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"}
SHARE = {"clip": 50, "picture": 14, "gif": 12, "manifest": 6, "weights": 6, "preset": 6, "curve": 6}  # of 100 cases


def _text(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def _pictures(folder: Path) -> list[Path]:
    picture = Image.fromarray(media.picture(3, SIZE))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "words"
    picture.save(folder / "p.png", dpi=(72, 72))
    picture.save(folder / "p.jpg", exif=exif, comment=b"words")
    picture.save(folder / "p.webp", exif=exif)
    picture.save(folder / "p.bmp")
    picture.save(folder / "p.tiff", compression="tiff_lzw")
    picture.quantize(16).save(folder / "palette.png", transparency=0)
    Image.fromarray(np.arange(72 * 64, dtype=np.uint16).reshape(64, 72)).save(folder / "deep.png")
    return [folder / name for name in ("p.png", "p.jpg", "p.webp", "p.bmp", "p.tiff", "palette.png", "deep.png")]


def _moving(folder: Path) -> list[Path]:
    pictures = [Image.fromarray(media.picture(i, SIZE)) for i in range(4)]
    for name, kind in (("m.apng", "PNG"), ("m.webp", "WEBP")):
        pictures[0].save(folder / name, kind, save_all=True, append_images=pictures[1:], duration=50, loop=2)
    return [media.make_gif(folder / "m.gif", size=SIZE), media.make_transparent_gif(folder / "t.gif"), folder / "m.apng", folder / "m.webp"]


@dataclass
class Fuzzer:
    """Runs cases in a folder of its own."""

    folder: Path
    seed: int = 0
    seeds: dict[str, list[Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seeds = make_seeds(self.folder / "seeds")
        self.work = self.folder / "work"

    def case(self, number: int) -> tuple[str, str, list[str]]:
        """Put the files of a case into the working folder; its kind, what was done, and the arguments of the command."""
        rng = random.Random(f"{self.seed}-{number}")
        kind = rng.choices(list(SHARE), list(SHARE.values()))[0]
        source = rng.choice(self.seeds[kind])
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        broken, how = mutate(source.read_bytes(), rng, words=kind in ("manifest", "preset", "curve"))
        argv = {"manifest": self._pack, "weights": self._pack, "preset": self._preset, "curve": self._curve}.get(kind, self._media)(
            source, broken, rng
        )
        return kind, f"{kind} {source.name} {how}", argv

    def _media(self, source: Path, broken: bytes, rng: random.Random) -> list[str]:
        name = f"in{source.suffix}"
        (self.work / name).write_bytes(broken)
        command = rng.choices(("edit", "inspect", "preview"), (8, 1, 1))[0]
        if command == "inspect":
            return ["inspect", name, "--json", "--no-cache"]
        if command == "preview":
            return ["preview", name, "--smile", "1", "-o", "out.png", *([] if source.parent.name == "p" else ["-t", "0.05s"])]
        picture = source in self.seeds["picture"]
        suffix = source.suffix if picture else rng.choice((".mp4", ".mp4", ".mkv", ".mov", ".webm", ".gif", ".ts"))
        return [name, "--smile", "1", "-o", f"out{suffix}", *rng.choice((["--no-cache"], ["--face", "all"], ["--blend", "alpha"]))]

    def _good(self) -> list[str]:
        shutil.copy(self.seeds["picture"][0], self.work / "good.png")
        return ["good.png", "-o", "out.png", "--no-cache"]

    def _pack(self, source: Path, broken: bytes, rng: random.Random) -> list[str]:
        pack = self.work / "pack"
        shutil.copytree(source.parent, pack)
        (pack / source.name).write_bytes(broken)
        if source.suffix == ".safetensors" and rng.random() < 0.7:  # a hash that agrees
            tables = read_tables(pack)
            for entry in [*tables["networks"].values(), tables["axes"]]:
                if entry["file"] == source.name:
                    entry["sha256"] = digest(pack / source.name)
            write_tables(pack, tables)
        return [*self._good(), "--pack", "pack", "--smile", "1"]

    def _preset(self, source: Path, broken: bytes, rng: random.Random) -> list[str]:
        (self.work / "p.toml").write_bytes(broken)
        return [*self._good(), "--config", "p.toml"]

    def _curve(self, source: Path, broken: bytes, rng: random.Random) -> list[str]:
        (self.work / source.name).write_bytes(broken)
        return [*self._good(), *(["--curves", source.name] if source.stem == "table" else ["--smile", f"@{source.name}"])]

    def run(self, number: int) -> Ended:
        """One case through the command in this process."""
        kind, what, argv = self.case(number)
        before = self.contents()
        out, err = io.StringIO(), io.StringIO()
        with self._surroundings(err), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(argv)
        ended = Ended(number, what, code, argv, err.getvalue())
        ended.problems = [
            *problems(code, out.getvalue(), err.getvalue(), CODES[kind]),
            *left_behind(self.work, before, argv, code),
        ]
        return ended

    def contents(self) -> dict[Path, bytes]:
        """The files of the case."""
        return {path: path.read_bytes() for path in self.work.rglob("*") if path.is_file()}

    def places(self) -> dict[str, str]:
        """The environment: a pack and a cache of its own."""
        pack, cache = self.folder / "seeds" / "pack", self.folder / "cache"
        return {"VIDEDIT_PACKS": str(pack), "VIDEDIT_CACHE": str(cache), "VIDEDIT_DEBUG": ""}

    @contextlib.contextmanager
    def _surroundings(self, err: io.StringIO) -> Iterator[None]:
        """The working folder, a pack and a cache of its own, a face everywhere, and exceptions of threads as text."""
        here = Path.cwd()
        hook = mock.patch.object(threading, "excepthook", lambda args: err.write(f"Traceback in a thread: {args.exc_value!r}\n"))
        tracker = mock.patch("videdit.pipeline.watch.make_tracker", return_value=Everywhere())
        os.chdir(self.work)
        try:
            with mock.patch.dict(os.environ, self.places()), hook, tracker:
                yield
        finally:
            os.chdir(here)


def problems(code: int, out: str, err: str, allowed: tuple[int, ...]) -> Iterator[str]:
    """What is wrong with how a command ended and what it said."""
    if "Traceback" in out + err:
        yield "a traceback"
    if code not in allowed:
        yield f"exit code {code}, not one of {allowed}"
    lines = err.splitlines()
    errors = [at for at, line in enumerate(lines) if line.startswith("videdit: error: ")]
    if code and len(errors) != 1:
        yield f"{len(errors)} lines of error"
    if code and errors and (errors[0] + 1 >= len(lines) or not lines[errors[0] + 1].startswith("  ")):
        yield "an error without a hint"
    if any(character in out + err for character in "\x1b\u202e\0"):
        yield "control characters on the terminal"


def left_behind(folder: Path, before: dict[Path, bytes], argv: list[str], code: int) -> Iterator[str]:
    """What is wrong with the files afterwards."""
    target = folder / argv[argv.index("-o") + 1] if "-o" in argv else None
    wanted = code in DONE and not (argv[0] == "preview" and code == NoFaceError.exit_code)  # an edit copies what has no face
    for path, data in before.items():
        if not path.is_file() or path.read_bytes() != data:
            yield f"{path.name} was changed"
    known = {folder, *before, *(parent for path in before for parent in path.parents)}
    for path in folder.rglob("*"):
        if path not in known and path != target:
            yield f"{path.name} is left"
    if target is not None and target.exists() != wanted:
        yield f"the output is {'there' if target.exists() else 'not there'} and the exit code {code}"


def tell_all(folder: Path, seed: int, start: int, stop: int) -> None:
    """Cases start..stop, a line of JSON each."""
    fuzzer, out = Fuzzer(folder, seed), sys.stdout
    for number in range(start, stop):
        ended = fuzzer.run(number)
        values = {"number": number, "kind": ended.what.split()[0], "what": ended.what, "code": ended.code, "problems": ended.problems}
        print(json.dumps({**values, "argv": ended.argv, "err": ended.err[-1000:], **strain()}), file=out, flush=True)


def strain() -> dict[str, int]:
    """What this process holds: resident bytes, threads, and open files where the system lists them."""
    files = Path("/proc/self/fd")
    return {"held": held(os.getpid()), "threads": threading.active_count(), "files": len(list(files.iterdir())) if files.is_dir() else 0}


if __name__ == "__main__":
    tell_all(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
