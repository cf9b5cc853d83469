"""When an edit acts: words for times become seconds of a clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from videdit.checks import check_strengths
from videdit.config import Settings
from videdit.curves import Strength, bound
from videdit.types import Driver, EditPlan


def plan_of(
    strengths: Mapping[str, Strength | str], settings: Settings, driver: Driver | None, times: Callable[[], Sequence[float]]
) -> EditPlan:
    """What the settings and strengths ask for, of a clip whose frames are at `times()` s (asked only where something counts frames).

    Raises UsageError.
    """
    asked, window = bound(check_strengths(strengths), settings.window, times)
    return EditPlan(asked, settings.lock, settings.method, driver, window)
