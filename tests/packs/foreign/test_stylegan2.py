"""Generators of other layouts, sizes, widths and filters draw what their own words say."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.packs.foreign import checkpoints
from videdit.errors import UnreadableError
from videdit.networks.stylegan2 import Generator
from videdit.packs.foreign.files import Checkpoint
from videdit.packs.foreign.layouts import flat
from videdit.packs.foreign.stylegan2 import Foreign, find

CLOSE = 1e-4


def found(file: Path) -> Foreign:
    with Checkpoint(file) as checkpoint:
        generator = find(flat(checkpoint.tree))
    assert generator is not None
    return generator


def built(foreign: Foreign) -> Generator:
    generator = Generator(**foreign.config)
    generator.load_state_dict(foreign.state)
    return generator.eval().requires_grad_(False)


def latents(generator: Generator) -> torch.Tensor:
    return torch.randn(2, generator.num_layers, generator.style_dim, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("channels", "options"),
    [
        ([8, 8, 8, 6], {}),
        ([8, 12, 16, 4, 6, 5], {"style": 24, "mapping": 8}),
        ([6, 8, 4, 4], {"taps": (1.0, 2.0, 1.0)}),
        ([6, 8, 4, 4], {"taps": (1.0, 2.0, 5.0, 1.0)}),
        ([4, 4, 4, 4], {"z": 10, "mapping": 2}),
        ([16, 16, 8, 8, 4, 4, 2], {}),
    ],
)
def test_g_ema_draws_the_same(channels: list[int], options: dict[str, Any], tmp_path: Path) -> None:
    state = checkpoints.rosinality(channels, **options)
    mean = torch.randn(options.get("style", 16))
    torch.save({"g_ema": state, "latent_avg": mean}, tmp_path / "x.pt")
    foreign = found(tmp_path / "x.pt")
    generator = built(foreign)
    assert generator.size == 4 << (len(channels) - 1) and not foreign.notes
    assert torch.equal(generator.mean_w, mean)
    w, taps = latents(generator), options.get("taps", checkpoints.TAPS)
    assert torch.allclose(generator(w), checkpoints.draw_rosinality(state, w, taps=taps), atol=CLOSE)
    assert torch.allclose(generator(w, noise="none"), checkpoints.draw_rosinality(state, w, taps=taps, noise=False), atol=CLOSE)


@pytest.mark.parametrize(
    ("channels", "options"),
    [
        ([8, 8, 8, 6], {}),
        ([8, 12, 16, 4, 6, 5], {"style": 24, "mapping": 8}),
        ([6, 8, 4, 4], {"taps": (1.0, 2.0, 5.0, 1.0)}),
        ([6, 8, 4, 4], {"noise": False}),
        ([4, 4, 4, 4], {"z": 10, "mapping": 3}),
    ],
)
def test_the_official_layout_draws_the_same(channels: list[int], options: dict[str, Any], tmp_path: Path) -> None:
    state = checkpoints.official(channels, **options)
    np.savez(tmp_path / "x.npz", **{name: value.numpy() for name, value in state.items()})
    generator = built(found(tmp_path / "x.npz"))
    w, taps = latents(generator), options.get("taps", checkpoints.TAPS)
    assert torch.allclose(generator(w), checkpoints.draw_official(state, w, taps=taps), atol=CLOSE)
    z = torch.randn(3, generator.z_dim)
    mapped = checkpoints.map_official(state, z)
    assert torch.allclose(generator.mapping(z), mapped, atol=CLOSE)
    assert torch.allclose(generator.mapping(z, truncation=0.5), state["mapping.w_avg"].lerp(mapped, 0.5), atol=CLOSE)


def test_styles_near_zero_feel_the_epsilon_alike(tmp_path: Path) -> None:
    """Demodulation divides by a sum plus 1e-8; the official weights are larger than ours by what equalises them."""
    state = checkpoints.official([8, 8, 8, 8])
    for name in state:
        if ".affine." in name and "conv" in name:
            state[name] = state[name] * 1e-5
    torch.save(state, tmp_path / "x.pt")
    generator = built(found(tmp_path / "x.pt"))
    w = latents(generator)
    assert torch.allclose(generator(w), checkpoints.draw_official(state, w), atol=CLOSE)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"g_ema": s},
        lambda s: {"g": checkpoints.rosinality([8, 8, 8, 8], seed=9), "g_ema": s, "args": argparse.Namespace(size=32), "ada_aug_p": 0.1},
        lambda s: {"state_dict": {f"decoder.{name}": value for name, value in s.items()}, "opts": {"output_size": 32}},
        lambda s: {"g_ema": {f"module.{name}": value for name, value in s.items()}},
        lambda s: {"params_ema": s, "step": 3},
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_it_is_found_wherever_it_lies(wrap: Callable[[Any], Any], legacy: bool, tmp_path: Path) -> None:
    state = checkpoints.rosinality([8, 8, 8, 8])
    torch.save(wrap(state), tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    foreign = found(tmp_path / "x.pt")
    generator = built(foreign)
    assert any("mean latent" in text for text in foreign.notes)
    w = latents(generator)
    assert torch.allclose(generator(w), checkpoints.draw_rosinality(state, w), atol=CLOSE)


def test_missing_noise_is_drawn_and_said(tmp_path: Path) -> None:
    state = checkpoints.rosinality([8, 8, 8, 8], noise=False)
    torch.save({"g_ema": state, "latent_avg": torch.zeros(16)}, tmp_path / "x.pt")
    foreign = found(tmp_path / "x.pt")
    assert len(foreign.notes) == 1 and "noise" in foreign.notes[0]
    again, generator = built(found(tmp_path / "x.pt")), built(foreign)
    w = latents(generator)
    assert torch.equal(generator(w), again(w))
    assert torch.allclose(generator(w, noise="none"), checkpoints.draw_rosinality(state, w, noise=False), atol=CLOSE)


def test_synthesis_alone_is_read(tmp_path: Path) -> None:
    state = checkpoints.official([8, 8, 8, 8])
    only = {name.removeprefix("synthesis."): value for name, value in state.items() if name.startswith("synthesis.")}
    torch.save(only, tmp_path / "x.pt")
    foreign = found(tmp_path / "x.pt")
    generator = built(foreign)
    assert any("sampled" in text for text in foreign.notes)
    w = latents(generator)
    assert torch.allclose(generator(w), checkpoints.draw_official(state, w), atol=CLOSE)


def test_half_precision_weights_are_read(tmp_path: Path) -> None:
    state = {name: value.half() for name, value in checkpoints.rosinality([8, 8, 8, 8]).items()}
    torch.save({"g_ema": state}, tmp_path / "x.pt")
    generator = built(found(tmp_path / "x.pt"))
    w = latents(generator)
    assert torch.allclose(generator(w), checkpoints.draw_rosinality({k: v.float() for k, v in state.items()}, w), atol=CLOSE)


def without(name: str) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda state: state.__delitem__(name)


def changed(name: str, value: torch.Tensor) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda state: state.update({name: value})


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (changed("mapping.embed.weight", torch.zeros(16, 10)), "conditional"),
        (changed("synthesis.b8.skip.weight", torch.zeros(8, 8, 1, 1)), "resnet"),
        (without("synthesis.b8.conv0.bias"), "lacks"),
        (without("synthesis.b16.conv1.noise_strength"), "noise"),
        (changed("synthesis.b8.conv0.weight", torch.zeros(8, 8, 5, 5)), "conv0.weight"),
        (changed("synthesis.b8.conv0.bias", torch.full((8,), torch.nan)), "finite"),
        (changed("synthesis.b8.conv0.resample_filter", torch.eye(4)), "separable"),
        (changed("synthesis.b8.conv0.resample_filter", torch.ones(4, 4) / 16), "filters"),
        (changed("synthesis.L3_52_512.weight", torch.zeros(1)), "StyleGAN3"),
        (changed("synthesis.b4.torgb.weight", torch.zeros(4, 8, 1, 1)), "channels"),
    ],
)
def test_what_is_not_known_is_refused_in_a_line(spoil: Callable[[dict[str, torch.Tensor]], None], word: str, tmp_path: Path) -> None:
    state = checkpoints.official([8, 8, 8, 8])
    spoil(state)
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(UnreadableError, match=word) as caught:
        found(tmp_path / "x.pt")
    assert "\n" not in str(caught.value)
