"""From what was asked to the pack's attributes: people's words and aliases to source names, signed strengths, and a method for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from videdit.config import METHODS
from videdit.packs.manifest import Manifest
from videdit.types import Driver, EditPlan


@dataclass(frozen=True, slots=True)
class Moves:
    """An edit in the pack's terms: by method, strengths by source name (zeros left out); source names of the locked attributes; whose
    expression to take.

    False when nothing is asked for.
    """

    by_method: Mapping[str, Mapping[str, float]]
    locks: tuple[str, ...] = ()
    driver: Driver | None = None

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


def resolve(plan: EditPlan, manifest: Manifest) -> Moves:
    """Two names of one attribute are added up; `auto` becomes what the pack names.

    Raises UsageError, naming the nearest, for a name the pack does not have and for a direction its method was not taught, and PackError
    for a method it has no part for.
    """
    strengths: dict[str, float] = {}
    for name, strength in plan.strengths.items():
        attribute, factor = manifest.resolve(name)
        strengths[attribute.source] = strengths.get(attribute.source, 0.0) + attribute.sign * factor * float(strength)
    locks = dict.fromkeys(manifest.source_of(name) for name in plan.locks)
    by_method: dict[str, dict[str, float]] = {}
    for source, strength in strengths.items():
        if strength:
            by_method.setdefault(manifest.method_for(source, plan.method, strength), {})[source] = strength
    return Moves(by_method, tuple(locks), plan.driver if plan.driver and plan.driver.strength else None)
