"""Latent Transformer (Yao et al., ICCV 2021): w' = w + sum over attributes of strength x distance x T_k(w)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from videdit.edit.axes import Floats, Parts
from videdit.edit.locks import check_names, hold, per_frame
from videdit.networks.latents import LatentTransformer


@torch.inference_mode()
def apply(w: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ()) -> Floats:
    """Edited latents float32 [T,L,D]; every attribute's move is taken at the same w and they are added up. See edit.Mapper.

    Raises UsageError for an attribute that has no transformer, PackError where the pack has none at all.
    """
    network = parts.loaded("transformer")
    assert isinstance(network, LatentTransformer)
    check_names(strengths, locks, network.attributes, "transformer")
    latents = torch.from_numpy(np.array(w, np.float32)).to(network.mean.device)
    rows = [network.attributes.index(name) for name in strengths]
    amounts = torch.from_numpy(per_frame(strengths, len(w))).to(latents.device) * network.distance[rows]
    moves = torch.einsum("nk,nkld->nld", amounts, network(latents, rows)).cpu().numpy()
    return (np.asarray(w, np.float64) + (hold(moves, parts.axes(), locks) if locks else moves)).astype(np.float32)
