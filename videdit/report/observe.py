"""Looks at every frame of an edit before and after, in the eyes of the pack's own networks, which the edit was trained against: good for
finding what went wrong in a clip, not for comparing methods (docs/quality.md has independent judges for that)."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from videdit.packs.load import Pack
from videdit.packs.manifest import normal
from videdit.pipeline.people import crop_frame
from videdit.quality.flicker import Flicker
from videdit.quality.identity import cosines, temporal_identity
from videdit.quality.seam import Seam, seam
from videdit.types import Frame, Region, Track

Floats = NDArray[np.floating]
MOST_PEOPLE = 6  # of whom measures are taken; those seen longest
MOMENTS, STRIP_SIDE, WIDE = 8, 160, 1.35  # pictures of a strip, their side in px, and how much more than the crop they show
BATCH = 16
SEAM_EVERY = 3  # frames
FLICKER_SIDE = 256  # px
EXPRESSION = ("smile", "mouth-open")  # shown where no attribute was asked for


@dataclass(slots=True)
class Watched:
    """One person's frames so far. codes and attributes hold a pair [2,D] a frame: source and edited."""

    track: Track
    share: Floats
    area: Region
    moments: set[int]
    times: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    codes: list[Floats] = field(default_factory=list)
    attributes: list[Floats] = field(default_factory=list)
    flicker: Flicker = field(default_factory=Flicker)
    flickers: list[tuple[float | None, float | None]] = field(default_factory=list)
    seams: list[Seam | None] = field(default_factory=list)
    strip: list[tuple[float, str, str]] = field(default_factory=list)


class Observer:
    """Give `meet` and the observer itself to `edit_video(..., on_people=, on_frame=)`; `people` says what was measured.

    asked: the edit's strengths. A pack without classifier or recognizer has no figures of that kind.
    """

    def __init__(self, pack: Pack, asked: Mapping[str, object]) -> None:
        self.pack = pack
        known = pack.manifest.names()
        names = [name for name, value in asked.items() if value and normal(name) in known]
        self.names = names or [name for name in EXPRESSION if name in pack.manifest.attributes]
        self.people: list[Watched] = []
        self._waiting: list[tuple[Watched, NDArray[np.float32]]] = []

    def meet(self, people: Sequence[tuple[Track, Floats]]) -> None:
        """Who is edited: tracks, and float [T] how much of the edit each frame of theirs shows."""
        longest = sorted(people, key=lambda known: -int((known[1] > 0).sum()))[:MOST_PEOPLE]
        for track, share in sorted(longest, key=lambda known: int(known[0].frames[0])):
            rows = np.flatnonzero(share > 0)
            if len(rows):
                picked = rows[np.linspace(0, len(rows) - 1, min(MOMENTS, len(rows))).astype(int)]
                self.people.append(Watched(track, share, _area(track), {int(track.frames[row]) for row in picked}))

    def __call__(self, source: Frame, edited: Frame, mask: NDArray[np.float32]) -> None:
        """One frame before and after, and where it was changed [H,W] in 0..1."""
        for person in self.people:
            row = source.index - int(person.track.frames[0])
            if 0 <= row < len(person.track) and person.share[row] > 0:
                self._look(person, row, source, edited, mask)
            else:
                person.flicker.cut()

    def _look(self, person: Watched, row: int, source: Frame, edited: Frame, mask: NDArray[np.float32]) -> None:
        quad, number = person.track.quads[row], len(person.times)
        person.times.append(float(person.track.times[row]))
        person.shown.append(float(person.share[row]))
        crops = np.stack([crop_frame(frame, quad, self.pack.size) for frame in (source, edited)])
        self._waiting.append((person, crops))
        if len(self._waiting) == BATCH:
            self._judge()
        person.flickers.append(_flicker(person, source, edited, mask))
        person.seams.append(_seam(quad, source, edited, mask) if number % SEAM_EVERY == 0 else None)
        if source.index in person.moments:
            wide = quad.mean(0) + (quad - quad.mean(0)) * WIDE
            before, after = (as_uri(crop_frame(frame, wide, STRIP_SIDE)) for frame in (source, edited))
            person.strip.append((person.times[-1], before, after))

    @torch.inference_mode()
    def _judge(self) -> None:
        """Attributes and identity of the crops that wait."""
        if not self._waiting:
            return
        crops = np.concatenate([crops for _, crops in self._waiting])
        images = torch.from_numpy(crops).permute(0, 3, 1, 2).to(self.pack.device) / 127.5 - 1
        images = images.contiguous(memory_format=torch.channels_last)
        for name, attribute in (("recognizer", "codes"), ("classifier", "attributes")):
            if self.pack.has(name):
                out = self.pack.loaded(name)(images).float()
                out = out.sigmoid() if name == "classifier" else out
                for i, (person, _) in enumerate(self._waiting):
                    getattr(person, attribute).append(out[2 * i : 2 * i + 2].cpu().numpy())
        self._waiting.clear()

    def measures(self) -> list[dict[str, Any]]:
        """A dict of plain values for every person, ready for JSON and `page`; "strip" holds pictures as data URIs."""
        self._judge()
        return [self._measures(person) for person in self.people if person.times]

    def _measures(self, person: Watched) -> dict[str, Any]:
        seams = [found for found in person.seams if found is not None]
        values: dict[str, Any] = {
            "first": int(person.track.frames[0]),
            "last": int(person.track.frames[-1]),
            "times": person.times,
            "shown": person.shown,
            "flicker": person.flicker.ratio,
            "flickers": {"source": [pair[0] for pair in person.flickers], "edited": [pair[1] for pair in person.flickers]},
            "seam": {"level": _mean([s.level for s in seams]), "gradient": _mean([s.gradient for s in seams])},
            "seams": [None if found is None else found.level for found in person.seams],
            "strip": person.strip,
        }
        if person.codes:
            codes = np.stack(person.codes)
            likeness = cosines(codes[:, 0], codes[:, 1])
            near, far = temporal_identity(codes[:, 0], codes[:, 1])
            values["identity"] = {"mean": float(likeness.mean()), "min": float(likeness.min()), "TL-ID": near, "TG-ID": far}
            values["identities"] = likeness.tolist()
        if person.attributes:
            values |= self._attributes(np.stack(person.attributes))
        return values

    def _attributes(self, found: Floats) -> dict[str, Any]:
        """Probabilities [T,2,A] by name: of the asked attributes frame by frame, of the others how far they moved in the mean."""
        manifest, moved = self.pack.manifest, {}
        for name, attribute in manifest.attributes.items():
            pair = found[:, :, manifest.order.index(attribute.source)]
            moved[name] = pair if attribute.sign > 0 else 1 - pair
        asked = [manifest.resolve(name)[0].name for name in self.names]
        shifts = {name: float((pair[:, 1] - pair[:, 0]).mean()) for name, pair in moved.items() if name not in asked}
        return {
            "attributes": {name: {"before": moved[name][:, 0].tolist(), "after": moved[name][:, 1].tolist()} for name in asked},
            "others": dict(sorted(shifts.items(), key=lambda item: -abs(item[1]))[:5]),
        }


