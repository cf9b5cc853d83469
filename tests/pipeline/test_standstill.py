"""A decoder that stands still ends its file, not the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from videdit.errors import UnreadableError
from videdit.pipeline.threads import ahead
from videdit.video import patience


@dataclass
class Reader:
    """Stands in for a FrameReader."""

    path: Path = Path("in.mp4")
    steps: int = 0


def test_who_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 1)
    over, reader = threading.Event(), Reader()

    def stuck() -> Iterator[int]:
        yield 1
        over.wait(60)

    found = ahead(stuck(), 2, watch=reader)
    assert next(found) == 1
    began = time.monotonic()
    with pytest.raises(UnreadableError, match=r"in\.mp4: the decoder stands still") as caught:
        next(found)
    assert caught.value.hint
    assert time.monotonic() - began < 30
    over.set()


def test_who_gets_on_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 1)
    reader, over = Reader(), threading.Event()

    def slow() -> Iterator[int]:
        for _ in range(30):  # three seconds without a frame, but with packets
            reader.steps += 1
            over.wait(0.1)
        yield 1

    assert list(ahead(slow(), 2, watch=reader)) == [1]
