"""From what was asked to the pack's axes: people's words and aliases to axis names and signed strengths."""

from __future__ import annotations

from videdit.packs.manifest import Manifest
from videdit.types import EditPlan


def resolve(plan: EditPlan, manifest: Manifest) -> tuple[dict[str, float], tuple[str, ...]]:
    """Strengths by axis name, zeros left out and two names of one axis added up, and the names of the locked axes.

    Raises UsageError, naming the nearest, for a name the pack does not have.
    """
    strengths: dict[str, float] = {}
    for name, strength in plan.strengths.items():
        attribute, factor = manifest.resolve(name)
        strengths[attribute.source] = strengths.get(attribute.source, 0.0) + attribute.sign * factor * float(strength)
    locks = dict.fromkeys(manifest.source_of(name) for name in plan.locks)
    return {axis: strength for axis, strength in strengths.items() if strength}, tuple(locks)
