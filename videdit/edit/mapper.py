"""Latent-to-Latent (Khodadadeh et al., WACV 2022): one network moves a latent for all asked attributes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from videdit.edit.axes import Floats, Parts
from videdit.edit.locks import check_names, hold, per_frame
from videdit.networks.latents import LatentMapper


@torch.inference_mode()
def apply(w: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ()) -> Floats:
    """Edited latents float32 [T,L,D], in a single forward pass. See edit.Mapper.

    What the network changes without being asked, f(w, 0) - w, is taken off, so that strength 0 is exactly w. Locked attributes
    neither go along in the target correction nor in the latent. Raises UsageError for an attribute the mapper does not know, PackError
    where the pack has none.
    """
    network = parts.loaded("mapper")
    assert isinstance(network, LatentMapper)
    check_names(strengths, locks, network.attributes, "mapper")
    latents = torch.from_numpy(np.array(w, np.float32)).to(network.mean.device)
    rows = [network.attributes.index(name) for name in strengths]
    held = [network.attributes.index(name) for name in locks if name in network.attributes]
    change = latents.new_zeros(len(latents), len(network.attributes))
    asked = torch.from_numpy(per_frame(strengths, len(w))).to(latents.device)
    change[:, rows] = (network.weighed(asked, rows) * network.distance[rows]).to(change.dtype)
    change = network.correct(change, [*rows, *held])
    moves = (network(latents, change) - network(latents, torch.zeros_like(change))).cpu().numpy()
    return (np.asarray(w, np.float64) + (hold(moves, parts.axes(), locks) if locks else moves)).astype(np.float32)
