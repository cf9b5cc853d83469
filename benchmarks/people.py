"""The person to judge in a clip: where the face is in every frame, found once per clip, by the editor's own first pass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videdit.config import Settings
from videdit.packs.load import Pack
from videdit.pipeline.models import Models
from videdit.pipeline.people import crop_frame
from videdit.pipeline.report import Stopwatch
from videdit.pipeline.watch import watch
from videdit.quality.embedder import Embedder
from videdit.types import Frame, Region
from videdit.video.reader import read_frames

MARGIN = 0.25  # of the face's size, around the region that is compared


@dataclass(slots=True)
class Subject:
    """quads [4,2] px and landmarks [78,2] px by frame number, and one region that holds the face in every frame."""

    clip: Path
    quads: dict[int, np.ndarray]
    landmarks: dict[int, np.ndarray]
    region: Region


def find_subject(clip: Path, pack: Pack, *, stop: float | None = None) -> Subject | None:
    """The person seen longest (before `stop` seconds); None when there is nobody."""
    settings = Settings()
    sight = watch(read_frames(clip, stop=stop), Models.load(settings, pack), settings, clock=Stopwatch())
    if not sight.people:
        return None
    person = max(sight.people, key=lambda p: int(p.latents.valid.sum()))
    rows = np.flatnonzero(person.latents.valid)
    quads = person.track.quads[rows]
    low, high = quads.min((0, 1)), quads.max((0, 1))
    grow = MARGIN * np.abs(np.diff(quads, axis=1)).max()
    x0, y0 = (max(0, int(v - grow)) for v in low)
    x1, y1 = (int(v + grow) + 1 for v in high)
    frames = person.track.frames[rows]
    return Subject(
        clip,
        {int(f): person.track.quads[r] for f, r in zip(frames, rows, strict=True)},
        {int(f): person.track.landmarks[r] for f, r in zip(frames, rows, strict=True)},
        Region(x0, y0, x1 - x0, y1 - y0),
    )


def to_uint8(picture: np.ndarray) -> np.ndarray:
    """RGB float to uint8."""
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def inside(frame: Frame, region: Region) -> Region:
    """The part of a region that lies in the frame, in whole chroma samples."""
    width, height = min(region.width, frame.width - region.x), min(region.height, frame.height - region.y)
    return frame.align(Region(region.x, region.y, width, height))


def wide_crop(frame: Frame, quad: np.ndarray, size: int, *, zoom: float = 1.35) -> np.ndarray:
    """A crop for people to look at, uint8 [size,size,3]: the quad scaled about its centre."""
    centre = quad.mean(0)
    return to_uint8(crop_frame(frame, (quad - centre) * zoom + centre, size))


def some_embeddings(clip: Path, pack: Pack, embedder: Embedder, *, count: int = 5) -> np.ndarray | None:
    """Embeddings [<=count,128] of a clip's subject in its first seconds, for the strangers' figure; None without a face."""
    subject = find_subject(clip, pack, stop=2.0)
    if subject is None:
        return None
    wanted = {sorted(subject.quads)[i] for i in np.linspace(0, len(subject.quads) - 1, count).astype(int)}
    found = []
    for frame in read_frames(clip, stop=2.0):
        if frame.index in wanted:
            picture = to_uint8(frame.rgb())
            found.append(embedder.embed(picture, embedder.align(picture, subject.landmarks[frame.index])))
    return np.stack(found)
