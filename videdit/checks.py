"""What people write for settings and strengths, as values that are allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videdit.curves import EXAMPLE, Curve, FrameNumber, Strength, parse_curve, parse_time
from videdit.errors import UsageError

if TYPE_CHECKING:
    from videdit.config import Option

STRENGTH_RANGE = (-3.0, 3.0)
STRENGTH_HELP = "+1 is the distance from a typical face without it to a typical face with it"


def check(option: Option, value: Any) -> Any:
    """The value in its field's type. Raises UsageError naming what is allowed."""
    if value is None and option.default is None:
        return None
    try:
        checked = _coerce(option, value)
    except (TypeError, ValueError, OverflowError, AttributeError, UsageError):  # a preset may hold values of any kind and size
        checked = None
    if checked is None or not _allowed(option, checked):
        hint = f"Allowed: {option.allowed}." if option.allowed else ""
        raise UsageError(f"{option.flag} can't be {value!r}", hint=hint)
    return checked


def _coerce(option: Option, value: Any) -> Any:
    """To the kind's type; None or an exception when it can't be."""
    match option.kind:
        case "number":
            return None if isinstance(value, bool) else float(value)
        case "integer":
            return None if isinstance(value, bool) or float(value) != int(value) else int(value)
        case "switch":
            return value if isinstance(value, bool) else None
        case "path":
            return Path(value)
        case "time":
            return value if isinstance(value, FrameNumber) else parse_time(str(value))  # what is negative or no number is no time
        case "names":
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(part.strip() for part in parts if part.strip())
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def _allowed(option: Option, value: Any) -> bool:
    """Whether a coerced value is in range."""
    if option.kind in ("number", "integer"):
        low, high = option.low, option.high
        return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)
    if option.choices:
        return value in option.choices or bool(option.pattern and re.fullmatch(option.pattern, value))
    return value != ""


def check_strength(flag: str, value: Any) -> Strength:
    """A strength from a number, a curve, or what people write for one; flag: what errors call it. Raises UsageError."""
    low, high = STRENGTH_RANGE
    hint = f"A strength is a number from {low:g} to +{high:g}, or a curve such as {EXAMPLE} within it; {STRENGTH_HELP}."
    try:
        found = _strength(value)
    except UsageError as error:
        raise UsageError(f"{flag} can't be {value!r}: {error}", hint=hint) from None
    for number in found.values if isinstance(found, Curve) else [found]:
        if not low <= number <= high:
            shown = f"'{found:+g}'" if isinstance(found, Curve) else repr(value)
            raise UsageError(f"{flag} can't be {shown}", hint=hint)
    return found


def _strength(value: Any) -> Strength:
    """Raises UsageError for a curve that is none; what is neither a number nor a curve is NaN."""
    if isinstance(value, Curve):
        return value
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return parse_curve(value) if isinstance(value, str) and ":" in value else math.nan


def check_strengths(strengths: Mapping[str, Any]) -> dict[str, Strength]:
    """Strengths as floats and curves, each given as that or in words. Raises UsageError for what is neither, or outside -3..+3."""
    return {name: check_strength(f"--{name}", value) for name, value in strengths.items()}
