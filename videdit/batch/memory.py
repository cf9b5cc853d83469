"""Memory of this machine: how much is left, how much a process holds, and whether an error means that there was too little."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from pathlib import Path

GROUP = Path("/sys/fs/cgroup")
# Words of the errors by which PyTorch and OpenCV say it; Python, NumPy and PyAV raise MemoryError.
SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "insufficient memory", "failed to allocate")


def available() -> int | None:
    """Bytes that can still be had, within the limit of a container too; None where the system does not say."""
    known = []
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        known += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with contextlib.suppress(OSError, ValueError):
        limit, used = (int((GROUP / name).read_text("ascii")) for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (GROUP / "memory.stat").read_text("ascii").splitlines())
        known.append(limit - used + int(stat.get("inactive_file", 0)))  # what is kept of files makes room
    return max(0, min(known)) if known else None


def held(pid: int | None) -> int:
    """Resident bytes of a process; 0 where it is gone, or the system does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory of the machine or of a GPU ran out."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    said = str(error).lower()
    known = isinstance(error, RuntimeError) or type(error).__module__ == "cv2"
    return known and any(sign in said for sign in SIGNS)


def free() -> None:
    """Give back what nobody uses, of a GPU too, after an edit that failed."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
