"""How near a picture comes to another: PSNR, SSIM, LPIPS."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.floating]


def psnr(first: Floats, second: Floats) -> float:
    """Peak signal-to-noise ratio in dB of pictures in 0..255; infinite when they are equal."""
    error = float(np.mean((np.asarray(first, np.float64) - np.asarray(second, np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * np.log10(255.0**2 / error)


def ssim(first: Floats, second: Floats) -> float:
    """Mean structural similarity (Wang et al. 2004) of pictures [H,W,3] in 0..255: 11-px Gaussian window of sigma 1.5, per channel."""
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blur(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(value, (11, 11), 1.5)[5:-5, 5:-5], np.float64)

    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    return float((((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))).mean())


class LpipsAlex(nn.Module):
    """LPIPS (Zhang et al. 2018) on AlexNet, in the shift-tolerant form (Ghildyal and Liu 2022): subsampling after a blur.

    Built from a state dict of that form (`stlpips-pytorch`, BSD-2): convolutions of stride 1, each subsampling a binomial blur
    of stride 2 on reflected borders. Values are near, not equal, to those of the first LPIPS.
    """

    shift: Tensor
    scale: Tensor
    CONVOLUTIONS = ("slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13")

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.kernels = nn.ParameterList(nn.Parameter(state[f"net.{n}.weight"], requires_grad=False) for n in self.CONVOLUTIONS)
        self.biases = nn.ParameterList(nn.Parameter(state[f"net.{n}.bias"], requires_grad=False) for n in self.CONVOLUTIONS)
        self.heads = nn.ParameterList(nn.Parameter(state[f"lin{i}.model.1.weight"], requires_grad=False) for i in range(5))
        self.register_buffer("shift", state["scaling_layer.shift"])
        self.register_buffer("scale", state["scaling_layer.scale"])

    @staticmethod
    def _halve(x: Tensor) -> Tensor:
        line = torch.tensor([0.25, 0.5, 0.25], device=x.device, dtype=x.dtype)
        kernel = (line[:, None] * line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=x.shape[1])

    def features(self, image: Tensor) -> list[Tensor]:
        """Five maps of unit length per place."""
        x, out = (image - self.shift) / self.scale, []
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            if i in (1, 2):
                x = self._halve(F.max_pool2d(x, 3, 1))
            x = F.conv2d(x, kernel, bias, padding=2 if i < 2 else 1)
            x = (self._halve(x) if i == 0 else x).relu()
            out.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return out

    @torch.no_grad()
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances [N] of pictures [N,3,H,W] in [-1,1]; 0 for equal ones."""
        pairs = zip(self.features(first), self.features(second), self.heads, strict=True)
        return torch.stack([F.conv2d((a - b).square(), head).mean((1, 2, 3)) for a, b, head in pairs]).sum(0)
