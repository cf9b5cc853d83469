"""pack.toml: what a pack is, where its files are, and which attributes it offers. Reads TOML only, so it is quick.

[pack]                  name version license licence_note frame_scale frame_shift size style_dim num_layers created
[networks.generator]    file sha256 license trained_on, and [networks.generator.config]: the class's keyword arguments
[axes]                  file sha256 license trained_on order (the attributes' source names, one per row of the arrays)
[attributes.smile]      source sign help aliases; each becomes a flag
[methods]               source name = the method that `--method auto` takes for it, or a list of those that redraw crops, which act one
                        after the other; axes where nothing is said; with + or - at the end of the name, for that direction only
[layers]                lists of style layers by use
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from videdit.config import CROP_METHODS, METHODS
from videdit.errors import MissingError, PackError, UsageError

FILE = "pack.toml"
NETWORKS = ("generator", "encoder", "classifier", "landmarker", "recognizer", "transformer", "mapper", "expression", "pixel", "prototype")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute with a flag. sign: -1 where the source's label means the opposite of the name (age and Young)."""

    name: str
    source: str
    sign: int
    help: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a pack. config: keyword arguments of the network's class."""

    name: str
    file: str
    sha256: str
    license: str
    trained_on: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A pack.toml, read and checked. size: px of the pack's square crop; frame_scale, frame_shift: see geometry.FaceFrame."""

    root: Path
    name: str
    version: str
    license: str
    licence_note: str
    created: str
    size: int
    style_dim: int
    num_layers: int
    frame_scale: float
    frame_shift: float
    networks: Mapping[str, Part]
    axes: Part | None
    order: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    layers: Mapping[str, tuple[int, ...]]
    methods: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, Any]

    @property
    def parts(self) -> list[Part]:
        """Every file."""
        return [*self.networks.values(), *([self.axes] if self.axes else [])]

    @property
    def id(self) -> str:
        """Name and a short hash of everything that decides what comes out: files, configurations, frame."""
        facts = [[p.name, p.sha256, dict(p.config)] for p in self.parts]
        text = json.dumps([facts, self.size, self.frame_scale, self.frame_shift, dict(self.methods)], sort_keys=True, default=str)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    def resolve(self, name: str) -> tuple[Attribute, int]:
        """The attribute by its name, alias or source name, and a factor for the strength: -1 where a source name means the
        opposite (`--young +1` is `--age -1`). Raises UsageError naming the nearest."""
        found = self.names().get(normal(name))
        if found:
            return found
        near = difflib.get_close_matches(normal(name), self.names(), n=1)
        hint = f"Did you mean --{near[0]}? " if near else ""
        raise UsageError(f"the pack {self.name} has no attribute '{name}'", hint=f"{hint}It has: {', '.join(self.attributes)}.")

    def names(self) -> dict[str, tuple[Attribute, int]]:
        """Every name that `resolve` takes, in its normal form."""
        out: dict[str, tuple[Attribute, int]] = {}
        for attribute in self.attributes.values():
            out.setdefault(normal(attribute.source), (attribute, attribute.sign))
            for alias in attribute.aliases:
                out.setdefault(normal(alias), (attribute, 1))
        return out | {normal(a.name): (a, 1) for a in self.attributes.values()}

    def methods_for(self, source: str, asked: str = "auto", strength: float = 1.0) -> tuple[str, ...]:
        """The methods that edit an attribute, one after the other; asked: auto, or the name of one; strength: its sign is the direction.

        Of those auto would take, the ones that redraw crops and were not taught that direction are left out; axes where none is left.
        Raises PackError where the pack lacks a method's part, UsageError where one that redraws crops is asked for by name and was not
        taught that direction.
        """
        known, wanted = (*METHODS, *CROP_METHODS), direction(source, strength)
        named = self.methods.get(wanted, self.methods.get(source, ("axes",))) if asked == "auto" else (asked,)
        for method in named:
            if method not in known:
                raise PackError(f"the pack {self.name} names the method '{method}' for {source}", hint=f"Known: {', '.join(known)}.")
            if method in NETWORKS and method not in self.networks:
                hint = f"--method axes works with every pack; `videdit train {method}` makes one."
                raise PackError(f"the pack {self.name} has no {method}", hint=hint)
        taught = tuple(method for method in named if method in METHODS or wanted in self.transforms(method))
        if taught or asked == "auto":
            return taught or ("axes",)
        flags = ", ".join(self.flag(name) for name in self.transforms(asked))
        raise UsageError(f"the pack {self.name} has no {asked} transform for {self.flag(wanted)}", hint=f"It has: {flags}.")

    def transforms(self, method: str) -> tuple[str, ...]:
        """The directions that a method which redraws crops has: source names with their sign at the end."""
        return tuple(self.networks[method].config["transforms"]) if method in self.networks else ()

    def flag(self, wanted: str) -> str:
        """A direction as a user would ask for it: `--age -1` for Young+."""
        attribute, factor = self.names().get(normal(wanted[:-1]), (None, 1))
        sign = factor * (-1 if wanted.endswith("-") else 1)
        return f"--{attribute.name if attribute else normal(wanted[:-1])} {sign:+d}"

    def source_of(self, name: str) -> str:
        """The source name behind an attribute that may be locked: any with a flag, and any the axes know."""
        for source in self.order:
            if normal(source) == normal(name):
                return source
        return self.resolve(name)[0].source


