"""Where in a checkpoint things lie: every tensor by its dotted name, whatever containers and pickled networks it lies in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from videdit.errors import UnreadableError
from videdit.packs.foreign.pickles import Fields
from videdit.packs.foreign.tensors import Array, Tensor

DEPTH, NODES, LONGEST = 32, 1 << 20, 512  # of containers in one another, of all, of a dotted name
WIDEST = 8192  # channels of a layer; public ones have 512
INSIDE = ("_parameters", "_buffers", "_modules")  # where a pickled nn.Module keeps things; no part of a state dict's names


class Unsupported(UnreadableError):  # noqa: N818  # reads as what is said of the file
    """A checkpoint that was read, but is of a kind that no pack can be made of."""


@dataclass(slots=True)
class Tree:
    """A checkpoint, flat. tensors: by dotted name; records: pickled networks and other objects by name; plain: everything else."""

    tensors: dict[str, Tensor | Array] = field(default_factory=dict)
    records: dict[str, Fields] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)

    def under(self, prefix: str) -> dict[str, Tensor | Array]:
        """Tensors whose name begins so, without the beginning."""
        return {name[len(prefix) :]: value for name, value in self.tensors.items() if name.startswith(prefix)}

    def mentions(self, name: str) -> bool:
        """Whether the checkpoint's options have one of this name, whatever it holds."""
        return any(f"{place}.{name}." in f"{key}." for place in ("opts", "args") for key in self.plain)

    def option(self, name: str) -> Any:
        """A setting the checkpoint was trained with, out of its `opts` or `args`; None where it says nothing."""
        for place in ("opts", "args"):
            if f"{place}.{name}" in self.plain:
                return self.plain[f"{place}.{name}"]
        return None


def flat(tree: Any) -> Tree:
    """Everything in a checkpoint by name. A container that lies in two places counts at the first; names beyond LONGEST are left out."""
    out = Tree()
    seen: set[int] = set()
    waiting: list[tuple[str, Any, int]] = [("", tree, 0)]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, Tensor | Array):
            out.tensors.setdefault(name, value)
        elif isinstance(value, dict | list | tuple):
            if id(value) in seen or depth > DEPTH or len(seen) > NODES:
                continue
            seen.add(id(value))
            if isinstance(value, Fields):
                out.records[name] = value
            inside = ((joined(name, key), part) for key, part in reversed(list(_parts(value))))
            waiting += [(where, part, depth + 1) for where, part in inside if len(where) <= LONGEST]
        else:
            out.plain.setdefault(name, value)
    return out


def _parts(value: dict[Any, Any] | list[Any] | tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    return ((str(key), part) for key, part in (value.items() if isinstance(value, dict) else enumerate(value)))


def joined(name: str, key: str) -> str:
    """A name one step further in."""
    if key in INSIDE or not key:
        return name
    return f"{name}.{key}" if name else key


def numbers(value: Tensor | Array) -> torch.Tensor:
    """A tensor as float32. Raises UnreadableError for what is not finite."""
    found = value.load().float()
    if not torch.isfinite(found).all():
        raise Unsupported("the checkpoint holds values that are not finite", hint="It broke in training, or was damaged.")
    return found


def shape_of(value: Tensor | Array) -> tuple[int, ...]:
    """Without reading it."""
    return value.shape if isinstance(value, Tensor) else tuple(value.array.shape)


class Weights:
    """A network's tensors under a prefix, taken one by one with the shape that is expected; what is wrong is said by name."""

    def __init__(self, found: Mapping[str, Tensor | Array], what: str) -> None:
        self._found, self._what = found, what

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def shape(self, name: str) -> tuple[int, ...]:
        """Of one of them. Raises Unsupported."""
        if name not in self._found:
            raise Unsupported(f"{self._what} lacks {name}", hint="It is incomplete, or of a layout that is not known.")
        return shape_of(self._found[name])

    def size(self, name: str, dimension: int, *, of: int) -> int:
        """How long one of them is in a dimension, of so many. Raises Unsupported."""
        found = self.shape(name)
        if len(found) != of or found[dimension] > WIDEST:
            raise Unsupported(f"{self._what}: {name} is {list(found)}", hint="It is of a layout that is not known.")
        return found[dimension]

    def take(self, name: str, *shape: int, any_of: tuple[tuple[int, ...], ...] = ()) -> torch.Tensor:
        """One of them as float32 [shape]; any_of: other shapes it may come in, with as many values. Raises Unsupported."""
        found = self.shape(name)
        if found != shape and found not in any_of:
            raise Unsupported(f"{self._what}: {name} is {list(found)}, not {list(shape)}", hint="It is of a layout that is not known.")
        return numbers(self._found[name]).reshape(shape)
