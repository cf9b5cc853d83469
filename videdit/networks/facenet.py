"""Inception-ResNet-v1 (Szegedy et al. 2017) as an identity embedder (FaceNet, Schroff et al. 2015).

Layer names are those of facenet-pytorch's published weights. Input float32 [N,3,160,160] RGB in about [-1,1] ((value - 127.5) / 128),
at least 75 px wide; output unit vectors [N,512].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Size = int | tuple[int, int]


class Conv(nn.Module):
    """Convolution, batch norm (TensorFlow's epsilon), ReLU."""

    def __init__(self, inside: int, outside: int, kernel: Size, stride: int = 1, padding: Size = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outside, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Branches beside each other, branch0, branch1, ..., their channels one after another."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self._branches = [f"branch{i}" for i in range(len(branches))]
        for name, branch in zip(self._branches, branches, strict=True):
            self.add_module(name, branch)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.get_submodule(name)(x) for name in self._branches], 1)


class Residual(Mixed):
    """x + scale x a projection of the branches; last: without the ReLU."""

    def __init__(self, width: int, joined: int, scale: float, *branches: nn.Module, last: bool = False) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(joined, width, 1)
        self._scale, self._last = scale, last

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._scale * self.conv2d(super().forward(x))
        return x if self._last else F.relu(x)


def _block35() -> nn.Module:
    return Residual(
        256,
        96,
        0.17,
        Conv(256, 32, 1),
        nn.Sequential(Conv(256, 32, 1), Conv(32, 32, 3, padding=1)),
        nn.Sequential(Conv(256, 32, 1), Conv(32, 32, 3, padding=1), Conv(32, 32, 3, padding=1)),
    )


def _crossed(width: int, inside: int, reach: int, scale: float, *, last: bool = False) -> nn.Module:
    """Inception-ResNet's blocks B and C: a row and a column of 2 reach + 1 taps."""
    long = 2 * reach + 1
    across = nn.Sequential(
        Conv(width, inside, 1),
        Conv(inside, inside, (1, long), padding=(0, reach)),
        Conv(inside, inside, (long, 1), padding=(reach, 0)),
    )
    return Residual(width, 2 * inside, scale, Conv(width, inside, 1), across, last=last)


def _reduction_a() -> nn.Module:
    middle = nn.Sequential(Conv(256, 192, 1), Conv(192, 192, 3, padding=1), Conv(192, 256, 3, 2))
    return Mixed(Conv(256, 384, 3, 2), middle, nn.MaxPool2d(3, 2))


def _reduction_b() -> nn.Module:
    first = nn.Sequential(Conv(896, 256, 1), Conv(256, 384, 3, 2))
    second = nn.Sequential(Conv(896, 256, 1), Conv(256, 256, 3, 2))
    third = nn.Sequential(Conv(896, 256, 1), Conv(256, 256, 3, padding=1), Conv(256, 256, 3, 2))
    return Mixed(first, second, third, nn.MaxPool2d(3, 2))


class FaceNet(nn.Module):
    """The embedder; `SIZE` px is what the published weights learned on."""

    SIZE = 160

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a, self.conv2d_2a = Conv(3, 32, 3, 2), Conv(32, 32, 3)
        self.conv2d_2b = Conv(32, 64, 3, padding=1)
        self.conv2d_3b, self.conv2d_4a = Conv(64, 80, 1), Conv(80, 192, 3)
        self.conv2d_4b = Conv(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _reduction_a()
        self.repeat_2 = nn.Sequential(*(_crossed(896, 128, 3, 0.10) for _ in range(10)))
        self.mixed_7a = _reduction_b()
        self.repeat_3 = nn.Sequential(*(_crossed(1792, 192, 1, 0.20) for _ in range(5)))
        self.block8 = _crossed(1792, 192, 1, 1.0, last=True)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=1e-3)

    def forward(self, image: Tensor) -> Tensor:
        """image [N,3,160,160] -> unit vectors [N,512]."""
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(image)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(F.max_pool2d(x, 3, 2))))
        x = self.mixed_6a(self.repeat_1(x))
        x = self.mixed_7a(self.repeat_2(x))
        x = self.block8(self.repeat_3(x)).mean((2, 3))
        return F.normalize(self.last_bn(self.last_linear(x)), dim=1)