def as_uri(rgb: Floats) -> str:
    """RGB [h,w,3] in 0..255 as a JPEG in a data URI."""
    pixels = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _area(track: Track) -> Region:
    """The box around all places of a face."""
    low, high = np.floor(track.quads.min((0, 1))).astype(int), np.ceil(track.quads.max((0, 1))).astype(int)
    x, y = np.maximum(low, 0)
    return Region(int(x), int(y), max(2, int(high[0] - x)), max(2, int(high[1] - y)))


def _flicker(person: Watched, source: Frame, edited: Frame, mask: NDArray[np.float32]) -> tuple[float | None, float | None]:
    """What motion does not explain between this frame and the last, in the mean over the mask, in levels: of source and edited."""
    area = source.align(person.area)
    if area.width < 16 or area.height < 16:
        return None, None
    scale = min(1.0, FLICKER_SIDE / max(area.width, area.height))
    first, second = source.rgb(area, scale=scale), edited.rgb(area, scale=scale)
    part = cv2.resize(mask[area.slices], first.shape[1::-1], interpolation=cv2.INTER_AREA)
    known = person.flicker.source, person.flicker.edited, person.flicker.frames
    person.flicker.add(first, second, part)
    weight = float(part.sum())
    if person.flicker.frames == known[2] or weight < 1:
        return None, None
    return (person.flicker.source - known[0]) / weight, (person.flicker.edited - known[1]) / weight


def _seam(quad: Floats, source: Frame, edited: Frame, mask: NDArray[np.float32]) -> Seam | None:
    wide = quad.mean(0) + (quad - quad.mean(0)) * WIDE
    low, size = np.maximum(np.floor(wide.min(0)), 0).astype(int), np.ceil(np.ptp(wide, axis=0)).astype(int)
    region = source.align(Region(int(low[0]), int(low[1]), int(size[0]), int(size[1])))
    if region.width < 4 or region.height < 4:
        return None
    return seam(source.rgb(region), edited.rgb(region), mask[region.slices])


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
