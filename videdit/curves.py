"""Strength over time: keyframes, and the part of a clip an edit acts in.

Times are seconds of the clip's own clock (pts x time base, as `videdit inspect` and `preview -t` count), or numbers of frames, counted from
0, which become seconds once the clip is known (`bound`). The command line parses curves, so nothing here imports NumPy before it is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from videdit.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?((?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)(s?)", re.ASCII | re.IGNORECASE)
EXAMPLE = "'0s:0 2s:+0.5 4s:0'"
EASE = "ease"
SHOWN = 8  # keyframes that a line of output names; of more it says how many
# Seconds in which an edit comes and goes at the ends of a range: as fast as a face's own smile may, too slow to look like a cut, and what
# an edit takes where a face comes or leaves (smooth.fade).
RAMP = 0.2


class FrameNumber(int):
    """A time as the number of a frame, counted from 0."""

    def __repr__(self) -> str:
        return f"{int(self)}f"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Curve:
    """A strength over time: straight lines between keyframes, or slow-fast-slow ones (`ease`); held before the first and after the last.

    times: seconds or FrameNumbers, at least one, increasing, not below 0; values: a finite strength for each. Raises UsageError for
    others, saying in one line what is wrong.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]
    ease: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", tuple(t if isinstance(t, FrameNumber) else _number(t, "time") for t in self.times))
        object.__setattr__(self, "values", tuple(_number(v, "strength") for v in self.values))
        if not self.times or len(self.times) != len(self.values):
            raise UsageError(f"{len(self.times)} times and {len(self.values)} strengths make no curve")
        for time in self.times:
            if time < 0:
                raise UsageError(f"the time {show_time(time)} is below 0")
        for before, after in zip(self.times[:-1], self.times[1:], strict=True):
            # seconds and frames are compared once the clip is known
            if isinstance(before, FrameNumber) == isinstance(after, FrameNumber) and not before < after:
                raise UsageError(f"times must increase, and {show_time(after)} follows {show_time(before)}")

    @property
    def low(self) -> float:
        """The least strength."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The greatest strength."""
        return max(self.values)

    def __bool__(self) -> bool:
        return any(self.values)

    def __mul__(self, factor: float) -> Curve:
        return replace(self, values=tuple(factor * value for value in self.values))

    __rmul__ = __mul__

    def __add__(self, strength: Strength) -> Curve:
        if isinstance(strength, Curve):
            raise UsageError("two names of one attribute have a curve each", hint="Write both as one curve, under one name.")
        return replace(self, values=tuple(value + strength for value in self.values))

    __radd__ = __add__

    def at(self, times: NDArray[np.floating]) -> NDArray[np.float64]:
        """Strengths float64 [T] at times [T] s; exact at keyframes. Raises UsageError while keyframes still count frames (`bound`)."""
        import numpy as np

        if any(isinstance(time, FrameNumber) for time in self.times):
            raise UsageError(f"the curve {self} counts frames of a clip that is not known")
        keys, values = np.asarray(self.times, np.float64), np.asarray(self.values, np.float64)
        wanted = np.asarray(times, np.float64)
        before = np.clip(np.searchsorted(keys, wanted, "right") - 1, 0, len(keys) - 1)
        after = np.minimum(before + 1, len(keys) - 1)
        share = np.clip((wanted - keys[before]) / np.where(after > before, keys[after] - keys[before], 1.0), 0, 1)
        if self.ease:
            share = share * share * (3 - 2 * share)
        out: NDArray[np.float64] = values[before] + share * (values[after] - values[before])
        return out

    def bound(self, times: Sequence[float]) -> Curve:
        """The same in seconds, of a clip whose frames are at `times` s; beyond its end frames go on at its mean rate. Raises UsageError."""
        return replace(self, times=tuple(seconds_of(time, times) for time in self.times))

    def __str__(self) -> str:
        """As it is written on the command line."""
        return self._written(range(len(self.times)), ".10g")

    def __format__(self, spec: str) -> str:
        """A number's format (`{strength:+g}`) gives a curve that fits a line."""
        if not spec:
            return str(self)
        count = len(self.times)
        if count <= SHOWN:
            return self._written(range(count), "g")
        return f"{self._written([0, 1], 'g', end='')} ... {self._written([count - 1], 'g')} ({count} keyframes)"

    def _written(self, rows: Iterable[int], digits: str, end: str | None = None) -> str:
        keys = " ".join(f"{show_time(self.times[i], digits)}:{show_strength(self.values[i], digits)}" for i in rows)
        return keys + (f" {EASE}" if self.ease and end is None else "")


Strength = float | Curve


