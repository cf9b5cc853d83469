"""Nested plain values and arrays as one .npz, and back; nothing is ever unpickled."""

from __future__ import annotations

import dataclasses
import json
import struct
import tokenize
import zipfile
import zlib
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videdit.store.durable import commit

# What NumPy and Python say of an .npz that was damaged somewhere.
DAMAGED = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
    *(ValueError, KeyError, TypeError, RuntimeError, MemoryError),
)


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, by name, as they are; `type(value)(**fields)` is the same again."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _to_json(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    """JSON for a value; its arrays go into `arrays`."""
    if isinstance(value, np.ndarray):
        arrays[str(len(arrays))] = value
        return {"array": str(len(arrays) - 1)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {"items": [[_to_json(key, arrays), _to_json(item, arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple, deque)):
        return [_to_json(item, arrays) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} is no plain value")


def _of_json(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_of_json(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    return {_of_json(key, arrays): _of_json(item, arrays) for key, item in value["items"]}


def save(place: Path, value: Any) -> None:
    """Keep None, bools, numbers, words and arrays, in lists (tuples and deques become lists) and dicts. Raises OSError, TypeError."""
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(_to_json(value, arrays)).encode()
    part = place.with_suffix(".part")
    with open(part, "wb") as file:
        np.savez(file, json=np.frombuffer(text, np.uint8), **arrays)  # type: ignore[arg-type]
    commit(part, place)


def load(place: Path) -> Any:
    """What was kept; None when it is not there or damaged."""
    try:
        with np.load(place, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return _of_json(json.loads(arrays.pop("json").tobytes()), arrays)
    except DAMAGED:
        return None
