"""Tensors and arrays of a checkpoint, checked against the bytes that are there and read when they are asked for."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from videdit.packs.foreign.pickles import Machine, Name, RefusedError

DIMENSIONS = 8
DTYPES: dict[str, torch.dtype] = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
}
TORCH_NAMES = {str(dtype).removeprefix("torch."): dtype for dtype in DTYPES.values()}
STORAGES = {f"torch.{name}Storage": dtype for name, dtype in DTYPES.items()}
STORAGES |= {f"torch.cuda.{name}Storage": dtype for name, dtype in DTYPES.items()}
STORAGES |= {"torch.storage.UntypedStorage": torch.uint8, "torch.UntypedStorage": torch.uint8}
NUMPY_KINDS = "fiub"
if sys.byteorder != "little":  # pragma: no cover
    raise ImportError("checkpoints are read on little-endian machines only")


@dataclass(slots=True)
class Storage:
    """A row of numbers somewhere in a file. size: how many the file says there are; read: its bytes."""

    dtype: torch.dtype
    size: int
    read: Callable[[], bytes]

    def bytes(self) -> bytes:
        """Its contents. Raises RefusedError where they are not as long as was said."""
        found = self.read()
        if len(found) != self.size * self.dtype.itemsize:
            raise RefusedError(f"a tensor of {self.size} numbers comes with {len(found)} bytes")
        return found


@dataclass(slots=True)
class Tensor:
    """A view of a storage: nothing is read before `load`."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype

    def load(self) -> torch.Tensor:
        """The numbers, a tensor of its own. Raises RefusedError."""
        data = bytearray(self.storage.bytes())
        if not data or 0 in self.shape:
            return torch.zeros(self.shape, dtype=self.dtype)
        return torch.frombuffer(data, dtype=self.dtype).as_strided(self.shape, self.strides, self.offset).contiguous()


@dataclass(slots=True)
class Array:
    """A NumPy array; its state comes after it was made."""

    array: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.float32))

    def set_state(self, machine: Machine, state: Any) -> None:
        """(version, shape, dtype, Fortran order, bytes), as NumPy pickles it. Raises RefusedError."""
        _version, shape, dtype, fortran, data = state
        if isinstance(data, str):
            data = data.encode("latin1")
        if not isinstance(dtype, Dtype) or not isinstance(data, bytes | bytearray):
            raise RefusedError("an array is not made of plain numbers")
        machine.spend(len(data))
        self.array = shaped(bytes(data), dtype.dtype(), sizes(shape), fortran=bool(fortran))

    def load(self) -> torch.Tensor:
        """The numbers as a tensor."""
        return torch.from_numpy(np.array(self.array, order="C"))


@dataclass(slots=True)
class Dtype:
    """A NumPy dtype of plain numbers, by its short name."""

    code: str
    order: str = "|"

    def set_state(self, _machine: Machine, state: Any) -> None:
        """Byte order; other fields are for structures, which are refused."""
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise RefusedError("an array is not made of plain numbers")
        self.order = state[1] if state[1] in ("<", ">", "|", "=") else "|"

    def dtype(self) -> np.dtype[Any]:
        """The real one. Raises RefusedError."""
        if self.code[:1] not in NUMPY_KINDS or not self.code[1:].isdecimal() or int(self.code[1:]) > 8:
            raise RefusedError("an array is not made of plain numbers")
        return np.dtype(self.code).newbyteorder(self.order)  # type: ignore[arg-type]


def shaped(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], *, fortran: bool = False) -> NDArray[Any]:
    """Bytes as an array in this machine's byte order. Raises RefusedError where shape and bytes disagree."""
    if math.prod(shape) * dtype.itemsize != len(data):
        raise RefusedError(f"an array of {math.prod(shape)} numbers comes with {len(data)} bytes")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)


def sizes(value: Any) -> tuple[int, ...]:
    """A shape, or strides. Raises RefusedError."""
    if not isinstance(value, list | tuple) or len(value) > DIMENSIONS:
        raise RefusedError("a tensor's shape makes no sense")
    if any(isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < 1 << 48 for n in value):
        raise RefusedError("a tensor's shape makes no sense")
    return tuple(value)


def rebuilt(storage: Any, offset: Any, shape: Any, strides: Any, dtype: torch.dtype | None = None) -> Tensor:
    """A tensor whose every element lies in its storage. Raises RefusedError."""
    shape, strides, (offset,) = sizes(shape), sizes(strides), sizes((offset,))
    if not isinstance(storage, Storage) or len(shape) != len(strides):
        raise RefusedError("a tensor's shape makes no sense")
    dtype = dtype or storage.dtype
    room, left = divmod(storage.size * storage.dtype.itemsize, dtype.itemsize)
    if left:
        raise RefusedError("a tensor's numbers do not fill its bytes")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if math.prod(shape) and (last >= room or math.prod(shape) > room):
        raise RefusedError(f"a tensor of shape {list(shape)} reaches beyond its {room} numbers")
    return Tensor(storage, offset, shape, strides, dtype)


def storage_type(value: Any) -> torch.dtype:
    """What a storage's class holds. Raises RefusedError."""
    if not isinstance(value, Name) or value.text not in STORAGES:
        raise RefusedError("a tensor holds no plain numbers")
    return STORAGES[value.text]
