"""FaceNet's identity embedding, where `videdit models get facenet` has put its weights: a second opinion beside dlib's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from videdit.errors import MissingError, PackError
from videdit.networks.facenet import FaceNet
from videdit.packs.weights import find_weights

GET = "`videdit models get facenet` fetches them"
Box = tuple[int, int, int, int]


class FaceNetEmbedder:
    """FaceNet (Schroff et al. 2015) with facenet-pytorch's VGGFace2 weights, on the upright box of a face's points.

    Raises MissingError where the weights are not here, PackError where they are others.
    """

    def __init__(self, weights: Path | None = None) -> None:
        path = weights or find_weights("facenet")
        if path is None:
            raise MissingError("FaceNet's identity weights are not on disk", hint=GET)
        self._net = load_facenet(path)

    def align(self, rgb: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> Box:
        """left, top, right, bottom px of the face whose landmarks [>=68,2] px (corner origin) are known, in rgb uint8 [H,W,3].

        The box of the 78 points, forehead included, is about the one that MTCNN draws, which the weights learned on.
        """
        height, width = rgb.shape[:2]
        left, top = (int(v) for v in np.clip(np.floor(landmarks.min(0)), 0, [width - 1, height - 1]))
        right, bottom = (int(v) for v in np.clip(np.ceil(landmarks.max(0)), [left + 1, top + 1], [width, height]))
        return left, top, right, bottom

    @torch.inference_mode()
    def embed(self, rgb: NDArray[np.uint8], aligned: Box) -> NDArray[np.float64]:
        """Unit vector float64 [512] of the face in rgb uint8 [H,W,3] that `align` found."""
        left, top, right, bottom = aligned
        size = (FaceNet.SIZE, FaceNet.SIZE)
        crop = cv2.resize(rgb[top:bottom, left:right], size, interpolation=cv2.INTER_AREA).astype(np.float32)
        image = torch.from_numpy((crop - 127.5) / 128).permute(2, 0, 1)[None]
        return self._net(image)[0].double().numpy()


def load_facenet(path: Path) -> FaceNet:
    """The network with facenet-pytorch's weights, read as data. Raises PackError for any other file."""
    with torch.device("meta"):  # random weights would take longer than reading these
        net = FaceNet()
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        # its last layer told VGGFace2's people apart; old files do not count batches
        tensors = {key: value for key, value in found.items() if not key.startswith("logits.")}
        counts = {key: torch.tensor(0) for key in net.state_dict() if key.endswith("num_batches_tracked")}
        net.load_state_dict(counts | tensors, assign=True)
    except Exception as error:  # a file that is no such file can raise anything here, with pages of advice
        raise PackError(f"{path} can't be read as FaceNet's weights ({type(error).__name__})", hint=GET) from None
    return net.float().eval().requires_grad_(False)
