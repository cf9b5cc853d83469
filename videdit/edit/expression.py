"""Expression transfer (after Yang and Lim, 2019): some style layers of a face go towards another face's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from videdit.edit.axes import Floats, Parts
from videdit.edit.locks import hold
from videdit.networks.latents import LatentExpression

PUBLISHED = (3, 4)  # the paper's layers, 4 and 5 counted from 1: those of 8 and 16 px; for packs that do not say


@torch.inference_mode()
def apply(
    w: Floats,
    driver: Floats,
    parts: Parts,
    *,
    strength: float | Floats = 1.0,
    locks: Sequence[str] = (),
    asked: Floats | None = None,
) -> Floats:
    """Edited latents float32 [T,L,D] with the expression of the driver's latents [T,L,D].

    strength: one number or one per frame [T]; 0 gives w, to the bit, and 1 the driver's expression, as far as the pack's choice of
    layers carries it. The move is made orthogonal to the axes of locked attributes. asked [T,K]: how much of each measure comes over,
    where that is not what the face of each frame lacks (`lacking`). Raises UsageError for a lock the pack does not
    know, PackError for a damaged part.
    """
    network = chosen(parts, *w.shape[1:])
    latents, others = (torch.from_numpy(np.array(value, np.float32)).to(network.read.device) for value in (w, driver))
    amounts = None if asked is None else torch.from_numpy(np.array(asked, np.float32)).to(latents)
    moves = network(latents, others, amounts).cpu().numpy()
    if locks:
        moves = hold(moves, parts.axes(), locks)
    share = np.asarray(strength, np.float64).reshape(-1, 1, 1)
    return (np.asarray(w, np.float64) + share * np.asarray(moves, np.float64)).astype(np.float32)


@torch.inference_mode()
def lacking(w: Floats, driver: Floats, parts: Parts) -> Floats | None:
    """What each face [T,L,D] lacks of the driver's expression [1,L,D] or [T,L,D]: float32 [T,K], by measure; None for a pack that mixes
    layers instead of measuring."""
    network = chosen(parts, *w.shape[1:])
    if not network.rank:
        return None
    own, theirs = (network.reading(torch.from_numpy(np.array(value, np.float32)).to(network.read.device)) for value in (w, driver))
    return (theirs - own).cpu().numpy()


def chosen(parts: Parts, num_layers: int, style_dim: int) -> LatentExpression:
    """The pack's own choice of layers (`videdit train expression`), else the published one, mixed as published."""
    if not parts.has("expression"):
        return LatentExpression(num_layers=num_layers, style_dim=style_dim, layers=[i for i in PUBLISHED if i < num_layers])
    network = parts.loaded("expression")
    assert isinstance(network, LatentExpression)
    return network
