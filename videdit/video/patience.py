"""Native code that never comes back is called in a thread, waited for, and given up; the thread is left to itself, nothing can end it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from videdit.errors import UnreadableError

T = TypeVar("T")
PATIENCE = 120  # s that one look at a file, or one packet, may take; the slowest real ones take a few


def in_time(work: Callable[[], T], path: Path, *, seconds: float | None = None) -> T:
    """What `work` gives back, or raises. Raises UnreadableError when it takes longer than that (PATIENCE where nothing is said)."""
    done: queue.SimpleQueue[tuple[bool, T | BaseException]] = queue.SimpleQueue()

    def call() -> None:
        try:
            done.put((True, work()))
        except BaseException as error:  # raised in the other thread
            done.put((False, error))

    threading.Thread(target=call, daemon=True, name="videdit-in-time").start()
    try:
        fine, value = done.get(timeout=PATIENCE if seconds is None else seconds)
    except queue.Empty:
        raise stalled(path) from None
    if not fine:
        raise value  # type: ignore[misc]
    return value  # type: ignore[return-value]


def stalled(path: Path) -> UnreadableError:
    """The error for a file in which a decoder stands still."""
    return UnreadableError(f"{path}: the decoder stands still", hint="The file is damaged; converting it with another program may mend it.")
