"""What an edit does to a clip, in the eyes of judges that took no part in training; frames are compared before encoding."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from benchmarks.people import Subject, find_subject, inside, some_embeddings, to_uint8, wide_crop
from videdit.config import Settings
from videdit.geometry import quad_side
from videdit.packs.load import Pack
from videdit.pipeline import edit_video
from videdit.pipeline.people import crop_frame
from videdit.quality.attributes import change_rate, preservation
from videdit.quality.color import patches
from videdit.quality.embedder import Embedder
from videdit.quality.flicker import Flicker
from videdit.quality.identity import cosines, strangers, temporal_identity
from videdit.quality.judge import Judge
from videdit.quality.report import Value
from videdit.quality.seam import Seam, seam
from videdit.types import Frame

CROP = 128  # px, what the judge gets
SEAM_EVERY = 3  # frames
# Clips whose people are different ones.
STRANGERS = ("neutral_to_smile.mp4", "emotions_hand_over_face.mp4", "two_faces_tilted.gif", "three_faces_walking.gif", "profile_turn.gif")
CASES: tuple[tuple[str, dict[str, float]], ...] = (
    ("neutral_to_smile.mp4", {"smile": 1.0}),
    ("neutral_to_smile.mp4", {"smile": -1.0}),
    ("neutral_to_smile.mp4", {"age": 1.0}),
    ("neutral_to_smile.mp4", {"eyeglasses": 1.0}),
    ("neutral_to_smile.mp4", {"mouth-open": 1.0}),
)


@dataclass(slots=True)
class Judges:
    """The attribute classifier, its attributes' names, and the identity embedding."""

    attributes: Judge
    names: list[str]
    identity: Embedder


@dataclass(slots=True)
class Observer:
    """Looks at every frame before and after; give it to `edit_video(..., on_frame=)`."""

    subject: Subject
    judges: Judges
    frames: list[int] = field(default_factory=list)
    before: list[np.ndarray] = field(default_factory=list)
    after: list[np.ndarray] = field(default_factory=list)
    codes: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    pictures: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    flicker: Flicker = field(default_factory=Flicker)
    seams: list[Seam] = field(default_factory=list)
    colors: list[float] = field(default_factory=list)
    outside: float = 0.0

    def __call__(self, source: Frame, edited: Frame, mask: np.ndarray) -> None:
        """One frame; those without the subject are only checked outside the mask."""
        self._check_outside(source, edited, mask)
        if source.index not in self.subject.quads:
            self.flicker.cut()
            return
        quad, landmarks = self.subject.quads[source.index], self.subject.landmarks[source.index]
        region = inside(source, self.subject.region)
        first, second = source.rgb(region), edited.rgb(region)
        part = mask[region.slices]
        self.flicker.add(first, second, part)
        if len(self.frames) % SEAM_EVERY == 0 and (found := seam(first, second, part)):
            self.seams.append(found)
            self.colors.append(patches(first, second, part, blur=0.05 * quad_side(quad)))
        pictures = to_uint8(first), to_uint8(second)
        aligned = self.judges.identity.align(pictures[0], landmarks - (region.x, region.y))
        self.codes.append((self.judges.identity.embed(pictures[0], aligned), self.judges.identity.embed(pictures[1], aligned)))
        self.before.append(to_uint8(crop_frame(source, quad, CROP)))
        self.after.append(to_uint8(crop_frame(edited, quad, CROP)))
        self.pictures.append((wide_crop(source, quad, 256), wide_crop(edited, quad, 256)))
        self.frames.append(source.index)

    def _check_outside(self, source: Frame, edited: Frame, mask: np.ndarray) -> None:
        """Samples whose pixels all lie outside the mask have to be as decoded."""
        for a, b in zip(source.planes, edited.planes, strict=True):
            height, width = a.shape
            reach = cv2.resize(cv2.dilate((mask > 0).astype(np.uint8), np.ones((5, 5))), (width, height), interpolation=cv2.INTER_AREA)
            apart = np.abs(a.astype(np.int32) - b.astype(np.int32))[reach == 0]
            self.outside = max(self.outside, float(apart.max(initial=0)))


