"""The linear start of generator and encoder: principal components of the faces at a small size.

A style-modulated generator learns layout and colour slowly, from hundreds of thousands of pictures. Linear maps know them at
once, in closed form: the encoder's linear map takes a face to its principal components (Turk & Pentland 1991), spread over the
latents, and the generator's takes them back to the same picture. Both go on learning with everything else, at a lower rate; the
convolutions learn what is not linear, and refine.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from videdit.networks.encoder import Encoder
from videdit.networks.stylegan2 import Generator
from videdit.train.data import Faces
from videdit.train.losses import face_weight

FACES = 9000


def components(pictures: Tensor, weight: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [F], basis [F,rank] and deviations [rank] of pictures [N,F], where errors count by weight [F].

    (x - mean) * sqrt(weight) @ basis / deviations are the whitened components.
    """
    mean = pictures.mean(0)
    scaled = (pictures - mean) * weight.sqrt()
    variance, basis = torch.linalg.eigh(scaled.T @ scaled / len(scaled))
    return mean, basis[:, -rank:].flip(1), variance[-rank:].flip(0).clamp_min(1e-8).sqrt()


@torch.no_grad()
def start(generator: Generator, encoder: Encoder, faces: Faces, *, seed: int = 0) -> None:
    """Set the linear maps of fresh networks (same size and rank in both) to the components of up to FACES faces of shards 0-3."""
    side, rank = generator.picture_size, generator.picture_in.out_features
    rows = np.sort(np.random.default_rng(seed).permutation(faces.rows(0, 1, 2, 3))[:FACES])
    small = torch.cat([_small(np.asarray(faces.faces[part]), side) for part in np.array_split(rows, max(1, len(rows) // 500))])
    pictures = torch.cat([small, small.flip(3)]).flatten(1)
    weight = F.adaptive_avg_pool2d(face_weight(generator.size), side).expand(-1, 3, -1, -1).flatten()
    mean, basis, deviation = components(pictures, weight, rank)
    into = basis.T * weight.sqrt() / deviation[:, None]  # [rank,F]
    spread = torch.empty(encoder.linear_out.out_features, rank)
    torch.nn.init.orthogonal_(spread, generator=torch.Generator().manual_seed(seed))
    scale = (len(spread) / rank) ** 0.5  # latents of unit variance
    encoder.linear_in.weight.copy_(into)
    encoder.linear_in.bias.copy_(-into @ mean)
    encoder.linear_out.weight.copy_(spread * scale)
    generator.picture_in.weight.copy_(spread.T / scale)
    generator.picture_out.weight.copy_(basis * deviation / weight.sqrt()[:, None])
    generator.picture_out.bias.copy_(mean)
    # what is random at the start stays silent until it has learned
    encoder.head.weight.zero_()
    for name, parameter in generator.to_rgb.named_parameters():
        if name.endswith("conv.weight"):
            parameter.zero_()


def parameter_groups(generator: Generator, encoder: Encoder) -> list[dict[str, list[torch.nn.Parameter]]]:
    """For an optimiser: what else the generator learns, what else the encoder learns, and what `start` sets in closed form.

    The last learns at a lower rate.
    """
    linear = [
        *generator.picture_in.parameters(),
        *generator.picture_out.parameters(),
        *encoder.linear_in.parameters(),
        *encoder.linear_out.parameters(),
    ]
    known = {id(p) for p in linear}
    return [
        {"params": [p for p in generator.parameters() if id(p) not in known]},
        {"params": [p for p in encoder.parameters() if id(p) not in known]},
        {"params": linear},
    ]


def _small(pictures: np.ndarray, side: int) -> Tensor:
    """uint8 [N,S,S,3] -> [N,3,side,side] in [-1,1]."""
    return F.adaptive_avg_pool2d(torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(127.5).sub(1), side)
