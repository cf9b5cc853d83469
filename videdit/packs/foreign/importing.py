"""A pack out of a public checkpoint: generator, encoder and directions converted, and the shipped pack's eyes (classifier, landmarks,
recognizer) put beside them, looking where they were trained to look."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from videdit.config import DEFAULT_PACK
from videdit.errors import OutputError, UsageError, VideditError
from videdit.networks.stylegan2 import Generator
from videdit.packs.celeba import FACE_ATTRIBUTES
from videdit.packs.foreign import directions, encoders, stylegan2
from videdit.packs.foreign.directions import Asked
from videdit.packs.foreign.encoders import ForeignEncoder
from videdit.packs.foreign.files import Checkpoint
from videdit.packs.foreign.layouts import flat
from videdit.packs.foreign.stylegan2 import Foreign
from videdit.packs.manifest import FILE, Manifest, Part, find_pack, find_packs, normal, read_manifest, user_folder
from videdit.packs.save import add_part, read_tables, save_axes, save_network, start_pack, write_tables

EYES = ("classifier", "landmarker", "recognizer")  # what an imported pack borrows
FRAMED = ("classifier", "recognizer")  # those of them that look at a pack's crop
UNSTATED = "not stated"
SPREAD_OF = 2000  # draws the spread of latents is measured on


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: files, the pack's name, the licence in the user's words, and what the encoder is where its file does not say."""

    generator: Path
    name: str
    license: str = UNSTATED
    encoder: Path | None = None
    encoder_kind: str | None = None
    directions: tuple[Asked, ...] = ()
    overwrite: bool = False


@dataclass(slots=True)
class Origin:
    """A file something came out of."""

    file: str
    sha256: str
    bytes: int

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Origin:
        return cls(checkpoint.path.name, checkpoint.sha256(), checkpoint.size)

    def table(self, **also: Any) -> dict[str, Any]:
        """Its entry in pack.toml."""
        return {"file": self.file, "sha256": self.sha256, "bytes": self.bytes, **also}


