"""Losses shared by the trainers. Pictures are [N,3,S,S] in [-1,1]."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.errors import MissingError


class PerceptualAlexNet(nn.Module):
    """LPIPS (Zhang et al. 2018) on shift-tolerant AlexNet features, with the weights inside the `stlpips-pytorch` wheel (BSD-2).

    The layers stride as those weights were fitted (1, then a blur of 2): with AlexNet's own strides the loss is cheaper, but a
    generator soon fools it with coloured curves. Pictures over 64 px are halved before, which makes up for the cost.
    """

    def __init__(self) -> None:
        super().__init__()
        spec = importlib.util.find_spec("stlpips_pytorch")
        if spec is None or not spec.submodule_search_locations:
            raise MissingError("the perceptual loss needs stlpips-pytorch", hint="pip install --no-deps stlpips-pytorch")
        path = Path(next(iter(spec.submodule_search_locations))) / "weights/vST0.0/alex_shift_tolerant.pth"
        state = torch.load(path, map_location="cpu", weights_only=True)
        names = ["slice1.0", "slice2.5", "slice3.9", "slice4.11", "slice5.13"]
        self.weights = nn.ParameterList(nn.Parameter(state[f"net.{n}.weight"], requires_grad=False) for n in names)
        self.biases = nn.ParameterList(nn.Parameter(state[f"net.{n}.bias"], requires_grad=False) for n in names)
        self.heads = nn.ParameterList(nn.Parameter(state[f"lin{i}.model.1.weight"], requires_grad=False) for i in range(5))
        self.register_buffer("shift", state["scaling_layer.shift"])
        self.register_buffer("scale", state["scaling_layer.scale"])

    def features(self, image: Tensor) -> list[Tensor]:
        """Five unit-length feature maps."""
        x, out = ((F.avg_pool2d(image, 2) if image.shape[-1] > 64 else image) - self.shift) / self.scale, []
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = F.conv2d(x, weight, bias, padding=2 if i < 2 else 1)
            x = (_blur_halve(x) if i == 0 else x).relu()
            out.append(F.normalize(x.float(), dim=1, eps=1e-6))
            if i < 2:
                x = _blur_halve(F.max_pool2d(x, 3, 1))
        return out

    def forward(self, image: Tensor, target: Tensor) -> Tensor:
        """Mean distance, scalar."""
        with torch.no_grad():
            wanted = self.features(target)
        pairs = zip(self.features(image), wanted, self.heads, strict=True)
        return sum(F.conv2d((a - b).square(), head).mean() for a, b, head in pairs)  # type: ignore[return-value]


def _blur_halve(x: Tensor) -> Tensor:
    """[1,2,1] blur of stride 2 after reflecting two pixels at every side: two box averages in a row."""
    return F.avg_pool2d(F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 2, 1), 2)


def face_weight(size: int) -> Tensor:
    """[1,1,S,S] weights of the aligned frame, mean 1: background 0.3, face 1, eyes 2, mouth 2.5."""
    axis = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(axis, axis, indexing="ij")

    def blob(cx: float, cy: float, rx: float, ry: float) -> Tensor:
        return torch.sigmoid(6 * (1.2 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2))

    weight = 0.3 + 0.7 * blob(0.5, 0.52, 0.40, 0.50) + blob(0.34, 0.41, 0.13, 0.09) + blob(0.66, 0.41, 0.13, 0.09)
    weight = weight + 1.5 * blob(0.5, 0.76, 0.22, 0.14)
    return (weight / weight.mean())[None, None]


def pyramid_l1(image: Tensor, target: Tensor, weight: Tensor, *, levels: int = 4) -> Tensor:
    """Weighted mean absolute difference, averaged over `levels` halvings."""
    total = image.new_zeros(())
    for level in range(levels):
        if level:
            image, target, weight = (F.avg_pool2d(t, 2) for t in (image, target, weight))
        total = total + ((image - target).abs() * weight).mean()
    return total / levels


def feature_distance(ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """Mean absolute difference of feature maps, each scaled by the target's mean magnitude."""
    pairs = [(a.float(), b.float()) for a, b in zip(ours, theirs, strict=True)]
    return torch.stack([(a - b).abs().mean() / b.abs().mean().clamp_min(1e-3) for a, b in pairs]).mean()
