"""e4e and pSp: told apart, and their mean latent added or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from videdit.errors import VideditError
from videdit.networks.psp import PspEncoder
from videdit.packs.foreign.encoders import ForeignEncoder, find
from videdit.packs.foreign.files import Checkpoint
from videdit.packs.foreign.layouts import flat

LAYERS, STYLE = 10, 16
NETWORK = {"num_layers": LAYERS, "style_dim": STYLE, "channels": (16, 16, 16, 16, 16)}


@pytest.fixture(scope="module")
def network() -> PspEncoder:
    torch.manual_seed(0)
    return PspEncoder(kind="e4e", **NETWORK).eval()


def saved(network: PspEncoder, file: Path, **also: Any) -> Path:
    state = {f"encoder.{name}": value for name, value in network.state_dict().items() if name != "latent_avg"}
    torch.save({"state_dict": state, **also}, file)
    return file


def found(file: Path, **options: Any) -> ForeignEncoder:
    with Checkpoint(file) as checkpoint:
        encoder = find(flat(checkpoint.tree), file=file.name, **options)
    assert encoder is not None
    return encoder


@pytest.mark.parametrize(
    ("file", "options", "asked", "kind"),
    [
        ("x.pt", {"encoder_type": "Encoder4Editing"}, None, "e4e"),
        ("e4e.pt", {"encoder_type": "GradualStyleEncoder"}, None, "psp"),
        ("x.pt", {"progressive_steps": [0, 20000]}, None, "e4e"),
        ("my_psp_ffhq.pt", {}, None, "psp"),
        ("e4e.pt", {}, "psp", "psp"),
    ],
)
def test_which_of_them(file: str, options: dict[str, Any], asked: str | None, kind: str, network: PspEncoder, tmp_path: Path) -> None:
    assert found(saved(network, tmp_path / file, opts=options), kind=asked).config["kind"] == kind


def test_nobody_says_which(network: PspEncoder, tmp_path: Path) -> None:
    with pytest.raises(VideditError, match="e4e or pSp") as caught:
        found(saved(network, tmp_path / "x.pt"))
    assert "--encoder-type" in caught.value.hint


@pytest.mark.parametrize("average", [torch.ones(STYLE), torch.ones(LAYERS, STYLE), torch.ones(1, LAYERS, STYLE)])
def test_the_mean_latent_is_added(average: torch.Tensor, network: PspEncoder, tmp_path: Path) -> None:
    encoder = found(saved(network, tmp_path / "e4e.pt", latent_avg=average))
    built = PspEncoder(**encoder.config).eval()
    built.load_state_dict(encoder.state)
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        assert torch.allclose(built(image), network(image) + 1, atol=1e-5)


def test_unless_the_options_say_no(network: PspEncoder, tmp_path: Path) -> None:
    file = saved(network, tmp_path / "e4e.pt", latent_avg=torch.ones(STYLE), opts={"start_from_latent_avg": False})
    assert not found(file).state["latent_avg"].any()


def test_the_generators_serves_where_there_is_none(network: PspEncoder, tmp_path: Path) -> None:
    encoder = found(saved(network, tmp_path / "e4e.pt"), mean=torch.full((STYLE,), 2.0))
    assert torch.equal(encoder.state["latent_avg"], torch.full((LAYERS, STYLE), 2.0)) and any("latent_avg" in n for n in encoder.notes)


def test_others_are_refused(network: PspEncoder, tmp_path: Path) -> None:
    with pytest.raises(VideditError, match="BackboneEncoder"):
        found(saved(network, tmp_path / "x.pt", opts={"encoder_type": "BackboneEncoder"}))
    torch.save({"encoder.input_layer.0.weight": torch.zeros(16, 3, 3, 3)}, tmp_path / "y.pt")
    with pytest.raises(VideditError, match="neither"):
        found(tmp_path / "y.pt")
