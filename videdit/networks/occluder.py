"""What lies in front of a face in a crop: hands, microphones, a cup."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate


def _conv(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU())


class Occluder(nn.Module):
    """A U-Net (Ronneberger et al. 2015) whose shortcuts are added, not joined. widths: channels at 1, 1/2, 1/4, 1/8 and 1/16 of `size`.

    Convention: input float32 [N,3,S,S] RGB in [-1,1], resized inside; logits [N,size,size] of the same corners.
    """

    def __init__(self, size: int = 64, widths: tuple[int, ...] = (16, 32, 64, 96, 128)) -> None:
        super().__init__()
        self.size = size
        self.enter = _conv(3, widths[0])
        self.down = nn.ModuleList(nn.Sequential(_conv(a, b, 2), _conv(b, b)) for a, b in zip(widths, widths[1:], strict=False))
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in zip(widths, widths[1:], strict=False))
        self.mix = nn.ModuleList(_conv(a, a) for a in widths[:-1])
        self.out = nn.Conv2d(widths[0], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """image [N,3,S,S] -> logits [N,size,size] that something covers the face there."""
        if image.shape[-1] != self.size:
            image = interpolate(image, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        maps = [self.enter(image)]
        for layer in self.down:
            maps.append(layer(maps[-1]))
        x = maps.pop()
        for join, mix in zip(reversed(self.up), reversed(self.mix), strict=True):
            x = mix(maps.pop() + interpolate(join(x), scale_factor=2.0, mode="bilinear", align_corners=False))
        logits: Tensor = self.out(x)[:, 0]
        return logits.float()
