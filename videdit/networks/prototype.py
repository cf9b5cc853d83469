"""What attributes lay onto a face, as layers that are multiplied onto what is below (edit.prototype)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class Prototypes(nn.Module):
    """A layer for each of several directions of attributes.

    transforms: source names with a sign at the end, such as "Eyeglasses+". scales: how much of a layer a strength of
    1 is, by default all; limits: the logarithm that strengths beyond 1 take nothing past, 0 (by default) for none. layers
    [K,planes,S,S]: the natural logarithm of by what a pixel of a face is multiplied (one plane, or of 4 planes one for each of RGB),
    and in 0..1 where a face may differ; points [78,2]: landmarks of the face they lie on, px of a layer, origin at its top-left corner.
    """

    layers: torch.Tensor
    points: torch.Tensor

    def __init__(
        self,
        *,
        transforms: Sequence[str],
        size: int,
        scales: Sequence[float] = (),
        limits: Sequence[float] = (),
        planes: int = 2,
        landmarks: int = 78,
    ) -> None:
        super().__init__()
        self.transforms = tuple(transforms)
        self.scales = tuple(scales) or (1.0,) * len(self.transforms)
        self.limits = tuple(limits) or (0.0,) * len(self.transforms)
        self.register_buffer("layers", torch.zeros(len(self.transforms), planes, size, size))
        self.register_buffer("points", torch.zeros(landmarks, 2))