def measure(
    clip: Path, strengths: Mapping[str, float], subject: Subject, judges: Judges, *, pack: Pack, settings: Settings, strips: Path | None
) -> dict[str, Value]:
    """Edit a clip and judge it: one row of the table."""
    observer = Observer(subject, judges)
    with tempfile.TemporaryDirectory() as folder:
        edit_video(clip, Path(folder) / f"out{clip.suffix}", strengths, settings, on_frame=observer, pack=pack)
    before, after = judges.attributes.judge(np.stack(observer.before)), judges.attributes.judge(np.stack(observer.after))
    row: dict[str, Value] = {"clip": clip.stem, "edit": named(strengths, settings), "frames": len(before)}
    asked = [pack.manifest.resolve(name) for name in strengths]
    columns = [judges.names.index(attribute.source) for attribute, _ in asked]
    attribute, factor = asked[0]
    # at strength 0 an attribute is only looked at: an expression from elsewhere should raise it
    sign = attribute.sign * factor * (next(iter(strengths.values())) or 1.0)
    p, q = before[:, columns[0]], after[:, columns[0]]
    row["changed"], row["needed"] = change_rate(p, q, sign)
    row["judge before"], row["judge after"] = float(p.mean()), float(q.mean())
    row["others kept"] = preservation(before, after, columns)
    codes = np.array(observer.codes)
    likeness = cosines(codes[:, 0], codes[:, 1])
    row["identity"], row["identity min"] = float(likeness.mean()), float(likeness.min())
    row["TL-ID"], row["TG-ID"] = temporal_identity(codes[:, 0], codes[:, 1])
    row["flicker"] = observer.flicker.ratio
    row["seam level"] = float(np.mean([s.level for s in observer.seams])) if observer.seams else float("nan")
    row["seam gradient"] = float(np.mean([s.gradient for s in observer.seams])) if observer.seams else float("nan")
    row["colour"] = float(np.nanmean(observer.colors)) if observer.colors else float("nan")
    row["outside"] = observer.outside
    if strips:
        wanted = p < 0.5 if sign > 0 else p >= 0.5
        write_strip(strips / f"{clip.stem}_{row['edit']}.png".replace(" ", "_"), observer.pictures, wanted)
    return row


def named(strengths: Mapping[str, float], settings: Settings) -> str:
    """An edit in words."""
    words = [f"{name} {strength:+g}" for name, strength in strengths.items() if strength]
    return " ".join([*words, *([f"expression of {settings.expression_from.stem}"] if settings.expression_from else [])]) or "nothing"


def write_strip(path: Path, pictures: list[tuple[np.ndarray, np.ndarray]], wanted: np.ndarray, *, count: int = 6) -> None:
    """`count` frames spread over those that needed changing (all, when none did), before above after, as one PNG."""
    rows = np.flatnonzero(wanted) if wanted.any() else np.arange(len(pictures))
    chosen = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]
    strip = np.concatenate([np.concatenate(pictures[i]) for i in chosen], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), strip[..., ::-1])


def run(
    cases: list[tuple[Path, dict[str, float]]], judges: Judges, *, pack: Pack, settings: Settings, strips: Path | None
) -> list[dict[str, Value]]:
    """Every case whose clip is there and shows a face."""
    rows, subjects = [], {}
    for clip, strengths in cases:
        if clip not in subjects:
            subjects[clip] = find_subject(clip, pack)
        subject = subjects[clip]
        if subject is not None:
            rows.append(measure(clip, strengths, subject, judges, pack=pack, settings=settings, strips=strips))
    return rows


def strangers_figure(folder: Path, pack: Pack, embedder: Embedder) -> float:
    """Mean cosine between the people of different clips in a folder; NaN with fewer than two."""
    found = [some_embeddings(folder / name, pack, embedder) for name in STRANGERS if (folder / name).exists()]
    return strangers([codes for codes in found if codes is not None])
