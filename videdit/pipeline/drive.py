"""Whose expression an edit takes: the first pass over the driving picture or clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from videdit.config import Settings
from videdit.errors import UsageError
from videdit.pipeline.models import Models
from videdit.pipeline.report import Progress, Stopwatch
from videdit.pipeline.steadiness import smooth_latents, steadiness_of, weights_of
from videdit.pipeline.watch import watch_file
from videdit.store import Cache, default_folder
from videdit.types import Driver


def cache_of(settings: Settings) -> Cache:
    """The cache the settings ask for."""
    return Cache((settings.cache_dir or default_folder()) if settings.cache else None)


def driver_of(models: Models, settings: Settings, cache: Cache, *, clock: Stopwatch, progress: Progress | None = None) -> Driver | None:
    """Who fills most of `expression_from`, smoothed as the edited face's latents are; None where no expression is asked for.

    Where a driving clip shows nobody, straight lines lead on to the next face. Raises UnreadableError, and UsageError where there is no
    face at all.
    """
    path = settings.expression_from
    if path is None or not settings.expression:
        return None
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="--expression-from takes a picture or a clip.")
    sight, _, _ = watch_file(path, models, replace(settings, face="largest"), cache, clock=clock, progress=progress)
    people = [person for person in sight.people if person.number == 1]
    if not people:
        raise UsageError(f"there is no face in {path}", hint="--expression-from takes a picture or a clip that shows one.")
    times = np.concatenate([person.track.times[person.latents.valid] for person in people])
    steady = steadiness_of(settings)
    smooth = [smooth_latents(p, steady, weights_of(p), 0, len(p.track))[p.latents.valid] for p in people]
    order = np.argsort(times, kind="stable")
    return Driver(times[order], np.concatenate(smooth)[order], settings.expression)