def make(order: Order) -> tuple[Path, list[str]]:
    """Make the pack; returns its folder, in the user's data folder, and what the user should know.

    Raises UsageError, UnreadableError for files that are refused or not understood, OutputError.
    """
    target = place(order)
    found, looker, origins, notes = _read(order)
    part, old = (target.with_name(f".{target.name}.{os.getpid()}.{word}") for word in ("part", "old"))
    try:
        part.mkdir(parents=True)
        notes += _write(part, order, found, looker, origins)
        if target.exists():
            target.rename(old)  # there is always one of the two
        part.rename(target)
    except OSError as error:
        if old.exists() and not target.exists():
            old.rename(target)
        raise OutputError(f"{target} can't be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
    return target, notes


def place(order: Order) -> Path:
    """The folder of the new pack. Raises UsageError for a name that is none or taken, OutputError for one that is there."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", order.name):
        raise UsageError(f"a pack can't be called {order.name!r}", hint="Letters, digits, - _ and . make a name.")
    target = user_folder() / order.name
    known = find_packs().get(order.name)
    if known is not None and known != target:
        raise UsageError(f"there is a pack {order.name} already, in {known}", hint="Take another name.")
    if target.exists() and not (order.overwrite and (target / FILE).is_file()):
        raise OutputError(f"{target} exists", hint="--overwrite replaces the pack.")
    return target


def _read(order: Order) -> tuple[Foreign | None, ForeignEncoder | None, dict[str, Origin], list[str]]:
    """Generator and encoder, where they came from, and remarks. Raises UnreadableError, UsageError."""
    origins: dict[str, Origin] = {}
    looker = None
    with Checkpoint(order.generator) as checkpoint:
        tree = flat(checkpoint.tree)
        found = stylegan2.find(tree)
        mean = found.state["mean_w"] if found else None
        if order.encoder is None:
            looker = encoders.find(tree, file=order.generator.name, kind=order.encoder_kind, mean=mean)
        if found is None and looker is None:
            raise stylegan2.Unsupported(
                f"{order.generator.name} holds no StyleGAN2 generator", hint="docs/import.md lists the layouts that are known."
            )
        origins |= {name: Origin.of(checkpoint) for name, part in (("generator", found), ("encoder", looker)) if part is not None}
    if order.encoder is not None:
        with Checkpoint(order.encoder) as checkpoint:
            looker = encoders.find(flat(checkpoint.tree), file=order.encoder.name, kind=order.encoder_kind, mean=mean)
            if looker is None:
                raise stylegan2.Unsupported(f"{order.encoder.name} holds no encoder", hint="e4e's and pSp's are read.")
            origins["encoder"] = Origin.of(checkpoint)
    if found and looker:
        _check(found, looker)
    return (
        found,
        looker,
        origins,
        [*(found.notes if found else ["it has no generator: it can only encode"]), *(looker.notes if looker else [])],
    )


def layers_of(size: int) -> int:
    """Style layers of a generator of this size."""
    return 2 * (size.bit_length() - 2)


def _check(found: Foreign, looker: ForeignEncoder) -> None:
    """Raises UsageError where the encoder is not the generator's."""
    ours, theirs = (layers_of(found.config["size"]), found.config["style_dim"]), (looker.config["num_layers"], looker.config["style_dim"])
    if ours != theirs:
        raise UsageError(
            f"the encoder gives latents [{theirs[0]}, {theirs[1]}], the generator takes [{ours[0]}, {ours[1]}]",
            hint="It was trained for another generator.",
        )


def _write(folder: Path, order: Order, found: Foreign | None, looker: ForeignEncoder | None, origins: dict[str, Origin]) -> list[str]:
    """Everything into the folder; returns remarks."""
    size = found.config["size"] if found else 2 << (looker.config["num_layers"] // 2 if looker else 0)
    style = (found or looker).config["style_dim"]  # type: ignore[union-attr]
    layers = layers_of(size)
    start_pack(
        folder,
        size=size,
        style_dim=style,
        num_layers=layers,
        frame_scale=1.0,
        frame_shift=0.0,
        license=order.license,
        attributes={},
        name=order.name,
    )
    imported: dict[str, Any] = {}
    for name, part in (("generator", found), ("encoder", looker)):
        if part is not None:
            _network(folder, name, part, order.license, origins[name])
            kind = part.layout if isinstance(part, Foreign) else part.config["kind"]
            imported[name] = origins[name].table(layout=kind, notes=part.notes)
    notes = _borrow(folder)
    if order.directions:
        if found is None:
            raise UsageError("directions need a generator")
        imported |= _axes(folder, order, found, layers)
    tables = read_tables(folder)
    write_tables(folder, {**tables, "imported": imported})
    return notes


def _network(folder: Path, name: str, part: Foreign | ForeignEncoder, license: str, origin: Origin) -> None:
    from videdit.packs.load import build_network

    network = build_network(Part(name, "", "", "", "", part.config))
    network.load_state_dict(part.state)
    save_network(folder, name, network, part.config, license=license, trained_on=f"imported from {origin.file}", half=False)


def _borrow(folder: Path) -> list[str]:
    """The shipped pack's eyes, told where in an FFHQ crop to look. Returns remarks."""
    try:
        lender = read_manifest(find_pack(DEFAULT_PACK))
    except VideditError:
        return [f"{DEFAULT_PACK} is not installed: the pack has no landmarks, no attributes and no identity of its own"]
    lent = [lender.networks[name] for name in EYES if name in lender.networks]
    for part in lent:
        config = dict(part.config) | ({"window": window(lender)} if part.name in FRAMED else {})
        said = f"{lender.name}: {part.trained_on}"
        add_part(folder, part.name, lender.root / part.file, config, license=part.license, trained_on=said)
    names = ", ".join(part.name for part in lent)
    tables = read_tables(folder)
    tables["pack"]["licence_note"] = f"Borrowed from {lender.name} ({lender.license}): {names}."
    write_tables(folder, tables)
    return [f"{names}: borrowed from {lender.name}, whose licence is {lender.license}"]


def window(lender: Manifest) -> list[float]:
    """Left, top and side of a pack's crop in the FFHQ crop, in its sides."""
    side = lender.frame_scale
    return [round(0.5 - side / 2, 6), round(0.5 + lender.frame_shift / 2 - side / 2, 6), side]


def _axes(folder: Path, order: Order, found: Foreign, layers: int) -> dict[str, Any]:
    """Directions as the pack's axes, each with a flag; what pack.toml says of where they came from."""
    network = Generator(**found.config)
    network.load_state_dict(found.state)
    mean = found.state["mean_w"]
    made = [directions.read(ask, mean=mean.numpy(), num_layers=layers, spread=spread(network)) for ask in order.directions]
    entries: dict[str, dict[str, Any]] = {}
    for direction in made:
        name, entry = entry_of(direction.name)
        if name in entries:
            raise UsageError(f"two directions are called {name}")
        entries[name] = entry
    signed = np.stack([d.axis * e["sign"] for d, e in zip(made, entries.values(), strict=True)])
    sources, distances = [entry["source"] for entry in entries.values()], np.array([d.distance for d in made])
    files = ", ".join(dict.fromkeys(file.name for ask in order.directions for file in ask.files))
    save_axes(folder, signed, distances, sources, license=order.license, trained_on=f"imported from {files}", half=False)
    tables = read_tables(folder)
    write_tables(folder, {**tables, "attributes": entries})
    return {f"direction {ask.name}": _came_from(ask.files) for ask in order.directions}


def _came_from(files: Sequence[Path]) -> dict[str, Any]:
    with Checkpoint(files[0]) as checkpoint:
        table = Origin.of(checkpoint).table()
    if len(files) > 1:
        with Checkpoint(files[1]) as checkpoint:
            less = Origin.of(checkpoint)
            table |= {"less": less.file, "less_sha256": less.sha256}
    return table


def entry_of(name: str) -> tuple[str, dict[str, Any]]:
    """An attribute's name and entry in pack.toml: as face packs have it where it is one of theirs (by any name), else one of its own."""
    wanted = normal(name)
    for known, entry in FACE_ATTRIBUTES.items():
        if wanted in {known, *map(normal, entry["aliases"])} or (wanted == normal(entry["source"]) and entry["sign"] > 0):
            return known, dict(entry)
    return wanted, {"source": name, "sign": 1, "help": f"more or less of {name}", "aliases": []}


@torch.inference_mode()
def spread(network: Generator) -> float:
    """How far latents [D] lie from their mean, root mean square, over draws from the mapping network."""
    if not len(network.mapping_net):
        return float(network.style_dim) ** 0.5
    w = network.mapping(torch.randn(SPREAD_OF, network.z_dim, generator=torch.Generator().manual_seed(0)))
    return float((w - w.mean(0)).square().sum(1).mean().sqrt())
