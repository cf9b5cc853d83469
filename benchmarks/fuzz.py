"""Mutated files through the whole command: in one process under a watchdog, and some of them as commands of their own.

Case N of a seed is always the same (tests/fuzz.py makes it); `python -m tests.fuzz FOLDER SEED N N+1` runs one again.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.fuzz import CODES, DONE, Fuzzer, left_behind, problems
from videdit.quality.report import Value

ROOT = Path(__file__).parents[1]
LIMIT = 120.0  # s without a word count as a hang, longer than the command's own watchdog on decoders would need here
EVERY = 50  # cases between two lines of progress
COMMAND = "as commands"

Case = dict[str, Any]  # number, kind, what, code, problems; and of those that ended in one process argv, err, held, threads, files
Say = Callable[[str], None]


def run(cases: int, seed: int, commands: int, *, pack: str, say: Say) -> tuple[list[dict[str, Value]], str]:
    """Rows for a table, by kind of file, and a note; say: told of every case that ends badly and, now and then, how far it is."""
    with tempfile.TemporaryDirectory(prefix="videdit-fuzz-") as folder:
        one = told(in_one_process(Path(folder) / "one", cases, seed), cases, say)
        many = told(as_commands(Path(folder) / "many", commands, seed, pack), commands, say)
    bad = sum(bool(case["problems"]) for case in (*one, *many))
    note = f"Seed {seed}; {bad or 'none'} of {len(one) + len(many)} ended badly. {strain_of(one)}"
    return rows(one) + rows(many), note


def in_one_process(folder: Path, cases: int, seed: int, *, module: str = "tests.fuzz", limit: float = LIMIT) -> Iterator[Case]:
    """A process does case after case; where it hangs or dies, that is noted and another one goes on behind it."""
    done = 0
    while done < cases:
        argv = [sys.executable, "-m", module, str(folder), str(seed), str(done), str(cases)]
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            lines: queue.Queue[str] = queue.Queue()
            threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
            problem = ""
            while not problem and done < cases:
                try:
                    line = lines.get(timeout=limit)
                except queue.Empty:
                    problem = f"a hang: nothing for {limit:g} s"
                    continue
                if line:
                    done += 1
                    yield json.loads(line)
                else:
                    problem = f"a crash: the process ended with {process.wait()}"
            process.kill()
        if problem:
            yield {"number": done, "kind": "?", "what": "?", "code": None, "problems": [problem]}
            done += 1


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put("")


def as_commands(folder: Path, commands: int, seed: int, pack: str) -> Iterator[Case]:
    """The same cases as commands of their own, with the real tracker and `pack` where the case does not bring one."""
    fuzzer = Fuzzer(folder, seed)
    for number in range(commands):
        kind, what, argv = fuzzer.case(number)
        before = fuzzer.contents()
        places = fuzzer.places()
        if "--pack" not in argv:
            del places["VIDEDIT_PACKS"]  # the tiny pack has no landmarks
            argv = [*argv, "--pack", pack]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **places}
        found: Case = {"number": number, "kind": COMMAND, "what": what, "code": None, "problems": [], "argv": argv, "err": ""}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "videdit", *argv], cwd=fuzzer.work, env=environment, capture_output=True, text=True, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            found["problems"] = ["a hang"]
        else:
            found["code"], found["err"] = done.returncode, done.stderr[-1000:]
            found["problems"] = [
                *problems(done.returncode, done.stdout, done.stderr, CODES[kind]),
                *left_behind(fuzzer.work, before, argv, done.returncode),
            ]
        yield found


def told(ended: Iterator[Case], total: int, say: Say) -> list[Case]:
    """All cases, with a word for each that ends badly and for every so many."""
    cases: list[Case] = []
    bad = 0
    for case in ended:
        cases.append(case)
        if case["problems"]:
            bad += 1
            say(f"case {case['number']}, {case['what']}: {'; '.join(case['problems'])}: {' '.join(case.get('argv', []))}")
            say(case.get("err", ""))
        if len(cases) % EVERY == 0 or len(cases) == total:
            say(f"{len(cases)} of {total}, {bad} of them badly. {strain_of(cases)}")
    return cases


def strain_of(cases: list[Case]) -> str:
    """What the one process held after the first cases and after the last."""
    known = [case for case in cases if "held" in case]
    if not known:
        return ""
    held = [
        f"{case['held'] / 1e6:.0f} MB, {case['files']} open files and {case['threads']} threads after case {case['number']}"
        for case in (known[min(EVERY, len(known)) - 1], known[-1])
    ]
    return f"The process held {' and '.join(held)}."


def rows(cases: list[Case]) -> list[dict[str, Value]]:
    """By kind: how many, how they ended, what was wrong."""
    made: list[dict[str, Value]] = []
    for kind in sorted({case["kind"] for case in cases}):
        here = [case for case in cases if case["kind"] == kind]
        words = Counter(problem.split(":")[0] for case in here for problem in case["problems"])
        done = sum(case["code"] in DONE and not case["problems"] for case in here)
        bad = sum(bool(case["problems"]) for case in here)
        wrong = ", ".join(f"{count} x {word}" for word, count in words.items()) or "none"
        made.append({"files": kind, "mutants": len(here), "done": done, "refused": len(here) - done - bad, "problems": wrong})
    return made
