"""Files that never give more than they have, however much is asked of them."""

from __future__ import annotations

from typing import Any, Protocol


class Source(Protocol):
    """A file open for reading that never returns more than it has (such as `Bounded`)."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self) -> bytes: ...
    def tell(self) -> int: ...


class Bounded:
    """A binary file whose `read(n)` does not make room for more than is there, however large an n a file asks for."""

    def __init__(self, file: Any, size: int) -> None:
        self._file, self.size = file, size

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self.size - self._file.tell())
        found: bytes = self._file.read(left if size < 0 else min(size, left))
        return found

    def readline(self) -> bytes:
        found: bytes = self._file.readline()
        return found

    def tell(self) -> int:
        at: int = self._file.tell()
        return at
