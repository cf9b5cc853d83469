"""Encoded packets in a file of our own: everything a muxer wants to know of them, exactly, and a checksum each.

No container keeps times in any ticks and below zero as they are; here they are plain numbers. After the packets comes one JSON value
that says what they are; a file without it was not finished.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import av

MAGIC = b"videdit packets 1\n"
HEAD = struct.Struct("<BqqqIII")  # kind, pts, dts, duration, flags, bytes, checksum of these bytes
PACKET, END = 1, 2
KEY = 1
NEVER = -(1 << 63)  # a time that nobody said


class PacketsDamagedError(Exception):
    """The file is not finished, or not what was written."""


@dataclass(frozen=True, slots=True)
class Times3:
    """pts, dts and duration in ticks; times are None where nobody says."""

    pts: int | None
    dts: int | None
    duration: int


class PacketFile:
    """Writes packets to a file; `close` with what they are makes it whole, leaving the block without that does not."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115  # closed by close, or by the block
        self._file.write(MAGIC)

    def write(self, packet: av.Packet) -> None:
        """Add one. Raises OSError."""
        pts, dts = (NEVER if time is None else int(time) for time in (packet.pts, packet.dts))
        self._add(PACKET, pts, dts, int(packet.duration or 0), KEY if packet.is_keyframe else 0, bytes(packet))

    def close(self, facts: dict[str, Any]) -> None:
        """Finish the file. Raises OSError."""
        self._add(END, 0, 0, 0, 0, json.dumps(facts).encode())
        self._file.close()

    def abort(self) -> None:
        """Let go of it."""
        self._file.close()

    def _add(self, kind: int, pts: int, dts: int, duration: int, flags: int, data: bytes) -> None:
        self._file.write(HEAD.pack(kind, pts, dts, duration, flags, len(data), zlib.crc32(data)))
        self._file.write(data)

    def __enter__(self) -> PacketFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.abort()


def _records(path: Path) -> Iterator[tuple[int, Times3, int, bytes]]:
    """Kind, times, flags and bytes of everything in a file. Raises PacketsDamagedError, OSError."""
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise PacketsDamagedError(str(path))
        while True:
            head = file.read(HEAD.size)
            if len(head) < HEAD.size:
                raise PacketsDamagedError(str(path))
            kind, pts, dts, duration, flags, size, checksum = HEAD.unpack(head)
            data = file.read(size)
            if len(data) < size or zlib.crc32(data) != checksum or kind not in (PACKET, END):
                raise PacketsDamagedError(str(path))
            yield kind, Times3(None if pts == NEVER else pts, None if dts == NEVER else dts, duration), flags, data
            if kind == END:
                return


def read_packets(path: Path, time_base: Fraction) -> Iterator[av.Packet]:
    """The packets, in the order in which they were written. Raises PacketsDamagedError, OSError."""
    for kind, times, flags, data in _records(path):
        if kind == PACKET:
            packet = av.Packet(data)
            packet.time_base = time_base
            packet.pts, packet.dts, packet.duration = times.pts, times.dts, times.duration
            packet.is_keyframe = bool(flags & KEY)
            yield packet


def read_facts(path: Path) -> tuple[dict[str, Any], list[Times3]]:
    """What a whole file says of its packets, and their times; every checksum is looked at. Raises PacketsDamagedError, OSError."""
    times: list[Times3] = []
    facts: Any = None
    for kind, found, _, data in _records(path):
        if kind == PACKET:
            times.append(found)
        else:
            facts = json.loads(data)
    if not isinstance(facts, dict):
        raise PacketsDamagedError(str(path))
    return facts, times
