"""Single frames: arrays in and out, the preview of a moment, contact sheets and strength ladders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.config import CROP_METHODS, Settings, check_strengths
from videdit.edit.plan import resolve
from videdit.errors import NoFaceError, UsageError
from videdit.packs.load import Pack
from videdit.pipeline.changes import changes, motion_of
from videdit.pipeline.clip import Moving, copy_frame, put_changes
from videdit.pipeline.drawn import drawn_changes
from videdit.pipeline.drive import cache_of, driver_of
from videdit.pipeline.models import Models
from videdit.pipeline.people import Sight
from videdit.pipeline.report import Stopwatch
from videdit.pipeline.steadiness import steadiness_of
from videdit.pipeline.watch import watch
from videdit.types import Color, EditPlan, Frame
from videdit.video.probe import probe
from videdit.video.reader import frame_times, read_frames

Picture = NDArray[np.uint8]
RGB = Color(matrix="rgb", full_range=True, depth=8)


def edit_frames(
    frames: Sequence[Picture],
    strengths: Mapping[str, float],
    settings: Settings = Settings(),
    *,
    fps: float = 25.0,
    pack: Pack | None = None,
) -> list[Picture]:
    """Edit the faces of consecutive pictures uint8 [H,W,3] RGB, all of one size, `fps` a second; returns new ones.

    Frames without a face come back as they are. Raises as `edit_video` does, and UsageError for other arrays.
    """
    if not len(frames):
        return []
    rate = Fraction(fps).limit_denominator(100000)
    wrapped = [frame_of(picture, index=i, time_base=1 / rate) for i, picture in enumerate(frames)]
    if len({(f.width, f.height) for f in wrapped}) > 1:
        raise UsageError("the frames differ in size")
    models = Models.load(settings, pack)
    return [rgb_of(frame) for frame in Moment(wrapped, models, settings).edited(strengths)]


def edit_frame(rgb: Picture, strengths: Mapping[str, float], settings: Settings = Settings(), *, pack: Pack | None = None) -> Picture:
    """Edit the faces of one picture uint8 [H,W,3] RGB; returns a new one, equal to the input where there is no face."""
    return edit_frames([rgb], strengths, settings, pack=pack)[0]


class Moment:
    """Some consecutive frames whose faces are found and inverted once, to be edited in several ways."""

    def __init__(self, frames: Sequence[Frame], models: Models, settings: Settings, *, sight: Sight | None = None) -> None:
        self.frames, self.models, self.settings = list(frames), models, settings
        self.clock = Stopwatch()
        # numbered from 0, whatever they are in their clip
        self.frames = [replace(f, index=i) for i, f in enumerate(self.frames)]
        self.driver = driver_of(models, settings, cache_of(settings), clock=self.clock)
        invert = settings.method not in CROP_METHODS or self.driver is not None
        self.sight = sight or watch(self.frames, models, settings, clock=self.clock, invert=invert)

    @property
    def face_found(self) -> bool:
        """Whether there is anybody."""
        return bool(self.sight.people)

    def edited(self, strengths: Mapping[str, float], *, only: int | None = None) -> Iterator[Frame]:
        """The frames with an edit in them (copies); only: just this one."""
        settings, models = self.settings, self.models
        plan = EditPlan(check_strengths(strengths), settings.lock, settings.method, self.driver)
        moves = resolve(plan, models.pack.manifest)
        moving: list[Moving] = []
        for person in self.sight.people if moves else []:
            motion = motion_of(person, self.sight, moves, models.pack, partial(models.render, None), settings)
            if moves.drawn:
                frames, draw = iter(self.frames[motion.first : motion.last + 1]), partial(models.draw, moves=moves)
                moving.append((motion, drawn_changes(motion, frames, draw, models.pack.size, mode=settings.composite, clock=self.clock)))
            if moves.latent:
                moving.append((motion, changes(motion, models.pack.size, mode=settings.composite, clock=self.clock)))
        for frame in self.frames:
            if only is not None and frame.index > only:
                return
            copy = copy_frame(frame)
            if only is None or frame.index == only:
                put_changes(copy, moving, blend=settings.blend, clock=self.clock)
                yield copy
            else:
                skip_changes(frame.index, moving)


def skip_changes(index: int, moving: list[Moving]) -> None:
    """Let the changes of a frame that is not wanted pass."""
    for motion, made in moving:
        if motion.first <= index <= motion.last:
            next(made)


def moment_at(source: str | Path, at: float | None, frame: int | None, models: Models, settings: Settings) -> tuple[Moment, int]:
    """The frames around a time in seconds or a frame number (counted from 0) that smoothing needs, and which of them is meant.

    Raises UsageError for a moment beyond the clip.
    """
    seconds = at or 0.0
    if frame is not None:
        times = frame_times(source)
        if not 0 <= frame < len(times):
            raise UsageError(f"the clip has no frame {frame}", hint=f"it has {len(times)}, counted from 0")
        seconds = times[frame]
    span = steadiness_of(settings).ahead + 0.05
    picked = list(read_frames(source, start=max(0.0, seconds - span), stop=seconds + span))
    if not picked or seconds > picked[-1].time + 1.0:
        raise UsageError(f"the clip ends before {seconds:g} s", hint=f"it is {probe(source).duration or 0:.2f} s long")
    return Moment(picked, models, settings), int(np.argmin([abs(f.time - seconds) for f in picked]))


def preview(
    source: str | Path,
    strengths: Mapping[str, float],
    settings: Settings = Settings(),
    *,
    at: float | None = None,
    frame: int | None = None,
    pack: Pack | None = None,
) -> tuple[Picture, Picture]:
    """One moment of a clip before and after an edit, uint8 [H,W,3] RGB each; `at` in seconds or `frame` counted from 0.

    Only the frames that smoothing needs are decoded, and nothing is tuned. Raises NoFaceError when that moment shows nobody.
    """
    models = Models.load(settings, pack)
    moment, which = moment_at(source, at, frame, models, settings)
    if not moment.face_found:
        raise NoFaceError("there is no face at that moment", hint="`videdit inspect` says where faces are")
    after = next(iter(moment.edited(strengths, only=which)))
    return rgb_of(moment.frames[which]), rgb_of(after)


def sheet(
    source: str | Path,
    strengths: Mapping[str, float],
    settings: Settings = Settings(),
    *,
    count: int = 6,
    height: int = 270,
    pack: Pack | None = None,
) -> Picture:
    """A contact sheet: `count` moments spread over a clip, before above after. uint8 [2*height, W, 3] RGB."""
    models = Models.load(settings, pack)
    duration = float(probe(source).duration or 0.0)
    columns = []
    for i in range(count):
        moment, which = moment_at(source, duration * (i + 0.5) / count, None, models, settings)
        after = next(iter(moment.edited(strengths, only=which)))
        columns.append(np.concatenate([fit(rgb_of(moment.frames[which]), height), fit(rgb_of(after), height)]))
    return np.concatenate(columns, axis=1)


def ladder(
    source: str | Path,
    attribute: str,
    values: Sequence[float],
    settings: Settings = Settings(),
    *,
    at: float | None = None,
    frame: int | None = None,
    strengths: Mapping[str, float] | None = None,
    height: int = 360,
    pack: Pack | None = None,
) -> Picture:
    """One moment at several strengths of an attribute, side by side, beside fixed `strengths` of others. uint8 RGB."""
    models = Models.load(settings, pack)
    moment, which = moment_at(source, at, frame, models, settings)
    if not moment.face_found:
        raise NoFaceError("there is no face at that moment", hint="`videdit inspect` says where faces are")
    steps = [next(iter(moment.edited({**(strengths or {}), attribute: value}, only=which))) for value in values]
    return np.concatenate([fit(rgb_of(step), height) for step in steps], axis=1)


def frame_of(rgb: Picture, *, index: int = 0, time_base: Fraction = Fraction(1, 25)) -> Frame:
    """A picture uint8 [H,W,3] RGB as a frame. Raises UsageError for another array."""
    rgb = np.asarray(rgb)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise UsageError(f"a picture is a uint8 array [H,W,3], not {rgb.dtype} {list(rgb.shape)}")
    red, green, blue = (np.ascontiguousarray(rgb[..., i]) for i in range(3))
    return Frame((green, blue, red), RGB, "gbrp", index, time_base, index)


def rgb_of(frame: Frame) -> Picture:
    """A whole frame as uint8 [H,W,3] RGB."""
    return np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8)


def fit(rgb: Picture, height: int) -> Picture:
    """Scaled to a height."""
    if rgb.shape[0] == height:
        return rgb
    size = (max(1, round(rgb.shape[1] * height / rgb.shape[0])), height)
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if height < rgb.shape[0] else cv2.INTER_LINEAR).astype(np.uint8)
