"""What is compared: the methods of the edit stage, and the baselines, all as one kind of function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch.nn import Module

from videdit import edit
from videdit.edit.axes import AxisSet, apply
from videdit.errors import PackError, UsageError
from videdit.packs.load import Pack

Floats = NDArray[np.floating]
# (latents [n,L,D], strengths by source name, one or one a face [n], locked source names) -> edited latents float32 [n,L,D]
Editor = Callable[[Floats, Mapping[str, float | Floats], Sequence[str]], Floats]
BASELINES = ("interfacegan", "ganspace")


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


def available(pack: Pack) -> list[str]:
    """Names of the methods this pack has the parts for, and of the baselines."""
    return [name for name in edit.METHODS if name == "axes" or name in pack.manifest.networks] + list(BASELINES)


def check_methods(names: Sequence[str], pack: Pack) -> list[str]:
    """The names, or all there are when none is given. Raises UsageError."""
    known = available(pack)
    for name in names:
        if name not in known:
            raise UsageError(f"there is no method '{name}' for the pack {pack.manifest.name}", hint=f"There are: {', '.join(known)}.")
    return list(dict.fromkeys(names)) or known


def editor(name: str, pack: Pack, baselines: Mapping[str, AxisSet]) -> Editor:
    """A method by name."""
    if name in baselines:
        return partial(_moved, apply, OnlyAxes(baselines[name]))
    return partial(_moved, edit.METHODS[name], pack)


def _moved(mapper: edit.Mapper, parts: edit.Parts, w: Floats, strengths: Mapping[str, float | Floats], locks: Sequence[str]) -> Floats:
    return mapper(w, strengths, parts, locks=locks)
