"""Single frames: arrays in and out, the preview of a moment, contact sheets and strength ladders."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.checks import check_strengths
from videdit.config import CROP_METHODS, Settings
from videdit.curves import Strength
from videdit.errors import NoFaceError, UnreadableError, UsageError
from videdit.packs.load import Pack
from videdit.pipeline.cast import assigned, cast_of, choose, everybody, reference
from videdit.pipeline.changes import Motion, motion_of
from videdit.pipeline.clip import Moving, copy_frame, made_for, put_changes
from videdit.pipeline.drive import cache_of, driver_of
from videdit.pipeline.identity import known_as
from videdit.pipeline.models import Models
from videdit.pipeline.people import Sight
from videdit.pipeline.report import Stopwatch
from videdit.pipeline.steadiness import steadiness_of
from videdit.pipeline.watch import watch, watch_file
from videdit.types import Color, Frame
from videdit.video.probe import probe
from videdit.video.reader import frame_times, read_frames

Picture = NDArray[np.uint8]
People = Mapping[int, Mapping[str, Strength | str]]  # strengths for some of the people, by number
RGB = Color(matrix="rgb", full_range=True, depth=8)


def edit_frames(
    frames: Sequence[Picture],
    strengths: Mapping[str, Strength | str],
    settings: Settings = Settings(),
    *,
    fps: float = 25.0,
    pack: Pack | None = None,
    people: People | None = None,
) -> list[Picture]:
    """Edit the faces of consecutive pictures uint8 [H,W,3] RGB, all of one size, `fps` a second; returns new ones.

    Frames without a face come back as they are. people: as of `edit_video`, numbered over these
    frames. Raises as `edit_video` does, and UsageError for other arrays.
    """
    if not len(frames):
        return []
    rate = Fraction(fps).limit_denominator(100000)
    wrapped = [frame_of(picture, index=i, time_base=1 / rate) for i, picture in enumerate(frames)]
    if len({(f.width, f.height) for f in wrapped}) > 1:
        raise UsageError("the frames differ in size")
    models = Models.load(settings, pack)
    return [rgb_of(frame) for frame in Moment(wrapped, models, settings, people=people).edited(strengths)]


def edit_frame(
    rgb: Picture,
    strengths: Mapping[str, Strength | str],
    settings: Settings = Settings(),
    *,
    pack: Pack | None = None,
    people: People | None = None,
) -> Picture:
    """Edit the faces of one picture uint8 [H,W,3] RGB; returns a new one, equal to the input where there is no face."""
    return edit_frames([rgb], strengths, settings, pack=pack, people=people)[0]


class Moment:
    """Some consecutive frames whose faces are found and inverted once, to be edited in several ways.

    times: of all frames of their clip, where these are not all of it; asked only where an edit counts frames.
    clip: everybody in the clip they are from, whose numbers then count; people: as of `edit_video`.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        models: Models,
        settings: Settings,
        *,
        sight: Sight | None = None,
        times: Callable[[], Sequence[float]] | None = None,
        clip: Sight | None = None,
        people: People | None = None,
    ) -> None:
        self.frames, self.models, self.settings = list(frames), models, settings
        self.clock = Stopwatch()
        self.times = times or (lambda: [frame.time for frame in self.frames])
        # numbered from 0, whatever they are in their clip
        self.frames = [replace(f, index=i) for i, f in enumerate(self.frames)]
        self.own = {number: check_strengths(more) for number, more in (people or {}).items()}
        cache = cache_of(settings)
        self.driver = driver_of(models, settings, cache, clock=self.clock)
        self.like = reference(settings.face, models, settings, cache, clock=self.clock)
        invert = settings.method not in CROP_METHODS or self.driver is not None
        self.sight = sight or watch(self.frames, models, everybody(settings, self.own), clock=self.clock, invert=invert)
        self.clip = clip
        if clip is not None:
            self.sight = replace(self.sight, people=known_as(self.sight.people, clip.people))

    @property
    def face_found(self) -> bool:
        """Whether there is anybody."""
        return bool(self.sight.people)

    def edited(self, strengths: Mapping[str, Strength | str], *, only: int | None = None) -> Iterator[Frame]:
        """The frames with an edit in them (copies); only: just this one."""
        settings, models = self.settings, self.models
        cast = cast_of(strengths, self.own, settings, self.driver, self.times)
        cast.moves(models.pack.manifest)
        chosen = choose(settings.face, self.clip or self.sight, like=self.like) if cast.needs else set()
        roles = assigned(cast, self.sight, chosen, models.pack.manifest, clip=self.clip)
        moving: list[Moving] = []
        for person in self.sight.people:
            if (moves := roles.get(person.number)) is None:
                continue
            motion = motion_of(person, self.sight, moves, models.pack, partial(models.render, None), settings, rows=models.rows)
            moving += made_for(motion, moves, self._frames_of, models, settings.composite, self.clock)
        for frame in self.frames:
            if only is not None and frame.index > only:
                return
            copy = copy_frame(frame)
            if only is None or frame.index == only:
                put_changes(copy, moving, blend=settings.blend, clock=self.clock)
                yield copy
            else:
                skip_changes(frame.index, moving)

    def _frames_of(self, motion: Motion) -> Iterator[Frame]:
        """The frames of a track."""
        return iter(self.frames[motion.first : motion.last + 1])


