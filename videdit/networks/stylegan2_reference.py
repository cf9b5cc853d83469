"""What StyleGAN2's layers compute, written as the papers do, picture by picture; nothing but tests and benchmarks run this.

networks.stylegan2 computes the same with fewer passes over memory and one convolution for a whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def upfirdn(x: Tensor, taps: Sequence[float], *, up: int = 1, pad: tuple[int, int] = (0, 0), gain: float = 1.0) -> Tensor:
    """Zeros between samples, padding with zeros (before, after), then convolution with a separable filter of sum `gain`.

    x [N,C,H,W] -> [N,C,up*H+sum(pad)-K+1,..]; negative padding crops (Karras et al. 2021, appendix).
    """
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, up * h, up * w)
    spread[:, :, ::up, ::up] = x
    padded = F.pad(spread, (pad[0], pad[1], pad[0], pad[1]))
    row = torch.tensor(taps, dtype=x.dtype, device=x.device)
    row = row / row.sum() * gain**0.5
    kernel = torch.outer(row, row).flip(0, 1)  # conv2d correlates
    return torch.stack([torch.cat([F.conv2d(plane[None, None], kernel[None, None])[0] for plane in picture]) for picture in padded])


def modulated_conv(
    x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool = True, up: bool = False, taps: Sequence[float] = (1, 3, 3, 1)
) -> Tensor:
    """x [N,C,H,W] convolved with weight [O,C,k,k] scaled by style [N,C] and, with `demodulate`, to outputs of unit size [N,O,H,W].

    up: twice the resolution: a transposed convolution of stride 2, then the filter (Karras et al. 2020, section 2).
    """
    pictures = []
    for picture, scales in zip(x, style, strict=True):
        w = weight * scales[None, :, None, None]
        if demodulate:
            w = w * torch.rsqrt(w.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            y = F.conv_transpose2d(picture[None], w.transpose(0, 1), stride=2)
            k, margin = len(taps), weight.shape[-1] - 2  # of the transposed convolution, in excess of twice the size
            y = upfirdn(y, taps, pad=((k + 1) // 2 - margin, (k - 2) // 2 - margin + 1), gain=4.0)
        else:
            y = F.conv2d(picture[None], w, padding=weight.shape[-1] // 2)
        pictures.append(y[0])
    return torch.stack(pictures)


def upsample(x: Tensor, taps: Sequence[float] = (1, 3, 3, 1)) -> Tensor:
    """[N,C,H,W] -> [N,C,2H,2W] by the filter, as the RGB skip is enlarged."""
    k = len(taps)
    return upfirdn(x, taps, up=2, pad=((k + 1) // 2, (k - 2) // 2), gain=4.0)
