"""Faces to train editors on: a work directory of videdit.train.data, or anybody's folder of pictures, with a labels.csv or without.

labels.csv: a header, then a line per picture: its file name, and 1, 0 (or -1) or nothing for each attribute. A column is named as a
pack names attributes (smile, Smiling, young, ..) or is an attribute of your own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.errors import UsageError
from videdit.faces.detect import MtcnnDetector
from videdit.faces.landmarks import MeshLandmarks
from videdit.geometry import FaceFrame, Floats, crop_quad, face_quad, quad_to_crop, transform_points
from videdit.packs.load import Pack
from videdit.packs.manifest import Manifest, normal
from videdit.train import data as faces_data
from videdit.train.augment import shrink
from videdit.train.run import Progress
from videdit.types import Color, Frame

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
NOT_ATTRIBUTES = {"id", "identity", "shard", "file", "name", "image-id"}
PRESENT = 0.5  # of the landmark network, as in following a face
FEWEST = 40
Split = tuple[tuple[int, ...], tuple[int, ...]]
TRAIN = (0, 1, 2, 3)  # shards of a work directory
HELD = 10  # of a folder's faces every tenth is held out
RGB = Color("rgb", True, 8)


@dataclass(slots=True)
class Faces:
    """faces uint8 [N,S,S,3] RGB in the pack's frame, and their landmarks points float32 [N,78,2] px; labels float32
    [N,A] of the attributes `names`, NaN where nobody knows; held bool [N]: not to be trained on; rows int64 [N] of a work directory."""

    faces: NDArray[np.uint8]
    points: NDArray[np.float32]
    labels: NDArray[np.float32]
    names: tuple[str, ...]
    held: NDArray[np.bool_]
    rows: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, np.int64))


def gather(data: Path, pack: Pack, *, count: int, seed: int = 0, progress: Progress | None = None, split: Split | None = None) -> Faces:
    """Up to `count` faces of `data`, in the pack's frame and size, labels in the order of the pack's axes, own attributes after them.

    split: of a work directory, the shards to train on and those held out; where nothing is said TRAIN, and of shard 5 the people that
    choices may be made by (`videdit.train.data.Faces.held_out`). Of a folder every tenth face is held out.

    Raises UsageError where there are too few faces.
    """
    data = Path(data)
    if (data / "meta.npz").is_file():
        return _prepared(data, pack, count, seed, split)
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    table, names = read_labels(data / "labels.csv", pack.manifest)
    files = [path for path in files if not table or path.name in table or path.stem in table]
    files = [files[i] for i in np.sort(np.random.default_rng(seed).permutation(len(files))[:count])]
    crops, points, labels = [], [], []
    for number, (path, found) in enumerate(_crops(files, pack) if len(files) >= FEWEST else (), 1):
        if found is not None:
            crops.append(found[0])
            points.append(found[1])
            labels.append(table.get(path.name, table.get(path.stem, np.full(len(names), np.nan, np.float32))))
        if progress:
            progress("pictures", number, len(files))
    if len(crops) < FEWEST:
        raise UsageError(f"{data} shows {len(crops)} faces", hint=f"At least {FEWEST} are needed; a few hundred are better.")
    return Faces(np.stack(crops), np.stack(points).astype(np.float32), np.stack(labels), names, np.arange(len(crops)) % HELD == HELD - 1)


def _prepared(data: Path, pack: Pack, count: int, seed: int, split: Split | None) -> Faces:
    """Some shards to train on, and of others an eighth as many held out; nobody in sunglasses."""
    known = faces_data.load(data)
    dice = np.random.default_rng(seed)
    kinds = [known.rows(*shards) for shards in split] if split else [known.rows(*TRAIN), known.held_out(choosing=True)]
    kinds = [known.without_dark_lenses(kind) for kind in kinds]
    rows = [np.sort(dice.permutation(kind)[:most]) for kind, most in zip(kinds, (count, max(64, count // 8)), strict=True)]
    both = np.concatenate(rows)
    crops = np.asarray(known.faces[both]) if pack.size == known.faces.shape[1] else shrink(known.faces, both, pack.size)
    order = list(pack.manifest.order) or known.attributes
    labels = np.full((len(both), len(order)), np.nan, np.float32)
    for column, name in enumerate(order):
        if name in known.attributes:
            labels[:, column] = known.labels[both, known.attributes.index(name)]
    points = np.stack([_inside(known.points[row], faces_data.FACE_FRAME, pack.size) for row in both]).astype(np.float32)
    return Faces(crops, points, labels, tuple(order), np.arange(len(both)) >= len(rows[0]), both)


def read_labels(path: Path, manifest: Manifest) -> tuple[dict[str, NDArray[np.float32]], tuple[str, ...]]:
    """Labels by file name (with suffix or without), and the names of their columns: those of the pack's axes, then the file's own.

    Without a file: nothing, and the pack's. Raises UsageError for a value that is no label.
    """
    if not path.is_file():
        return {}, manifest.order
    with path.open(newline="", encoding="utf-8-sig") as handle:
        header, *lines = [line for line in csv.reader(handle) if line] or [[]]
    columns = {i: _source(name, manifest) for i, name in enumerate(header[1:], 1) if normal(name) not in NOT_ATTRIBUTES}
    names = (*manifest.order, *dict.fromkeys(name for name, _ in columns.values() if name not in manifest.order))
    table = {}
    for line in lines:
        row = np.full(len(names), np.nan, np.float32)
        for i, (name, sign) in columns.items():
            text = line[i].strip() if i < len(line) else ""
            if text not in ("", "0", "1", "-1"):
                raise UsageError(
                    f"{path}: {header[i]} of {line[0]} is {text!r}", hint="A label is 1, 0 or -1, or empty where nobody knows."
                )
            if text:
                row[names.index(name)] = (text == "1") if sign > 0 else (text != "1")
        table[line[0]] = row
    return table, names


def _source(name: str, manifest: Manifest) -> tuple[str, int]:
    """The source name behind a column and whether it means the opposite; an attribute of the user's own is its own source."""
    for source in manifest.order:
        if normal(source) == normal(name):
            return source, 1
    found = manifest.names().get(normal(name))
    return (found[0].source, found[0].sign * found[1]) if found else (name.strip(), 1)


def _inside(points: Floats, frame: FaceFrame, size: int) -> Floats:
    """Landmarks [78,2] px of a picture in px of its crop."""
    return transform_points(points, quad_to_crop(face_quad(points, frame), size))


def _crops(files: list[Path], pack: Pack) -> Iterator[tuple[Path, tuple[NDArray[np.uint8], Floats] | None]]:
    """The largest face of each picture and its landmarks in it, or None."""
    detector = MtcnnDetector()
    landmarks = MeshLandmarks(pack.landmarker, device=pack.device)  # type: ignore[arg-type]
    for path in files:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR) if path.stat().st_size else None
        found = detector.detect(np.ascontiguousarray(picture[..., ::-1])) if picture is not None else []
        if picture is None or not found:
            yield path, None
            continue
        blue, green, red = (np.ascontiguousarray(plane) for plane in cv2.split(picture))
        frame = Frame((green, blue, red), RGB, "gbrp", 0, Fraction(1), 0)
        points, presence = landmarks.find(frame, found[0])
        quad = face_quad(points, pack.face_frame)
        crop = crop_quad(np.ascontiguousarray(picture[..., ::-1]), quad, pack.size, cubic=True)
        yield path, (crop.astype(np.uint8), _inside(points, pack.face_frame, pack.size)) if presence >= PRESENT else None
