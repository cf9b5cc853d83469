"""Where a reading stood, so that another one can go on there: which frame it was, and how it is known again.

Going on means a seek to the key frame before, not decoding all of an hour again. Whether that gives the frames of a reading from
the start is not taken on trust (open groups of pictures, gradual refresh, damaged files): the marked frame's samples must be the
same. If they are not, or anything was damaged so far, everything is decoded from the start.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from videdit.errors import UnreadableError
from videdit.types import Frame
from videdit.video.reader import FrameReader, read_frames


@dataclass(frozen=True, slots=True)
class Mark:
    """A frame of a source: index (-1: none), seconds, a checksum of its samples as decoded; clean: nothing was damaged up to there."""

    index: int
    time: float
    checksum: int
    clean: bool

    @classmethod
    def of(cls, frame: Frame, reader: FrameReader) -> Mark:
        """Of a frame nobody has changed yet, out of a reader."""
        return cls(frame.index, frame.time, checksum(frame), not (reader.damaged or reader.concealed or reader.moved))

    @classmethod
    def none(cls) -> Mark:
        """Nothing can go on from here."""
        return cls(-1, 0.0, 0, False)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Mark:
        """From plain values. Raises TypeError, KeyError."""
        return cls(int(values["index"]), float(values["time"]), int(values["checksum"]), bool(values["clean"]))

    def is_of(self, frame: Frame) -> bool:
        """Whether it is this frame."""
        return (frame.index, frame.time) == (self.index, self.time) and checksum(frame) == self.checksum


def checksum(frame: Frame) -> int:
    """Of a frame's samples."""
    found = 0
    for plane in frame.planes:
        found = zlib.crc32(np.ascontiguousarray(plane).data, found)
    return found


class Changed(Exception):  # noqa: N818  # no error: a reason to begin at the start
    """The source does not give the marked frame any more."""


def read_behind(path: Path, mark: Mark, *, back_to: float | None = None) -> tuple[FrameReader, Iterator[Frame]]:
    """A reader and its frames behind a marked one; with `back_to` s from that time on, no later than the mark, and the marked one too.

    Raises Changed, UnreadableError.
    """
    since = mark.time if back_to is None else back_to
    if mark.clean:
        reader = read_frames(path, start=since)
        try:
            found = _up_to(reader, mark)
        except UnreadableError:
            found = None
        if found:
            return reader, _rest(reader, found if back_to is not None else [])
        reader.close()
    reader = read_frames(path)
    found = _up_to(reader, mark, since=since)
    if not found:
        reader.close()
        raise Changed
    return reader, _rest(reader, found if back_to is not None else [])


def _up_to(reader: FrameReader, mark: Mark, *, since: float = float("-inf")) -> list[Frame] | None:
    """The frames from a time up to the marked one; None when it does not come."""
    kept: list[Frame] = []
    for frame in reader:
        if frame.index > mark.index:
            return None
        if frame.time >= since:
            kept.append(frame)
        if frame.index == mark.index:
            return kept if mark.is_of(frame) else None
    return None


def _rest(reader: FrameReader, found: list[Frame]) -> Iterator[Frame]:
    with closing(reader):
        yield from found
        yield from reader
