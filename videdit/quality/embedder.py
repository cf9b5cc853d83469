"""An embedder of identities that took no part in any training: dlib's, where it is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.errors import MissingError

HINT = "pip install --no-deps -c constraints.txt -r benchmarks/requirements.txt"


def package_file(package: str, file: str) -> Path:
    """A file inside an installed package, without importing it. Raises MissingError."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / file).exists():
            return Path(place) / file
    raise MissingError(f"{package} is not installed", hint=HINT)


class Embedder:
    """dlib's 128-d identity embedding (D. King, 2017; weights CC0), on chips aligned by its own five points. Raises MissingError.

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

    def align(self, rgb: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> object:
        """dlib's five points of the face whose landmarks [>=68,2] px (corner origin) are known, in rgb uint8 [H,W,3]."""
        low, high = landmarks[:68].min(0), landmarks[:68].max(0)
        return self._points(rgb, self._dlib.rectangle(*(round(float(v)) for v in (*low, *high))))

    def embed(self, rgb: NDArray[np.uint8], aligned: object) -> NDArray[np.float64]:
        """Embedding float64 [128] of the face in rgb uint8 [H,W,3] that `align` found."""
        chip = self._dlib.get_face_chip(rgb, aligned, size=150)
        return np.asarray(self._net.compute_face_descriptor(chip))
