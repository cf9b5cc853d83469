"""Picture to W+ as e4e (Tov et al. 2021) and pSp (Richardson et al. 2021) do it: an IR-SE-50 body, a feature pyramid, a head per style.

The names of the parts are those of the public checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.classifier import to_size
from videdit.networks.modulated import EqualLinear

DEPTHS = (3, 4, 14, 3)  # blocks a stage of a 50-layer body
TAPS = (6, 20, 23)  # blocks after which the pyramid takes its fine, middle and coarse map
COARSE, MIDDLE = 3, 7  # styles from which on the middle and the fine map serve
SQUEEZE = 16
SIDE = 256  # px of the picture a body sees


class SqueezeExcite(nn.Module):
    """Channels weighed by what their means say: [N,C,H,W] -> [N,C,H,W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // SQUEEZE, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // SQUEEZE, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


class Bottleneck(nn.Module):
    """Residual block of ArcFace's networks: [N,in,H,W] -> [N,out,H/stride,W/stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int, *, squeeze: bool) -> None:
        super().__init__()
        self.stride = stride
        if inputs != outputs:
            self.shortcut_layer = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.widens = inputs != outputs
        parts: list[nn.Module] = [
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.res_layer = nn.Sequential(*parts, *([SqueezeExcite(outputs)] if squeeze else []))

    def forward(self, x: Tensor) -> Tensor:
        kept = self.shortcut_layer(x) if self.widens else x[:, :, :: self.stride, :: self.stride]
        return self.res_layer(x) + kept


class StyleHead(nn.Module):
    """A map to one style vector: convolutions of stride 2 down to one pixel; [N,C,H,H] -> [N,D]."""

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for i in range(int(math.log2(side))):
            parts += [nn.Conv2d(outputs if i else inputs, outputs, 3, 2, padding=1), nn.LeakyReLU(0.01)]
        self.convs = nn.Sequential(*parts)
        self.linear = EqualLinear(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.convs(x).flatten(1))


class PspEncoder(nn.Module):
    """Faces in the FFHQ frame to latents.

    kind: "psp" gives every style a head of its own; "e4e" adds what the heads give to the first one's. channels: widths of the stem and of
    the body's four stages; width: of the pyramid and the heads, which is the style's. squeeze: False for bodies without squeeze and
    excitation. The latents are offsets from `latent_avg`, which is added.
    """

    latent_avg: Tensor

    def __init__(
        self, *, kind: str, num_layers: int, style_dim: int, channels: Sequence[int] = (64, 64, 128, 256, 512), squeeze: bool = True
    ) -> None:
        super().__init__()
        if kind not in ("e4e", "psp"):
            raise ValueError(f"kind is {kind!r}, not 'e4e' or 'psp'")
        self.kind, self.num_layers = kind, num_layers
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, padding=1, bias=False), nn.BatchNorm2d(channels[0]), nn.PReLU(channels[0])
        )
        self.body = nn.Sequential(*(Bottleneck(a, b, stride, squeeze=squeeze) for a, b, stride in blocks(channels)))
        self.styles = nn.ModuleList(StyleHead(style_dim, style_dim, head_side(i)) for i in range(num_layers))
        self.latlayer1 = nn.Conv2d(channels[3], style_dim, 1)
        self.latlayer2 = nn.Conv2d(channels[2], style_dim, 1)
        self.register_buffer("latent_avg", torch.zeros(num_layers, style_dim))

    def offsets(self, image: Tensor) -> Tensor:
        """image [N,3,S,S] in [-1,1] -> latents [N,L,D] as seen from `latent_avg`."""
        x, taps = self.input_layer(to_size(image, SIDE)), []
        for i, block in enumerate(self.body):
            x = block(x)
            if i in TAPS:
                taps.append(x)
        fine, middle, coarse = taps
        middle = added(coarse, self.latlayer1(middle))
        fine = added(middle, self.latlayer2(fine))
        maps = [coarse if i < COARSE else middle if i < MIDDLE else fine for i in range(self.num_layers)]
        w = torch.stack([head(map_).float() for head, map_ in zip(self.styles, maps, strict=True)], 1)
        if self.kind == "e4e":
            w = torch.cat([w[:, :1], w[:, :1] + w[:, 1:]], 1)
        return w

    def forward(self, image: Tensor) -> Tensor:
        """image [N,3,S,S] in [-1,1] -> w_plus [N,L,D]."""
        return self.offsets(image) + self.latent_avg


def blocks(channels: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(inputs, outputs, stride) of a body's blocks; a stage's first one halves the resolution."""
    for inputs, outputs, depth in zip(channels, channels[1:], DEPTHS, strict=False):
        yield inputs, outputs, 2
        yield from ((outputs, outputs, 1) for _ in range(depth - 1))


def head_side(style: int) -> int:
    """Side in px of the map that a style's head looks at."""
    return 16 if style < COARSE else 32 if style < MIDDLE else 64


def added(small: Tensor, large: Tensor) -> Tensor:
    """A map brought to the size of another, and that one added; corners lie on corners, as published."""
    return F.interpolate(small, large.shape[2:], mode="bilinear", align_corners=True) + large
