"""How well what redraws crops does on people they never saw: composited pictures, judged by networks that took no part in training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from videdit import composite, edit
from videdit.config import CROP_METHODS
from videdit.edit.pixel import inside
from videdit.geometry import crop_quad, face_quad, quad_to_crop, transform_points
from videdit.packs.load import Pack
from videdit.pipeline.stills import frame_of, rgb_of
from videdit.quality.attributes import change_rate, preservation
from videdit.quality.embedder import Embedder
from videdit.quality.identity import cosines
from videdit.quality.judge import Judge
from videdit.quality.report import Value
from videdit.train import data as faces_data

NOTE = (
    "Composited 178x218 px pictures of people of shard 5 by whom nothing was chosen, up to {faces} a row, that have the attribute (or lack "
    "it) by label. changed: share of those that needed it that cross over, by the independent judge; preserved: share of its 39 other "
    "attributes that move by less than 0.25; identity: cosine of dlib's embedding; outside: largest difference in levels beyond the hull, "
    "grown by the two pixels that one crop pixel may reach. Pack {pack}."
)


def ways(pack: Pack, only: list[str]) -> list[tuple[tuple[str, ...], str]]:
    """Methods and direction: each method that redraws crops with each direction it has, and several where `auto` takes several."""
    manifest = pack.manifest
    alone = [((method,), wanted) for method in CROP_METHODS for wanted in manifest.transforms(method)]
    directions = dict.fromkeys(wanted for _, wanted in alone)
    together = [(manifest.methods_for(name[:-1], strength=-1 if name.endswith("-") else 1), name) for name in directions]
    return [way for way in [*alone, *(way for way in together if len(way[0]) > 1)] if not only or way[1] in only]


def redrawn(pack: Pack, picture: np.ndarray, points: np.ndarray, methods: tuple[str, ...], source: str, strength: float) -> np.ndarray:
    """A picture uint8 [H,W,3] with landmarks points [78,2] px, edited as the pipeline does it."""
    quad, size = face_quad(points, pack.face_frame), pack.size
    crop = crop_quad(picture.astype(np.float32), quad, size)[None]
    inside_crop = transform_points(points, quad_to_crop(quad, size))[None]
    after, within = edit.draw(crop, inside_crop, edit.Moves({method: {source: strength} for method in methods}), pack)
    frame = frame_of(picture)
    composite.apply(frame, composite.analyse(crop, after, inside_crop, within=within)[0], quad)
    return rgb_of(frame)


def beyond(picture: np.ndarray, edited: np.ndarray, points: np.ndarray, pack: Pack, region: str) -> float:
    """The largest difference in levels outside the hull."""
    quad = face_quad(points, pack.face_frame)
    fine = 4 * pack.size
    hull = inside(transform_points(points, quad_to_crop(quad, fine)), fine, region)
    far = cv2.dilate(hull, np.ones((17, 17), np.uint8)) == 0  # two crop pixels
    changed = crop_quad(np.abs(edited.astype(np.float32) - picture).max(2), quad, fine)
    return float(changed[far].max()) if far.any() else 0.0


def run(
    data: Path,
    pack: Pack,
    judge: Judge,
    names: list[str],
    embedder: Embedder,
    *,
    faces: int,
    strips: Path | None,
    only: list[str] | None = None,
) -> list[dict[str, Value]]:
    """A row for each method and direction, or for some directions only."""
    known, rows = faces_data.load(data), []
    for methods, transform in ways(pack, only or []):
        source, strength = transform[:-1], -1.0 if transform.endswith("-") else 1.0
        column = known.attributes.index(source)
        chosen = [i for i in known.held_out(choosing=False) if known.labels[i, column] == (strength < 0)][:faces]
        pictures, points = [np.asarray(known.pictures[i]) for i in chosen], known.points[chosen]
        edited = [redrawn(pack, picture, p, methods, source, strength) for picture, p in zip(pictures, points, strict=True)]
        crops = [crops_of(some, points, pack) for some in (pictures, edited)]
        p = [judge.judge(some) for some in crops]
        aligned = [embedder.align(picture, q) for picture, q in zip(pictures, points, strict=True)]
        codes = [np.stack([embedder.embed(x, a) for x, a in zip(some, aligned, strict=True)]) for some in (pictures, edited)]
        judged = names.index(source)
        rate, needed = change_rate(p[0][:, judged], p[1][:, judged], strength)
        region = ""
        if methods == ("pixel",):
            region = pack.manifest.networks["pixel"].config["regions"][pack.manifest.transforms("pixel").index(transform)]
        outside = max(beyond(a, b, q, pack, region) for a, b, q in zip(pictures, edited, points, strict=True))
        row: dict[str, Value] = {"method": " + ".join(methods), "transform": transform, "faces": needed, "changed": rate}
        row["preserved"] = preservation(p[0], p[1], [judged])
        rows.append(row | {"identity": float(cosines(codes[0], codes[1]).mean()), "outside": outside})
        if strips:
            strips.mkdir(parents=True, exist_ok=True)
            sheet = np.concatenate([np.concatenate(list(some[:12]), axis=1) for some in crops])
            cv2.imwrite(str(strips / f"{'_'.join(methods)}_{transform}.png"), sheet[..., ::-1])
    return rows


def crops_of(pictures: list[np.ndarray], points: np.ndarray, pack: Pack) -> np.ndarray:
    """uint8 [N,S,S,3] in the pack's frame."""
    return np.stack([crop_quad(x, face_quad(q, pack.face_frame), pack.size) for x, q in zip(pictures, points, strict=True)])
