"""Native code that never comes back is called in a thread, waited for, and given up; the thread is left to itself, nothing can end it.

Decoders and encoders go through here, for a damaged file or a bug can keep either busy for ever. What they are at is counted (packets, the
size of a file), and only where that stands still for PATIENCE seconds they are given up, however long the whole takes.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from videdit.errors import OutputError, UnreadableError, VideditError

T = TypeVar("T")
PATIENCE = 120  # s that one look at a file, or one packet, may take; the slowest real ones take a few
GRACE = 2  # s for which an interrupt waits for native code to come back, so that what it works on can be closed
LEFT = "videdit-given-up"  # what a thread is called that nobody waits for any more


def stalled(path: Path) -> UnreadableError:
    """The error for a file in which a decoder stands still."""
    return UnreadableError(f"{path}: the decoder stands still", hint="The file is damaged; converting it with another program may mend it.")


def blocked(path: Path) -> OutputError:
    """The error for an output at which an encoder, or the disk, stands still."""
    hint = "The same command goes on where it was. If it stops there again: another --video-encoder, or another disk."
    return OutputError(f"{path} can't be written: the encoder stands still", hint=hint)


def in_time(
    work: Callable[[], T],
    path: Path,
    *,
    seconds: float | None = None,
    steps: Callable[[], object] = lambda: None,
    error: Callable[[Path], VideditError] = stalled,
) -> T:
    """What `work` gives back, or raises. Raises error(path) when it takes longer than that (PATIENCE where nothing is said).

    steps: says something else whenever the work has got on; seconds are counted from the last time it did. They are counted one by one,
    so that those in which the whole process is stopped do not count.
    """
    done: queue.SimpleQueue[tuple[bool, T | BaseException]] = queue.SimpleQueue()

    def call() -> None:
        try:
            done.put((True, work()))
        except BaseException as raised:  # raised in the other thread
            done.put((False, raised))

    thread = threading.Thread(target=call, daemon=True, name="videdit-in-time")
    thread.start()
    try:
        found = _waited(done, PATIENCE if seconds is None else seconds, steps)
    except KeyboardInterrupt:
        with contextlib.suppress(queue.Empty):
            done.get(timeout=GRACE)
        raise
    if found is None:
        thread.name = LEFT
        raise error(path)
    fine, value = found
    if not fine:
        raise value  # type: ignore[misc]
    return value  # type: ignore[return-value]


def _waited(
    done: queue.SimpleQueue[tuple[bool, T | BaseException]], limit: float, steps: Callable[[], object]
) -> tuple[bool, object] | None:
    """What comes, or None."""
    second, still, seen = min(1.0, limit), 0.0, steps()
    while still < limit:
        try:
            return done.get(timeout=second)
        except queue.Empty:
            now = steps()
            still, seen = (still + second if now == seen else 0.0), now
    return None


def left_behind() -> bool:
    """Whether this process has threads that were given up and still run."""
    return any(thread.name == LEFT for thread in threading.enumerate())
