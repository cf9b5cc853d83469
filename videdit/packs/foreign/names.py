"""The names that a checkpoint's pickles may use (see `pickles`), each with the inert thing it stands for; and what torch.save wrote
before 1.6, which pickled networks hold inside."""

from __future__ import annotations

import io
from typing import Any

from videdit.packs.foreign.bounded import Bounded
from videdit.packs.foreign.pickles import Machine, Maker, Name, RefusedError
from videdit.packs.foreign.tensors import STORAGES, TORCH_NAMES, Array, Dtype, Storage, Tensor, rebuilt, sizes, storage_type

MAGIC = 0x1950A86A20F9469CFC6C  # of torch.save before it wrote zip files
PROTOCOL = 1001


def read_legacy(source: Bounded, file: Any, budget: int) -> Any:
    """What torch.save wrote before 1.6: five pickles, then the storages' bytes one after another. Raises RefusedError."""
    found: dict[str, Storage] = {}
    places: dict[str, int] = {}

    def persistent(value: Any) -> Storage:
        # ('storage', class, key, location, numel, view)
        if not isinstance(value, tuple) or len(value) not in (5, 6) or value[0] != "storage" or value[5:] not in ((), (None,)):
            raise RefusedError("it refers to something that is no storage")
        _, kind, key, _location, count = value[:5]
        key, dtype, (count,) = str(key), storage_type(kind), sizes((count,))
        return found.setdefault(key, Storage(dtype, count, lambda: _bytes_at(file, source.size, places, key, count * dtype.itemsize)))

    def load() -> Any:
        return Machine(KNOWN, persistent=persistent, budget=budget).load(source)

    magic, protocol, system = load(), load(), load()
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, dict) or system.get("little_endian") is False:
        raise RefusedError("it is not laid out as torch.save does")
    value, keys = load(), load()
    at = source.tell()
    for key in keys if isinstance(keys, list) else ():
        places[str(key)] = at
        storage = found.get(str(key))
        if storage is None:
            break
        at += 8 + storage.size * storage.dtype.itemsize
    return value


def _bytes_at(file: Any, end: int, places: dict[str, int], key: str, count: int) -> bytes:
    """A storage: its length in 8 bytes, then `count` bytes."""
    if key not in places or places[key] + 8 + count > end:
        raise RefusedError("it ends before its tensors do")
    file.seek(places[key] + 8)
    found: bytes = file.read(count)
    return found


def _nested(machine: Machine, arguments: tuple[Any, ...]) -> Storage:
    """torch.storage._load_from_bytes: a storage in a torch.save of its own, as pickled modules hold it."""
    (data,) = arguments
    if not isinstance(data, bytes):
        raise RefusedError("a tensor holds no plain numbers")
    machine.spend(1024)
    file = io.BytesIO(data)
    value = read_legacy(Bounded(file, len(data)), file, min(machine.budget, 1 << 16))
    if not isinstance(value, Storage):
        raise RefusedError("a tensor holds no plain numbers")
    return value


def _tensor(_machine: Machine, arguments: tuple[Any, ...]) -> Tensor:
    return rebuilt(*arguments[:4])


def _tensor_with_dtype(_machine: Machine, arguments: tuple[Any, ...]) -> Tensor:
    storage, offset, shape, strides = arguments[:4]
    return rebuilt(storage, offset, shape, strides, TORCH_NAMES[arguments[6].text.removeprefix("torch.")])


def _first(_machine: Machine, arguments: tuple[Any, ...]) -> Any:
    """A Parameter is its tensor; a path or device what it was made of."""
    return arguments[0] if arguments else None


def _typed(machine: Machine, arguments: tuple[Any, ...]) -> Any:
    """torch._tensor._rebuild_from_type_v2(function, class, arguments, state)."""
    return machine.call(arguments[0], arguments[2])


