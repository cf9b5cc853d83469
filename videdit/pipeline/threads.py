"""Two ways to overlap stages, both with a bounded queue so that memory does not grow: make items ahead, consume them behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
_END = object()


class _Failure:
    """An exception on its way to the other thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """The same items in the same order, made up to `depth` ahead in a thread; its exceptions are raised here.

    Closing the returned generator stops the thread.
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
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


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
