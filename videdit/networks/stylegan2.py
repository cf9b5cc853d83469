"""StyleGAN2's generator (Karras et al. 2020): mapping, modulated convolutions, FIR resampling, skip RGB.

One class for every size. Public checkpoints use the defaults; small generators for CPUs set `conv_first` (see ModulatedConv),
narrow channels and a narrow style. What the layers compute, written plainly, stands in stylegan2_reference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.fir import FIR, fir_upsample, linear_upsample
from videdit.networks.modulated import EqualLinear, ModulatedConv

MAPPING_RATE = 0.01  # lr_mul of the mapping network


class _ScaledLeakyReLU(torch.autograd.Function):
    """leaky_relu(x * gain + shift), as few passes over memory as possible: at high resolutions these, not the convolutions, cost."""

    @staticmethod
    def forward(ctx, x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        y = F.leaky_relu_(torch.addcmul(shift.to(x.dtype), x, gain.to(x.dtype)), 0.2)
        ctx.save_for_backward(x, y, gain, shift)
        return y

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[no-untyped-def]
        x, y, gain, shift = ctx.saved_tensors
        slope = torch.ops.aten.leaky_relu_backward(slope.contiguous(memory_format=torch.channels_last), y, 0.2, True)
        by_gain = (slope * x).sum((2, 3), keepdim=True)
        return slope * gain.to(slope.dtype), by_gain.to(gain.dtype), slope.sum_to_size(shift.shape).to(shift.dtype)


def clamped(x: Tensor, limit: float | None) -> Tensor:
    """x within -limit..limit, in place where nobody needs what it was."""
    if limit is None:
        return x
    return x.clamp(-limit, limit) if x.requires_grad else x.clamp_(-limit, limit)


class StyledLayer(nn.Module):
    """Modulated convolution, noise, bias, leaky ReLU of gain sqrt(2), and a limit where the pack was trained with one (`conv_clamp`)."""

    noise: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        style_dim: int,
        *,
        up: bool = False,
        noise: bool = True,
        conv_first: bool = False,
        fir: Sequence[float] = FIR,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, 3, style_dim, up=up, conv_first=conv_first, fir=fir)
        self.clamp = clamp
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noisy = noise
        if noise:
            self.noise_strength = nn.Parameter(torch.zeros(()))
            self.register_buffer("noise", torch.randn(size, size))

    def forward(self, x: Tensor, style: Tensor, *, quiet: bool = False) -> Tensor:  # quiet: without the noise
        noise = self.noise * self.noise_strength if self.noisy and not quiet else None
        # the activation's gain commutes with it, so it rides on the demodulation, the bias and the noise
        shift, gain = self.bias[None, :, None, None] * math.sqrt(2), math.sqrt(2)
        if not _recorded(x, style, *self.parameters()):
            return clamped(self._quickly(x, style, shift, noise, gain), self.clamp)
        shift = shift if noise is None else shift + noise * gain
        return clamped(_ScaledLeakyReLU.apply(self.conv(x, style), self.conv.demodulation(style) * gain, shift), self.clamp)

    def _quickly(self, x: Tensor, style: Tensor, shift: Tensor, noise: Tensor | None, gain: float) -> Tensor:
        """The layer where nobody asks for gradients: passes over the picture, as few as possible, in place."""
        if self.conv.folds(x):
            x = self.conv.folded(x, style, gain)
            x += shift.to(x.dtype)
        else:
            x = self.conv(x, style)
            x = torch.addcmul(shift.to(x.dtype), x, (self.conv.demodulation(style) * gain).to(x.dtype))
        if noise is not None:
            x += (noise * gain).to(x.dtype)
        return F.leaky_relu_(x, 0.2)


def _recorded(*tensors: Tensor) -> bool:
    """Whether gradients to any of these may be asked for."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


class ToRGB(nn.Module):
    """1x1 modulated convolution to RGB, added to the upsampled picture so far."""

    def __init__(
        self, inputs: int, style_dim: int, *, conv_first: bool = False, fir: Sequence[float] = FIR, clamp: float | None = None
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, 3, 1, style_dim, conv_first=conv_first, fir=fir)
        self.clamp = clamp
        self.bias = nn.Parameter(torch.zeros(3))
        self.conv_first, self.linear = conv_first, tuple(fir) == FIR

    def forward(self, x: Tensor, style: Tensor, skip: Tensor | None) -> Tensor:
        # one small matrix a picture: no pass over x to modulate it
        weight = self.conv.weight[:, :, 0, 0] * self.conv.gain * self.conv.modulation(style)[:, None]  # [N,3,C]
        flat = x.permute(0, 2, 3, 1).flatten(1, 2)  # [N,HW,C], a view when channels come last
        rgb = torch.bmm(flat, weight.transpose(1, 2).to(x.dtype)).float().unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)
        rgb = clamped(rgb + self.bias[None, :, None, None], self.clamp)
        if skip is None:
            return rgb
        if self.conv_first:
            return rgb + F.interpolate(skip, scale_factor=2, mode="bilinear", align_corners=False)
        return rgb + (linear_upsample(skip) if self.linear else fir_upsample(skip, self.conv.fir))


