"""Pictures that mislead: within their bounds, and the worse for the classifier they were made for."""

import torch
import torch.nn.functional as F
from torch import nn

from videdit.train.harden import HAZE, REACH, harden


def judge_of(size: int) -> nn.Module:
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * (size // 2) ** 2, 4)).requires_grad_(False)
    judge[3].weight *= 10  # one that is sure of itself
    return judge


def test_it_misleads_and_stays_within_reach() -> None:
    judge, draw = judge_of(32), torch.Generator().manual_seed(1)
    batch, labels = torch.rand(16, 3, 32, 32, generator=draw) - 0.5, torch.randint(2, (16, 4), generator=draw).float()
    out = harden(judge, batch, labels, draw)
    assert out.shape == batch.shape
    assert not out.requires_grad
    before, after = (F.binary_cross_entropy_with_logits(judge(x), labels) for x in (batch, out))
    assert float(after) > 1.1 * float(before)
    added = out - batch
    assert float(added.mean((2, 3)).abs().max()) <= HAZE * 2**0.5 + 0.02
    haze = F.interpolate(F.adaptive_avg_pool2d(added, 4), (32, 32), mode="bilinear", align_corners=False)
    assert float((added - haze).flatten(1).norm(dim=1).max()) <= REACH / 2 * 1.5


def test_a_judge_learns_nothing_from_it() -> None:
    judge = judge_of(16).requires_grad_(True)
    harden(judge, torch.zeros(2, 3, 16, 16), torch.ones(2, 4), torch.Generator().manual_seed(0))
    assert all(p.grad is None for p in judge.parameters())
