"""What many clips and long ones cost: workers against one process, Ray against workers, seconds against frames, and the planning of ten
thousand files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.ray_overhead import overhead
from benchmarks.speed import make_clip
from videdit.quality.report import Value

HEIGHT = 360
RAY_FRAMES = 3  # short clips, so that what is beside them shows
LENGTHS = (24, 72, 144, 288)  # frames
# In a process of its own: the command, then what it took of processor and memory, its workers included.
CODE = """
import json, resource, sys
from videdit.cli.main import main
code = main(sys.argv[1:])
own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
print(json.dumps({"code": code, "cpu": cpu, "peak": max(own.ru_maxrss, others.ru_maxrss) * 1024}), file=sys.stderr)
"""


def measured(arguments: Sequence[str], cache: Path) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of processors and peak MB of one process, of the command with these arguments. Raises RuntimeError."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]))
    surroundings = {**os.environ, "VIDEDIT_CACHE": str(cache), "PYTHONPATH": path}
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, env=surroundings)
    seconds = time.perf_counter() - start
    found = json.loads(done.stderr.splitlines()[-1])
    if found["code"]:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return seconds, found["cpu"], found["peak"] / 1e6


def row(what: str, frames: int, found: tuple[float, float, float], note: str = "") -> dict[str, Value]:
    seconds, cpu, peak = found
    print(f"{what}: {seconds:.1f} s, {cpu:.1f} s of processors, {peak:.0f} MB", file=sys.stderr)
    return {"what": what, "frames": frames, "s": round(seconds, 1), "s of processors": round(cpu, 1), "peak MB": round(peak), "note": note}


def lengths(source: Path, folder: Path, options: Sequence[str]) -> list[dict[str, Value]]:
    """Edits of clips of several lengths, and the line through their seconds of processors."""
    rows, costs = [], []
    for frames in LENGTHS:
        clip = folder / f"{frames}.mp4"
        make_clip(source, clip, HEIGHT, frames)
        found = measured(
            [str(clip), "-o", str(folder / f"out{frames}.mp4"), "--smile", "-1", "--no-cache", "-q", *options], folder / "cache"
        )
        costs.append(found[1])
        rows.append(row(f"{frames} frames, {HEIGHT}p", frames, found))
    slope, start = np.polyfit(LENGTHS, costs, 1)
    worst = max(abs(cost - start - slope * frames) / cost for frames, cost in zip(LENGTHS, costs, strict=True))
    rows[-1]["note"] = f"{start:.2f} s + {slope:.4f} s a frame; no length is off that line by more than {100 * worst:.1f} %"
    return rows


def workers(
    source: Path, folder: Path, options: Sequence[str], *, clips: int, frames: int, counts: Sequence[int]
) -> list[dict[str, Value]]:
    """The same clips by one process, and by several."""
    inputs = folder / "many"
    inputs.mkdir()
    make_clip(source, folder / "one.mp4", HEIGHT, frames)
    for number in range(clips):
        own = (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")
        (inputs / f"{number}.mp4").write_bytes((folder / "one.mp4").read_bytes() + own)
    rows, first = [], 0.0
    for count in counts:
        flags = ["--smile", "-1", "--no-cache", "-q", "--workers", str(count), *options]
        found = measured([str(inputs), "-o", str(folder / f"by{count}"), *flags], folder / "cache")
        first = first or found[0]
        rows.append(row(f"{clips} clips, --workers {count}", clips * frames, found, f"{first / found[0]:.2f} times as fast as 1"))
    return rows


def planning(folder: Path, files: int) -> list[dict[str, Value]]:
    """--dry-run of many files, all empty but for the few that are looked into."""
    for number in range(files):
        path = folder / "plan" / f"{number // 100:03}" / f"{number % 100:03}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return [
        row(f"planning {files} files", 0, measured([str(folder / "plan"), "-o", str(folder / "out"), "--smile", "1", "--dry-run"], folder))
    ]


def run(
    source: Path, folder: Path, *, clips: int, frames: int, counts: Sequence[int], files: int, ray: int, options: Sequence[str]
) -> list[dict[str, Value]]:
    """All of it, in an empty folder; ray: nodes, or 0. Raises MissingError."""
    rows = planning(folder, files) if files else []
    rows += lengths(source, folder, options)
    rows += workers(source, folder, options, clips=clips, frames=frames, counts=counts)
    return rows + (overhead(source, folder, options, measured, clips=clips, frames=RAY_FRAMES, nodes=ray) if ray else [])
