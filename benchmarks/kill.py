"""Killed anywhere and gone on with: SIGKILL at random moments of an edit of a folder, the same command again, and what that cost.

Every run is a process of its own that the system ends without a word; it is started by a fork of one that has imported everything, so that
kills hit the work and not the imports. When a run gets to its end, its outputs are held against those of a run nobody touched, byte
by byte, and another one begins.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from videdit.errors import OutputError
from videdit.quality.report import Value

PRELOAD = ["torch", "videdit.pipeline", "videdit.cli.edit"]
Run = Callable[[Sequence[str]], int]  # a command line -> its exit code


def command(argv: Sequence[str]) -> int:
    """The command itself."""
    from videdit.cli.main import main

    return main(argv)


def _child(run: Run, argv: Sequence[str], log: str) -> None:
    """In the new process: what it says goes into a file."""
    handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os._exit(run(argv))


@dataclass
class Tally:
    """What became of the kills: seconds of work lost by each, by pass; runs that got to their end; outputs that were not the same."""

    lost: dict[str, list[float]] = field(default_factory=lambda: {"1": [], "2": []})
    ended: int = 0
    wrong: list[str] = field(default_factory=list)


def stands(out: Path) -> tuple[str, float]:
    """Which pass a run was in, and when something was last kept, s since the epoch."""
    kept = [path for path in out.glob(".*.videdit/*/*") if path.suffix in (".seg", ".npz")]
    finished = [path for path in out.iterdir() if path.is_file()] if out.is_dir() else []
    at = [path.stat().st_mtime for path in (*kept, *finished)]
    return "2" if any(path.parent.parent.joinpath("video").is_dir() for path in kept) else "1", max(at, default=0.0)


def files(folder: Path) -> dict[str, bytes]:
    """What lies in it, by name; the work folders too, which should be gone."""
    return {path.name: path.read_bytes() if path.is_file() else b"" for path in sorted(folder.iterdir())}


def torment(
    argv: Callable[[Path], Sequence[str]],
    folder: Path,
    *,
    kills: int,
    seed: int = 0,
    run: Run = command,
    say: Callable[[str], None] = print,
) -> Tally:
    """Kill `argv(out)` so many times in all, at moments spread evenly over the seconds that it takes. Raises RuntimeError."""
    context: Any = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if hasattr(context, "set_forkserver_preload"):
        context.set_forkserver_preload(PRELOAD)
    draw, tally, log = random.Random(seed), Tally(), folder / "log"

    def start(out: Path) -> Any:
        out.mkdir(exist_ok=True)
        process = context.Process(target=_child, args=(run, argv(out), str(log)))
        process.start()
        return process

    whole, cut = folder / "whole", folder / "cut"
    start(whole).join()  # the first one waits for the imports
    shutil.rmtree(whole)
    began = time.monotonic()
    process = start(whole)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the run ends with {process.exitcode}: {log.read_text()}")
    seconds, wanted = time.monotonic() - began, files(whole)
    say(f"nobody touched it: {seconds:.1f} s, {len(wanted)} files")

    def ended(code: int) -> None:
        tally.ended += 1
        found = files(cut)
        # killed when all was done but for saying so, a run finds its outputs there and refuses
        if found != wanted or code not in (0, OutputError.exit_code):
            tally.wrong.append(f"exit code {code}, not the same: {sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))}")
        shutil.rmtree(cut)

    killed = 0
    while killed < kills:
        process, since = start(cut), time.time()
        process.join(draw.uniform(0.0, seconds))
        if process.exitcode is not None:
            ended(process.exitcode)
            continue
        process.kill()
        process.join()
        number, at = stands(cut)
        tally.lost[number].append(time.time() - max(at, since))
        killed += 1
        say(f"kill {killed}: pass {number}, {tally.lost[number][-1]:.2f} s lost")
    if cut.is_dir():
        process = start(cut)
        process.join()
        ended(process.exitcode)
    return tally


def rows(tally: Tally) -> list[dict[str, Value]]:
    """A line for each pass, and one for both."""
    both = [*tally.lost["1"], *tally.lost["2"]]
    return [
        {"killed in": name, "kills": len(lost), "median s lost": round(median(lost), 2), "worst s lost": round(max(lost), 2)}
        for name, lost in (("pass 1", tally.lost["1"]), ("pass 2", tally.lost["2"]), ("both", both))
        if lost
    ]


def run(
    clips: Path, folder: Path | None, *, pack: str, device: str, kills: int, strength: str = "-1", seed: int = 0
) -> tuple[list[dict[str, Value]], str]:
    """All clips of a folder, edited without a cache between the runs, so that pass 1 is killed too, into a new folder in `folder`. Raises
    RuntimeError where a result is not the same."""

    def argv(out: Path) -> list[str]:
        words = [str(clips), "-o", str(out) + os.sep, "--smile", strength, "--pack", pack, "--device", device]
        return [*words, "--no-cache", "--progress", "none"]

    with tempfile.TemporaryDirectory(dir=folder, prefix="videdit-kill-") as inside:
        tally = torment(argv, Path(inside), kills=kills, seed=seed, say=lambda text: print(text, file=sys.stderr))
    if tally.wrong:
        raise RuntimeError("; ".join(tally.wrong))
    return rows(tally), f"{kills} SIGKILLs at random moments; {tally.ended} runs got to their end, every file byte for byte the same."
