"""The people of a clip, for `videdit inspect` and `videdit preview --people`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.config import Settings
from videdit.errors import NoFaceError
from videdit.faces.shape import bounding_box
from videdit.geometry import Floats
from videdit.packs.load import Pack
from videdit.pipeline.changes import there
from videdit.pipeline.drive import cache_of
from videdit.pipeline.identity import frontal, steps
from videdit.pipeline.models import Models
from videdit.pipeline.people import Person, Sight
from videdit.pipeline.report import Progress, Stopwatch
from videdit.pipeline.watch import watch_file
from videdit.smooth.gaussian import runs
from videdit.video.reader import read_frames

COLORS = ((230, 60, 60), (50, 170, 70), (60, 110, 240), (225, 160, 0), (170, 70, 200), (0, 165, 175))  # RGB, by number
HEIGHT = 480  # px, at most, of each frame of the picture


@dataclass(frozen=True, slots=True)
class Known:
    """One of the people of a clip: number; frames they are in; spans: seconds from and to; width, height: px, the face's, in the median."""

    number: int
    frames: int
    spans: tuple[tuple[float, float], ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Shown:
    """A face in a frame: whose number, frame number, its time in s, box (left, top, right, bottom) px."""

    number: int
    frame: int
    time: float
    box: Floats


def find_people(
    source: str | Path, settings: Settings = Settings(), *, pack: Pack | None = None, progress: Progress | None = None
) -> Sight:
    """Everybody in a clip, numbered as --face N and --person N count them. Raises MissingError, UnreadableError."""
    models, everybody = Models.load(settings, pack), replace(settings, face="all")
    return watch_file(Path(source), models, everybody, cache_of(settings), clock=Stopwatch(), progress=progress, invert=False)[0]


def known(sight: Sight) -> list[Known]:
    """The people in it, by number."""
    out = []
    for number in sight.numbers:
        tracks = [person for person in sight.people if person.number == number]
        boxes = np.concatenate([np.stack([bounding_box(points) for points in p.track.landmarks[p.latents.valid]]) for p in tracks])
        width, height = np.median(boxes[:, 2:] - boxes[:, :2], axis=0)
        frames = len({int(frame) for p in tracks for frame in p.track.frames[p.latents.valid]})
        out.append(Known(number, frames, _spans(tracks), float(width), float(height)))
    return out


def _spans(tracks: Sequence[Person]) -> tuple[tuple[float, float], ...]:
    """Seconds from and to which somebody is there; misses of a few frames, and cuts they stay through, end none."""
    pieces = []
    for person in tracks:
        times, last = person.track.times, steps(person.track.times)
        pieces += [(float(times[a]), float(times[b - 1] + last[b - 1])) for a, b in runs(there(person))]
    spans: list[tuple[float, float]] = []
    for start, end in sorted(pieces):
        if spans and start <= spans[-1][1] + 1e-3:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return tuple(spans)


def best_views(sight: Sight) -> list[Shown]:
    """Each of the people once, in as few frames as show them all, where they are large and look into the camera."""
    views: dict[int, dict[int, tuple[float, Shown]]] = {}  # frame -> number -> how good, what
    for person in sight.people:
        track = person.track
        boxes = np.stack([bounding_box(points) for points in track.landmarks])
        sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
        worth = sides / sides.max() * frontal(track.landmarks) * track.confidence
        for row in np.flatnonzero(person.latents.valid):
            shown = Shown(person.number, int(track.frames[row]), float(track.times[row]), boxes[row])
            views.setdefault(shown.frame, {})[person.number] = (float(worth[row]), shown)
    wanted, out = set(sight.numbers), []
    while wanted:
        frame = max(sorted(views), key=lambda f: sum(1.0 + worth for number, (worth, _) in views[f].items() if number in wanted))
        out += [shown for number, (_, shown) in sorted(views[frame].items()) if number in wanted]
        wanted -= set(views[frame])
    return out


def people_picture(
    source: str | Path, settings: Settings = Settings(), *, pack: Pack | None = None, progress: Progress | None = None
) -> NDArray[np.uint8]:
    """Frames of a clip that show everybody once, in a numbered box: uint8 [H,W,3] RGB. Raises NoFaceError, and as `find_people`."""
    sight = find_people(source, settings, pack=pack, progress=progress)
    if not sight.people:
        raise NoFaceError(f"there is nobody in {source}", hint="`videdit inspect --samples 8` looks at moments of it.")
    by_frame: dict[int, list[Shown]] = {}
    for shown in best_views(sight):
        by_frame.setdefault(shown.frame, []).append(shown)
    pictures = []
    for number, faces in sorted(by_frame.items()):
        frames = read_frames(source, start=max(0.0, faces[0].time - 1e-3))
        try:
            frame = next(frame for frame in frames if frame.index >= number)
        finally:
            frames.close()
        pictures.append(draw_boxes(np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8), faces))
    return _beside(pictures)


def draw_boxes(rgb: NDArray[np.uint8], faces: Sequence[Shown]) -> NDArray[np.uint8]:
    """A picture uint8 [H,W,3], at most HEIGHT high, with a box and a number about each face."""
    scale = min(1.0, HEIGHT / rgb.shape[0])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    out = np.ascontiguousarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)) if scale < 1 else rgb.copy()
    line, letters = max(1, round(out.shape[0] / 180)), max(0.4, out.shape[0] / 400)
    for face in faces:
        color = COLORS[(face.number - 1) % len(COLORS)]
        left, top, right, bottom = (int(v) for v in np.rint(face.box * scale))
        cv2.rectangle(out, (left, top), (right, bottom), color, line)
        (width, height), below = cv2.getTextSize(str(face.number), cv2.FONT_HERSHEY_SIMPLEX, letters, line)
        x, y = max(0, min(left, out.shape[1] - width - 6)), max(height + below, top)
        cv2.rectangle(out, (x, y - height - below), (x + width + 6, y), color, -1)
        cv2.putText(
            out, str(face.number), (x + 3, y - below // 2 - 1), cv2.FONT_HERSHEY_SIMPLEX, letters, (255, 255, 255), line, cv2.LINE_AA
        )
    return out


def _beside(pictures: Sequence[NDArray[np.uint8]], most: int = 3) -> NDArray[np.uint8]:
    """Pictures of one size in rows of `most`, white where there is none."""
    columns = min(len(pictures), most)
    filled = [*pictures, *[np.full_like(pictures[0], 255)] * (-len(pictures) % columns)]
    return np.concatenate([np.concatenate(filled[i : i + columns], axis=1) for i in range(0, len(filled), columns)])
