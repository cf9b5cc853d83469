"""Does a pack hold together: every file there, undamaged, loadable, finite, and producing what pack.toml says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from videdit.config import METHODS
from videdit.errors import PackError
from videdit.packs.load import Pack


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; problem is empty when it is well."""

    subject: str
    problem: str = ""


def verify(pack: Pack) -> Iterator[Check]:
    """Check every part of a pack; problems are reported, not raised."""
    for name in pack.manifest.networks:
        yield _check(name, partial(_network, pack, name))
    if pack.manifest.axes:
        yield _check("axes", partial(_axes, pack))
    for method in [name for name in (*METHODS, "expression") if name in pack.manifest.networks]:
        yield _check(f"a latent through the {method}", partial(_editor, pack, method))
    for which, name in enumerate(pack.manifest.transforms("pixel")):
        yield _check(f"a picture through the pixel transform {name}", partial(_redraw, pack, which))
    yield _check("attributes", partial(_attributes, pack))
    if pack.has("generator") and not pack.has("encoder"):
        yield _check("a latent through the generator", partial(_draw, pack))
    if {"generator", "encoder"} <= set(pack.manifest.networks):
        yield _check("a picture through encoder and generator", partial(_round_trip, pack))


def _check(subject: str, look: Callable[[], None]) -> Check:
    try:
        look()
    except PackError as error:
        return Check(subject, str(error))
    return Check(subject)


def _network(pack: Pack, name: str) -> None:
    bad = [key for key, value in pack.network(name).state_dict().items() if not torch.isfinite(value).all()]
    if bad:
        raise PackError(f"{name} holds values that are not finite: {', '.join(bad[:3])}")


def _axes(pack: Pack) -> None:
    axes = pack.axes()
    lengths = np.linalg.norm(axes.directions.reshape(len(axes.order), -1), axis=1)
    if not np.allclose(lengths, 1, atol=1e-2):
        raise PackError(f"axes are not of unit length (from {lengths.min():.3f} to {lengths.max():.3f})")
    if not np.isfinite(axes.distance).all():
        raise PackError("a calibration is not finite")


@torch.inference_mode()
def _editor(pack: Pack, name: str) -> None:
    """The latent of a grey picture goes in; the moves of all attributes come out finite."""
    network, manifest = pack.loaded(name), pack.manifest
    w = torch.zeros(1, manifest.num_layers, manifest.style_dim, device=pack.device)
    asked = torch.ones_like(w) if name == "expression" else torch.ones(1, len(getattr(network, "attributes", ())), device=pack.device)
    moved = network(w) if name == "transformer" else network(w, asked)
    if moved.shape[-2:] != w.shape[1:] or not torch.isfinite(moved).all():
        raise PackError(f"the {name} gives {list(moved.shape)} of a latent {list(w.shape)}, or values that are not finite")


@torch.inference_mode()
def _redraw(pack: Pack, which: int) -> None:
    """A grey picture goes in; a change of its shape comes out, finite."""
    image = torch.zeros(1, 3, pack.size, pack.size, device=pack.device)
    change = pack.loaded("pixel")(image, which)
    if change.shape != image.shape or not torch.isfinite(change).all():
        raise PackError(f"it gives {list(change.shape)} of a picture {list(image.shape)}, or values that are not finite")


def _attributes(pack: Pack) -> None:
    order = pack.manifest.order
    for name in pack.manifest.methods:
        pack.manifest.methods_for(name.rstrip("+-"), strength=-1 if name.endswith("-") else 1)
    if order and (
        lost := [a.name for a in pack.manifest.attributes.values() if a.source not in order and a.source not in pack.manifest.methods]
    ):
        raise PackError(f"no axis for {', '.join(lost)}")


@torch.inference_mode()
def _draw(pack: Pack) -> None:
    """The mean latent goes in; a picture comes out in the shape of pack.toml."""
    manifest = pack.manifest
    image = pack.generator(pack.mean_w.expand(1, manifest.num_layers, -1))
    if tuple(image.shape) != (1, 3, manifest.size, manifest.size) or not torch.isfinite(image).all():
        raise PackError(f"the generator gives {list(image.shape)}, or values that are not finite")


@torch.inference_mode()
def _round_trip(pack: Pack) -> None:
    """A grey picture goes in; latents and picture come out in the shapes of pack.toml."""
    manifest = pack.manifest
    latent = pack.encoder(torch.zeros(1, 3, manifest.size, manifest.size, device=pack.device))
    if tuple(latent.shape) != (1, manifest.num_layers, manifest.style_dim):
        raise PackError(f"the encoder gives {list(latent.shape)}, pack.toml says [1, {manifest.num_layers}, {manifest.style_dim}]")
    image = pack.generator(latent)
    if tuple(image.shape) != (1, 3, manifest.size, manifest.size) or not torch.isfinite(image).all():
        raise PackError(f"the generator gives {list(image.shape)}, or values that are not finite")
