"""The watchdog of the fuzz benchmark, and how it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import fuzz

MODULE = """
import json, sys, time
start, stop = map(int, sys.argv[3:5])
for number in range(start, stop):
    if number == 1:
        sys.exit(9)
    if number == 3:
        time.sleep(60)
    print(json.dumps({"number": number, "kind": "clip", "what": "", "code": 0, "problems": []}), flush=True)
"""


def test_a_crash_and_a_hang_are_told_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fuzzed_here.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard: list[str] = []
    cases = fuzz.told(fuzz.in_one_process(tmp_path, 6, 0, module="fuzzed_here", limit=3), 6, heard.append)
    assert [case["number"] for case in cases] == list(range(6))
    assert [case["problems"][:1] for case in cases[:5]] == [[], ["a crash: the process ended with 9"], [], ["a hang: nothing for 3 s"], []]
    assert len(heard) == 2 * 2 + 1


def test_rows_count_by_kind() -> None:
    case = {"kind": "clip", "problems": []}
    bad = {**case, "code": 0, "problems": ["a traceback", "in.mp4 was changed"]}
    assert fuzz.rows([{**case, "code": 0}, {**case, "code": 6}, {**case, "code": 4}, bad]) == [
        {"files": "clip", "mutants": 4, "done": 2, "refused": 1, "problems": "1 x a traceback, 1 x in.mp4 was changed"}
    ]
