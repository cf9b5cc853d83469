"""benchmarks large: what can be checked in a moment."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import large
from videdit.networks.stylegan2 import Generator
from videdit.packs.foreign.files import Checkpoint
from videdit.packs.foreign.layouts import flat
from videdit.packs.foreign.stylegan2 import find

SMALL = large.Plan(Path("none.mp4"), size=32, widest=16)


def test_standard_widths() -> None:
    plan = large.Plan(Path("none.mp4"))
    assert large.channels(plan) == [512, 512, 512, 512, 512, 256, 128, 64, 32]


def test_its_checkpoint_is_the_generator(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Generator(size=32, style_dim=16, channels=large.channels(SMALL))
    torch.save(large.official(network), tmp_path / "x.pt")
    with Checkpoint(tmp_path / "x.pt") as checkpoint:
        found = find(flat(checkpoint.tree))
    assert found is not None
    again = Generator(**found.config)
    again.load_state_dict(found.state)
    w = torch.randn(1, 8, 16)
    with torch.inference_mode():
        assert torch.allclose(network(w), again(w), atol=1e-5)


def test_every_layer_has_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "best", lambda plan, work, **_options: 0.001 if work() is not None else 0.0)
    network = Generator(size=32, style_dim=16, channels=large.channels(SMALL)).eval().requires_grad_(False)
    machine = large.Machine(1e9, 1e9)
    rows = [row for precision in ("fp32", "bf16") for row in large.layers(network, SMALL, precision, machine)]
    assert len(rows) == 2 * (7 + 4)
    last = next(row for row in rows if row["layer"] == "conv 6")
    assert (last["px"], last["channels"], last["M multiply-adds"]) == (32, "16 to 16", round(16 * 16 * 9 * 32**2 / 1e6, 1))
    assert "% of that rate" in large.summary(rows[:11], "fp32", machine, SMALL)
