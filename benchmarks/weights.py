"""Other people's networks that judge: where their files lie, and thin wrappers. None takes part in training the packs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch

from videdit.errors import MissingError
from videdit.quality.reconstruction import LpipsAlex

HINT = "pip install --no-deps -c constraints.txt -r benchmarks/requirements.txt"


def package_file(package: str, file: str) -> Path:
    """A file inside an installed package, without importing it. Raises MissingError."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / file).exists():
            return Path(place) / file
    raise MissingError(f"{package} is not installed", hint=HINT)


def load_lpips() -> LpipsAlex:
    """LPIPS with the weights of the stlpips-pytorch wheel (BSD-2). Raises MissingError."""
    path = package_file("stlpips_pytorch", "weights/vST0.0/alex_shift_tolerant.pth")
    return LpipsAlex(torch.load(path, map_location="cpu", weights_only=True)).eval()


class Embedder:
    """dlib's 128-d identity embedding (D. King, 2017; weights CC0), on chips aligned by its own five points.

    Most strangers score high here: quote a cosine beside the figure for strangers.
    """

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError:
            raise MissingError("dlib is not installed", hint=HINT) from None
        self._dlib = dlib
        self._points = dlib.shape_predictor(str(package_file("face_recognition_models", "models/shape_predictor_5_face_landmarks.dat")))
        self._net = dlib.face_recognition_model_v1(
            str(package_file("face_recognition_models", "models/dlib_face_recognition_resnet_model_v1.dat"))
        )

    def align(self, rgb: np.ndarray, landmarks: np.ndarray) -> object:
        """dlib's five points of the face whose landmarks [>=68,2] px (corner origin) are known, in rgb uint8 [H,W,3]."""
        low, high = landmarks[:68].min(0), landmarks[:68].max(0)
        return self._points(rgb, self._dlib.rectangle(*(round(float(v)) for v in (*low, *high))))

    def embed(self, rgb: np.ndarray, aligned: object) -> np.ndarray:
        """Embedding float64 [128] of the face in rgb uint8 [H,W,3] that `align` found."""
        chip = self._dlib.get_face_chip(rgb, aligned, size=150)
        return np.asarray(self._net.compute_face_descriptor(chip))