class Generator(nn.Module):
    """W+ latents to pictures.

    size: output side, a power of two from 8. channels: one width per resolution 4, 8, .. size. mapping_widths: of z and of what each
    mapping layer gives, where they are not all style_dim. noise: "const" adds each layer's stored noise, "none" adds none. fir: the
    resampling filter's taps. clamp: every layer's limit (`conv_clamp`). conv_first: see ModulatedConv. latent_input: the 4 px input is
    not constant, but has a linear map of the first two style vectors added: a small generator learns layout from that in a fraction of
    the time. picture_rank > 0: a linear map of all latents, of that rank, joins the RGB skip at picture_size px, and the features
    there, so that what follows refines a picture instead of inventing one (train.picture starts it as principal components).
    """

    mean_w: Tensor

    def __init__(
        self,
        *,
        size: int,
        style_dim: int,
        channels: Sequence[int],
        mapping_layers: int = 8,
        noise: str = "const",
        conv_first: bool = False,
        latent_input: bool = False,
        picture_rank: int = 0,
        picture_size: int = 32,
        mapping_widths: Sequence[int] = (),
        fir: Sequence[float] = FIR,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        steps = int(math.log2(size)) - 1
        if 2 ** (steps + 1) != size or len(channels) != steps:
            raise ValueError(f"channels must name one width for each of {steps} resolutions of a {size} px generator")
        self.size, self.style_dim, self.num_layers = size, style_dim, 2 * steps
        widths = tuple(mapping_widths) or (style_dim,) * (mapping_layers + 1)
        if widths[-1] != style_dim:
            raise ValueError(f"the mapping network ends {widths[-1]} wide, the style is {style_dim}")
        self.z_dim = widths[0]
        self.mapping_net = nn.Sequential(*[EqualLinear(a, b, lr_mul=MAPPING_RATE, activate=True) for a, b in pairwise(widths)])
        self.register_buffer("mean_w", torch.zeros(style_dim))
        self.input = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.input_map = EqualLinear(2 * style_dim, channels[0] * 16) if latent_input else None
        self.picture_size = picture_size if picture_rank else 0
        if picture_rank:
            self.picture_in = nn.Linear(2 * steps * style_dim, picture_rank, bias=False)
            self.picture_out = nn.Linear(picture_rank, 3 * picture_size**2)
            self.picture_features = nn.Conv2d(3, channels[int(math.log2(picture_size)) - 2], 3, padding=1)
            nn.init.zeros_(self.picture_out.weight)
            nn.init.zeros_(self.picture_out.bias)
        noisy = noise == "const"
        rgb = partial(ToRGB, style_dim=style_dim, conv_first=conv_first, fir=fir, clamp=clamp)
        layer = partial(StyledLayer, style_dim=style_dim, noise=noisy, fir=fir, clamp=clamp)
        self.to_rgb = nn.ModuleList([rgb(channels[0])])
        self.layers = nn.ModuleList([layer(channels[0], channels[0], 4)])
        for step in range(1, steps):
            inputs, outputs, side = channels[step - 1], channels[step], 2 ** (step + 2)
            self.layers.append(layer(inputs, outputs, side, up=True, conv_first=conv_first))
            self.layers.append(layer(outputs, outputs, side))
            self.to_rgb.append(rgb(outputs))

    def mapping(self, z: Tensor, *, truncation: float = 1.0) -> Tensor:
        """z [N,Z] ~ N(0,1) -> w [N,D]; truncation < 1 draws w towards `mean_w`."""
        w = self.mapping_net(z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8))
        return self.mean_w + truncation * (w - self.mean_w)

    def forward(self, w_plus: Tensor, *, stop: int | None = None, noise: str = "const") -> Tensor:
        """w_plus [N,L,D] (or w [N,D], the same for every layer) -> pictures [N,3,S,S], about -1..1.

        stop: the resolution to end at; with skip RGB what has come together until there is a picture, too. noise: "none" leaves out what
        the layers have stored.
        """
        quiet = noise == "none"
        if w_plus.ndim == 2:
            w_plus = w_plus[:, None].expand(-1, self.num_layers, -1)
        x = self.input.expand(len(w_plus), -1, -1, -1)
        if self.input_map is not None:
            x = x + self.input_map(w_plus[:, :2].flatten(1)).view_as(x)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.layers[0](x, w_plus[:, 0], quiet=quiet)
        rgb = self.to_rgb[0](x, w_plus[:, 1], None)
        for step in range(1, len(self.to_rgb)):
            x = self.layers[2 * step - 1](x, w_plus[:, 2 * step - 1], quiet=quiet)
            picture = None
            if x.shape[-1] == self.picture_size:
                picture = self.picture_out(self.picture_in(w_plus.flatten(1))).unflatten(1, (3, *x.shape[2:]))
                x = x + self.picture_features(picture.contiguous(memory_format=torch.channels_last))
            x = self.layers[2 * step](x, w_plus[:, 2 * step], quiet=quiet)
            rgb = self.to_rgb[step](x, w_plus[:, 2 * step + 1], rgb)
            if picture is not None:
                rgb = rgb + picture
            if rgb.shape[-1] == stop:
                break
        return rgb
