"""What is compared: the methods of the edit stage, what `auto` takes of them, and the baselines, all as one kind of thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.nn import Module

from videdit import edit
from videdit.edit.axes import AxisSet
from videdit.edit.pixel import Crops
from videdit.edit.plan import Each, Moves, methods_for
from videdit.errors import PackError, UsageError
from videdit.packs.load import Pack
from videdit.packs.manifest import direction

Floats = NDArray[np.floating]
Strengths = Mapping[str, Floats]  # by source name, one a face [n]
BASELINES = ("interfacegan", "ganspace")
BOTH = (-1, 1)


@dataclass(frozen=True, slots=True)
class OnlyAxes:
    """A baseline in the place of a pack: it has axes of its own and no networks."""

    set: AxisSet

    def axes(self) -> AxisSet:
        """The baseline's axes."""
        return self.set

    def has(self, name: str, /) -> bool:
        """Never."""
        return False

    def loaded(self, name: str, /) -> Module:
        """Raises PackError."""
        raise PackError(f"a baseline has no {name}")


@dataclass(frozen=True, slots=True)
class Editor:
    """A method of a pack, `auto`, or a baseline (`axes` of its own)."""

    name: str
    parts: Pack | OnlyAxes

    @property
    def draws(self) -> bool:
        """Whether it redraws crops, or may: renders of latents do not show what it does."""
        return self.name == "auto" or self.name in edit.CROP_METHODS

    def signs(self, source: str) -> tuple[int, ...]:
        """The directions of an attribute that it can go."""
        if isinstance(self.parts, OnlyAxes) or self.name not in edit.CROP_METHODS:
            return BOTH
        taught = self.parts.manifest.transforms(self.name)
        return tuple(sign for sign in BOTH if direction(source, sign) in taught)

    def __call__(self, w: Floats, strengths: Strengths, locks: Sequence[str] = ()) -> Floats:
        """Edited latents of latents [n,L,D]; the same object where no method moves latents. locks: source names."""
        return edit.move(w, self._moves(strengths, locks), self.parts)

    def draw(self, crops: Crops, landmarks: Floats, strengths: Strengths, locks: Sequence[str] = ()) -> tuple[Crops, Crops]:
        """Redrawn crops of crops float32 [n,S,S,3], landmarks [n,78,2] px of them, and where they may differ [n,S,S]; see `edit.draw`."""
        return edit.draw(crops, landmarks, self._moves(strengths, locks), self.parts)

    def _moves(self, strengths: Strengths, locks: Sequence[str]) -> Moves:
        """The edit, as the editor's own plans are."""
        if isinstance(self.parts, OnlyAxes):
            return Moves({"axes": {source: Each(values) for source, values in strengths.items()}}, tuple(locks))
        found: dict[str, dict[str, Floats]] = {}
        for source, values in strengths.items():
            for sign in BOTH:
                part = np.where(sign * values > 0, values, 0.0)
                if not part.any():
                    continue
                for name in methods_for(self.parts.manifest, source, self.name, sign, locked=bool(locks)):
                    known = found.setdefault(name, {})
                    known[source] = known.get(source, 0.0) + part
        by_method = {name: {source: Each(values) for source, values in known.items()} for name, known in found.items()}
        return Moves(by_method, tuple(locks))


def available(pack: Pack) -> list[str]:
    """Names of the methods this pack has the parts for, `auto` where it names any, and the baselines."""
    known = pack.manifest
    own = [name for name in (*edit.METHODS, *edit.CROP_METHODS) if name == "axes" or name in known.networks]
    return own + (["auto"] if known.methods else []) + list(BASELINES)


def check_methods(names: Sequence[str], pack: Pack) -> list[str]:
    """The names, or all there are when none is given. Raises UsageError."""
    known = available(pack)
    for name in names:
        if name not in known:
            raise UsageError(f"there is no method '{name}' for the pack {pack.manifest.name}", hint=f"There are: {', '.join(known)}.")
    return list(dict.fromkeys(names)) or known


def editor(name: str, pack: Pack, baselines: Mapping[str, AxisSet]) -> Editor:
    """A method by name."""
    return Editor(name, OnlyAxes(baselines[name]) if name in baselines else pack)
