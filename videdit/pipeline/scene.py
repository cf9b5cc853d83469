"""What pass 2 of a clip is made from: its people, who of them gets which edit, and a key of all that its frames depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from videdit.config import Settings
from videdit.curves import Strength
from videdit.edit.plan import Moves
from videdit.packs.load import Pack
from videdit.pipeline.cast import assigned, cast_of, choose, everybody, reference
from videdit.pipeline.changes import Motion, motion_of
from videdit.pipeline.drive import cache_of, driver_of
from videdit.pipeline.gate import Gate, hold
from videdit.pipeline.models import Models, steps_for
from videdit.pipeline.people import Sight
from videdit.pipeline.report import ClipReport, Progress, Stopwatch
from videdit.pipeline.resume import edit_key
from videdit.pipeline.steadiness import steadiness_of
from videdit.pipeline.watch import watch_file
from videdit.store import Cache, stage_key
from videdit.store.work import Work
from videdit.video.probe import ClipInfo, probe
from videdit.video.reader import frame_times


@dataclass(slots=True)
class Scene:
    """A clip after pass 1. parts: what pass 1 depends on; roles: what is done to whom, by number; chosen: whom the settings' face means."""

    source: Path
    settings: Settings
    info: ClipInfo
    models: Models
    cache: Cache
    sight: Sight
    parts: Sequence[object]
    roles: dict[int, Moves]
    chosen: set[int]
    key: str
    report: ClipReport
    clock: Stopwatch
    progress: Progress | None

    def motion(self, number: int, moves: Moves) -> Motion:
        """One of the people, tuned to and held back as the settings ask. Where latents move, renders of the unedited face are kept; an edit
        does not change them."""
        person, size, steady = self.sight.people[number], self.models.pack.size, steadiness_of(self.settings)
        steps = steps_for(self.settings.tune) if moves.latent else 0
        with self.clock.stage("tune"):
            generator = self.models.tuned(person, steps, steady, cache=self.cache, parts=self.parts, progress=self.progress)
        render, report = partial(self.models.render, generator), self.report
        motion = motion_of(person, self.sight, moves, self.models.pack, render, self.settings, report.lowered, rows=self.models.rows)
        report.tuned_steps = steps
        if moves.latent:
            key = stage_key("renders", number, steps, steady.method, steady.latents, *self.parts)
            motion.kept = self.cache.rows("renders", key, (len(person.track), size, size, 3))
        gate = self._gate(motion, moves)
        if gate is not None:
            report.gates.append(gate)
            motion.scale = gate.scale
        return motion

    def _gate(self, motion: Motion, moves: Moves) -> Gate | None:
        """How far one person's edit may go, where --max-identity-drop asks."""
        limit, settings = self.settings.max_identity_drop, self.settings
        if limit is None:
            return None
        with self.clock.stage("identity"):
            return hold(motion, self.source, self.models, moves, limit, mode=settings.composite, blend=settings.blend)


def scene_of(
    source: Path,
    target: Path,
    asked: dict[str, Strength],
    own: dict[int, dict[str, Strength]],
    settings: Settings,
    *,
    clock: Stopwatch,
    progress: Progress | None,
    pack: Pack | None,
    work: Work | None,
) -> Scene:
    """Pass 1 or its cached result, and who gets what; work: where what pass 1 finds is kept until it has found all.

    Raises UsageError (NobodyError), MissingError (PackError), UnreadableError, OutputError.
    """
    info = probe(source)
    with clock.stage("load"):
        models = Models.load(settings, pack)
    cache = cache_of(settings)
    driver = driver_of(models, settings, cache, clock=clock, progress=progress)
    cast = cast_of(asked, own, settings, driver, partial(frame_times, source))
    possible = cast.moves(models.pack.manifest)
    like = reference(settings.face, models, settings, cache, clock=clock)
    edits = asked if driver is None else {**asked, "expression": driver.strength}
    report = ClipReport(source, target, edits, window=str(settings.window), width=info.width, height=info.height, pack=models.pack.id)
    report.compiled = models.compiled
    invert = any(moves.latent for moves in possible) or not possible
    sight, parts, report.cached = watch_file(
        source, models, everybody(settings, own), cache, clock=clock, progress=progress, invert=invert, work=work
    )
    chosen = choose(settings.face, sight, like=like) if cast.needs else set()
    roles = assigned(cast, sight, chosen, models.pack.manifest)
    key = edit_key(parts, models, settings, target, strengths=asked, people=own, driver=driver, like=like)
    return Scene(source, settings, info, models, cache, sight, parts, roles, chosen, key, report, clock, progress)
