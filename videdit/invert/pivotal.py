"""Pivotal tuning (Roich et al. 2021): a copy of the generator learns the person of one clip, around the clip's own latents.

Tuning alone would let an edit's effect drift. So, beside the pictures, the *change* that a random edit makes is held to the
change the untuned generator makes (the composite puts back changes, not pictures).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from videdit.invert.encoder import to_image

SAMPLES = 32
VERSION = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """Weights and rates of the tuning; figures in docs/models.md."""

    batch: int = 8
    rate: float = 1e-3
    pixels: float = 1.0
    features: float = 0.5
    change: float = 2.0
    strength: float = 1.0  # standard deviation of the random edits, in calibrated units


def pick(count: int, limit: int = SAMPLES) -> list[int]:
    """Up to `limit` evenly spread indices of range(count)."""
    if count <= limit:
        return list(range(count))
    return sorted({round(i * (count - 1) / (limit - 1)) for i in range(limit)})


def tune(
    generator: nn.Module,
    crops: NDArray[np.floating] | NDArray[np.uint8],
    w: NDArray[np.floating],
    directions: NDArray[np.floating],
    features: Callable[[Tensor], Sequence[Tensor]],
    *,
    steps: int,
    seed: int = 0,
    recipe: Recipe = Recipe(),
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Tensor]:
    """State dict of a copy of `generator` tuned to crops [K,S,S,3] RGB in 0..255 at their latents w [K,L,D].

    directions float [A,L,D]: the pack's edits at strength 1; features: maps of a picture for the perceptual term.
    The generator passed in is not changed. The same input gives the same result on one machine and thread count.
    """
    device = next(generator.parameters()).device
    tuned = copy.deepcopy(generator).requires_grad_(True)
    for name, parameter in tuned.named_parameters():
        parameter.requires_grad_("mapping" not in name)  # latents are given; the mapping network takes no part
    images, pivots = to_image(crops, device), torch.as_tensor(np.asarray(w, np.float32), device=device)
    edits = torch.as_tensor(np.asarray(directions, np.float32), device=device)
    optimiser = torch.optim.Adam([p for p in tuned.parameters() if p.requires_grad], lr=recipe.rate, betas=(0.9, 0.99))
    dice = torch.Generator().manual_seed(seed)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * 0.5 * (1 + np.cos(np.pi * step / steps))
        rows = torch.randint(len(images), (recipe.batch,), generator=dice).to(device)
        moves = _random_edits(edits, recipe, dice)
        loss = _loss(tuned, generator, images[rows], pivots[rows], moves, features, recipe)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if progress:
            progress(step + 1, steps)
    return {name: value.detach().clone() for name, value in tuned.state_dict().items()}


def _random_edits(edits: Tensor, recipe: Recipe, dice: torch.Generator) -> Tensor:
    """[batch,L,D]: each row one random axis at a random strength."""
    which = torch.randint(len(edits), (recipe.batch,), generator=dice).to(edits.device)
    amount = torch.randn(recipe.batch, 1, 1, generator=dice).to(edits.device) * recipe.strength
    return edits[which] * amount


def _loss(
    tuned: nn.Module,
    untuned: nn.Module,
    images: Tensor,
    w: Tensor,
    moves: Tensor,
    features: Callable[[Tensor], Sequence[Tensor]],
    recipe: Recipe,
) -> Tensor:
    """Pyramid L1 + feature L1 of the renders + L1 between the two generators' changes under `moves`."""
    render, moved = tuned(torch.cat([w, w + moves])).chunk(2)
    with torch.no_grad():
        before, after = untuned(torch.cat([w, w + moves])).chunk(2)
        targets = features(images)
    loss = recipe.pixels * pyramid(render, images)
    loss = loss + recipe.features * torch.stack([F.l1_loss(a, b) for a, b in zip(features(render), targets, strict=True)]).mean()
    return loss + recipe.change * pyramid(moved - render, after - before)


def pyramid(a: Tensor, b: Tensor, levels: int = 4) -> Tensor:
    """Mean L1 over `levels` resolutions, each half the last: [N,3,S,S] both."""
    total = F.l1_loss(a, b)
    for _ in range(levels - 1):
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        total = total + F.l1_loss(a, b)
    return total / levels
