"""Random StyleGAN2s in the layouts of other projects, and what they draw: computed from the checkpoint's own names, as papers say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from videdit.networks.stylegan2_reference import modulated_conv, upsample

State = dict[str, torch.Tensor]
TAPS = (1.0, 3.0, 3.0, 1.0)


def kernel(taps: Sequence[float], gain: float) -> torch.Tensor:
    row = torch.tensor(taps)
    return torch.outer(row, row) / row.sum() ** 2 * gain


class Dice:
    """Random tensors, the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.source = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
        return torch.randn(*shape, generator=self.source) * scale + shift


def rosinality(
    channels: Sequence[int],
    style: int = 16,
    mapping: int = 3,
    *,
    noise: bool = True,
    taps: Sequence[float] = TAPS,
    z: int = 0,
    seed: int = 0,
) -> State:
    """The `g_ema` layout, of the sizes 4, 8, .. as many as there are channels."""
    dice, out = Dice(seed), {}
    for i in range(mapping):
        out[f"style.{i + 1}.weight"] = dice(style, z if z and not i else style, scale=100.0)
        out[f"style.{i + 1}.bias"] = dice(style, scale=10.0)
    out["input.input"] = dice(1, channels[0], 4, 4)

    def conv(name: str, inputs: int, outputs: int, size: int) -> None:
        out[f"{name}.conv.weight"] = dice(1, outputs, inputs, size, size)
        out[f"{name}.conv.modulation.weight"] = dice(inputs, style)
        out[f"{name}.conv.modulation.bias"] = dice(inputs, scale=0.1, shift=1.0)

    for i in range(2 * len(channels) - 1):
        name, step = "conv1" if i == 0 else f"convs.{i - 1}", (i + 1) // 2
        conv(name, channels[max(0, step - 1)] if i % 2 else channels[step], channels[step], 3)
        if i % 2:
            out[f"{name}.conv.blur.kernel"] = kernel(taps, 4.0)
        out[f"{name}.noise.weight"] = dice(1, scale=0.3)
        out[f"{name}.activate.bias"] = dice(channels[step], scale=0.2)
        if noise:
            out[f"noises.noise_{i}"] = dice(1, 1, 4 << step, 4 << step)
    for step, width in enumerate(channels):
        name = "to_rgb1" if step == 0 else f"to_rgbs.{step - 1}"
        conv(name, width, 3, 1)
        out[f"{name}.bias"] = dice(1, 3, 1, 1, scale=0.2)
        if step:
            out[f"{name}.upsample.kernel"] = kernel(taps, 4.0)
    return out


