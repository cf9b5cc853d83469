"""What an edit changes under a thing that passes before a face, and how much of the edit is kept beside it.

Drawn things (benchmarks/things.py), whose place is known to the pixel, move over the face of a clip. The clip is edited with and without
them, in memory, so that no encoder takes part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import write_strip
from benchmarks.things import covered, things
from videdit.config import Settings
from videdit.faces.pose import face_px
from videdit.packs.load import Pack
from videdit.pipeline.covers import Covers
from videdit.pipeline.models import Models
from videdit.pipeline.stills import Moment, frame_of
from videdit.quality.report import Value
from videdit.types import Track
from videdit.video.reader import read_frames

Picture = NDArray[np.uint8]  # [H,W,3] RGB
Masks = NDArray[np.bool_]  # [T,H,W]
FRAMES = 48
CLEAR = 0.99  # opacity from which a pixel is the thing's
LEAST = 0.01  # of the face: a frame that shows less of the thing is not asked for the worst
CHEEK = (31, 2)  # landmarks between which there is skin
NOTE = (
    "Drawn things pass before the face once in {frames} frames. *Under*: mean change (of 255 levels, over RGB) of the thing's own pixels "
    "within the face's outline, over all frames and in the worst one. *Bare*: what the edit changes in these places without the thing. "
    "*Kept*: mean change of the rest of the face, over that without the thing. *Alike*: correlation of these two changes. *Her hand*: a "
    "real one, within outlines drawn by hand in twelve frames of a clip (benchmarks/hands.json). {network} "
    "Pack {pack}."
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Consecutive frames of a clip [T,H,W,3] RGB at `fps`, and the track of the face in them; face bool [T,H,W]: its outline."""

    name: str
    pictures: list[Picture]
    fps: float
    track: Track
    face: Masks


def run(
    cases: list[tuple[Path, dict[str, float]]], pack: Pack, settings: Settings, *, frames: int = FRAMES, strips: Path | None = None
) -> tuple[list[dict[str, Value]], str]:
    """A row per case and thing, with the pack's network for what lies in front (if it has one) and without; and the figures' note."""
    modes = [True, False] if pack.has("occluder") else [False]
    rows: list[dict[str, Value]] = []
    models = Models.load(settings, pack)
    for clip, strengths in cases:
        scene, bare = scene_of(clip, models, settings, strengths, frames)
        if scene is None:
            continue
        changed = differences(scene.pictures, bare)
        for name, (before, opacity) in passing(scene):
            for mode, after in edits(moment_of(before, scene.fps, models, settings), strengths, modes):
                found = measure(differences(before, after), changed, opacity, scene.face)
                edit = ",".join(f"{what} {value:+g}" for what, value in strengths.items())
                rows.append({"clip": scene.name, "edit": edit, "thing": name, "network": "yes" if mode else "no", **found})
                if strips is not None:
                    near = around(scene.face)
                    pairs = [(b[near], a[near]) for b, a in zip(before, after, strict=True)]
                    write_strip(strips / f"{scene.name}_{name}_{'with' if mode else 'without'}.png", pairs, np.ones(len(pairs), bool))
    network = "" if pack.has("occluder") else "The pack has no network that sees what lies in front."
    return rows, NOTE.format(frames=frames, network=network, pack=pack.id).replace("  ", " ")


def scene_of(
    clip: Path, models: Models, settings: Settings, strengths: dict[str, float], frames: int
) -> tuple[Scene | None, list[Picture]]:
    """The first frames of a clip and their edit; no scene where there is nobody."""
    read = list(islice(read_frames(clip), frames))
    pictures = [np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8) for frame in read]
    fps = (len(read) - 1) / (read[-1].time - read[0].time) if len(read) > 1 else 25.0
    moment = moment_of(pictures, fps, models, settings)
    if not moment.sight.people:
        return None, []
    track = max((person.track for person in moment.sight.people), key=len)
    return Scene(clip.stem, pictures, fps, track, outlines(track, len(pictures), pictures[0].shape)), edited(moment, strengths)


def moment_of(pictures: list[Picture], fps: float, models: Models, settings: Settings) -> Moment:
    """Found and inverted, to be edited."""
    tick = 1 / Fraction(fps).limit_denominator(1000)
    return Moment([frame_of(picture, index=i, time_base=tick) for i, picture in enumerate(pictures)], models, settings)


