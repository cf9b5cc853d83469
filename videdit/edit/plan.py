"""From what was asked to the pack's attributes: people's words and aliases to source names, signed strengths, and a method for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videdit.config import METHODS
from videdit.curves import ALWAYS, Curve, Strength, Window, extremes
from videdit.packs.manifest import Manifest
from videdit.types import Asked, Driver, EditPlan

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Half:
    """A curve where it is above 0 (sign 1) or below (sign -1), and 0 elsewhere: one direction's part of a curve that goes both ways."""

    curve: Curve
    sign: int

    def at(self, times: Floats) -> NDArray[np.float64]:
        """Strengths float64 [T] at times [T] s."""
        values = self.curve.at(times)
        return np.where(self.sign * values > 0, values, 0.0)


@dataclass(frozen=True, slots=True)
class Each:
    """Strengths [T], one for each latent or crop, whatever its time."""

    values: Floats

    def at(self, times: Floats) -> Floats:
        """The same."""
        return self.values


@dataclass(frozen=True, slots=True)
class Moves:
    """An edit in the pack's terms: by method, strengths by source name (zeros left out), one number or over time; source names of the
    locked attributes; whose expression to take; when all of it acts; how much of that expression's measures, where that is not left to
    each frame.

    False when nothing is asked for.
    """

    by_method: Mapping[str, Mapping[str, Strength | Half | Each]]
    locks: tuple[str, ...] = ()
    driver: Driver | None = None
    window: Window = ALWAYS
    asked: Asked | None = None

    def __bool__(self) -> bool:
        return bool(self.by_method) or self.driver is not None

    @property
    def latent(self) -> bool:
        """Whether anything needs latents."""
        return self.driver is not None or any(method in METHODS for method in self.by_method)

    @property
    def drawn(self) -> bool:
        """Whether any method works on crops."""
        return any(method not in METHODS for method in self.by_method)

    def strengths(self, method: str, times: Floats) -> dict[str, float | Floats]:
        """What a method shall do at times [T] s: by source name one number where it is the same all the time, else float64 [T]."""
        asked = self.by_method[method]
        values: dict[str, float | Floats] = {
            source: value if isinstance(value, (int, float)) else value.at(times) for source, value in asked.items()
        }
        if not self.window:
            return values
        share = self.window.at(times)
        return {source: share * value for source, value in values.items()}

    def expressed(self, times: Floats) -> float | Floats:
        """How much of the driver's expression at times [T] s: one number, or float64 [T]."""
        strength = self.driver.strength if self.driver else 0.0
        return strength * self.window.at(times) if self.window else strength

    def acts(self, times: Floats, *, drawn: bool) -> NDArray[np.bool_]:
        """bool [T]: whether anything is asked for at times [T] s, of the methods that redraw crops or of the others."""
        asked = [v for m in self.by_method if (m not in METHODS) == drawn for v in self.strengths(m, times).values()]
        if not drawn:
            asked.append(self.expressed(times))
        out = np.zeros(np.shape(times), bool)
        for value in asked:
            out |= np.asarray(value) != 0
        return out


def methods_for(manifest: Manifest, source: str, asked: str, strength: float, *, locked: bool) -> tuple[str, ...]:
    """What edits an attribute, as `Manifest.methods_for`; with `auto` and locks, a method that knows them: one that draws does not."""
    names = manifest.methods_for(source, asked, strength)
    return ("axes",) if locked and asked == "auto" and not set(names) <= set(METHODS) else names


def resolve(plan: EditPlan, manifest: Manifest) -> Moves:
    """Two names of one attribute are added up; `auto` becomes what the pack names, for each direction a strength takes over time, and of
    the methods that know locks where there are any.

    Raises UsageError, naming the nearest, for a name the pack does not have, for a direction its method was not taught and for two names
    of one attribute with a curve each, and PackError for a method it has no part for.
    """
    strengths: dict[str, Strength] = {}
    for name, strength in plan.strengths.items():
        attribute, factor = manifest.resolve(name)
        signed = attribute.sign * factor * strength
        strengths[attribute.source] = signed + strengths[attribute.source] if attribute.source in strengths else signed
    locks = dict.fromkeys(manifest.source_of(name) for name in plan.locks)
    by_method: dict[str, dict[str, Strength | Half]] = {}
    for source, strength in strengths.items():
        methods = {1 if end > 0 else -1: methods_for(manifest, source, plan.method, end, locked=bool(locks)) for end in extremes(strength)}
        for method in dict.fromkeys(name for names in methods.values() for name in names):
            signs = [sign for sign, names in methods.items() if method in names]
            acts: Strength | Half = strength
            if isinstance(strength, Curve) and len(signs) < len(methods):
                acts = Half(strength, signs[0])
            by_method.setdefault(method, {})[source] = acts
    return Moves(by_method, tuple(locks), plan.driver if plan.driver and plan.driver.strength else None, plan.window)
