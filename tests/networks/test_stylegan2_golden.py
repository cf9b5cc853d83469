"""Our generator against recorded outputs of the reference implementation, where they are at hand."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from videdit.networks.stylegan2 import Generator

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The `g_ema` layout with our names; FIR kernels are constants here."""
    out = {}
    for key, value in state.items():
        if "kernel" in key:
            continue
        if found := re.match(r"style\.(\d+)\.(.*)", key):
            out[f"mapping_net.{int(found[1]) - 1}.{found[2]}"] = value
        elif key == "input.input":
            out["input"] = value
        elif found := re.match(r"noises\.noise_(\d+)", key):
            out[f"layers.{found[1]}.noise"] = value[0, 0]
        elif found := re.match(r"to_rgb(s\.)?(\d+)\.(.*)", key):
            layer = int(found[2]) + 1 if found[1] else 0
            out[f"to_rgb.{layer}.{found[3]}"] = value.reshape(3) if found[3] == "bias" else value
        else:
            found = re.match(r"(conv1|convs\.(\d+))\.(.*)", key)
            layer = 0 if found[2] is None else int(found[2]) + 1
            name = {"noise.weight": "noise_strength", "activate.bias": "bias"}.get(found[3], found[3])
            out[f"layers.{layer}.{name}"] = value.reshape(()) if name == "noise_strength" else value
    return {k: v[0] if k.endswith("conv.weight") else v for k, v in out.items()}


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded outputs of the reference implementation are not here")
def test_reference_outputs_are_reproduced():
    checkpoint = torch.load(GOLDEN / "stylegan2_rosinality_64px.pt", weights_only=True)
    recorded = {k: torch.from_numpy(v) for k, v in np.load(GOLDEN / "stylegan2_rosinality_64px.npz").items()}
    generator = Generator(size=64, style_dim=64, channels=[32, 32, 24, 16, 12], mapping_layers=4)
    state = renamed(checkpoint["g_ema"]) | {"mean_w": checkpoint["latent_avg"].reshape(-1)}
    generator.load_state_dict(state)
    with torch.inference_mode():
        w = generator.mapping(recorded["z"])
        assert torch.allclose(w, recorded["w"], atol=1e-4)
        assert torch.allclose(generator(w), recorded["image_from_z"], atol=1e-4)
        truncated = generator(generator.mapping(recorded["z"], truncation=0.7))
        assert torch.allclose(truncated, recorded["image_from_z_truncation_0_7"], atol=1e-4)
        assert torch.allclose(generator(recorded["w_plus"]), recorded["image_from_w_plus"], atol=1e-4)
