"""What a mapper of latents is asked for in training, and how far a teacher of attributes says that it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from videdit.networks.latents import LatentMapper
from videdit.train.latents import apart

ASKED = (0.35, 0.25, 0.3, 0.1)  # how often one, two, three, four attributes are asked for at once
STRENGTHS = (0.3, 4.0)  # as they are used, of one attribute; the most of several is less, by the fourth root of their number
FLIPS = 0.75  # of the wishes, towards what the face does not show; the rest makes more of what it shows
SAME = 4  # faces that are asked for the same attributes, so that one target correction serves them
ENDS = (0.01, 0.99)  # quantiles of real faces' scores beyond which no wish goes
LITTLE = 0.1  # of a unit: an attribute that comes no farther than that at its own +1.0 is not weighed against others
SOFT = 1.5  # logits of others are divided by it: one teacher's 0.5 is not another's


@dataclass(frozen=True, slots=True)
class Scale:
    """Of a teacher's logits [C]: unit, from typical faces without to typical ones with an attribute; low, high: where real faces end."""

    unit: Tensor
    low: Tensor
    high: Tensor

    def to(self, device: torch.device) -> Scale:
        """The same there."""
        return Scale(self.unit.to(device), self.low.to(device), self.high.to(device))


def scale_of(logits: NDArray[np.floating], truth: NDArray[np.floating]) -> Scale:
    """The scale of logits [N,C] of faces whose first C attributes are truth [N,A]."""
    low, high = np.quantile(logits, ENDS, axis=0).astype(np.float32)
    return Scale(torch.from_numpy(apart(logits, truth)), torch.from_numpy(low), torch.from_numpy(high))


@dataclass(frozen=True, slots=True)
class Wishes:
    """often [A]: how often each attribute is asked for, relative to the others."""

    often: Tensor

    def draw(self, now: Tensor, network: LatentMapper, draw: torch.Generator) -> tuple[Tensor, Tensor]:
        """da [N,A], corrected, and bool [N,A], what of it was asked for; now [N,A]: above 0 where a face shows an attribute."""
        count, attributes = now.shape
        change, asked = now.new_zeros(count, attributes), torch.zeros(count, attributes, dtype=torch.bool, device=now.device)
        low, high = STRENGTHS
        for part in range(0, count, SAME):
            rows = slice(part, min(part + SAME, count))
            number = 1 + int(torch.multinomial(torch.tensor(ASKED), 1, generator=draw))
            chosen = torch.multinomial(self.often, min(number, attributes), generator=draw)
            shape = (len(now[rows]), len(chosen))
            size = low + (high * shape[1] ** -0.25 - low) * torch.rand(shape, generator=draw)
            side = torch.where(torch.rand(shape, generator=draw) < FLIPS, -1.0, 1.0)
            wish = torch.zeros(shape[0], attributes, device=now.device)
            wish[:, chosen] = (size * side).to(now.device) * torch.where(now[rows][:, chosen] > 0, 1.0, -1.0)
            change[rows] = network.correct(wish, chosen.tolist())
            asked[rows, chosen] = True
        return change, asked


def often_of(names: Sequence[str], shown: set[str], main: Sequence[str]) -> Tensor:
    """[A]: attributes with a flag more often than those that nobody can ask for, the main ones most often."""
    return torch.tensor([2.0 if name in main else 1.0 if name in shown else 0.1 for name in names])


@torch.no_grad()
def response(seen: Callable[[Tensor], Tensor], move: Callable[[Tensor, int, float], Tensor], w: Tensor, rows: Sequence[int]) -> Tensor:
    """How much of its own +1.0 attribute j gets from +1.0 of attribute i, [i,j] of [C,C], for those in `rows`; for others, as if alone.

    seen: latents [N,L,D] -> scores [N,C]; move: latents, attribute, strength -> moved ones; the mean of both directions over w.
    """
    effects = [(seen(move(w, row, 1.0)) - seen(move(w, row, -1.0))).mean(0) / 2 for row in rows]
    out = torch.eye(len(effects[0]), device=w.device)
    for row, effect in zip(rows, effects, strict=True):
        for other, own in zip(rows, effects, strict=True):
            if row != other and own[other] > LITTLE:
                out[row, other] = effect[other] / own[other]
    return out


def missed(before: Tensor, after: Tensor, change: Tensor, asked: Tensor, scale: Scale) -> Tensor:
    """Mean over faces of how far asked attributes' logits [N,C] are from where da [N,C] wants them: in units, a large miss counting
    linearly, and as cross entropy above its least, which counts most what is on the wrong side and drives nothing to extremes. Nobody is
    wanted beyond where real faces end."""
    wanted = before + change * scale.unit
    wanted = torch.maximum(torch.minimum(wanted, torch.maximum(scale.high, before)), torch.minimum(scale.low, before))
    miss = F.smooth_l1_loss((after - wanted) / scale.unit, torch.zeros_like(after), reduction="none")
    chance = (wanted / SOFT).sigmoid()
    doubt = (F.binary_cross_entropy_with_logits(x / SOFT, chance, reduction="none") for x in (after, wanted))
    return ((miss + next(doubt) - next(doubt)) * asked).sum(1).mean()


def strayed(before: Tensor, after: Tensor, change: Tensor, asked: Tensor, scale: Scale, independent: Tensor) -> Tensor:
    """Mean over faces of the squared change of probability of what was not asked for, each attribute counting as far as it is
    independent [C,C] (1 - |correlation|) of all that was; going along as the target correction has it is free."""
    expected = before + change * scale.unit * ~asked
    held = torch.where(asked[:, :, None], independent[None], 1.0).amin(1)  # 0 for what was asked for
    return (((after / SOFT).sigmoid() - (expected / SOFT).sigmoid()).square() * held).sum(1).mean()
