"""A hundred broken files through the whole command: no traceback, no wrong ending, nothing half written."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz import Fuzzer

CASES = 100


def test_broken_files_end_in_one_line_and_leave_nothing(tmp_path: Path) -> None:
    fuzzer = Fuzzer(tmp_path, seed=5)
    ended = [fuzzer.run(number) for number in range(CASES)]
    wrong = [f"case {case.number}, {case.what}: {case.problems} {' '.join(case.argv)}\n{case.err}" for case in ended if case.problems]
    assert not wrong, "\n".join(wrong)
    assert len({case.code for case in ended}) >= 3  # some are whole enough to be edited