def _dict(machine: Machine, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    for pair in arguments[0] if arguments and isinstance(arguments[0], list) else ():
        machine.spend(1)
        key, value = pair
        if not isinstance(key, str | int):
            raise RefusedError("it has a dictionary whose keys are no plain values")
        made[key] = value
    return made


def _list(machine: Machine, arguments: tuple[Any, ...]) -> list[Any]:
    items = arguments[0] if arguments else []
    if not isinstance(items, list | tuple):
        raise RefusedError("a list is made of something that is none")
    machine.spend(len(items))
    return list(items)


def _tuple(machine: Machine, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_list(machine, arguments))


def _encoded(machine: Machine, arguments: tuple[Any, ...]) -> bytes:
    text, coding = arguments
    if not isinstance(text, str) or coding not in ("latin1", "latin-1"):
        raise RefusedError("it holds text that is no bytes")
    machine.spend(len(text))
    return text.encode("latin1")


def _path(_machine: Machine, arguments: tuple[Any, ...]) -> str:
    return "/".join(str(part)[:4096] for part in arguments[:64] if isinstance(part, str))


def _object(machine: Machine, arguments: tuple[Any, ...]) -> Any:
    """copyreg._reconstructor(class, base, value): an object without its state."""
    if not arguments or not isinstance(arguments[0], Name):
        raise RefusedError("it makes an object of something that is no class")
    return machine.fields(arguments[0].text)


def _persisted(machine: Machine, arguments: tuple[Any, ...]) -> Any:
    """torch_utils.persistence: the source code in it stays text; what counts is the object's state and its class's name."""
    (meta,) = arguments
    if not isinstance(meta, dict) or not isinstance(meta.get("state"), dict):
        raise RefusedError("it holds a network without its state")
    made = machine.fields("torch_utils.persistence._reconstruct_persistent_obj")
    machine.spend(len(meta["state"]))
    made.update(meta["state"])
    made.kind = str(meta.get("class_name", ""))[:80]
    return made


def _array(_machine: Machine, _arguments: tuple[Any, ...]) -> Array:
    return Array()


def _dtype(_machine: Machine, arguments: tuple[Any, ...]) -> Dtype:
    if not arguments or not isinstance(arguments[0], str):
        raise RefusedError("an array is not made of plain numbers")
    return Dtype(arguments[0])


def _scalar(machine: Machine, arguments: tuple[Any, ...]) -> Any:
    dtype, data = arguments
    made = Array()
    made.set_state(machine, (1, (), dtype, False, data))
    return made.array.item()


KNOWN: dict[str, Maker | None] = {
    "collections.OrderedDict": _dict,
    "collections.defaultdict": lambda machine, _arguments: _dict(machine, ()),
    "builtins.set": _list,
    "builtins.frozenset": _list,
    "builtins.list": _list,
    "builtins.dict": None,
    "builtins.object": None,
    "builtins.bytearray": _first,
    "__builtin__.set": _list,
    "__builtin__.object": None,
    "_codecs.encode": _encoded,
    "copyreg._reconstructor": _object,
    "copy_reg._reconstructor": _object,
    "argparse.Namespace": lambda machine, _arguments: machine.fields("argparse.Namespace"),
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_with_dtype,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _typed,
    "torch.nn.parameter.Parameter": None,
    "torch.Tensor": None,
    "torch.Size": _tuple,
    "torch.device": _first,
    "torch.storage._load_from_bytes": _nested,
    "torch.serialization._get_layout": _first,
    "numpy.ndarray": None,
    "numpy.dtype": _dtype,
    **dict.fromkeys(STORAGES),
    **{f"torch.{name}": None for name in TORCH_NAMES},
    **{f"numpy.{place}.multiarray._reconstruct": _array for place in ("core", "_core")},
    **{f"numpy.{place}.multiarray.scalar": _scalar for place in ("core", "_core")},
    **{f"pathlib.{name}": _path for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")},
    "torch_utils.persistence._reconstruct_persistent_obj": _persisted,
    **{f"{place}.EasyDict": lambda machine, _arguments: machine.fields("dnnlib.util.EasyDict") for place in ("dnnlib", "dnnlib.util")},
}
RECORDS = ("torch.nn.modules.",)  # parts of pickled networks, which become their state
