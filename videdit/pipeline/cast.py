"""Who gets which edit: whom --face means, and what is asked for each of the people by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from videdit.config import Settings
from videdit.curves import Strength
from videdit.edit.plan import Moves, resolve
from videdit.errors import NobodyError, UsageError
from videdit.faces.assign import cosine
from videdit.geometry import Floats
from videdit.packs.manifest import Manifest
from videdit.pipeline.identity import fills
from videdit.pipeline.models import Models
from videdit.pipeline.people import Sight
from videdit.pipeline.report import Stopwatch
from videdit.pipeline.timing import plan_of
from videdit.pipeline.watch import watch_file
from videdit.store import Cache
from videdit.types import Driver, EditPlan

ALIKE = 0.4  # cosine from which somebody is the face of a picture: other light, other day, so less than between tracks of one clip
EXTRA = 0.1  # of what the largest fills must be filled by who is to count as the left or the right one


@dataclass(frozen=True, slots=True)
class Cast:
    """Plans for people: `shared` is for whom the settings' `face` means; `own`, by number, comes on top of it for these people alone.

    All act in the same part of the clip. Times are seconds (see timing).
    """

    shared: EditPlan
    own: Mapping[int, Mapping[str, Strength]] = field(default_factory=dict)

    def of(self, number: int, chosen: set[int]) -> EditPlan:
        """What is asked for one of the people, given whom `face` means."""
        base = self.shared if number in chosen else replace(self.shared, strengths={}, driver=None)
        return replace(base, strengths={**base.strengths, **self.own.get(number, {})})

    def plans(self) -> list[EditPlan]:
        """Every plan that may become somebody's."""
        return [self.shared, *(self.of(number, chosen) for number in self.own for chosen in (set(), {number}))]

    @property
    def needs(self) -> bool:
        """Whether anything is asked for whom `face` means."""
        return not self.shared.empty

    def moves(self, manifest: Manifest) -> list[Moves]:
        """All that may be asked of the pack. Raises UsageError, PackError, before any work."""
        return [moves for plan in self.plans() if (moves := resolve(plan, manifest))]


def cast_of(
    strengths: Mapping[str, Strength | str],
    own: Mapping[int, Mapping[str, Strength | str]],
    settings: Settings,
    driver: Driver | None,
    times: Callable[[], Sequence[float]],
) -> Cast:
    """The plans for strengths and, by number, people's own, of a clip with frames at `times()` s (see `plan_of`). Raises UsageError."""
    known = cache(times)
    shared = plan_of(strengths, settings, driver, known)
    return Cast(shared, {number: plan_of(more, settings, None, known).strengths for number, more in own.items()})


def assigned(cast: Cast, sight: Sight, chosen: set[int], manifest: Manifest, *, clip: Sight | None = None) -> dict[int, Moves]:
    """What happens to each of the people in sight, by number; who is left alone is not in it. clip: all people there are, if more.

    Raises NobodyError for a number nobody has.
    """
    for number in cast.own:
        check_number(number, clip or sight)
    moves = {number: resolve(cast.of(number, chosen), manifest) for number in sight.numbers}
    return {number: wanted for number, wanted in moves.items() if wanted}


def check_number(number: int, sight: Sight) -> None:
    """Raises NobodyError for a number nobody has."""
    known = sight.numbers
    if known and number not in known:
        there = "one person, number 1" if len(known) == 1 else f"people 1 to {len(known)}"
        raise NobodyError(
            f"there is no person {number}", hint=f"It shows {there}; `videdit inspect` and `videdit preview --people` show who."
        )


def choose(face: str, sight: Sight, *, like: Floats | None = None) -> set[int]:
    """The numbers of the people whom --face means; empty where there is nobody at all.

    largest: who fills most of the clip; left, right: of those who fill a tenth of that, whose middle is there, in the mean over their
    frames; N; a picture's path, whose face looks `like` [D]. Raises NobodyError for a number nobody has and when nobody is like it.
    """
    if not sight.people:
        return set()
    if face == "all":
        return set(sight.numbers)
    if face == "largest":
        return {1}
    if face in ("left", "right"):
        places = {number: _place(sight, number) for number in _grown(sight)}
        return {(min if face == "left" else max)(places, key=lambda number: places[number])}
    if face.isdecimal():
        check_number(int(face), sight)
        return {int(face)}
    return {_most_alike(face, sight, like)}


def _grown(sight: Sight) -> list[int]:
    """Who fills a fair part of what the largest does."""
    filled = {n: sum(fills(p) for p in sight.people if p.number == n) for n in sight.numbers}
    return [number for number, area in filled.items() if area >= EXTRA * filled[1]]


def _place(sight: Sight, number: int) -> float:
    """Where somebody is from left to right, px, in the mean."""
    middles = [p.track.quads[p.latents.valid].mean(1)[:, 0] for p in sight.people if p.number == number]
    return float(np.concatenate(middles).mean())


def _most_alike(name: str, sight: Sight, like: Floats | None) -> int:
    """Who looks most like a face. Raises NobodyError."""
    if like is None or not len(like):
        raise UsageError("this pack can't tell people apart by a picture", hint="Give the number that `videdit inspect` shows.")
    alike = {n: max(cosine(p.looks, like) for p in sight.people if p.number == n) for n in sight.numbers}
    best = max(alike, key=lambda number: alike[number])
    if alike[best] < ALIKE:
        hint = f"Nearest is person {best} ({alike[best]:.2f}, {ALIKE:g} is needed): --face {best} takes them all the same."
        raise NobodyError(f"nobody looks like the face in {name}", hint=hint)
    return best


def everybody(settings: Settings, own: Mapping[int, object] | None) -> Settings:
    """The settings for pass 1: with plans by number everybody is followed, as `videdit inspect` does, who gives the numbers."""
    return replace(settings, face="all") if own else settings


def is_picture(face: str) -> bool:
    """Whether --face names a picture."""
    return face not in ("largest", "all", "left", "right") and not face.isdecimal()


def reference(face: str, models: Models, settings: Settings, cache: Cache, *, clock: Stopwatch) -> Floats | None:
    """How the largest face of the picture that --face names looks [D]; None where it names none.

    Raises UnreadableError, and UsageError for a picture that is not there or shows nobody.
    """
    if not is_picture(face):
        return None
    path = Path(face)
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}", hint="--face takes largest, all, left, right, a number of `videdit inspect`, or a picture."
        )
    plain = replace(settings, face="largest", invert="encoder")
    sight, _, _ = watch_file(path, models, plain, cache, clock=clock, invert=False)
    if not sight.people:
        raise UsageError(f"there is no face in {path}", hint="--face takes a picture that shows one.")
    return next(person.looks for person in sight.people if person.number == 1)