def draw_rosinality(state: State, w: torch.Tensor, *, taps: Sequence[float] = TAPS, noise: bool = True) -> torch.Tensor:
    """Pictures [N,3,S,S] of latents w [N,L,D]."""

    def style(name: str, w: torch.Tensor) -> torch.Tensor:
        weight = state[f"{name}.conv.modulation.weight"]
        return F.linear(w, weight / math.sqrt(weight.shape[1]), state[f"{name}.conv.modulation.bias"])

    def weight(name: str) -> torch.Tensor:
        found = state[f"{name}.conv.weight"][0]
        return found / math.sqrt(found[0].numel())

    def layer(name: str, i: int, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        x = modulated_conv(x, weight(name), style(name, w), up=i % 2 == 1, taps=taps)
        if noise:
            x = x + state[f"{name}.noise.weight"] * state[f"noises.noise_{i}"]
        return F.leaky_relu(x + state[f"{name}.activate.bias"][None, :, None, None], 0.2) * math.sqrt(2)

    x = layer("conv1", 0, state["input.input"].repeat(len(w), 1, 1, 1), w[:, 0])
    rgb = modulated_conv(x, weight("to_rgb1"), style("to_rgb1", w[:, 1]), demodulate=False) + state["to_rgb1.bias"]
    for step in range(w.shape[1] // 2 - 1):
        for part in (0, 1):
            x = layer(f"convs.{2 * step + part}", 2 * step + part + 1, x, w[:, 2 * step + part + 1])
        name = f"to_rgbs.{step}"
        drawn = modulated_conv(x, weight(name), style(name, w[:, 2 * step + 3]), demodulate=False)
        rgb = upsample(rgb, taps) + drawn + state[f"{name}.bias"]
    return rgb


def official(
    channels: Sequence[int],
    style: int = 16,
    mapping: int = 2,
    *,
    noise: bool = True,
    taps: Sequence[float] = TAPS,
    z: int = 0,
    seed: int = 0,
) -> State:
    """The official PyTorch layout's state dict."""
    dice, out = Dice(seed), {}
    out["synthesis.b4.const"] = dice(channels[0], 4, 4)
    for i in range(2 * len(channels) - 1):
        step = (i + 1) // 2
        name = f"synthesis.b{4 << step}.conv{(i + 1) % 2}"
        inputs = channels[max(0, step - 1)] if i % 2 else channels[step]
        out[f"{name}.weight"] = dice(channels[step], inputs, 3, 3)
        out[f"{name}.bias"] = dice(channels[step], scale=0.2)
        out[f"{name}.affine.weight"], out[f"{name}.affine.bias"] = dice(inputs, style), dice(inputs, scale=0.1, shift=1.0)
        out[f"{name}.resample_filter"] = kernel(taps, 1.0)
        if noise:
            out[f"{name}.noise_strength"] = dice(1, scale=0.3)[0]
            out[f"{name}.noise_const"] = dice(4 << step, 4 << step)
    for step, width in enumerate(channels):
        name = f"synthesis.b{4 << step}.torgb"
        out[f"{name}.weight"], out[f"{name}.bias"] = dice(3, width, 1, 1), dice(3, scale=0.2)
        out[f"{name}.affine.weight"], out[f"{name}.affine.bias"] = dice(width, style), dice(width, scale=0.1, shift=1.0)
        out[f"synthesis.b{4 << step}.resample_filter"] = kernel(taps, 1.0)
    for i in range(mapping):
        out[f"mapping.fc{i}.weight"] = dice(style, z if z and not i else style, scale=100.0)
        out[f"mapping.fc{i}.bias"] = dice(style, scale=10.0)
    out["mapping.w_avg"] = dice(style, scale=0.3)
    return out


def draw_official(
    state: State, w: torch.Tensor, *, taps: Sequence[float] = TAPS, noise: bool = True, clamp: float | None = None
) -> torch.Tensor:
    """Pictures [N,3,S,S] of latents w [N,L,D]; demodulated weights have no gain here."""

    def style(name: str, w: torch.Tensor) -> torch.Tensor:
        weight = state[f"{name}.affine.weight"]
        return F.linear(w, weight / math.sqrt(weight.shape[1]), state[f"{name}.affine.bias"])

    def limited(x: torch.Tensor) -> torch.Tensor:
        return x if clamp is None else x.clamp(-clamp, clamp)

    x, rgb = state["synthesis.b4.const"].repeat(len(w), 1, 1, 1), None
    for i in range(w.shape[1] - 1):
        step = (i + 1) // 2
        name = f"synthesis.b{4 << step}.conv{(i + 1) % 2}"
        x = modulated_conv(x, state[f"{name}.weight"], style(name, w[:, i]), up=i % 2 == 1, taps=taps)
        if noise and f"{name}.noise_const" in state:
            x = x + state[f"{name}.noise_strength"] * state[f"{name}.noise_const"]
        x = limited(F.leaky_relu(x + state[f"{name}.bias"][None, :, None, None], 0.2) * math.sqrt(2))
        if i % 2 == 0:
            name = f"synthesis.b{4 << step}.torgb"
            weight = state[f"{name}.weight"]
            scales = style(name, w[:, i + 1]) / math.sqrt(weight.shape[1])
            y = limited(modulated_conv(x, weight, scales, demodulate=False) + state[f"{name}.bias"][None, :, None, None])
            rgb = y if rgb is None else upsample(rgb, taps) + y
    assert rgb is not None
    return rgb


def map_official(state: State, z: torch.Tensor) -> torch.Tensor:
    """w [N,D] of z [N,Z]."""
    x, i = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8), 0
    while (weight := state.get(f"mapping.fc{i}.weight")) is not None:
        x = F.leaky_relu(F.linear(x, weight * (0.01 / math.sqrt(weight.shape[1])), state[f"mapping.fc{i}.bias"] * 0.01), 0.2) * math.sqrt(2)
        i += 1
    return x
