"""Moving latents and redrawing crops. METHODS maps a method's name to its mapper, in the order in which they act when an edit mixes
them; CROP_METHODS those that go from crops to crops."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from videdit import config
from videdit.edit import expression
from videdit.edit.axes import Floats, Mapper, Parts
from videdit.edit.pixel import Crops, Drawer
from videdit.edit.plan import Moves, resolve

METHODS: dict[str, Mapper] = {name: import_module(f"videdit.edit.{name}").apply for name in config.METHODS}
CROP_METHODS: dict[str, Drawer] = {name: import_module(f"videdit.edit.{name}").apply for name in config.CROP_METHODS}

__all__ = ["CROP_METHODS", "METHODS", "Drawer", "Mapper", "Moves", "Parts", "draw", "move", "resolve"]


def move(w: Floats, moves: Moves, parts: Parts, *, times: Floats | None = None) -> Floats:
    """Edited latents float32 [T,L,D]: an expression first, then each method in turn, on what the one before it made.

    times float [T] s: where the frames are in a driver's time and on curves of strength (default: all at 0). Where nothing is asked for
    at a frame's time, it stays as it is, to the bit. Raises UsageError, PackError.
    """
    when = np.zeros(len(w)) if times is None else times
    if moves.driver is not None:
        asked = moves.asked.at(when) if moves.asked else None
        w = expression.apply(w, moves.driver.at(when), parts, strength=moves.expressed(when), locks=moves.locks, asked=asked)
    for method, mapper in METHODS.items():
        if method in moves.by_method:
            w = mapper(w, moves.strengths(method, when), parts, locks=moves.locks)
    return w


def draw(crops: Crops, landmarks: Floats, moves: Moves, parts: Parts, *, times: Floats | None = None) -> tuple[Crops, Crops]:
    """Edited crops float32 [N,S,S,3] RGB 0..255, and where they may differ [N,S,S]; each method on what the one before it made.

    times: see move. Raises UsageError, PackError.
    """
    reach = crops[..., 0] * 0
    when = np.zeros(len(crops)) if times is None else times
    for method, drawer in CROP_METHODS.items():
        if method in moves.by_method:
            crops, more = drawer(crops, landmarks, moves.strengths(method, when), parts, locks=moves.locks)
            reach = np.maximum(reach, more)
    return crops, reach
