"""Items ahead and behind: in order, errors handed over, nothing left running."""

import threading
import time

import pytest

from videdit.pipeline.threads import Behind, ahead


def test_items_come_in_order() -> None:
    assert list(ahead(range(100), 3)) == list(range(100))


def test_an_error_comes_after_the_items_before_it() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield 1
        raise ValueError("broken")

    made = ahead(items(), 4)
    assert next(made) == 1
    with pytest.raises(ValueError, match="broken"):
        next(made)


def test_closing_stops_the_thread_and_closes_the_source() -> None:
    closed = threading.Event()

    def items():  # type: ignore[no-untyped-def]
        try:
            while True:
                yield 0
        finally:
            closed.set()

    made = ahead(items(), 2)
    next(made)
    made.close()
    assert closed.wait(2)
    assert not [t for t in threading.enumerate() if t.name == "videdit-ahead"]


def test_not_more_than_the_depth_is_made_ahead() -> None:
    made: list[int] = []

    def items():  # type: ignore[no-untyped-def]
        for i in range(100):
            made.append(i)
            yield i

    source = ahead(items(), 3)
    next(source)
    time.sleep(0.2)
    assert len(made) <= 6
    source.close()


def test_behind_consumes_everything_in_order() -> None:
    taken: list[int] = []
    with Behind(taken.append, 2) as behind:
        for i in range(50):
            behind.put(i)
    assert taken == list(range(50))


def test_an_error_of_the_consumer_is_raised() -> None:
    def consume(item: int) -> None:
        if item == 3:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Behind(consume, 2) as behind:
        for i in range(50):
            behind.put(i)


def test_an_error_of_the_block_drops_the_rest() -> None:
    with pytest.raises(KeyError), Behind(lambda item: time.sleep(0.01), 100) as behind:
        for i in range(50):
            behind.put(i)
        raise KeyError
