"""What Ray costs a clip: the same clips by workers and by a cluster of nodes of one CPU each, all of them on this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.speed import make_clip
from videdit.errors import MissingError
from videdit.quality.report import Value

HEIGHT = 120
REST = 5.0  # s for which a cluster is watched that has nothing to do
EVERY = 0.1  # s between two looks at processes; what one does after the last look before it ends is not counted
Measure = Callable[[Sequence[str], Path], tuple[float, float, float]]  # seconds by the clock, of processors, and peak MB of a command


def installed() -> bool:
    """Whether Ray is here."""
    return importlib.util.find_spec("ray") is not None


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """A Ray cluster of so many nodes with one CPU each, on this machine. Raises MissingError."""
    if not installed():
        raise MissingError("Ray is not installed, and its overhead is not measured", hint="pip install -c constraints.txt 'videdit[ray]'")
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))  # nodes import us too
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            made.add_node(num_cpus=1)
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


class Meter:
    """Seconds of processors that processes take, and all they start; a context manager. Linux only: elsewhere they are 0."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots, self._over = set(roots), threading.Event()
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seconds(self) -> float:
        """So far."""
        return sum(last - self._first[pid] for pid, last in self._last.items())

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self._look()

    def _look(self, *, begun: bool = True) -> None:
        for pid, seconds in used(self._roots).items():
            self._first.setdefault(pid, 0.0 if begun else seconds)  # who comes later has used nothing before
            self._last[pid] = seconds

    def __enter__(self) -> Meter:
        self._look(begun=False)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()


def used(roots: set[int]) -> dict[int, float]:
    """Seconds of processors by process, of those given and all below them."""
    parents, seconds = dict[int, int](), dict[int, float]()
    tick = os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # gone
            continue
        pid = int(path.parent.name)
        parents[pid], seconds[pid] = int(fields[1]), (int(fields[11]) + int(fields[12])) / tick
    found = {pid for pid in seconds if pid in roots}
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return {pid: seconds[pid] for pid in found}


def children() -> list[int]:
    """Processes that this one has started and that still run."""
    own = os.getpid()
    return [pid for pid in used({own}) if pid != own and _parent(pid) == own]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def overhead(
    source: Path, folder: Path, options: Sequence[str], measure: Measure, *, clips: int, frames: int, nodes: int
) -> list[dict[str, Value]]:
    """Rows for `clips` and twice as many, by `--workers nodes` and by as many nodes of a cluster, a thread each; the last says what Ray
    costs at the start and what for each clip, the line through both. What the cluster takes when it has nothing to do is left out of that.

    Raises MissingError, and RuntimeError where outputs differ.
    """
    rows: list[dict[str, Value]] = []
    found: dict[tuple[str, int], tuple[float, float]] = {}
    os.environ["OMP_NUM_THREADS"] = str(nodes)  # shared among local workers: one thread each, as a node's single CPU
    with cluster(nodes) as made:
        roots = children()
        with Meter(roots) as meter:
            time.sleep(REST)
        rest = meter.seconds / REST
        for count in (clips, 2 * clips):
            inputs = _inputs(source, folder / f"in{count}", count, frames)
            for engine in ("workers", "ray"):
                who = ["--workers", str(nodes)] if engine == "workers" else ["--engine", "ray", "--address", made.address]
                argv = [str(inputs), "-o", str(folder / f"{engine}{count}"), "--smile", "-1", "--no-cache", "-q", *who, *options]
                with Meter(roots) as meter:
                    clock, cpu, peak = measure(argv, folder / "cache")
                cpu += max(0.0, meter.seconds - rest * clock) if engine == "ray" else 0.0
                found[engine, count] = clock, cpu
                rows.append(_row(f"{count} clips of {HEIGHT}p, {' '.join(who[:2])}", count * frames, clock, cpu, peak))
            _check(folder / f"workers{count}", folder / f"ray{count}")
    rows[-1]["note"] = f"{_words(found, clips, nodes)}; the cluster at rest takes {1000 * rest:.0f} ms of processors a second"
    print(rows[-1]["note"], file=sys.stderr)
    return rows


def _row(what: str, frames: int, clock: float, cpu: float, peak: float) -> dict[str, Value]:
    print(f"{what}: {clock:.1f} s, {cpu:.1f} s of processors", file=sys.stderr)
    return {"what": what, "frames": frames, "s": round(clock, 1), "s of processors": round(cpu, 1), "peak MB": round(peak), "note": ""}


def _words(found: dict[tuple[str, int], tuple[float, float]], clips: int, nodes: int) -> str:
    """Fixed and growing part of what Ray takes more, by the clock and of processors."""
    said = []
    for which, unit in enumerate(("s by the clock", "s of processors")):
        one, two = (found["ray", count][which] - found["workers", count][which] for count in (clips, 2 * clips))
        said.append(f"{2 * one - two:+.2f} {unit} at the start and {(two - one) / clips:+.3f} for each clip")
    return f"Ray on {nodes} nodes beside as many workers, the same bytes: {', '.join(said)}"


def _inputs(source: Path, folder: Path, clips: int, frames: int) -> Path:
    """So many clips that differ only in a few bytes behind their end."""
    folder.mkdir(parents=True)
    make_clip(source, folder / "0.mp4", HEIGHT, frames)
    data = (folder / "0.mp4").read_bytes()
    for number in range(1, clips):
        (folder / f"{number}.mp4").write_bytes(data + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))
    return folder


def _check(local: Path, ray: Path) -> None:
    """Raises RuntimeError where outputs are not the same."""
    for path in local.iterdir():
        if path.read_bytes() != (ray / path.name).read_bytes():
            raise RuntimeError(f"{path.name} is not the same by Ray")
