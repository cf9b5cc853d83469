"""How fast, and in how much memory: the command itself, each run a process of its own, on clips scaled and repeated from one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.video.reformatter import Interpolation

from videdit.quality.report import Value

HEIGHTS = (360, 720, 1080)
STRENGTHS = ("-1", "0.7")  # of --smile: the first run, and the second, which finds the first's tracks and latents in the cache
STAGES = ("decode", "faces", "invert", "generate", "analyse", "composite", "encode")


def make_clip(source: Path, target: Path, height: int, frames: int = 0) -> None:
    """A clip of this height (even width, square pixels), H.264 crf 18: the source's frames, or `frames` of them, back and forth."""
    with av.open(str(source)) as video:
        stream = video.streams.video[0]
        rate = stream.average_rate or Fraction(30)
        pictures = []
        for frame in video.decode(stream):
            width = round(frame.width * height / frame.height / 2) * 2
            pictures.append(frame.reformat(width, height, "yuv420p", interpolation=Interpolation.LANCZOS))
    order = list(range(len(pictures))) + list(range(len(pictures) - 2, 0, -1))
    with av.open(str(target), "w") as out:
        coded = out.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "fast"})
        coded.width, coded.height, coded.pix_fmt = pictures[0].width, height, "yuv420p"
        coded.time_base = 1 / Fraction(rate)
        for i in range(frames or len(pictures)):
            picture = pictures[order[i % len(order)]]
            picture.pts, picture.time_base = i, 1 / Fraction(rate)
            out.mux(coded.encode(picture))
        out.mux(coded.encode())


def copy(clip: str, target: str) -> dict[str, Any]:
    """In a process of its own, without PyTorch: decoding and encoding alone, as --report words it."""
    import resource

    from videdit.video.probe import probe
    from videdit.video.reader import read_frames
    from videdit.video.writer import ClipWriter

    start, decoding, frames = time.perf_counter(), 0.0, 0
    with ClipWriter(Path(target), probe(Path(clip))) as writer:
        reader, before = read_frames(clip), time.perf_counter()
        for frame in reader:
            decoding += time.perf_counter() - before
            writer.write(frame)
            frames, before = frames + 1, time.perf_counter()
    wall = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"frames": frames, "wall": wall, "peak_memory": peak, "seconds": {"decode": decoding, "encode": wall - decoding}}


def timed(arguments: Sequence[str], *, cache: str = "") -> tuple[float, str]:
    """Run Python with these arguments; seconds from start to end and what it printed. Raises RuntimeError when it fails."""
    start = time.perf_counter()
    surroundings = {**os.environ, "VIDEDIT_CACHE": cache, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=surroundings)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
    return seconds, done.stdout


def measure_copy(clip: str, target: str) -> tuple[float, dict[str, Any]]:
    """Seconds and report of decoding and encoding alone."""
    code = "import json,sys; from benchmarks.speed import copy; print(json.dumps(copy(*sys.argv[1:])))"
    seconds, printed = timed(["-c", code, clip, target])
    return seconds, json.loads(printed)


def measure_edit(clip: str, target: str, strength: str, *, cache: str, pack: str, device: str) -> tuple[float, dict[str, Any]]:
    """Seconds and report of the command from start to end."""
    report = Path(cache) / "report.json"
    options = ["-o", target, "--overwrite", "--smile", strength, "--report", str(report), "--pack", pack, "--device", device, "-q"]
    seconds, _ = timed(["-m", "videdit", clip, *options], cache=cache)
    return seconds, json.loads(report.read_text("utf-8"))["files"][0]


def row(clip: str, run: str, seconds: float, found: dict[str, Any], *, first: float | None = None) -> dict[str, Value]:
    """One line of the table: seconds of the whole process, in it those before and after the work, and milliseconds a frame by stage.

    Stages overlap. first: seconds of the run to be compared with.
    """
    frames, known = found["frames"], found["seconds"]
    out: dict[str, Value] = {"clip": clip, "run": run, "frames": frames, "s": round(seconds, 2)}
    out["frames/s"] = round(frames / seconds, 2)
    out["times the first"] = None if first is None else f"{first / seconds:.2f}"
    out["start + end s"] = round(seconds - found["wall"] + known.get("load", 0.0), 2)
    out |= {f"{stage} ms": round(1000 * known[stage] / frames, 1) if stage in known else None for stage in STAGES}
    return out | {"peak MB": round(found["peak_memory"] / 2**20)}


def run(
    source: Path, *, pack: str, device: str, heights: Sequence[int] = HEIGHTS, frames: int = 0, long: bool = False
) -> list[dict[str, Value]]:
    """Each height: copying alone, a first edit, a second one with another strength; long: the first height ten times as long, too."""
    rows: list[dict[str, Value]] = []

    def add(clip: str, run: str, found: tuple[float, dict[str, Any]], *, first: float | None = None) -> float:
        rows.append(row(clip, run, *found, first=first))
        print(f"{clip}, {run}: {rows[-1]['frames/s']} frames/s", file=sys.stderr)
        return found[0]

    for height in heights:
        with tempfile.TemporaryDirectory() as folder:
            name, clip, target = f"{height}p", f"{folder}/in.mp4", f"{folder}/out.mp4"
            make_clip(source, Path(clip), height, frames)
            add(name, "decode + encode", measure_copy(clip, target))
            runs = [measure_edit(clip, target, strength, cache=folder, pack=pack, device=device) for strength in STRENGTHS]
            add(name, "second", runs[1], first=add(name, "first", runs[0]))
    if long:
        with tempfile.TemporaryDirectory() as folder:
            clip, target = f"{folder}/in.mp4", f"{folder}/out.mp4"
            make_clip(source, Path(clip), heights[0], 10 * int(str(rows[0]["frames"])))
            found = measure_edit(clip, target, STRENGTHS[0], cache=folder, pack=pack, device=device)
            add(f"{heights[0]}p, 10 times as long", "first", found)
    return rows
