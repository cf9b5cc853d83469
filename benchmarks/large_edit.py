"""python -m benchmarks.large_edit CLIP OUT PRECISION DEVICE: an edit with the pack `large`, and the memory its stages were seen to take."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from videdit import pipeline
from videdit.config import Settings
from videdit.packs.load import load_pack
from videdit.pipeline import clip as clip_module
from videdit.pipeline.report import Stopwatch, peak_memory

EVERY = 0.005  # seconds between two looks at the memory


def resident() -> int:
    """Bytes this process has in memory now; its peak so far where the platform does not say."""
    try:
        import resource

        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, ImportError):
        return peak_memory()


class Watched(Stopwatch):
    """A stopwatch that notes the most memory seen while each stage ran; stages overlap, and each sees all."""

    peaks: dict[str, int] = {}
    running: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.running.append(name)
        try:
            with super().stage(name):
                yield
        finally:
            self.running.remove(name)
            self.peaks[name] = max(self.peaks.get(name, 0), resident())


def watch(stop: threading.Event) -> None:
    while not stop.is_set():
        now = resident()
        for name in list(Watched.running):
            Watched.peaks[name] = max(Watched.peaks.get(name, 0), now)
        time.sleep(EVERY)


def main() -> None:
    source, target, precision, device = sys.argv[1:]
    clip_module.Stopwatch = Watched  # type: ignore[misc]
    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(stop,), daemon=True)
    watcher.start()
    pack = load_pack("large", device=device)
    for name in ("encoder", "generator", "classifier", "landmarker"):
        pack.loaded(name)  # a gigabyte is read and checked: no part of any stage
    settings = Settings(pack="large", device=device, precision=precision, tune="off", cache=False, overwrite=True)
    start = time.perf_counter()
    report = pipeline.edit_video(source, target, {"smile": 1.0}, settings, pack=pack)
    wall = time.perf_counter() - start
    stop.set()
    watcher.join()
    facts = {"frames": report.frames, "status": report.status, "wall": wall, "seconds": report.seconds, "peaks": Watched.peaks}
    print(json.dumps(facts | {"peak": peak_memory()}))


if __name__ == "__main__":
    main()
