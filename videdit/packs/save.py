"""The writing side of packs: trainers put their networks and axes here; pack.toml is kept in step with the files."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file as save_tensors

from videdit.errors import OutputError, PackError
from videdit.packs.celeba import FACE_ATTRIBUTES
from videdit.packs.manifest import FILE, normal

Tables = dict[str, Any]


def start_pack(
    pack_dir: str | Path,
    *,
    size: int,
    style_dim: int,
    num_layers: int,
    frame_scale: float,
    frame_shift: float,
    license: str,
    licence_note: str = "",
    version: str = "1",
    attributes: Mapping[str, Mapping[str, Any]] = FACE_ATTRIBUTES,
    name: str = "",
) -> None:
    """Write the head of pack.toml, named after its folder where no name is given; parts and attributes already in the file stay."""
    tables = read_tables(pack_dir)
    tables["pack"] = {
        "name": name or Path(pack_dir).name,
        "version": version,
        "license": license,
        "licence_note": licence_note,
        "size": size,
        "style_dim": style_dim,
        "num_layers": num_layers,
        "frame_scale": frame_scale,
        "frame_shift": frame_shift,
        "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }
    tables.setdefault("attributes", {name: dict(entry) for name, entry in attributes.items()})
    write_tables(pack_dir, tables)


def save_network(
    pack_dir: str | Path,
    name: str,
    module: torch.nn.Module,
    config: Mapping[str, Any],
    *,
    license: str,
    trained_on: str,
    half: bool = True,
) -> Path:
    """Write `<name>.safetensors` (floats as fp16, or as they are without `half`) and its entry in pack.toml; config rebuilds the module.
    Returns the path.

    Raises PackError when a weight does not fit into fp16.
    """
    tensors = {key: _half(key, value) if half else value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    path = Path(pack_dir) / f"{name}.safetensors"
    _replace(path, lambda part: save_tensors(tensors, part))
    return _enter(pack_dir, name, path, config, license=license, trained_on=trained_on)


def add_part(pack_dir: str | Path, name: str, source: Path, config: Mapping[str, Any], *, license: str, trained_on: str) -> Path:
    """Copy another pack's network into this one, with a configuration of its own. Returns the path."""
    path = Path(pack_dir) / f"{name}.safetensors"
    _replace(path, lambda part: shutil.copyfile(source, part))
    return _enter(pack_dir, name, path, config, license=license, trained_on=trained_on)


def _enter(pack_dir: str | Path, name: str, path: Path, config: Mapping[str, Any], *, license: str, trained_on: str) -> Path:
    """A network's entry in pack.toml."""
    tables = read_tables(pack_dir)
    entry = {"file": path.name, "sha256": digest(path), "license": license, "trained_on": trained_on, "config": dict(config)}
    tables.setdefault("networks", {})[name] = entry
    write_tables(pack_dir, tables)
    return path


def save_axes(
    pack_dir: str | Path,
    axes: NDArray[np.floating],
    calibrate: NDArray[np.floating],
    order: Sequence[str],
    *,
    license: str,
    trained_on: str,
    prior: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None,
    shape: NDArray[np.floating] | None = None,
    half: bool = True,
) -> Path:
    """Write axes.safetensors and its entry in pack.toml.

    axes [A,L,D], scaled here to unit length over L*D; calibrate [A]: the distance of +1.0 along the unit axis;
    order: source names [A]; prior: mean [L,D] and basis [K,L,D] of a Gaussian over latents, to sample from; shape
    [P,2,L,D]: how latents move landmarks, in crop sides (train.shape); half: axes as fp16, else as float32. Returns the path.
    Raises PackError for values that are not finite.
    """
    axes = np.asarray(axes, np.float64)
    lengths = np.linalg.norm(axes.reshape(len(axes), -1), axis=1)
    if axes.shape[0] != len(order) or np.shape(calibrate) != (len(order),):
        raise PackError(f"{len(order)} names for axes {list(axes.shape)} and calibrate {list(np.shape(calibrate))}")
    if not (np.isfinite(axes).all() and np.isfinite(calibrate).all() and (lengths > 0).all()):
        raise PackError("an axis is zero or not finite")
    unit = (axes / lengths[:, None, None]).astype(np.float16 if half else np.float32)
    arrays = {"axes": unit, "calibrate": np.asarray(calibrate, np.float32)}
    if prior is not None:
        arrays |= {"prior_mean": np.asarray(prior[0], np.float32), "prior_basis": np.asarray(prior[1], np.float16)}
    if shape is not None:
        arrays["shape"] = np.asarray(shape, np.float16)
    path = Path(pack_dir) / "axes.safetensors"
    # safetensors writes an array's bytes as they lie, whatever its strides say
    _replace(path, lambda part: save_arrays({key: np.ascontiguousarray(value) for key, value in arrays.items()}, part))
    tables = read_tables(pack_dir)
    tables["axes"] = {"file": path.name, "sha256": digest(path), "license": license, "trained_on": trained_on, "order": list(order)}
    write_tables(pack_dir, tables)
    return path


