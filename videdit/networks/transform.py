"""Networks that redraw a face crop: a transform per direction of an attribute, and an enhancement after it (DIAT, Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.encoder import init_relu

GAIN = 0.3  # of a residual block: without normalisation, five at full strength drift apart


class Block(nn.Module):
    """Two 3x3 convolutions beside the input: [N,C,H,W] -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + GAIN * self.second(F.leaky_relu(self.first(x), 0.2))


class Transform(nn.Module):
    """What to add to a picture: [N,3,S,S] in [-1,1] -> [N,3,S,S]; nothing at first, so that training starts from the face itself.

    DIAT's convolutions (three down, five residual blocks of two, two up, one out) and one more at full size; S is a multiple of 8.
    Unlike there, both steps up see what the steps down saw, so that an edge stays where it is, and two of the blocks lie between them,
    where a frame of glasses is more than a pixel wide. width: channels at S/2; half more at S/4, twice at S/8.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        middle, deep = width * 3 // 2, width * 2
        self.down = nn.ModuleList([nn.Conv2d(12, width, 3, padding=1), nn.Conv2d(width, middle, 3, 2, 1), nn.Conv2d(middle, deep, 3, 2, 1)])
        self.blocks = nn.ModuleList([nn.Sequential(*(Block(c) for _ in range(count))) for c, count in ((deep, 3), (middle, 2))])
        self.up = nn.ModuleList([nn.Conv2d(deep, middle, 3, padding=1), nn.Conv2d(middle, width, 3, padding=1)])
        self.last = nn.Conv2d(width, 12, 3, padding=1)
        self.out = nn.Conv2d(12, 3, 3, padding=1)
        init_relu(self)
        nn.init.zeros_(self.out.weight)

    def forward(self, image: Tensor) -> Tensor:
        fine = F.leaky_relu(self.down[0](F.pixel_unshuffle(image, 2)), 0.2)
        half = F.leaky_relu(self.down[1](fine), 0.2)
        x = F.leaky_relu(self.down[2](half), 0.2)
        for blocks, step, beside in zip(self.blocks, self.up, (half, fine), strict=True):
            x = F.leaky_relu(F.interpolate(step(blocks(x)), scale_factor=2, mode="nearest") + beside, 0.2)
        return self.out(_twice(F.leaky_relu(self.last(x), 0.2)))


def _twice(x: Tensor) -> Tensor:
    """Twice as large; smooth, because a pixel shuffle learned chequered glass first."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Enhance(nn.Module):
    """What to add to a transformed picture: of the source and it where the attribute is local, of it alone where it is global. The last
    two of its four convolutions work at full size."""

    def __init__(self, width: int, *, local: bool) -> None:
        super().__init__()
        self.local = local
        seen = 6 if local else 3
        self.layers = nn.ModuleList([nn.Conv2d(4 * seen, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)])
        self.last = nn.Conv2d(width + seen, 12, 3, padding=1)
        self.out = nn.Conv2d(12, 3, 3, padding=1)
        init_relu(self)
        nn.init.zeros_(self.out.weight)

    def forward(self, image: Tensor, drawn: Tensor) -> Tensor:
        seen = torch.cat([image, drawn], 1) if self.local else drawn
        x = F.pixel_unshuffle(seen, 2)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return self.out(F.leaky_relu(self.last(torch.cat([_twice(x), seen], 1)), 0.2))


def _coarse_colour(change: Tensor) -> Tensor:
    """A change [N,3,S,S] with its colour four pixels coarse: a face that ages or changes its sex does so in light and shadow, and fine
    colour is where a network of this size leaves fringes."""
    grey = change.mean(1, keepdim=True)
    return grey + F.interpolate(F.avg_pool2d(change - grey, 4), scale_factor=4, mode="bilinear", align_corners=False)


class Redraw(nn.Module):
    """Transform and enhancement of one direction; local: of an attribute in a part of the face, else in all of it."""

    def __init__(self, width: int, *, local: bool) -> None:
        super().__init__()
        self.local = local
        self.transform = Transform(width)
        self.enhance = Enhance(width // 2, local=local)

    def drawn(self, image: Tensor) -> Tensor:
        """The transform's part of the change, [N,3,S,S]."""
        change: Tensor = self.transform(image)
        return change if self.local else _coarse_colour(change)

    def finished(self, image: Tensor, drawn: Tensor) -> Tensor:
        """What the enhancement adds to a picture with that part in it."""
        change: Tensor = self.enhance(image, drawn)
        return change if self.local else _coarse_colour(change)

    def forward(self, image: Tensor, inside: Tensor | None = None) -> Tensor:
        """image [N,3,S,S] in [-1,1] -> the change to add to it; inside [N,1,S,S]: its share, exactly nothing where that is 0."""
        share = 1.0 if inside is None else inside
        change = self.drawn(image) * share
        return change + self.finished(image, image + change) * share


class PixelEditors(nn.Module):
    """A Redraw per direction. transforms: source names with a sign at the end, such as "Eyeglasses-"; regions: the part of the face each
    may act in (edit.pixel.REGIONS), "" for all of it; scales: how much of what is drawn a strength of 1 is, by default all."""

    def __init__(self, *, transforms: Sequence[str], regions: Sequence[str], width: int = 32, scales: Sequence[float] = ()) -> None:
        super().__init__()
        self.transforms, self.regions, self.width = tuple(transforms), tuple(regions), width
        self.scales = tuple(scales) or (1.0,) * len(self.transforms)
        self.networks = nn.ModuleList(Redraw(width, local=bool(region)) for _, region in zip(transforms, regions, strict=True))

    def forward(self, image: Tensor, which: int, inside: Tensor | None = None) -> Tensor:
        """The change that one direction makes; see Redraw."""
        change: Tensor = self.networks[which](image, inside)
        return change