def edited(moment: Moment, strengths: dict[str, float]) -> list[Picture]:
    """Every frame with the edit."""
    return [np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8) for frame in moment.edited(strengths)]


def edits(moment: Moment, strengths: dict[str, float], modes: list[bool]) -> Iterator[tuple[bool, list[Picture]]]:
    """The edit with what was seen in front of the face left alone, and without."""
    seen = moment.sight
    for mode in modes:
        people = seen.people if mode else [replace(person, covers=Covers()) for person in seen.people]
        moment.sight = replace(seen, people=people)
        yield mode, edited(moment, strengths)
    moment.sight = seen


def outlines(track: Track, count: int, shape: tuple[int, ...]) -> Masks:
    """Hulls of a track's landmarks in `count` frames of a shape (H, W, ...); nothing where the face is not there."""
    out = np.zeros((count, *shape[:2]), np.uint8)
    for frame, points, sure in zip(track.frames, track.landmarks, track.confidence, strict=True):
        if sure > 0:
            cv2.fillConvexPoly(out[frame], np.rint(cv2.convexHull(points.astype(np.float32)) - 0.5).astype(np.int32), (1,))
    return out.astype(bool)


def around(face: Masks) -> tuple[slice, slice]:
    """Rows and columns of the face in all frames, and half as much on either side."""
    spans = []
    for axis in (0, 1):
        there = np.flatnonzero(face.any((0, 2 - axis)))
        grow = (there[-1] - there[0]) // 2
        spans.append(slice(max(0, int(there[0] - grow)), int(there[-1] + grow)))
    return spans[0], spans[1]


def passing(scene: Scene) -> Iterator[tuple[str, tuple[list[Picture], NDArray[np.float32]]]]:
    """By name the frames with a thing before the face, and its opacity [T,H,W]: up from the left, past the mouth, out to the right."""
    track, middle = scene.track, len(scene.track) // 2
    x, y = track.landmarks[middle, list(CHEEK)].mean(0).astype(int)
    skin = scene.pictures[int(track.frames[middle])][max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3).mean(0)
    for name, (sprite, large) in things(skin).items():
        pictures, opacities = [], []
        for i, picture in enumerate(scene.pictures):
            row = int(np.argmin(np.abs(track.frames - i)))
            points, t = track.landmarks[row], i / max(1, len(scene.pictures) - 1)
            side = float(face_px(points))
            way = (1 - t) ** 2 * np.array([-1.2, 1.1]) + 2 * t * (1 - t) * np.array([0.0, 0.15]) + t**2 * np.array([1.2, 0.2])
            centre = points.mean(0) + side * way
            covering, opacity = covered(picture, sprite, centre, large * side, 40 * t - 25, i)
            pictures.append(covering)
            opacities.append(opacity)
        yield name, (pictures, np.stack(opacities))


def differences(before: list[Picture], after: list[Picture]) -> NDArray[np.int16]:
    """Signed changes [T,H,W,3]."""
    return np.stack([b.astype(np.int16) - a for a, b in zip(before, after, strict=True)])


def measure(change: NDArray[np.int16], bare: NDArray[np.int16], opacity: NDArray[np.float32], face: Masks) -> dict[str, Value]:
    """Figures (see NOTE) of a change [T,H,W,3] with a thing of that opacity [T,H,W] in front, and of the change without it."""
    under, beside = face & (opacity >= CLEAR), face & (opacity == 0)
    levels, without = np.abs(change).mean(-1), np.abs(bare).mean(-1)
    seen = [i for i in range(len(face)) if under[i].sum() > LEAST * face[i].sum() > 0]
    a, b = (part[beside].astype(np.float64).ravel() for part in (change, bare))
    norm = np.sqrt((a @ a) * (b @ b))
    return {
        "under": mean(levels[under]),
        "under, worst": max((mean(levels[i][under[i]]) for i in seen), default=float("nan")),
        "bare": mean(without[under]),
        "kept": mean(levels[beside]) / mean(without[beside]) if without[beside].any() else float("nan"),
        "alike": float(a @ b / norm) if norm else float("nan"),
    }


def mean(values: NDArray[np.floating]) -> float:
    """Of nothing, nan."""
    return float(values.mean()) if len(values) else float("nan")