@dataclass(frozen=True, slots=True)
class Window:
    """Where an edit acts: from `start` to `stop` s (or FrameNumbers; None: from the beginning, to the end), coming and going within RAMP.

    Raises UsageError for one that ends before it begins.
    """

    start: float | None = None
    stop: float | None = None

    def __post_init__(self) -> None:
        start, stop = self.start, self.stop
        if start is None or stop is None or isinstance(start, FrameNumber) != isinstance(stop, FrameNumber):
            return
        if not start < stop:
            raise UsageError(f"--to {show_time(stop)} is not after --from {show_time(start)}")

    def __bool__(self) -> bool:
        return self.start is not None or self.stop is not None

    def at(self, times: NDArray[np.floating]) -> NDArray[np.float64]:
        """Share of the edit float64 [T] in 0..1 at times [T] s: exactly 0 outside, the ramps inside, shorter ones in a short window."""
        import numpy as np

        wanted, share = np.asarray(times, np.float64), np.ones(np.shape(times))
        ramp = RAMP if self.start is None or self.stop is None else min(RAMP, (self.stop - self.start) / 2)
        if self.start is not None:
            share = np.minimum(share, (wanted - self.start) / ramp)
        if self.stop is not None:
            share = np.minimum(share, (self.stop - wanted) / ramp)
        share = np.clip(share, 0, 1)
        out: NDArray[np.float64] = share * share * (3 - 2 * share)
        return out

    def bound(self, times: Sequence[float]) -> Window:
        """The same in seconds; see Curve.bound."""
        ends = [end if end is None else seconds_of(end, times) for end in (self.start, self.stop)]
        return Window(*ends)

    def __str__(self) -> str:
        words = [f"from {show_time(self.start)}"] if self.start is not None else []
        return " ".join(words + ([f"to {show_time(self.stop)}"] if self.stop is not None else []))


ALWAYS = Window()


def extremes(strength: Strength) -> list[float]:
    """The furthest a strength goes below and above 0; nothing where it stays 0."""
    ends = (strength.low, strength.high) if isinstance(strength, Curve) else (strength, strength)
    return [*([ends[0]] if ends[0] < 0 else []), *([ends[1]] if ends[1] > 0 else [])]


def plain(strengths: Mapping[str, Strength]) -> dict[str, float | str]:
    """Strengths as JSON values: curves in words."""
    return {name: str(value) if isinstance(value, Curve) else value for name, value in strengths.items()}


def in_words(strengths: Mapping[str, Strength | str]) -> str:
    """`smile +1, age -0.5`; what is in words already stays."""
    return ", ".join(f"{name} {value}" if isinstance(value, str) else f"{name} {value:+g}" for name, value in strengths.items())


def done_to(edits: Mapping[str, Strength | str], people: Mapping[int, Mapping[str, Strength | str]]) -> str:
    """What was changed, in words: `edits`, or by person where it is not the same for all; strengths of 0 are left out."""
    shared = {name: value for name, value in edits.items() if name != "expression"}
    if all(own == shared for own in people.values()):
        return in_words({name: value for name, value in edits.items() if value})
    return "; ".join(f"person {n}: {in_words({name: value for name, value in own.items() if value})}" for n, own in people.items())


def counts_frames(values: Iterable[object]) -> bool:
    """Whether any curve, window or time of some is in frames."""
    for value in values:
        inner = value.times if isinstance(value, Curve) else (value.start, value.stop) if isinstance(value, Window) else (value,)
        if any(isinstance(time, FrameNumber) for time in inner):
            return True
    return False


def bound(strengths: Mapping[str, Strength], window: Window, times: Callable[[], Sequence[float]]) -> tuple[dict[str, Strength], Window]:
    """Strengths and window in seconds; `times` gives the times of the clip's frames, and is asked only where something counts frames.

    Raises UsageError where times in seconds and in frames, put beside each other, do not increase.
    """
    if not counts_frames([*strengths.values(), window]):
        return dict(strengths), window
    known = times()
    out: dict[str, Strength] = {}
    for name, value in strengths.items():
        try:
            out[name] = value.bound(known) if isinstance(value, Curve) else value
        except UsageError as error:
            raise UsageError(f"--{name} can't be '{value:+g}' in this clip: {error}") from None
    return out, window.bound(known)


def seconds_of(time: float, times: Sequence[float]) -> float:
    """A time or FrameNumber in seconds."""
    if not isinstance(time, FrameNumber):
        return float(time)
    if time < len(times):
        return float(times[time])
    last = len(times) - 1
    step = (times[last] - times[0]) / last if last > 0 else 0.04  # a picture goes on at 25 frames/s
    return float(times[last] + (int(time) - last) * step)


def parse_time(text: str, *, bare: bool = True) -> float:
    """3.2s, 1:02.5 or 0:01:02 to seconds, 96f to a FrameNumber; bare: 3.2 without a unit is seconds too. Raises UsageError."""
    text = text.strip()
    if match := re.fullmatch(r"(\d+)f", text, re.ASCII):
        return FrameNumber(match[1])
    match = TIME.fullmatch(text)
    seconds = int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3]) if match else math.nan
    if match is None or not math.isfinite(seconds) or not (bare or match[4] or match[2]):
        raise UsageError(f"{text!r} is no time (2s, 2.5s, 1:02.5 or 96f)")
    return seconds


def parse_curve(text: str) -> Curve:
    """'0s:0 2s:+0.5 4s:0 ease' to a curve. Raises UsageError."""
    words = text.split()
    ease = bool(words) and words[-1] == EASE
    keys = []
    for word in words[:-1] if ease else words:
        time, colon, value = word.rpartition(":")
        if not colon:
            raise UsageError(f"{word!r} is not TIME:STRENGTH")
        keys.append((parse_time(time, bare=False), _number(value, "strength")))
    return Curve(tuple(time for time, _ in keys), tuple(value for _, value in keys), ease)


def show_time(time: float, digits: str = "g") -> str:
    """2.5s or 96f."""
    return str(time) if isinstance(time, FrameNumber) else f"{time:{digits}}s"


def show_strength(value: float, digits: str = "g") -> str:
    """+0.5, -1 or 0."""
    return format(value, f"+{digits}") if value else "0"


def _number(value: Any, what: str) -> float:
    """A finite number. Raises UsageError."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{value!r} is no {what}")
    return number
