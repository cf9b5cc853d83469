"""The fast layers compute what the plain ones do."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from videdit.networks.fir import FIR, fir_kernel, fir_upsample, linear_upsample
from videdit.networks.modulated import ModulatedConv
from videdit.networks.stylegan2 import StyledLayer, ToRGB
from videdit.networks.stylegan2_reference import modulated_conv, upfirdn, upsample

TAPS = [FIR, (1.0, 2.0, 1.0), (1.0, 4.0, 2.0, 7.0), (1.0, 1.0), (1.0, 5.0, 10.0, 10.0, 5.0, 1.0)]
CLOSE = 1e-5


def dice(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("taps", TAPS)
@torch.inference_mode()
def test_upsampling(taps: tuple[float, ...]) -> None:
    x = dice(2, 3, 5, 7)
    assert torch.allclose(fir_upsample(x, fir_kernel(taps)), upsample(x, taps), atol=CLOSE)
    assert torch.allclose(linear_upsample(x), upsample(x, taps), atol=CLOSE) == (taps == FIR)


@torch.inference_mode()
def test_the_filter_keeps_what_is_flat() -> None:
    flat = torch.full((1, 1, 8, 8), 3.0)
    assert torch.allclose(upsample(flat)[..., 3:-3, 3:-3], torch.tensor(3.0))
    assert torch.allclose(upfirdn(flat, FIR, pad=(2, 1))[..., 3:-3, 3:-3], torch.tensor(3.0))


@pytest.mark.parametrize("taps", TAPS)
@pytest.mark.parametrize("up", [False, True])
@torch.inference_mode()
def test_modulated_convolution(up: bool, taps: tuple[float, ...]) -> None:
    conv = ModulatedConv(6, 5, 3, 4, up=up, fir=taps)
    x, style = dice(3, 6, 8, 8), dice(3, 4)
    plain = modulated_conv(x, conv.weight * conv.gain, conv.modulation(style), up=up, taps=taps)
    assert torch.allclose(conv(x, style) * conv.demodulation(style), plain, atol=CLOSE)


@pytest.mark.parametrize("clamp", [None, 0.5])
@torch.inference_mode()
def test_a_layer(clamp: float | None) -> None:
    layer = StyledLayer(6, 5, 16, 4, up=True, clamp=clamp)
    layer.bias.copy_(dice(5))
    layer.noise_strength.fill_(0.4)
    x, style = dice(2, 6, 8, 8), dice(2, 4)
    y = modulated_conv(x, layer.conv.weight * layer.conv.gain, layer.conv.modulation(style), up=True)
    for quiet in (False, True):
        noisy = y if quiet else y + 0.4 * layer.noise
        plain = F.leaky_relu(noisy + layer.bias[None, :, None, None], 0.2) * math.sqrt(2)
        plain = plain if clamp is None else plain.clamp(-clamp, clamp)
        assert torch.allclose(layer(x, style, quiet=quiet), plain, atol=CLOSE)


@pytest.mark.parametrize("taps", [FIR, (1.0, 4.0, 2.0, 7.0)])
@pytest.mark.parametrize("up", [False, True])
@torch.inference_mode()
def test_a_layer_whose_style_rides_on_its_weights(up: bool, taps: tuple[float, ...]) -> None:
    layer = StyledLayer(6, 3, 32 if up else 16, 4, up=up, fir=taps)
    layer.bias.copy_(dice(3))
    layer.noise_strength.fill_(0.4)
    x, style = dice(1, 6, 16, 16).contiguous(memory_format=torch.channels_last), dice(1, 4)
    assert layer.conv.folds(x) and not layer.conv.folds(x[..., :4]) and not layer.conv.folds(x.expand(2, -1, -1, -1))
    y = modulated_conv(x, layer.conv.weight * layer.conv.gain, layer.conv.modulation(style), up=up, taps=taps)
    plain = F.leaky_relu(y + 0.4 * layer.noise + layer.bias[None, :, None, None], 0.2) * math.sqrt(2)
    before = x.clone()
    assert torch.allclose(layer(x, style), plain, atol=CLOSE)
    assert torch.equal(x, before), "what a layer takes serves the picture so far, too"


def test_gradients_do_not_change_what_a_layer_gives() -> None:
    layer = StyledLayer(6, 3, 16, 4, up=True)
    layer.noise_strength.data.fill_(0.4)
    for count, side in ((2, 8), (1, 8)):
        x, style = dice(count, 6, side, side), dice(count, 4)
        given = layer(x, style)
        with torch.no_grad():
            assert given.requires_grad and torch.allclose(layer(x, style), given, atol=CLOSE)


@torch.inference_mode()
def test_rgb() -> None:
    layer = ToRGB(6, 4)
    x, style, skip = dice(2, 6, 8, 8), dice(2, 4), dice(2, 3, 4, 4)
    plain = modulated_conv(x, layer.conv.weight * layer.conv.gain, layer.conv.modulation(style), demodulate=False)
    assert torch.allclose(layer(x, style, skip), plain + upsample(skip), atol=CLOSE)


def test_a_limited_layer_can_still_be_trained() -> None:
    layer = StyledLayer(3, 3, 8, 4, clamp=0.3)
    layer(dice(1, 3, 8, 8), dice(1, 4)).sum().backward()
    assert layer.conv.weight.grad is not None and torch.isfinite(layer.conv.weight.grad).all()


def test_weights_that_change_are_seen_to_change() -> None:
    conv = ModulatedConv(4, 4, 3, 4).requires_grad_(False)
    x, style = dice(1, 4, 8, 8), dice(1, 4)
    with torch.inference_mode():
        first = conv(x, style)
        assert torch.equal(conv(x, style), first)
    conv.weight.mul_(2)
    assert torch.allclose(conv(x, style), 2 * first, atol=CLOSE)
    assert torch.allclose(conv.demodulation(style), ModulatedConv.demodulation(conv.requires_grad_(True), style), atol=CLOSE)


def test_gradients_reach_the_style_past_weights_that_were_kept() -> None:
    layer = StyledLayer(4, 4, 8, 4).requires_grad_(False)
    x, style = dice(1, 4, 8, 8), dice(1, 4)
    with torch.inference_mode():
        layer(x, style)
    layer(x, style.requires_grad_(True)).sum().backward()
    assert style.grad is not None and style.grad.abs().sum() > 0


@torch.inference_mode()
def test_kept_weights_follow_the_arithmetic() -> None:
    conv = ModulatedConv(4, 4, 3, 4, up=True).requires_grad_(False)
    x, style = dice(1, 4, 8, 8), dice(1, 4)
    full = conv(x, style)
    with torch.autocast("cpu", torch.bfloat16):
        assert conv(x, style).dtype == torch.bfloat16
    assert torch.equal(conv(x, style), full)
