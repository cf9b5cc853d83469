"""Other people's networks that judge pictures: where their files lie. None takes part in training the packs."""

from __future__ import annotations

import torch

from videdit.quality.embedder import package_file
from videdit.quality.reconstruction import LpipsAlex


def load_lpips() -> LpipsAlex:
    """LPIPS with the weights of the stlpips-pytorch wheel (BSD-2). Raises MissingError."""
    path = package_file("stlpips_pytorch", "weights/vST0.0/alex_shift_tolerant.pth")
    return LpipsAlex(torch.load(path, map_location="cpu", weights_only=True)).eval()
