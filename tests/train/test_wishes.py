"""train.wishes: what is asked for, and what teachers say of what came."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from videdit.networks.latents import WEIGHED, LatentMapper
from videdit.train import wishes
from videdit.train.wishes import Scale, Wishes, missed, scale_of, strayed

ONE = Scale(torch.ones(3), torch.full((3,), -4.0), torch.full((3,), 4.0))
ASKED = torch.tensor([[True, False, False]])
BEFORE = torch.tensor([[-2.0, 1.0, -3.0]])


def test_wishes_are_as_strong_and_as_many_as_they_are_used() -> None:
    names = tuple("abcdef")
    network = LatentMapper(attributes=names, num_layers=2, style_dim=3, freedom=0.0)
    often = wishes.often_of(names, {"a", "b", "c", "d"}, ("a",))
    assert often.tolist() == pytest.approx([2, 1, 1, 1, 0.1, 0.1])
    now = torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    change, asked = Wishes(often).draw(now, network, torch.Generator().manual_seed(1))
    assert torch.equal(change != 0, asked)
    assert set(asked.sum(1).tolist()) == {1, 2, 3, 4}
    sizes = change[asked].abs()
    assert sizes.min() >= wishes.STRENGTHS[0]
    assert 3 < sizes.max() <= wishes.STRENGTHS[1]
    flips = (change * now < 0)[asked].float().mean()
    assert float(flips) == pytest.approx(wishes.FLIPS, abs=0.1)
    assert asked[:, 0].sum() > asked[:, 1].sum() > 4 * asked[:, 4].sum()


def test_a_scale_is_what_faces_differ_by() -> None:
    truth = np.repeat([[0.0], [1.0]], 50, 0)
    scale = scale_of(np.where(truth > 0, 3.0, -1.0) + np.linspace(-0.1, 0.1, 100)[:, None], truth)
    assert scale.unit.item() == pytest.approx(4.0, abs=0.2)
    assert scale.low.item() == pytest.approx(-1.1, abs=0.05)
    assert scale.high.item() == pytest.approx(3.1, abs=0.05)


def test_what_was_asked_for_is_missed_until_it_is_there() -> None:
    change = torch.tensor([[3.0, 0.0, 0.0]])
    steps = (torch.tensor([[far, 0.0, 0.0]]) for far in (0.0, 1.5, 3.0, 4.5))
    far = [float(missed(BEFORE, BEFORE + step, change, ASKED, ONE)) for step in steps]
    assert far[0] > far[1] > far[2] == pytest.approx(0, abs=1e-6)
    assert far[3] > 0


def test_nobody_is_wanted_beyond_real_faces() -> None:
    change = torch.tensor([[50.0, 0.0, 0.0]])
    assert float(missed(BEFORE, torch.tensor([[4.0, 1.0, -3.0]]), change, ASKED, ONE)) == pytest.approx(0, abs=1e-6)
    beyond = torch.tensor([[6.0, 1.0, -3.0]])  # a face that is there already is not called back
    assert float(missed(beyond, beyond, change, ASKED, ONE)) == pytest.approx(0, abs=1e-6)


def test_others_are_held_as_far_as_they_are_independent() -> None:
    independent = torch.tensor([[0.0, 1.0, 0.25], [1.0, 0.0, 1.0], [0.25, 1.0, 0.0]])
    change = torch.tensor([[2.0, 0.0, 0.0]])

    def held(*moved: float) -> float:
        return float(strayed(BEFORE, BEFORE + torch.tensor([moved]), change, ASKED, ONE, independent))

    assert held(9.0, 0.0, 0.0) == 0
    assert held(0.0, -2.0, 0.0) > 0
    same = BEFORE.clone()
    same[0, 1] = BEFORE[0, 2]
    free = float(strayed(same, same + torch.tensor([[0.0, 1.0, 0.0]]), change, ASKED, ONE, independent))
    assert held(0.0, 0.0, 1.0) == pytest.approx(free / 4)  # what goes along with what was asked for, by its correlation
    along = torch.tensor([[2.0, -1.0, 0.0]])
    assert float(strayed(BEFORE, BEFORE + along, along, ASKED, ONE, independent)) == pytest.approx(0, abs=1e-9)  # as the correction has it


def test_what_wishes_do_for_one_another_is_measured_and_taken_into_account() -> None:
    """Scores that are a linear map of latents: what others take away is made up for, what they add is taken back a little."""
    effects = torch.tensor([[2.0, -0.5, 0.3], [-0.4, 1.0, 0.0], [0.0, 0.0, 0.05]])  # what +1.0 of each adds to each score

    def move(w: torch.Tensor, row: int, strength: float) -> torch.Tensor:
        return w + strength * effects[row]

    found = wishes.response(lambda w: w, move, torch.randn(5, 3), [0, 1, 2])
    torch.testing.assert_close(found, torch.tensor([[1, -0.5, 0], [-0.2, 1, 0], [0, 0, 1.0]]))  # the last hardly moves even by itself
    network = LatentMapper(attributes=tuple("abc"), num_layers=2, style_dim=3, joint=True)
    network.response.copy_(found)
    strengths = torch.tensor([[1.0, 1.0], [1.0, -1.0], [0.0, 2.0]])
    came = network.weighed(strengths, [0, 1]) @ found[:2, :2]
    assert (came - strengths)[0].abs().max() < 0.15, "each comes nearly as far as alone"
    plain = strengths[1] @ found[:2, :2]
    assert ((came[1] - plain) * strengths[1]).max() < 0, "less, where each adds to the other"
    assert network.weighed(strengths, [0, 1])[2, 0] == 0, "what is not asked for is not done"
    assert torch.equal(network.weighed(strengths[:, :1], [0]), strengths[:, :1]), "one wish stays what it is"


def test_wishes_that_all_but_undo_each_other_stay_within_bounds() -> None:
    network = LatentMapper(attributes=tuple("ab"), num_layers=2, style_dim=3, joint=True)
    network.response.copy_(torch.tensor([[1.0, 0.95], [0.95, 1.0]]))
    asked = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    got = network.weighed(asked, [0, 1]) * asked.sign()
    torch.testing.assert_close(got[0], torch.full((2,), WEIGHED[0]))  # each does nearly what the other does
    assert got[1].min() > 1
    assert got.max() <= WEIGHED[1]
