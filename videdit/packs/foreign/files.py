"""A checkpoint file of any of the usual formats as plain containers with `Tensor`s and `Array`s in them; nothing in it is ever run."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from videdit.errors import UnreadableError, UsageError
from videdit.packs.foreign.bounded import Bounded
from videdit.packs.foreign.names import KNOWN, RECORDS, read_legacy
from videdit.packs.foreign.pickles import FREE, Machine, RefusedError, short
from videdit.packs.foreign.tensors import (
    NUMPY_KINDS,
    TORCH_NAMES,
    Array,
    Storage,
    Tensor,
    rebuilt,
    shaped,
    sizes,
    storage_type,
)

LARGEST = 1 << 35  # bytes of a file
UNFOLDED = 200  # a compressed file may hold this many times its size
SMALL = 1 << 26  # bytes that a file may hold, however small it is
HEADER = 1 << 27  # bytes of a safetensors header or a zip's pickle
# What Python's readers say of damaged files, besides RefusedError.
BROKEN = (OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, UnicodeDecodeError, tokenize.TokenError)
SAFETENSORS = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


class Checkpoint:
    """An open file, a context manager. tree: what it holds; its tensors are read inside the block.

    Raises UsageError, UnreadableError; the latter also at the end of the block, for whatever in it came upon damage.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):  # a pipe would be waited for
                raise UsageError(f"{path} is no file", hint="A checkpoint is a file: .pt, .pkl, .npz, .npy or .safetensors.")
            self.file, self.size = path.open("rb"), found.st_size
        except IsADirectoryError:
            raise UsageError(f"{path} is a folder", hint="A checkpoint is a file: .pt, .pkl, .npz, .npy or .safetensors.") from None
        except FileNotFoundError:
            raise UsageError(f"there is no file {path}") from None
        except OSError as error:
            raise UnreadableError(f"{path} can't be read: {error.strerror or error}") from None
        try:
            self.tree = _read(self.file, self.size)
        except (RefusedError, *BROKEN, ValueError, RuntimeError) as error:
            self.file.close()
            raise self._unreadable(error) from None
        except BaseException:
            self.file.close()
            raise

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.file.close()
        if isinstance(error, (RefusedError, *BROKEN)):
            raise self._unreadable(error) from None

    def sha256(self) -> str:
        """Of the file, in hex."""
        self.file.seek(0)
        return hashlib.file_digest(self.file, "sha256").hexdigest()

    def _unreadable(self, error: BaseException) -> UnreadableError:
        if isinstance(error, RefusedError):
            kinds = "as torch.save(state_dict), .npz and .safetensors hold them"
            hint = f"Nothing in it was run. What is read: tensors in plain containers, {kinds}."
            return UnreadableError(f"{self.path.name} is refused: {error}", hint=hint)
        return UnreadableError(f"{self.path.name} is damaged: {short(str(error))}", hint="Download or copy it again.")


