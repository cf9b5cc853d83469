"""Plain values on disk, locks, and the folder beside an output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from videdit.errors import OutputError, UsageError
from videdit.store.lock import TakenError, take
from videdit.store.plain import load, save
from videdit.store.work import Work, sweep, work_folder


def test_plain_values_come_back(tmp_path: Path) -> None:
    value = {"a": [1, 2.5, -np.inf, None, True, "x", np.float32(0.1)], 3: {"b": np.arange(6.0).reshape(2, 3)}, "c": deque([(1, 0.1)])}
    save(tmp_path / "v.npz", value)
    found = load(tmp_path / "v.npz")
    assert found["a"] == [1, 2.5, -np.inf, None, True, "x", float(np.float32(0.1))]
    assert np.array_equal(found[3]["b"], value[3]["b"]) and found["c"] == [[1, 0.1]]
    assert [path.name for path in tmp_path.iterdir()] == ["v.npz"]
    (tmp_path / "v.npz").write_bytes((tmp_path / "v.npz").read_bytes()[:-9])
    assert load(tmp_path / "v.npz") is None and load(tmp_path / "w.npz") is None
    with pytest.raises(TypeError):
        save(tmp_path / "v.npz", {"a": object()})


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from videdit.store.lock import take; f = take(__import__('pathlib').Path(sys.argv[1])); print('x', flush=True)"
    )
    other = subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(60)", str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "x\n"
    with pytest.raises(TakenError) as caught:
        take(tmp_path / "lock")
    assert caught.value.holder == str(other.pid)
    other.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    other.wait()
    other.stdout.close()
    take(tmp_path / "lock").close()


def test_the_folder_stays_only_where_there_is_something_to_go_on_from(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    for error, kept, left in ((OSError, False, False), (OSError, True, True), (UsageError, True, False), (None, True, False)):
        try:
            with Work(target) as work:
                place = work.place("video")
                work.part.write_bytes(b"half")
                if kept:
                    (place / "000000.seg").write_bytes(b"whole")
                if error:
                    raise error("no")
        except (OSError, UsageError):
            pass
        assert work_folder(target).exists() == left
        assert not work.part.exists()


def test_what_was_left_by_a_process_that_had_finished_is_swept(tmp_path: Path) -> None:
    left = work_folder(tmp_path / "out.mp4") / "video"
    left.mkdir(parents=True)
    (left / "000000.seg").write_bytes(b"whole")
    with Work(tmp_path / "out.mp4"):
        sweep(tmp_path / "out.mp4")
        assert left.exists(), "somebody is at work there"
    left.mkdir(parents=True)
    sweep(tmp_path / "out.mp4")
    sweep(tmp_path / "other.mp4")
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_and_places_that_are_none(tmp_path: Path) -> None:
    with Work(tmp_path / "out.mp4"):
        with pytest.raises(OutputError, match=f"another process .{os.getpid()}. is writing"), Work(tmp_path / "out.mp4"):
            pass
        with Work(tmp_path / "other.mp4"):
            pass
    with pytest.raises(OutputError, match="can't be written"), Work(tmp_path / "missing" / "out.mp4"):
        pass
    (tmp_path / ".x.mp4.videdit").write_bytes(b"")
    with pytest.raises(OutputError, match="can't be written"), Work(tmp_path / "x.mp4"):
        pass
