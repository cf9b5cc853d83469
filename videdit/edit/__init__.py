"""Moving latents and redrawing crops. METHODS maps a method's name to its mapper, in the order in which they act when an edit mixes
them; CROP_METHODS those that go from crops to crops."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from videdit import config
from videdit.edit.axes import Floats, Mapper, Parts
from videdit.edit.pixel import Crops, Drawer
from videdit.edit.plan import Moves, resolve

METHODS: dict[str, Mapper] = {name: import_module(f"videdit.edit.{name}").apply for name in config.METHODS}
CROP_METHODS: dict[str, Drawer] = {name: import_module(f"videdit.edit.{name}").apply for name in config.CROP_METHODS}

__all__ = ["CROP_METHODS", "METHODS", "Drawer", "Mapper", "Moves", "Parts", "draw", "move", "resolve"]


def move(w: Floats, moves: Moves, parts: Parts) -> Floats:
    """Edited latents float32 [T,L,D]: each method in turn, on what the one before it made. Raises UsageError, PackError."""
    for method, mapper in METHODS.items():
        if method in moves.by_method:
            w = mapper(w, moves.by_method[method], parts, locks=moves.locks)
    return w


def draw(crops: Crops, landmarks: Floats, moves: Moves, parts: Parts) -> tuple[Crops, Crops]:
    """Edited crops float32 [N,S,S,3] RGB 0..255, and where they may differ [N,S,S]; each method on what the one before it made.

    Raises UsageError, PackError.
    """
    reach = crops[..., 0] * 0
    for method, drawer in CROP_METHODS.items():
        if method in moves.by_method:
            crops, more = drawer(crops, landmarks, moves.by_method[method], parts, locks=moves.locks)
            reach = np.maximum(reach, more)
    return crops, reach
