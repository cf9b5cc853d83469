"""--dry-run: how long a plan will take and how much disk, from a look at some of its files and what earlier edits took."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videdit.cli.folders import elsewhere
from videdit.cli.plan import Job
from videdit.cli.progress import clock
from videdit.cli.say import note
from videdit.errors import VideditError
from videdit.store.speeds import Speed
from videdit.video.formats import PICTURE_SUFFIXES, is_sequence, numbered

LOOKED_AT = 48  # files that are opened; the others are taken for alike, by their bytes
START = 4.0  # s until the first frame


@dataclass(frozen=True, slots=True)
class Estimate:
    """seconds and bytes for `files` files, `looked` of which were opened; free: bytes where they go; of frames that speed is known from."""

    seconds: float
    size: float
    files: int
    looked: int
    free: int
    frames: int

    def words(self) -> list[str]:
        """For people."""
        basis = (
            f"{self.frames} frames edited here before" if self.frames else "a machine with two CPU cores; edits here will make it better"
        )
        looked = "" if self.looked == self.files else f", having looked at {self.looked} of them"
        lines = [f"{self.files} file{'s' if self.files != 1 else ''}: about {clock(self.seconds)} and {in_bytes(self.size)}{looked}"]
        lines.append(f"  speed from {basis}; {in_bytes(self.free)} free")
        if self.size > self.free:
            lines.append(f"  that is more than there is room for: {in_bytes(self.size - self.free)} are missing")
        return lines


def estimate(jobs: Sequence[Job], folder: Path, speed: Speed, *, workers: int = 1) -> Estimate:
    """Time and disk of jobs whose outputs go to `folder`; what can't be read is said, and counts nothing."""
    seconds = size = 0.0
    looked, whole_plan = 0, len(jobs)
    jobs = [job for job in jobs if not elsewhere(job.source)]
    if len(jobs) < whole_plan:
        note(f"{whole_plan - len(jobs)} files lie elsewhere and are not counted in the estimate")
    for pictures in (False, True):
        group = [job for job in jobs if (job.source.suffix.lower() in PICTURE_SUFFIXES and not is_sequence(job.source)) == pictures]
        picked = group[:: max(1, -(-len(group) // LOOKED_AT))]
        known = [_one(job, speed, picture=pictures) for job in picked]
        whole, part = _bytes(group), _bytes(picked)
        scale = whole / part if part else 1.0
        seconds += scale * sum(found[0] for found in known)
        size += scale * sum(found[1] for found in known)
        looked += len(picked)
    return Estimate(START + seconds / max(1, workers), size, len(jobs), looked, _free(folder), speed.frames)


def _one(job: Job, speed: Speed, *, picture: bool) -> tuple[float, float]:
    """Seconds and bytes of one file."""
    from videdit.video.probe import probe

    try:
        info = probe(job.source)
    except VideditError as error:
        note(f"{job.source}: {' '.join(str(error).split())}")
        return 0.0, 0.0
    frames = info.frames or 1
    return speed.seconds(frames, info.width, info.height), _bytes([job]) if picture else speed.size(frames, info.width, info.height)


def _bytes(jobs: Sequence[Job]) -> int:
    total = 0
    for job in jobs:
        for file in numbered(job.source).values() if is_sequence(job.source) else [job.source]:
            try:
                total += file.stat().st_size
            except OSError:
                continue
    return total


def _free(folder: Path) -> int:
    """Bytes free where a folder is, or will be; of the temporary folder for one elsewhere, through which its files go."""
    folder = Path(tempfile.gettempdir()) if elsewhere(folder) else folder
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def in_bytes(count: float) -> str:
    """1234567 -> 1.2 MB"""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
