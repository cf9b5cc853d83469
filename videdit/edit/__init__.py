"""Moving latents. METHODS maps a method's name to its mapper, in the order in which they act when an edit mixes them."""

from __future__ import annotations

from importlib import import_module

from videdit import config
from videdit.edit.axes import Floats, Mapper, Parts
from videdit.edit.plan import Moves, resolve

METHODS: dict[str, Mapper] = {name: import_module(f"videdit.edit.{name}").apply for name in config.METHODS}

__all__ = ["METHODS", "Mapper", "Moves", "Parts", "move", "resolve"]


def move(w: Floats, moves: Moves, parts: Parts) -> Floats:
    """Edited latents float32 [T,L,D]: each method in turn, on what the one before it made. Raises UsageError, PackError."""
    for method, mapper in METHODS.items():
        if method in moves.by_method:
            w = mapper(w, moves.by_method[method], parts, locks=moves.locks)
    return w