def _read(file: BinaryIO, size: int) -> Any:
    """What a file holds, by its first bytes. Raises RefusedError, OSError and what zipfile raises."""
    if size > LARGEST:
        raise RefusedError(f"it has {size / 2**30:.0f} GB; checkpoints have less than {LARGEST >> 30}")
    start = file.read(16)
    file.seek(0)
    if start.startswith(b"PK\x03\x04"):
        return _read_zip(file, size)
    if start.startswith(b"\x93NUMPY"):
        return _npy(file.read())
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < min(HEADER, size):
        return _safetensors(file, size)
    if start.startswith(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"):
        return read_legacy(Bounded(file, size), file, 4 * size + FREE)
    if start[:1] in (b"\x80", b"(", b"}", b"]", b"c"):
        return Machine(KNOWN, RECORDS, budget=4 * size + FREE).load(Bounded(file, size))
    raise RefusedError("it is no checkpoint (.pt, .pkl, .npz, .npy or .safetensors)")


def _read_zip(file: BinaryIO, size: int) -> Any:
    """An .npz, or what torch.save writes."""
    archive = zipfile.ZipFile(file)
    entries = {entry.filename: entry for entry in archive.infolist()}
    held, packed = sum(e.file_size for e in entries.values()), sum(e.compress_size for e in entries.values())
    if len(entries) != len(archive.infolist()) or packed > size or held > max(SMALL, UNFOLDED * size):
        raise RefusedError(f"it would unfold from {size / 2**20:.1f} MB to {held / 2**20:.0f} MB")
    if any(e.flag_bits & 1 or e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for e in entries.values()):
        raise RefusedError("it is encrypted, or compressed as weights never are")

    def read(entry: zipfile.ZipInfo) -> bytes:
        with archive.open(entry) as part:
            return part.read(entry.file_size + 1)

    pickles = [name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")]
    if not pickles:
        arrays = [name for name in entries if name.endswith(".npy")]
        if not arrays:
            raise RefusedError("it is a zip file without tensors")
        return {name.removesuffix(".npy"): _npy(read(entries[name])) for name in arrays}
    return _torch(entries, pickles[0], read)


def _torch(entries: dict[str, zipfile.ZipInfo], name: str, read: Callable[[zipfile.ZipInfo], bytes]) -> Any:
    """What torch.save has written since 1.6: a pickle, and a file for every storage."""
    folder = name.removesuffix("data.pkl")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise RefusedError("its tensors are compressed, which torch.save never does")
    if f"{folder}byteorder" in entries and read(entries[f"{folder}byteorder"]).strip() == b"big":
        raise RefusedError("it was written on a big-endian machine")
    if entries[name].file_size > HEADER:
        raise RefusedError("its list of tensors is too long")

    def persistent(value: Any) -> Storage:
        # ('storage', class, key, location, numel)
        if not isinstance(value, tuple) or len(value) != 5 or value[0] != "storage":
            raise RefusedError("it refers to something that is no storage")
        _, kind, key, _location, count = value
        entry, dtype, (count,) = entries.get(f"{folder}data/{key}"), storage_type(kind), sizes((count,))
        if entry is None or entry.file_size < count * dtype.itemsize:
            raise RefusedError(f"a tensor of {count} numbers comes with {entry.file_size if entry else 0} bytes")
        return Storage(dtype, count, lambda: read(entry)[: count * dtype.itemsize])

    data = read(entries[name])
    return Machine(KNOWN, persistent=persistent, budget=4 * len(data) + FREE).load(Bounded(io.BytesIO(data), len(data)))


def _npy(data: bytes) -> Array:
    """An array out of an .npy file."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
    except (ValueError, RecursionError, MemoryError, SyntaxError, tokenize.TokenError) as error:
        raise RefusedError(f"an array's header can't be read ({type(error).__name__})") from None
    if dtype.hasobject or dtype.kind not in NUMPY_KINDS:
        if dtype.kind in "US" and len(data) - file.tell() < SMALL:
            return Array()  # remarks, such as a version's name
        raise RefusedError("it holds Python objects, which are not read")
    return Array(shaped(data[file.tell() :], dtype, sizes(tuple(shape)), fortran=fortran))


def _safetensors(file: BinaryIO, size: int) -> dict[str, Tensor]:
    """Tensors by name; lazily, as in other files."""
    length = int.from_bytes(file.read(8), "little")
    try:
        header = json.loads(file.read(length))
        items = [(str(key), entry) for key, entry in header.items() if key != "__metadata__"]
        out = {}
        for key, entry in items:
            begin, end = sizes(entry["data_offsets"])
            dtype, shape = TORCH_NAMES[SAFETENSORS[entry["dtype"]]], sizes(entry["shape"])
            if not 0 <= begin <= end <= size - 8 - length:
                raise RefusedError(f"{short(key)} lies outside the file")
            out[key] = _at(file, 8 + length + begin, (end - begin) // dtype.itemsize, dtype, shape)
        return out
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError("its header is not that of safetensors") from None


def _at(file: BinaryIO, begin: int, count: int, dtype: Any, shape: tuple[int, ...]) -> Tensor:
    def read() -> bytes:
        file.seek(begin)
        return file.read(count * dtype.itemsize)

    strides = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
    return rebuilt(Storage(dtype, count, read), 0, shape, tuple(strides))
