"""Training faces: decoded once into memory-mapped arrays, so that every trainer just indexes.

    python -m videdit.train.data FACES_DIR WORK_DIR        (after videdit.train.teacher wrote WORK_DIR/teacher.npz)

WORK_DIR then holds pictures.npy uint8 [N,218,178,3] RGB, faces.npy uint8 [N,128,128,3] RGB (the pack's frame) and
meta.npz: id [N], identity [N], shard [N], labels uint8 [N,40], attributes [40], points float32 [N,78,2] px of the picture,
presence [N].
"""

from __future__ import annotations

import csv
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from videdit.geometry import FaceFrame, crop_quad, face_quad

FACE_FRAME = FaceFrame(scale=0.77, shift=0.08)  # 3.1 eye distances wide, hairline to below the chin
SIZE = 128
DARK_LENS = 0.62  # of the cheek's brightness; below it lie 2 % of the faces without glasses, and sunglasses


@dataclass(slots=True)
class Faces:
    """The arrays of a work directory; `pictures` and `faces` stay on disk until indexed."""

    pictures: np.ndarray
    faces: np.ndarray
    ids: np.ndarray
    identity: np.ndarray
    shard: np.ndarray
    labels: np.ndarray
    attributes: list[str]
    points: np.ndarray

    def rows(self, *shards: int) -> np.ndarray:
        """Row numbers of these shards: 0-3 train, 4 judges only, 5 validation."""
        return np.flatnonzero(np.isin(self.shard, shards))

    def held_out(self, *, choosing: bool) -> np.ndarray:
        """Rows of shard 5: every fourth person is there to choose and calibrate by, the others for figures."""
        rows = self.rows(5)
        chosen_by = np.isin(self.identity[rows], np.unique(self.identity[rows])[::4])
        return rows[chosen_by == choosing]

    def without_dark_lenses(self, rows: np.ndarray) -> np.ndarray:
        """Those of `rows` that do not wear sunglasses: CelebA calls them eyeglasses, and a third of its glasses are dark."""
        glasses = self.labels[rows, self.attributes.index("Eyeglasses")] > 0
        dark = np.zeros(len(rows), bool)
        dark[glasses] = [_lens_brightness(self.faces[r]) < DARK_LENS for r in rows[glasses]]
        return rows[~dark]


def _lens_brightness(face: np.ndarray) -> float:
    """Brightness just below the eyes as a share of the cheeks', of a face [S,S,3] in the pack's frame."""
    grey, unit = face.astype(np.float32).mean(2) + 10, len(face) / 128
    sides = []
    for lens, cheek in (((38, 53), (36, 50)), ((75, 90), (78, 92))):
        under = grey[int(56 * unit) : int(64 * unit), int(lens[0] * unit) : int(lens[1] * unit)]
        below = grey[int(70 * unit) : int(80 * unit), int(cheek[0] * unit) : int(cheek[1] * unit)]
        sides.append(float(np.median(under) / np.median(below)))
    return sum(sides) / 2


def chances(labels: np.ndarray) -> np.ndarray:
    """How likely each face [F] is drawn: the rarer side of a label [F,K] more often, at most three times."""
    share = labels.mean(0)
    rare = np.where(share < 0.5, labels, 1 - labels)
    odds = np.where(rare > 0, np.clip(0.5 / np.minimum(share, 1 - share).clip(1e-3), 1.0, 3.0), 1.0).prod(1)
    return odds / odds.sum()


def load(work: str | Path) -> Faces:
    """Open what `prepare` wrote. Raises FileNotFoundError when it has not run."""
    work = Path(work)
    meta = np.load(work / "meta.npz")
    return Faces(
        np.load(work / "pictures.npy", mmap_mode="r"),
        np.load(work / "faces.npy", mmap_mode="r"),
        meta["id"],
        meta["identity"],
        meta["shard"],
        meta["labels"],
        [str(a) for a in meta["attributes"]],
        meta["points"],
    )


def prepare(faces_dir: str | Path, work: str | Path) -> None:
    """Decode the tar shards of faces_dir (with labels.csv) and crop every face to the pack's frame."""
    faces_dir, work = Path(faces_dir), Path(work)
    teacher = np.load(work / "teacher.npz")
    found = {str(i): (p, s) for i, p, s in zip(teacher["id"], teacher["points"], teacher["presence"], strict=True)}
    with open(faces_dir / "labels.csv") as handle:
        header, *rows = list(csv.reader(handle))
    rows = [r for r in rows if r[0] in found and found[r[0]][1] > 0.5]
    index = {r[0]: i for i, r in enumerate(rows)}
    pictures = np.lib.format.open_memmap(work / "pictures.npy", "w+", np.uint8, (len(rows), 218, 178, 3))
    faces = np.lib.format.open_memmap(work / "faces.npy", "w+", np.uint8, (len(rows), SIZE, SIZE, 3))
    for tar_path in sorted(faces_dir.glob("shard-*.tar")):
        with tarfile.open(tar_path) as tar:
            for member in tar:
                stream = tar.extractfile(member)
                row = index.get(Path(member.name).stem)
                if stream is None or row is None:
                    continue
                picture = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
                pictures[row] = picture
                quad = face_quad(found[rows[row][0]][0], FACE_FRAME)
                faces[row] = crop_quad(np.ascontiguousarray(picture), quad, SIZE, cubic=True)
    np.savez(
        work / "meta.npz",
        id=np.array([r[0] for r in rows]),
        identity=np.array([int(r[1]) for r in rows]),
        shard=np.array([int(r[2]) for r in rows]),
        labels=np.array([[int(v) for v in r[3:]] for r in rows], np.uint8),
        attributes=np.array(header[3:]),
        points=np.stack([found[r[0]][0] for r in rows]),
        presence=np.array([found[r[0]][1] for r in rows], np.float32),
    )


if __name__ == "__main__":
    prepare(*sys.argv[1:3])