def add_axes(pack_dir: str | Path, axes: NDArray[np.floating], calibrate: NDArray[np.floating], names: Sequence[str]) -> Path:
    """Put axes [A,L,D] of attributes `names` [A] beside those of a pack, or in their place, each with a flag; calibrate: as in `save_axes`.

    Everything else in axes.safetensors stays. Returns the path. Raises PackError as `save_axes` does.
    """
    entry = read_tables(pack_dir)["axes"]
    arrays = load_arrays(Path(pack_dir) / entry["file"])
    order = [*entry["order"], *(name for name in names if name not in entry["order"])]
    rows = np.zeros((len(order), *axes.shape[1:])), np.zeros(len(order))
    rows[0][: len(entry["order"])], rows[1][: len(entry["order"])] = arrays["axes"], arrays["calibrate"]
    for name, axis, distance in zip(names, axes, calibrate, strict=True):
        rows[0][order.index(name)], rows[1][order.index(name)] = axis, distance
    prior = (arrays["prior_mean"], arrays["prior_basis"]) if "prior_mean" in arrays else None
    shape = arrays.get("shape")
    path = save_axes(pack_dir, *rows, order, license=entry["license"], trained_on=entry["trained_on"], prior=prior, shape=shape)
    add_attributes(pack_dir, names, "axes")
    return path


def add_attributes(pack_dir: str | Path, sources: Sequence[str], method: str) -> None:
    """Give attributes that have no axis a flag each, moved by a method."""
    if not sources:
        return
    tables = read_tables(pack_dir)
    for source in sources:
        entry = {"source": source, "sign": 1, "help": f"more or less of {source}", "aliases": []}
        tables.setdefault("attributes", {}).setdefault(normal(source), entry)
    write_tables(pack_dir, tables)
    save_methods(pack_dir, dict.fromkeys(sources, method))


def save_methods(pack_dir: str | Path, methods: Mapping[str, str | list[str]]) -> None:
    """Write [methods]: by source name the method that `--method auto` takes (several: in turn); others keep what they had."""
    tables = read_tables(pack_dir)
    tables["methods"] = {**tables.get("methods", {}), **methods}
    write_tables(pack_dir, tables)


def digest(path: Path) -> str:
    """sha256 in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_tables(pack_dir: str | Path) -> Tables:
    """pack.toml as it stands, or nothing."""
    path = Path(pack_dir) / FILE
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def write_tables(pack_dir: str | Path, tables: Tables) -> None:
    """Write pack.toml, in the order of docs/models.md."""
    first = ["pack", "networks", "axes", "methods", "layers", "attributes"]
    ordered = {key: tables[key] for key in [*first, *tables] if key in tables}
    _replace(Path(pack_dir) / FILE, lambda part: part.write_text(to_toml(ordered), "utf-8"))


def to_toml(tables: Mapping[str, Any]) -> str:
    """TOML of nested tables with strings, numbers, booleans and flat lists in them."""
    lines: list[str] = []
    _table(lines, (), tables)
    return "\n".join(lines).strip() + "\n"


def _table(lines: list[str], path: tuple[str, ...], table: Mapping[str, Any]) -> None:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping) and value is not None}
    if path and (plain or not table):
        lines += ["", "[" + ".".join(map(_key, path)) + "]"]
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            _table(lines, (*path, key), value)


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (int, float)):
        return repr(value)
    raise TypeError(f"{value!r} has no place in pack.toml")


def _half(key: str, value: torch.Tensor) -> torch.Tensor:
    """Floats as fp16 on the CPU, contiguous; anything else as it is."""
    value = value.detach().cpu().contiguous()
    if not value.is_floating_point():
        return value
    half = value.half()
    if not torch.isfinite(half).all():
        raise PackError(f"{key} does not fit into fp16 or is not finite")
    return half


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside the target, then move: a reader never sees half a file. Raises OutputError."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} can't be written: {error.strerror or error}") from None
