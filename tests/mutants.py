"""Bytes that were a good file: cut off, flipped, with numbers nobody expects, with words in odd places."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1_000_000)
ODD_TEXT = ("", "\0", "\x1b[31m", "\u202e", "\n\n", '"', "'''", "[", "]]", "=", "nan", "-inf", "1e999", "9" * 400, "[" * 300, "\ud7ff", "é")


def _truncated(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _flipped(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _head_flipped(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 4))):
        data[rng.randrange(min(len(data), 600))] ^= 1 << rng.randrange(8)


def _extreme(data: bytearray, rng: random.Random) -> None:
    """A number of 4 bytes somewhere, mostly in the head or the tail where indexes are, becomes an extreme one."""
    where = rng.choice((range(min(len(data), 1000)), range(max(0, len(data) - 2000), len(data)), range(len(data))))
    at, order = rng.choice(where), rng.choice("<>")
    data[at : at + 4] = struct.pack(f"{order}I", rng.choice(EXTREMES))[: len(data) - at]


def _noised(data: bytearray, rng: random.Random) -> None:
    at, length = rng.randrange(len(data)), rng.choice((1, 4, 64, 1000))
    data[at : at + length] = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))


def _removed(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 4, 100, 5000))]


def _repeated(data: bytearray, rng: random.Random) -> None:
    at, length = rng.randrange(len(data)), rng.choice((1, 8, 200, 3000))
    data[at:at] = data[at : at + length]


def _swapped(data: bytearray, rng: random.Random) -> None:
    length = rng.choice((4, 50, 1000))
    a, b = sorted(rng.randrange(len(data)) for _ in range(2))
    first, second = data[a : a + length], data[b : b + length]
    if a + length <= b and len(first) == len(second):
        data[a : a + length], data[b : b + length] = second, first


def _worded(data: bytearray, rng: random.Random) -> None:
    """Text in the middle of a line, or a line twice, or gone."""
    lines = bytes(data).split(b"\n")
    at = rng.randrange(len(lines))
    cut = rng.randrange(len(lines[at]) + 1)
    odd = rng.choice(ODD_TEXT).encode("utf-8", "surrogatepass")
    lines[at : at + 1] = rng.choice(([lines[at][:cut] + odd + lines[at][cut:]], [lines[at]] * 2, [], [lines[at][:cut] + odd]))
    data[:] = b"\n".join(lines)


Mutator = Callable[[bytearray, random.Random], None]
BINARY: tuple[Mutator, ...] = (_truncated, _flipped, _head_flipped, _extreme, _noised, _removed, _repeated, _swapped)
WORDS: tuple[Mutator, ...] = (_truncated, _flipped, _worded, _worded, _worded, _noised, _repeated)


def mutate(data: bytes, rng: random.Random, *, words: bool) -> tuple[bytes, str]:
    """Other bytes, and by what they became others."""
    if rng.random() < 0.02:
        return rng.choice((b"", b"this is text, whatever it is called\n", b"\0" * 5000)), "replaced"
    out, done = bytearray(data), []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if out:
            step = rng.choice(WORDS if words else BINARY)
            step(out, rng)
            done.append(step.__name__.strip("_"))
    return bytes(out), "+".join(done)
