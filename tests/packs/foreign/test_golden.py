"""Every recorded output of the reference implementations, through the command line and a loaded pack, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.packs.foreign import checkpoints
from videdit.cli.main import main
from videdit.packs.load import Pack, load_pack

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"
CLOSE = 1e-4
pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded outputs of the reference implementations are not here")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def imported(*words: str) -> Pack:
    assert main(["models", "import", *words, "--as", "golden", "--license", "test"]) == 0
    return load_pack("golden")


def recorded(name: str) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in np.load(GOLDEN / f"{name}.npz").items()}


def apart(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).abs().max())


@torch.inference_mode()
def test_rosinality() -> None:
    pack, known = imported(str(GOLDEN / "stylegan2_rosinality_64px.pt")), recorded("stylegan2_rosinality_64px")
    generator = pack.generator
    assert apart(generator.mapping(known["z"]), known["w"]) < CLOSE
    assert apart(generator(generator.mapping(known["z"])), known["image_from_z"]) < CLOSE
    assert apart(generator(generator.mapping(known["z"], truncation=0.7)), known["image_from_z_truncation_0_7"]) < CLOSE
    assert apart(generator(known["w_plus"]), known["image_from_w_plus"]) < CLOSE
    assert np.abs(pack.sample(known["z"].numpy())[:, 0] - known["w"].numpy()).max() < CLOSE


@torch.inference_mode()
def test_nvidia() -> None:
    pack, known = imported(str(GOLDEN / "stylegan2_nvidia_64px_weights.npz")), recorded("stylegan2_nvidia_64px")
    generator = pack.generator
    assert np.abs(pack.sample(known["z"].numpy()) - known["ws"].numpy()).max() < CLOSE
    assert np.abs(pack.sample(known["z"].numpy(), truncation=0.7) - known["ws_truncation_0_7"].numpy()).max() < CLOSE
    assert apart(generator(known["ws"]), known["image_const_noise"]) < CLOSE
    assert apart(generator(known["ws_truncation_0_7"]), known["image_truncation_0_7"]) < CLOSE
    assert apart(generator(known["w_plus"]), known["image_w_plus_const"]) < CLOSE
    assert apart(generator(known["w_plus"], noise="none"), known["image_w_plus_none"]) < CLOSE


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["e4e", "psp"])
def test_encoders(kind: str, tmp_path: Path) -> None:
    """Beside a generator of their latents' size."""
    known = recorded(f"{kind}_encoder_tiny")
    layers, style = known["latent_avg"].shape
    torch.save(checkpoints.rosinality([8] * (layers // 2), style=style), tmp_path / "generator.pt")
    pack = imported(str(tmp_path / "generator.pt"), "--encoder", str(GOLDEN / f"{kind}_encoder_tiny.pt"))
    assert pack.manifest.networks["encoder"].config["kind"] == kind
    image = known["image"].float()
    assert apart(pack.encoder.offsets(image), known["codes"]) < CLOSE
    assert apart(pack.encoder(image), known["codes"] + known["latent_avg"]) < CLOSE
