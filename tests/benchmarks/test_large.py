"""benchmarks large: what can be checked in a moment."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import large, large_layers
from benchmarks.__main__ import OWN_CLIP
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
    monkeypatch.setattr(large_layers, "best", lambda plan, work, **_options: 0.001 if work() is not None else 0.0)
    network = Generator(size=32, style_dim=16, channels=large.channels(SMALL)).eval().requires_grad_(False)
    machine = large.Machine(1e9, 1e9)
    rows = [row for precision in ("fp32", "bf16") for row in large.layers(network, SMALL, precision, machine)]
    assert len(rows) == 2 * (7 + 4)
    last = next(row for row in rows if row["layer"] == "conv 6")
    assert (last["px"], last["channels"], last["M multiply-adds"]) == (32, "16 to 16", round(16 * 16 * 9 * 32**2 / 1e6, 1))
    assert "% of that rate" in large.summary(rows[:11], "fp32", machine, SMALL)
    layer, moved = network.layers[6], float(str(last["MB moved"]))
    assert moved == round((2 + 6) * 4 * 16 * 32**2 / 1e6 + 4 * 16 * 16 * 9 / 1e6, 1) and layer.noisy, "convolution, bias, noise, activation"


def test_what_is_above_256_px_is_held_beside_the_copy_rate() -> None:
    row = {"layer": "conv 14", "px": 512, "M multiply-adds": 1000.0, "ms": 100.0, "MB moved": 500.0}
    said = large.summary([row | {"layer": "conv 4", "px": 16}, row], "fp32", large.Machine(2e10, 1e10), SMALL)
    assert "together reach 50 % of that rate" in said and "above: 50 %; moving their samples at the copy rate is 50 % of their time" in said


def test_work_is_counted_with_what_fills_up_a_batch() -> None:
    plan = replace(SMALL, frames=10)
    work, network = large.work_of(plan, "fp32"), large.generator_of(plan)
    convolutions = sum(large_layers.macs_of(layer, 4 << (i + 1) // 2) for i, layer in enumerate(network.layers))
    assert work["generate"] * 10 / (2 * 16) >= convolutions > 0
    assert large.work_of(replace(plan, frames=16), "bf16")["generate"] * 16 == pytest.approx(work["generate"] * 10)
    one, two = (large.counted(large.encoder_of(plan), torch.zeros(n, 3, 32, 32)) for n in (1, 2))
    assert two == 2 * one and work["invert"] * 10 == 16 * one


def test_seconds_are_those_of_the_busiest_thread_or_of_all() -> None:
    def turns() -> None:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass

    assert 0.02 <= large_layers.spent(replace(SMALL, threads=4), turns) < 0.2, "one thread of four was busy: its time is what it took"
    assert large_layers.best(SMALL, turns, least=0.01, times=1) >= 0.02


def test_it_runs_from_checkpoints_to_the_last_table() -> None:
    rows, note = large.run(large.Plan(OWN_CLIP, size=32, widest=16, frames=2, precisions=("fp32",)))
    assert len(rows) == 7 + 4 and all(large_layers.number(row, "ms") > 0 for row in rows)
    assert "Import of" in note and "all: 2 frames" in note
    generate = next(line.split("|") for line in note.splitlines() if "| generate |" in line)
    seconds, megabytes, macs = (float(cell) for cell in generate[3:6])
    assert seconds > 0 and megabytes > 100 and macs >= 0
