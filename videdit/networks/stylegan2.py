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

from videdit.networks.fir import FIR, fir_filter, fir_kernel, fir_upsample

MAPPING_RATE = 0.01  # lr_mul of the mapping network


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate; `activate` adds a leaky ReLU of gain sqrt(2)."""

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, lr_mul: float = 1.0, activate: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_mul)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.gain, self.lr_mul, self.activate = lr_mul / math.sqrt(inputs), lr_mul, activate

    def forward(self, x: Tensor) -> Tensor:  # [N,inputs] -> [N,outputs]
        x = F.linear(x, self.weight * self.gain, self.bias * self.lr_mul)
        return F.leaky_relu(x, 0.2) * math.sqrt(2) if self.activate else x


def energy_of(weight: Tensor) -> Tensor:
    """Sums of squares of kernels [O,I,k,k]: [O,I] float32."""
    return weight.float().square().sum((2, 3))


class ModulatedConv(nn.Module):
    """Style-modulated convolution and its demodulation; `up` doubles the resolution.

    The style scales the input and the demodulation the output, which equals modulating the weights (stylegan2_reference.modulated_conv)
    and keeps one convolution for the whole batch. Upsampling as published is a stride-2 transposed convolution
    followed by the FIR filter; `conv_first` convolves at the low resolution and interpolates after, linearly: the same FIR
    kernel with the border repeated, and several times faster on a CPU.
    """

    fir: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style_dim: int,
        *,
        up: bool = False,
        conv_first: bool = False,
        fir: Sequence[float] = FIR,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.modulation = EqualLinear(style_dim, inputs, bias=1.0)
        self.gain = 1 / math.sqrt(inputs * kernel**2)
        self.up, self.conv_first, self.pad = up, conv_first, kernel // 2
        self.fir_pad = (len(fir) + 1) // 2 - 1, (len(fir) - 2) // 2
        self.register_buffer("fir", fir_kernel(fir), persistent=False)
        self._kept: tuple[tuple[object, ...], Tensor, Tensor] | None = None

    def frozen(self) -> tuple[Tensor, Tensor] | None:
        """Scaled weights in the convolution's arithmetic and their energy [outputs,inputs]; None while somebody trains them.

        At low resolutions they are most of what has to be read, and scaling, squaring and casting them costs more than convolving.
        """
        if self.weight.requires_grad or self.weight.is_inference():
            return None
        kind = self.weight.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.weight.dtype
        key = (self.weight.data_ptr(), self.weight._version, self.weight.device, dtype)
        if self._kept is None or self._kept[0] != key:
            # tensors made in inference mode could serve nobody who needs gradients to the style
            with torch.inference_mode(False), torch.no_grad():
                scaled = self.weight * self.gain
                self._kept = key, scaled.to(dtype), energy_of(scaled)
        return self._kept[1], self._kept[2]

    def forward(self, x: Tensor, style: Tensor) -> Tensor:  # [N,C,H,W], [N,D]
        scale = self.modulation(style)
        frozen = self.frozen()
        weight = frozen[0] if frozen else self.weight * self.gain
        x = x * scale[:, :, None, None].to(x.dtype)
        if self.up and not self.conv_first:
            x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = fir_filter(x, self.fir * 4, self.fir_pad)
        else:
            x = F.conv2d(x, weight, padding=self.pad)
        if self.up and self.conv_first:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return x

    def demodulation(self, style: Tensor) -> Tensor:
        """What each output channel is multiplied with, [N,outputs,1,1] float32."""
        frozen = self.frozen()
        energy = frozen[1] if frozen else energy_of(self.weight * self.gain)
        return torch.rsqrt(F.linear(self.modulation(style).float().square(), energy) + 1e-8)[:, :, None, None]


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
        x, shift = self.conv(x, style), self.bias[None, :, None, None]
        if self.noisy and not quiet:
            shift = shift + self.noise * self.noise_strength
        # the activation's gain commutes with it, so it rides on the demodulation and the bias
        gain = self.conv.demodulation(style) * math.sqrt(2)
        return clamped(_ScaledLeakyReLU.apply(x, gain, shift * math.sqrt(2)), self.clamp)


class ToRGB(nn.Module):
    """1x1 modulated convolution to RGB, added to the upsampled picture so far."""

    def __init__(
        self, inputs: int, style_dim: int, *, conv_first: bool = False, fir: Sequence[float] = FIR, clamp: float | None = None
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv(inputs, 3, 1, style_dim, conv_first=conv_first, fir=fir)
        self.clamp = clamp
        self.bias = nn.Parameter(torch.zeros(3))
        self.conv_first = conv_first

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
        return rgb + fir_upsample(skip, self.conv.fir)


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