def skip_changes(index: int, moving: list[Moving]) -> None:
    """Let the changes of a frame that is not wanted pass."""
    for motion, made in moving:
        if motion.first <= index <= motion.last:
            next(made)


def moment_at(
    source: str | Path, at: float | None, frame: int | None, models: Models, settings: Settings, people: People | None = None
) -> tuple[Moment, int]:
    """The frames around a time in seconds or a frame number (counted from 0) that smoothing needs, and which of them is meant.

    Where somebody is meant whom only the whole clip tells (a number, left, right), that is looked at first.
    Raises UsageError for a moment beyond the clip, UnreadableError where a clip that is long enough has nothing there.
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
        length = float(probe(source).duration or 0)
        if seconds >= length:
            raise UsageError(f"the clip ends before {seconds:g} s", hint=f"it is {length:.2f} s long")
        picked = picked or list(deque(read_frames(source, stop=seconds), maxlen=1))  # one that stands for long
    if not picked:
        raise UnreadableError(f"{Path(source).name} has nothing at {seconds:g} s", hint="It begins later than it says; try a later one.")
    clip = None
    if people or settings.face in ("left", "right") or settings.face.isdecimal():
        clip = watch_file(Path(source), models, everybody(settings, people), cache_of(settings), clock=Stopwatch(), invert=False)[0]
    moment = Moment(picked, models, settings, times=partial(frame_times, source), clip=clip, people=people)
    return moment, int(np.argmin([abs(f.time - seconds) for f in picked]))


def preview(
    source: str | Path,
    strengths: Mapping[str, Strength | str],
    settings: Settings = Settings(),
    *,
    at: float | None = None,
    frame: int | None = None,
    pack: Pack | None = None,
    people: People | None = None,
) -> tuple[Picture, Picture]:
    """One moment of a clip before and after an edit, uint8 [H,W,3] RGB each; `at` in seconds or `frame` counted from 0.

    Only the frames that smoothing needs are edited, and nothing is tuned. people: as of
    `edit_video`. Raises NoFaceError when that moment shows nobody.
    """
    models = Models.load(settings, pack)
    moment, which = moment_at(source, at, frame, models, settings, people)
    if not moment.face_found:
        raise NoFaceError("there is no face at that moment", hint="`videdit inspect` says where faces are")
    after = next(iter(moment.edited(strengths, only=which)))
    return rgb_of(moment.frames[which]), rgb_of(after)


def sheet(
    source: str | Path,
    strengths: Mapping[str, Strength | str],
    settings: Settings = Settings(),
    *,
    count: int = 6,
    height: int = 270,
    pack: Pack | None = None,
    people: People | None = None,
) -> Picture:
    """A contact sheet: `count` moments spread over a clip, before above after. uint8 [2*height, W, 3] RGB."""
    models = Models.load(settings, pack)
    duration = float(probe(source).duration or 0.0)
    columns = []
    for i in range(count):
        moment, which = moment_at(source, duration * (i + 0.5) / count, None, models, settings, people)
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
    strengths: Mapping[str, Strength | str] | None = None,
    height: int = 360,
    pack: Pack | None = None,
    people: People | None = None,
) -> Picture:
    """One moment at several strengths of an attribute, side by side, beside fixed `strengths` of others. uint8 RGB."""
    models = Models.load(settings, pack)
    moment, which = moment_at(source, at, frame, models, settings, people)
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
