"""What Ray costs a clip, by figures that are known; and processors counted of processes that are not ours to wait for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import ray_overhead
from benchmarks.ray_overhead import Meter, children, overhead, used
from tests import media

BURN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\nprint('done', flush=True)\ninput()"
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="this system has no /proc: processors are not counted")


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that takes nothing."""

    @contextmanager
    def cluster(nodes: int) -> Iterator[Any]:
        yield SimpleNamespace(address="head:1")

    monkeypatch.setattr(ray_overhead, "cluster", cluster)
    monkeypatch.setattr(ray_overhead, "REST", 0.01)
    monkeypatch.setattr(ray_overhead, "children", list)
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))


def measured(same: bool) -> Any:
    """Two seconds a clip for workers; Ray takes five more, and a quarter for each clip; of processors twice that."""

    def measure(argv: Sequence[str], cache: Path) -> tuple[float, float, float]:
        inputs, out = Path(argv[0]), Path(argv[2])
        ray = "--engine" in argv
        assert ("--address" in argv and "head:1" in argv) if ray else argv[argv.index("--workers") + 1] == "3"
        out.mkdir()
        for path in inputs.iterdir():
            (out / path.name).write_bytes(b"ray" if ray and not same else b"edited")
        seconds = 2.0 * len(list(inputs.iterdir())) + (5 + 0.25 * len(list(inputs.iterdir())) if ray else 0)
        return seconds, 2 * seconds, 100.0

    return measure


def test_the_line_through_two_counts(pretended: None, tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4")
    rows = overhead(source, tmp_path / "work", [], measured(same=True), clips=4, frames=2, nodes=3)
    assert [row["s"] for row in rows] == [8.0, 14.0, 16.0, 23.0]
    note = str(rows[-1]["note"])
    assert "+5.00 s by the clock at the start and +0.250 for each clip" in note
    assert "+10.00 s of processors at the start and +0.500 for each clip" in note
    assert len({path.read_bytes() for path in (tmp_path / "work" / "in8").iterdir()}) == 8, "no two clips are the same"


def test_other_bytes_are_no_result(pretended: None, tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4")
    with pytest.raises(RuntimeError, match="not the same by Ray"):
        overhead(source, tmp_path / "work", [], measured(same=False), clips=1, frames=2, nodes=3)


@needs_proc
def test_processors_of_a_process_and_of_what_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_overhead, "EVERY", 0.02)
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN.format(0.3)!r}])"
    with subprocess.Popen([sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.pid in children()
        with Meter([process.pid]) as meter:
            assert process.stdout is not None and process.stdout.readline() == b"done\n"
            time.sleep(0.1)
        assert len(used({process.pid})) == 2
        process.communicate(b"\n")
    assert 0.25 < meter.seconds < 3.0
    assert used({process.pid}) == {}
