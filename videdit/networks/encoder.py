"""Picture to W+ latents: a residual network with one linear head, trained together with the generator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.classifier import to_size


def init_relu(module: nn.Module) -> None:
    """He initialisation of every convolution for leaky ReLU; biases zero."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, a=0.2)
        if isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)


class ResidualDown(nn.Module):
    """Two 3x3 convolutions and an average pool, beside a 1x1 shortcut; [N,in,H,W] -> [N,out,H/2,W/2]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, inputs, 3, padding=1)
        self.second = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.first(x), 0.2)
        # pooling before the second convolution: four times cheaper, and as good at these sizes
        y = F.leaky_relu(self.second(F.avg_pool2d(y, 2)), 0.2)
        return (y + self.skip(F.avg_pool2d(x, 2))) * 0.7071


class Encoder(nn.Module):
    """Faces in the pack's frame to latents.

    size: input side; channels: widths at size/2, size/4, .. 4 px; neck: width before the linear head. linear_rank > 0: a linear map
    of the picture at linear_size px, of that rank, is added to the latents (train.picture starts it as principal components), so
    that layout and colour are known from the first step and the convolutions learn what is not linear.
    """

    def __init__(
        self,
        *,
        size: int,
        style_dim: int,
        num_layers: int,
        channels: Sequence[int],
        neck: int = 96,
        linear_rank: int = 0,
        linear_size: int = 32,
    ) -> None:
        super().__init__()
        self.size, self.style_dim, self.num_layers = size, style_dim, num_layers
        self.stem = nn.Conv2d(12, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(ResidualDown(a, b) for a, b in zip(channels, channels[1:], strict=False))
        self.neck = nn.Conv2d(channels[-1], neck, 1)
        self.head = nn.Linear(neck * 16, num_layers * style_dim)
        init_relu(self)
        nn.init.normal_(self.head.weight, std=(neck * 16) ** -0.5)  # latents of about unit variance from the start
        self.linear_size = linear_size if linear_rank else 0
        if linear_rank:
            self.linear_in = nn.Linear(3 * linear_size**2, linear_rank)
            self.linear_out = nn.Linear(linear_rank, num_layers * style_dim, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """image [N,3,S,S] in [-1,1], of any side, -> w_plus [N,L,D]."""
        image = to_size(image, self.size)
        x = F.leaky_relu(self.stem(F.pixel_unshuffle(image, 2)), 0.2)
        for block in self.blocks:
            x = block(x)
        x = F.leaky_relu(self.neck(x), 0.2)
        w = self.head(x.flatten(1)).float()
        if self.linear_size:
            small = F.adaptive_avg_pool2d(image, self.linear_size).contiguous()
            w = w + self.linear_out(self.linear_in(small.flatten(1))).float()
        return torch.unflatten(w, 1, (self.num_layers, self.style_dim))
