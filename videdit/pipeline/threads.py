"""Two ways to overlap stages, both with a bounded queue so that memory does not grow: make items ahead, consume them behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from videdit.video import patience
from videdit.video.patience import stalled

T = TypeVar("T")
_END = object()
_STALLED = object()


class _Failure:
    """An exception on its way to the other thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Working(Protocol):
    """Something whose `steps` grow while it gets on with a file."""

    steps: int
    path: Path


def ahead(items: Iterable[T], depth: int, *, watch: Working | None = None) -> Generator[T, None, None]:
    """The same items in the same order, made up to `depth` ahead in a thread; its exceptions are raised here.

    Closing the returned generator stops the thread. watch: what makes the items; where it stands still for `patience.PATIENCE` seconds,
    the thread is left to itself, for native code can't be stopped. Raises UnreadableError then.
    """
    waiting: queue.Queue[object] = queue.Queue(max(1, depth))
    stop = threading.Event()

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put(item):
                    break
            else:
                put(_END)
        except BaseException as error:  # handed over, not swallowed
            put(_Failure(error))
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=work, daemon=True, name="videdit-ahead")
    thread.start()
    left = False
    try:
        while (item := _next(waiting, watch)) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            if item is _STALLED and watch is not None:
                left = True
                raise stalled(watch.path)
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        if not left:
            thread.join(None if watch is None else patience.PATIENCE)


def _next(waiting: queue.Queue[object], watch: Working | None) -> object:
    """What comes next, or _STALLED. Seconds are counted one by one, so that those in which the whole process is stopped do not count."""
    if watch is None:
        return waiting.get()
    steps, still = watch.steps, 0
    while still < patience.PATIENCE:
        try:
            return waiting.get(timeout=1.0)
        except queue.Empty:
            still = still + 1 if watch.steps == steps else 0
            steps = watch.steps
    return _STALLED


class Behind(Generic[T]):
    """Calls `consume` on each item in a thread, in order, up to `depth` behind. Leaving the block waits for the rest.

    An exception of the consumer is raised by the next `put`, or at the end of the block. When the block itself fails, what still
    waits is dropped.
    """

    def __init__(self, consume: Callable[[T], None], depth: int) -> None:
        self._consume = consume
        self._waiting: queue.Queue[object] = queue.Queue(max(1, depth))
        self._error: BaseException | None = None
        self._drop = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="videdit-behind")

    def _work(self) -> None:
        while (item := self._waiting.get()) is not _END:
            if self._error is None and not self._drop:
                try:
                    self._consume(item)  # type: ignore[arg-type]
                except BaseException as error:  # raised in the other thread
                    self._error = error

    def put(self, item: T) -> None:
        """Hand over an item; waits while `depth` items are waiting."""
        if self._error is not None:
            raise self._error
        self._waiting.put(item)

    def __enter__(self) -> Behind[T]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._drop = kind is not None
        self._waiting.put(_END)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error
