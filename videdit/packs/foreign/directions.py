"""Directions of other projects as axes in W+: InterFaceGAN's and others' arrays, GANSpace's components, latents as they are.

NAME=FILE            an array (D,), (1,D), (L,D) or (1,L,D); or latents (N,D), (N,L,D): their mean less the generator's mean
NAME=FILE#3          a GANSpace component, counted from 0; or an array of this name in a file of several
NAME=FILE@0-5        confined to these style layers
NAME=WITH,WITHOUT    the mean of the latents in one file less that in another
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.errors import UsageError
from videdit.packs.foreign.files import Checkpoint
from videdit.packs.foreign.layouts import Tree, Unsupported, flat, numbers, shape_of
from videdit.packs.manifest import normal

UNIT = 0.01  # a vector whose length is this near to 1 says nothing by its length
STEP = 0.25  # of the spread of latents: +1.0 along such a vector; InterFaceGAN's 3 where latents lie about 12 from their mean
SIGMAS = 2.0  # deviations of a GANSpace component that +1.0 goes, the end of its sliders
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """One --direction: files (the second to be taken off), what to take of them, and layers from, to (inclusive)."""

    name: str
    files: tuple[Path, ...]
    part: str = ""
    layers: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Direction:
    """axis [L,D] of unit length over L*D, and how far +1.0 goes."""

    name: str
    axis: NDArray[np.float64]
    distance: float


def asked(text: str) -> Asked:
    """What a --direction says. Raises UsageError."""
    name, found, rest = text.partition("=")
    if not found or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_ -]*", name) or not rest:
        raise UsageError(
            f"--direction can't be {text!r}", hint="NAME=FILE, such as smile=smile.npy; more in `videdit models import --help`."
        )
    layers = None
    if matched := re.fullmatch(r"(.+)@(\d+)-(\d+)", rest):
        rest, layers = matched[1], (int(matched[2]), int(matched[3]))
    part = ""
    if matched := re.fullmatch(r"(.+)#([^#/\\]+)", rest):
        rest, part = matched[1], matched[2]
    return Asked(name, tuple(Path(file) for file in rest.split(",", 1)), part, layers)


def read(ask: Asked, *, mean: Array, num_layers: int, spread: float) -> Direction:
    """The direction of an --direction. mean [D]: the generator's; spread: how far its latents lie from it, root mean square, over D.

    Raises UnreadableError, UsageError.
    """
    first = _of_file(ask.files[0], ask, mean, num_layers, latents=len(ask.files) > 1)
    move, sigma = first
    if len(ask.files) > 1:
        move = move - _of_file(ask.files[1], ask, mean, num_layers, latents=True)[0]
    if ask.layers:
        low, high = ask.layers
        if not low <= high < num_layers:
            raise UsageError(f"{ask.name} has no layers {low}-{high}", hint=f"The generator's layers are 0-{num_layers - 1}.")
        kept = np.zeros_like(move)
        kept[low : high + 1] = move[low : high + 1]
        move = kept
    lengths = np.linalg.norm(move, axis=1)
    length = float(np.linalg.norm(move))
    if not length > 0:
        raise UsageError(f"the direction {ask.name} is zero", hint="Two files of the same latents? Layers that it does not touch?")
    reach, touched = length, lengths[lengths > 0]
    if sigma:
        reach = length * SIGMAS * sigma
    elif np.allclose(touched, 1, atol=UNIT) or abs(length - 1) < UNIT:
        reach = STEP * spread * math.sqrt(len(touched))
    return Direction(ask.name, move / length, reach)


def _of_file(path: Path, ask: Asked, mean: Array, num_layers: int, *, latents: bool) -> tuple[NDArray[np.float64], float]:
    """(move [L,D], deviation where the file says one, else 0)."""
    with Checkpoint(path) as checkpoint:
        tree = flat(checkpoint.tree)
        array, sigma = _component(tree, ask, len(mean)) or (_chosen(tree, ask, path), 0.0)
    dim = len(mean)
    if array.shape[-1:] != (dim,):
        raise Unsupported(f"{path.name} holds {list(array.shape)}, the generator's latents have {dim} numbers")
    if array.ndim == 1 or array.shape == (1, dim):
        one = np.broadcast_to(array.reshape(1, dim), (num_layers, dim))
    elif array.shape in ((num_layers, dim), (1, num_layers, dim)) and not (latents and array.ndim == 2):
        one = array.reshape(num_layers, dim)
    elif array.ndim == 2 or (array.ndim == 3 and array.shape[1] in (1, num_layers)):  # latents of several pictures
        one = np.broadcast_to(array.mean(0) - (0 if latents else mean), (num_layers, dim))
    else:
        raise Unsupported(
            f"{path.name} holds {list(array.shape)}", hint=f"(D,), (1,D), (L,D), (1,L,D) or (N,L,D) with L={num_layers}, D={dim}."
        )
    return np.array(one, np.float64), sigma


def _component(tree: Tree, ask: Asked, dim: int) -> tuple[Array, float] | None:
    """A component of a GANSpace file and its deviation: of the layer's activations where these are latents, else of the latents."""
    for kind in ("act", "lat"):
        components, deviations = tree.tensors.get(f"{kind}_comp"), tree.tensors.get(f"{kind}_stdev")
        if components is None or deviations is None or shape_of(components)[-1:] != (dim,):
            continue
        if ask.part and not ask.part.isdecimal():
            raise UsageError(f"{ask.name}: a component is a number, not {ask.part!r}", hint="NAME=FILE#3")
        which, count = int(ask.part[:9] or 0), min(len(numbers(components)), len(numbers(deviations).flatten()))
        if which >= count:
            raise UsageError(f"{ask.name}: there is no component {which}", hint=f"The file has {count}, counted from 0.")
        return numbers(components)[which].reshape(-1, dim).numpy(), float(numbers(deviations).flatten()[which])
    return None


def _chosen(tree: Tree, ask: Asked, path: Path) -> Array:
    """The array of a file: the only one, or that of the direction's or the asked name."""
    known = {name: value for name, value in tree.tensors.items() if len(shape_of(value)) and shape_of(value) != (0,)}
    wanted = normal(ask.part or ask.name)
    matching = [value for name, value in known.items() if wanted in (normal(name), normal(name.split(".")[-1]))]
    if len(known) == 1 and not ask.part:
        matching = list(known.values())
    if len(matching) != 1:
        names = ", ".join(sorted(known)[:8]) or "none"
        raise UsageError(f"{path.name} holds {len(known)} arrays", hint=f"Say which: {ask.name}={path.name}#NAME. It has {names}.")
    return np.asarray(numbers(matching[0]).numpy(), np.float32)