def direction(source: str, strength: float) -> str:
    """One direction of an attribute: Eyeglasses- takes them off."""
    return f"{source}{'-' if strength < 0 else '+'}"


def normal(name: str) -> str:
    """Mouth_Slightly_Open and mouth-slightly-open are one name."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def read_manifest(root: str | Path) -> Manifest:
    """The manifest of a pack folder. Raises PackError."""
    root = Path(root)
    try:
        tables = tomllib.loads((root / FILE).read_text("utf-8"))
    except OSError as error:
        raise PackError(f"{root} is not a model pack: {FILE} can't be read", hint=str(error)) from None
    except (ValueError, RecursionError) as error:
        raise PackError(f"{root / FILE} is not valid TOML: {error}", hint="docs/models.md describes the file.") from None
    try:
        return _build(root, tables)
    except KeyError as error:
        raise PackError(f"{root / FILE} lacks {error.args[0]!r}", hint="docs/models.md describes the file.") from None
    except (TypeError, ValueError, AttributeError, OverflowError, IndexError) as error:
        raise PackError(f"{root / FILE} is not laid out as a pack: {error}", hint="docs/models.md describes the file.") from None


def _build(root: Path, tables: dict[str, Any]) -> Manifest:
    """Raises KeyError, TypeError, ValueError for what is missing or of the wrong type."""
    pack = tables["pack"]
    axes = tables.get("axes")
    return Manifest(
        root=root,
        name=str(pack["name"]),
        version=str(pack["version"]),
        license=str(pack["license"]),
        licence_note=str(pack.get("licence_note", "")),
        created=str(pack.get("created", "")),
        size=int(pack["size"]),
        style_dim=int(pack["style_dim"]),
        num_layers=int(pack["num_layers"]),
        frame_scale=float(pack["frame_scale"]),
        frame_shift=float(pack["frame_shift"]),
        networks={name: _part(root, name, entry) for name, entry in tables.get("networks", {}).items()},
        axes=_part(root, "axes", axes) if axes else None,
        order=tuple(str(name) for name in axes["order"]) if axes else (),
        attributes={name: _attribute(name, entry) for name, entry in tables.get("attributes", {}).items()},
        layers={name: tuple(int(i) for i in value) for name, value in tables.get("layers", {}).items()},
        methods={str(source): _methods(named) for source, named in tables.get("methods", {}).items()},
        tables=tables,
    )


def _part(root: Path, name: str, entry: Mapping[str, Any]) -> Part:
    """A file's entry. Files lie inside the pack's folder and are safetensors."""
    file = str(entry["file"])
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise ValueError(f"{name}: {file} lies outside the pack")
    if not file.endswith(".safetensors"):
        raise ValueError(f"{name}: {file} is not a .safetensors file (pickles can run code and are not read)")
    config = dict(entry.get("config", {}))
    return Part(name, file, str(entry["sha256"]), str(entry.get("license", "")), str(entry.get("trained_on", "")), config)


def _methods(named: str | list[str]) -> tuple[str, ...]:
    """One method, or several in a list."""
    return (named,) if isinstance(named, str) else tuple(str(method) for method in named)


def _attribute(name: str, entry: Mapping[str, Any]) -> Attribute:
    sign = int(entry.get("sign", 1))
    if sign not in (-1, 1):
        raise ValueError(f"attribute {name}: sign is {sign}, not 1 or -1")
    return Attribute(name, str(entry["source"]), sign, str(entry.get("help", "")), tuple(map(str, entry.get("aliases", ()))))


def search_folders() -> list[Path]:
    """Where packs are looked for by name: $VIDEDIT_PACKS, the user's data folder, videdit's own."""
    named = [Path(part) for part in os.environ.get("VIDEDIT_PACKS", "").split(os.pathsep) if part]
    package = Path(__file__).resolve().parent.parent
    return [*named, user_folder(), package / "_models", package.parent / "models"]


def user_folder() -> Path:
    """The user's own packs, by the platform's custom."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return base / "videdit" / "packs"


def find_packs() -> dict[str, Path]:
    """Every pack by name, the first of a name winning."""
    out: dict[str, Path] = {}
    for folder in search_folders():
        for file in sorted(folder.glob(f"*/{FILE}")) if folder.is_dir() else ():
            if not file.parent.name.startswith("."):  # one that is just being made, or was never finished
                out.setdefault(file.parent.name, file.parent)
    return out


def find_pack(name_or_path: str | Path) -> Path:
    """The folder of a pack, given as a path or by name. Raises MissingError."""
    path = Path(name_or_path)
    if (path / FILE).is_file():
        return path
    packs = find_packs()
    if str(name_or_path) in packs:
        return packs[str(name_or_path)]
    known = f"Installed: {', '.join(packs)}." if packs else f"None is installed; looked in {', '.join(map(str, search_folders()))}."
    raise MissingError(f"there is no model pack '{name_or_path}'", hint=known)
