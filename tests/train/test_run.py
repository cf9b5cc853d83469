"""train.run and train.augment"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from videdit.train.augment import jitter, shrink, soften, to_batch
from videdit.train.run import Average, Run, write_sheet


def test_learning_rate_warms_up_and_falls(tmp_path: Path) -> None:
    run = Run(tmp_path, minutes=1, resume=False)
    rates = []
    for spent in (0, 3, 30, 60):
        run.spent = spent
        rates.append(run.rate(1.0))
    assert rates[1] == pytest.approx(1.0)
    assert rates[0] < rates[1] > rates[2] > rates[3] == pytest.approx(0.01)


def test_a_checkpoint_brings_everything_back(tmp_path: Path) -> None:
    net, draw = torch.nn.Linear(2, 2), torch.Generator().manual_seed(1)
    average, run = Average(net), Run(tmp_path, minutes=1, resume=True)
    run.spent, run.step = 12.0, 34
    torch.rand(3, generator=draw)
    average.update(net)
    run.save({"net": net}, average, draw)
    expected = torch.rand(3, generator=draw)
    other, again, later = torch.nn.Linear(2, 2), torch.Generator(), Run(tmp_path, minutes=1, resume=True)
    restored = Average(other)
    later.restore({"net": other}, restored, again)
    assert (later.spent, later.step, restored.count) == (12.0, 34, 1)
    assert torch.equal(other.weight, net.weight)
    assert torch.equal(torch.rand(3, generator=again), expected)


def test_augmentation_repeats_and_keeps_the_shape() -> None:
    faces = np.random.default_rng(0).integers(0, 255, (4, 128, 128, 3), np.uint8)
    batch = to_batch(shrink(faces, np.arange(4), 32), torch.device("cpu"))
    assert batch.shape == (4, 3, 32, 32)
    one, two = (soften(jitter(batch, torch.Generator().manual_seed(5)), torch.Generator().manual_seed(6)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == batch.shape


def test_sheet(tmp_path: Path) -> None:
    write_sheet(tmp_path / "s.png", np.zeros((3, 16, 16, 3), np.uint8), ["a", "b", "c"], columns=2)
    assert (tmp_path / "s.png").stat().st_size > 0
