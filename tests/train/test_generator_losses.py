"""How far edits go in training, which follows what shows."""

import numpy as np
import torch

from videdit.train.generator_losses import FARTHEST, edits, go_farther


def test_edits_go_to_the_other_side_as_far_as_each_attribute_needs() -> None:
    w, labels = torch.zeros(64, 2, 3), torch.tensor([[0.0, 1.0]]).repeat(64, 1)
    slopes, far = torch.zeros(2, 6), torch.ones(2, 2)
    slopes[0, 0], slopes[1, 1] = 1.0, 1.0
    far[1, 0] = 3.0  # towards the first attribute
    moved, which, wanted = edits(np.random.default_rng(0), w, labels, [0, 1], slopes, far)
    first = moved[which == 0].flatten(1)[:, 0]
    second = moved[which == 1].flatten(1)[:, 1]
    assert wanted[which == 0].all()
    assert not wanted[which == 1].any()
    assert 3.0 <= float(first.min()) <= float(first.max()) <= 7.2
    assert -2.4 <= float(second.min()) <= float(second.max()) <= -1.0


def test_what_does_not_show_goes_farther_within_bounds() -> None:
    far = torch.ones(2, 2)
    which, wanted = torch.tensor([0, 1]), torch.tensor([1.0, 0.0])
    for _ in range(200):
        go_farther(far, which, wanted, torch.tensor([False, True]))
    assert far.tolist() == [[1.0, 1.0], [FARTHEST, 1.0]]
    go_farther(far, which, wanted, torch.tensor([True, True]))
    assert float(far[1, 0]) < FARTHEST
