"""videdit models import: what it makes, what it says, what it refuses."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.packs.foreign import checkpoints
from videdit.networks.psp import PspEncoder
from videdit.packs.load import load_pack
from videdit.packs.manifest import find_packs, read_manifest

Run = Callable[..., Any]
CHANNELS, STYLE, LAYERS = [8, 8, 8, 8], 16, 8


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "videdit" / "packs"


@pytest.fixture
def checkpoint(home: Path, videdit: Run) -> Path:
    """x.pt in the working folder."""
    torch.save({"g_ema": checkpoints.rosinality(CHANNELS, style=STYLE), "latent_avg": torch.zeros(STYLE)}, "x.pt")
    return Path("x.pt")


def encoder(path: str, *, layers: int = LAYERS) -> dict[str, Any]:
    torch.manual_seed(0)
    network = PspEncoder(kind="e4e", num_layers=layers, style_dim=STYLE, channels=(16, 16, 16, 16, 16))
    state = {f"encoder.{name}": value for name, value in network.state_dict().items() if name != "latent_avg"}
    made = {"state_dict": state, "latent_avg": torch.zeros(layers, STYLE), "opts": {"encoder_type": "Encoder4Editing"}}
    torch.save(made, path)
    return made


def test_a_pack_and_where_it_came_from(videdit: Run, checkpoint: Path, home: Path) -> None:
    encoder("e.pt")
    np.save("smile.npy", np.ones((1, STYLE), np.float32))
    np.save("hat.npy", np.ones((LAYERS, STYLE), np.float32))
    words = "--encoder e.pt --direction smile=smile.npy --direction hat=hat.npy --as mine --license".split()
    result = videdit("models", "import", "x.pt", *words, "CC BY-NC")
    assert (result.code, result.out.strip()) == (0, str(home / "mine")), result.err
    assert "classifier" in result.err
    manifest = read_manifest(home / "mine")
    assert (manifest.license, manifest.size, manifest.num_layers, manifest.frame_scale) == ("CC BY-NC", 32, LAYERS, 1.0)
    assert manifest.tables["imported"]["generator"]["sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert manifest.tables["imported"]["direction hat"]["file"] == "hat.npy"
    assert list(manifest.attributes) == ["smile", "hat"] and manifest.order == ("Smiling", "hat")
    assert all(part.file.endswith(".safetensors") for part in manifest.parts)
    for words in (["show", "mine"], ["verify", "mine"]):
        assert videdit("models", *words).code == 0
    pack = load_pack("mine")
    # the borrowed classifier looks at the part of an FFHQ crop that its own pack sees
    assert pack.classifier.window == pytest.approx((0.115, 0.155, 0.77))


def test_both_out_of_one_file(videdit: Run, home: Path) -> None:
    made = encoder("both.pt")
    made["state_dict"] |= {f"decoder.{name}": value for name, value in checkpoints.rosinality(CHANNELS, style=STYLE).items()}
    torch.save(made, "both.pt")
    assert videdit("models", "import", "both.pt", "--as", "both", "--license", "x").code == 0
    assert {"generator", "encoder"} <= set(read_manifest(home / "both").networks)


def test_weights_stay_float32(videdit: Run, checkpoint: Path) -> None:
    assert videdit("models", "import", "x.pt", "--as", "mine").code == 0
    w = torch.randn(1, LAYERS, STYLE)
    drawn = checkpoints.draw_rosinality(checkpoints.rosinality(CHANNELS, style=STYLE), w)
    assert torch.allclose(load_pack("mine").generator(w), drawn, atol=1e-4)


def test_an_unknown_licence_is_said(videdit: Run, checkpoint: Path, home: Path) -> None:
    result = videdit("models", "import", "x.pt", "--as", "mine")
    assert result.code == 0 and "licence is not stated" in result.err
    assert read_manifest(home / "mine").license == "not stated"


def test_a_pack_is_replaced_only_when_asked(videdit: Run, checkpoint: Path, home: Path) -> None:
    words = ("models", "import", "x.pt", "--as", "mine", "--license")
    assert videdit(*words, "one").code == 0
    assert videdit(*words, "two").code == 7
    assert videdit(*words, "two", "--overwrite").code == 0
    assert read_manifest(home / "mine").license == "two"
    assert [path.name for path in home.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        ("nothing.pt --as mine", 2, "no file"),
        (". --as mine", 2, "folder"),
        ("x.pt --as ../mine", 2, "can't be called"),
        ("x.pt --as face-128", 2, "already"),
        ("x.pt", 2, "--as"),
        ("x.pt --encoder e.pt --as mine", 2, "[10, 16]"),
        ("x.pt --direction smile=none.npy --as mine", 2, "no file"),
        ("x.pt --direction smile --as mine", 2, "NAME=FILE"),
        ("empty.pt --as mine", 6, "no StyleGAN2"),
        ("x.pt --encoder x.pt --as mine", 6, "no encoder"),
    ],
)
def test_what_can_not_be_is_said_in_a_line(words: str, code: int, word: str, videdit: Run, checkpoint: Path, home: Path) -> None:
    encoder("e.pt", layers=10)
    torch.save({"x": torch.zeros(1)}, "empty.pt")
    result = videdit("models", "import", *words.split())
    assert (result.code, word in result.err) == (code, True), result.err
    assert "Traceback" not in result.err
    assert "mine" not in find_packs() and not list(home.glob(".*"))


def test_pytorch_is_not_loaded_for_its_help() -> None:
    code = "import sys, videdit.cli.models_import as m; m.build(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
