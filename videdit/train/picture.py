"""The linear picture of a generator: what its layers systematically miss, as a low-rank map of the latents, in closed form.

    python -m videdit.train.picture WORK_DIR RUN_DIR

A generator that saw few pictures has habits (colour fringes, a crooked mouth) that ordinary regression removes at once: the
residual of its renders, reduced to 32 px, is regressed on the latents of real faces (ridge), and the map is cut to its best rank
(reduced-rank regression, Izenman 1975). It joins the RGB skip, so later training goes on from there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from videdit.networks.encoder import Encoder
from videdit.networks.stylegan2 import Generator
from videdit.train import data as training_data

RANK, SIDE, RIDGE = 128, 32, 0.02


@torch.inference_mode()
def residuals(generator: Generator, encoder: Encoder, pictures: np.ndarray) -> tuple[Tensor, Tensor]:
    """Latents [N,L*D] of pictures uint8 [N,S,S,3] and what their renders miss [N,3*SIDE*SIDE], both with mirrored copies."""
    latents, missed = [], []
    for start in range(0, len(pictures), 32):
        real = torch.from_numpy(pictures[start : start + 32]).permute(0, 3, 1, 2).float().div(127.5).sub(1)
        real = torch.cat([real, real.flip(3)])
        w = encoder(real.contiguous(memory_format=torch.channels_last))
        render = generator(w, stop=64)
        latents.append(w.flatten(1))
        missed.append((F.adaptive_avg_pool2d(real, SIDE) - F.adaptive_avg_pool2d(render, SIDE)).flatten(1))
    return torch.cat(latents), torch.cat(missed)


def reduced_rank(x: Tensor, y: Tensor, *, rank: int = RANK, ridge: float = RIDGE) -> tuple[Tensor, Tensor, Tensor]:
    """y [N,F] ~ x [N,D] @ a.T @ b.T + c: a [rank,D], b [F,rank], c [F]."""
    x, y = x.double(), y.double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    x, y = x - mean_x, y - mean_y
    gram = x.T @ x / len(x)
    slope = torch.linalg.solve(gram + ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=x.dtype), x.T @ y / len(x))  # [D,F]
    fitted = slope.T @ gram @ slope  # covariance of what the regression explains
    basis = torch.linalg.eigh(fitted)[1][:, -rank:]  # [F,rank]
    a = (slope @ basis).T
    return a.float(), basis.float(), (mean_y - basis @ (a @ mean_x)).float()


def fit(work: Path, run: Path, *, faces: int = 6000) -> None:
    """Fit the picture of the generator in a run's folder and write it back there. Raises FileNotFoundError."""
    known = training_data.load(work)
    config = json.loads((run / "generator.json").read_text()) | {"picture_rank": RANK, "picture_size": SIDE}
    generator = Generator(**config).eval().to(memory_format=torch.channels_last)
    generator.load_state_dict(load_file(run / "generator.safetensors"), strict=False)
    encoder = Encoder(**json.loads((run / "encoder.json").read_text())).eval().to(memory_format=torch.channels_last)
    encoder.load_state_dict(load_file(run / "encoder.safetensors"))
    torch.nn.init.zeros_(generator.picture_out.weight)
    torch.nn.init.zeros_(generator.picture_out.bias)
    rows = np.sort(np.random.default_rng(0).permutation(known.rows(0, 1, 2, 3))[:faces])
    a, b, c = reduced_rank(*residuals(generator, encoder, np.asarray(known.faces[rows])))
    held = np.asarray(known.faces[known.rows(5)[:256]])
    before = residuals(generator, encoder, held)[1].abs().mean()
    with torch.no_grad():
        generator.picture_in.weight.copy_(a)
        generator.picture_out.weight.copy_(b)
        generator.picture_out.bias.copy_(c)
    after = residuals(generator, encoder, held)[1].abs().mean()
    print(f"mean error at {SIDE} px on unseen people: {before:.4f} before, {after:.4f} after (of 2)")
    save_file({k: v.contiguous() for k, v in generator.state_dict().items()}, run / "generator.safetensors")
    (run / "generator.json").write_text(json.dumps(config))


if __name__ == "__main__":
    fit(Path(sys.argv[1]), Path(sys.argv[2]))
