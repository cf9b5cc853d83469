"""A night in small: many short clips, some of them bad, a worker killed every so often. All good ones must be done, all bad ones named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.speed import make_clip
from videdit.batch.memory import held
from videdit.quality.report import Value
from videdit.report.plots import plot

HEIGHT, FRAMES = 120, 6
EVERY = 0.5  # s between two looks at memory


@dataclass(slots=True)
class Watched:
    """What was seen of a run: its lines, seconds and resident bytes of all its processes together, and how many were killed."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    killed: int = 0
    code: int = -1


def make_folder(source: Path, folder: Path, *, clips: int, bad: int) -> tuple[list[str], list[str]]:
    """Names of good and bad clips, made in a folder; every `bad`-th is bad, in one of four ways. No two are alike to the byte."""
    first = folder.parent / "first.mp4"
    make_clip(source, first, HEIGHT, FRAMES)
    whole = first.read_bytes()
    broken = (b"", b"this is no clip\n" * 9, whole[: len(whole) // 2], bytes(reversed(whole)))
    folder.mkdir(parents=True)
    names: tuple[list[str], list[str]] = [], []
    for number in range(clips):
        is_bad = number % bad == bad // 2
        name = f"{number:04}.mp4"
        own = (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")  # a box that players skip
        (folder / name).write_bytes(broken[number // bad % len(broken)] if is_bad else whole + own)
        names[is_bad].append(name)
    return names


def watch(command: Sequence[str], environment: dict[str, str], *, kill_every: int) -> Watched:
    """Run the command with `--progress json`, kill the worker of every so many clips in the middle of it, and look at memory all along."""
    seen, begun, wanted = Watched(), 0, ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
        seen.pids.add(process.pid)
        over = threading.Event()
        looking = threading.Thread(target=_look, args=(seen, over), daemon=True)
        looking.start()
        workers: dict[str, int] = {}
        for text in process.stdout or ():
            line = json.loads(text)
            seen.lines.append(line)
            if line["event"] == "begin":
                workers[line["input"]] = line["process"]
                seen.pids.add(line["process"])
                begun += 1
                wanted = line["input"] if kill_every and begun % kill_every == 0 else wanted
            elif line["event"] == "progress" and line["input"] == wanted:
                os.kill(workers[wanted], signal.SIGKILL)
                seen.killed, wanted = seen.killed + 1, ""
            elif line["event"] == "end" and line["input"] == wanted:
                wanted, begun = "", begun - 1  # it was too quick, or bad; the next one then
        seen.code = process.wait()
        over.set()
        looking.join()
    return seen


def _look(seen: Watched, over: threading.Event) -> None:
    start = time.monotonic()
    while not over.wait(EVERY):
        seen.times.append(time.monotonic() - start)
        seen.held.append(sum(held(pid) for pid in list(seen.pids)))


def growth(values: Sequence[int]) -> tuple[float, float]:
    """Highest of the second quarter and of the last, MB."""
    quarter = max(1, len(values) // 4)
    return max(values[quarter : 2 * quarter], default=0) / 1e6, max(values[-quarter:], default=0) / 1e6


def run(
    source: Path, folder: Path, *, clips: int, bad: int, kill_every: int, workers: int, options: Sequence[str], drawing: Path | None
) -> list[dict[str, Value]]:
    """The figures of a soak in an empty folder; drawing: an SVG of memory over time. Raises RuntimeError where it ends otherwise."""
    good, broken = make_folder(source, folder / "clips", clips=clips, bad=bad)
    out = folder / "out"
    command = [sys.executable, "-m", "videdit", str(folder / "clips"), "-o", str(out), "--smile", "-1", "--workers", str(workers)]
    environment = {**os.environ, "VIDEDIT_CACHE": str(folder / "cache"), "PYTHONPATH": str(Path(__file__).parents[1])}
    start = time.monotonic()
    seen = watch([*command, "--progress", "json", *options], environment, kill_every=kill_every)
    took = time.monotonic() - start
    ends = {Path(line["input"]).name: line for line in seen.lines if line["event"] == "end"}
    failed = sorted(name for name, line in ends.items() if line["status"] == "failed")
    written = sorted(path.name for path in out.rglob("*"))
    if (failed, written, seen.code) != (broken, good, 3):
        raise RuntimeError(f"failed {failed}, to be {broken}; {len(written)} of {len(good)} written; exit code {seen.code}")
    if not all(ends[name]["error"] and "Traceback" not in ends[name]["error"] for name in broken):
        raise RuntimeError("a bad clip without a reason")
    before, after = growth(seen.held)
    if drawing is not None:
        series: dict[str, Sequence[float | None]] = {"MB of all processes": [value / 1e6 for value in seen.held]}
        drawing.write_text(plot("memory over a soak", seen.times, series, low=0), "utf-8")
    again = sum(1 for line in seen.lines if line["event"] == "remark" and "done once more" in line["text"])
    counts = {"clips": clips, "bad": len(broken), "killed": seen.killed, "done again": again, "done": len(written), "named": len(failed)}
    return [{**counts, "exit code": seen.code, "s": round(took), "MB, 2nd quarter": round(before), "MB, last quarter": round(after)}]
