"""A small landmark network: where 78 points of a face are in a square crop, and whether there is a face at all."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


def _conv(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outside), nn.ReLU())


class Landmarker(nn.Module):
    """Every cell of a coarse map votes where each point is; the votes are averaged by a softmax over the map.

    That is integral regression (Sun et al. 2018) with an offset per cell, so that a coarse map is enough.
    widths: channels at 1/2, 1/4, 1/8 and 1/16 of the crop; blocks: residual blocks at the last three. The votes are cast at 1/8.

    Convention: input float32 [N,3,size,size] RGB in [-1,1]; points (x, y) in 0..1 of the crop, origin at its top-left corner;
    they may lie outside 0..1.
    """

    cells: Tensor

    def __init__(
        self,
        size: int = 64,
        points: int = 78,
        widths: tuple[int, ...] = (24, 48, 96, 128),
        blocks: tuple[int, ...] = (1, 2, 1),
    ) -> None:
        super().__init__()
        self.size, self.points = size, points
        first, quarter, eighth, last = widths
        self.fine = nn.Sequential(
            _conv(3, first, stride=2),
            _conv(first, quarter, stride=2),
            *(Block(quarter) for _ in range(blocks[0])),
            _conv(quarter, eighth, stride=2),
            *(Block(eighth) for _ in range(blocks[1])),
        )
        self.coarse = nn.Sequential(_conv(eighth, last, stride=2), *(Block(last) for _ in range(blocks[2])))
        self.join = _conv(last, eighth, kernel=1)
        self.mix = _conv(eighth, eighth)
        self.votes = nn.Conv2d(eighth, points * 3, 1)
        self.there = nn.Linear(last, 1)
        side = size // 8
        middle = (torch.arange(side) + 0.5) / side
        grid = torch.stack(torch.meshgrid(middle, middle, indexing="xy")).flatten(1)  # [2,cells] (x, y)
        self.register_buffer("cells", grid, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N,3,size,size] -> points [N,points,2], presence logit [N]."""
        fine = self.fine(image)
        coarse = self.coarse(fine)
        context = nn.functional.interpolate(self.join(coarse), scale_factor=2.0, mode="nearest")
        votes = self.votes(self.mix(fine + context)).flatten(2).float()  # [N,3P,cells]
        weight, dx, dy = votes.unflatten(1, (3, self.points)).unbind(1)  # [N,P,cells] each
        weight = torch.softmax(weight, -1)
        # offsets count in eighths of the crop
        x = (weight * (self.cells[0] + dx / 8)).sum(-1)
        y = (weight * (self.cells[1] + dy / 8)).sum(-1)
        return torch.stack([x, y], -1), self.there(coarse.mean((2, 3)))[:, 0]

    @torch.no_grad()
    def start_at(self, shape: Tensor) -> None:
        """Begin training from a mean shape [points,2] in 0..1 of the crop."""
        self.votes.weight.mul_(0.1)
        self.votes.bias.zero_()  # type: ignore[union-attr]
        self.votes.bias[self.points :].copy_(((shape - 0.5) * 8).T.flatten())  # type: ignore[index]

    @torch.no_grad()
    def folded(self) -> Landmarker:
        """A copy for inference with the batch norms folded into the convolutions: the same values, half the time."""
        out = copy.deepcopy(self).eval().requires_grad_(False)
        for module in out.modules():
            if isinstance(module, Block):
                module.conv1, module.norm1 = fuse_conv_bn_eval(module.conv1, module.norm1), nn.Identity()  # type: ignore[assignment]
                module.conv2, module.norm2 = fuse_conv_bn_eval(module.conv2, module.norm2), nn.Identity()  # type: ignore[assignment]
            elif isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d):
                module[0], module[1] = fuse_conv_bn_eval(module[0], module[1]), nn.Identity()  # type: ignore[type-var]
        return out.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
