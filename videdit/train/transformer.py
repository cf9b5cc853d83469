"""Train the Latent Transformer (Yao et al., ICCV 2021): per attribute a linear map per style layer, in W+ alone.

    videdit train transformer --pack PACK --data DATA

A latent classifier is trained first and fixed. For a face with probability p of an attribute, a = 1 - p where p < 0.5 and -p otherwise,
and w + a T(w) shall have the flipped label: loss = cross entropy + 10 x mean squared move + the other attributes' squared change of
logit, each weighted with 1 - |correlation|. All attributes' maps are trained side by side on the same faces. Moves are measured in the
latents' own deviations. Which style layers take the edit at use is found on renders of held-out faces, and so is +1.0 (train.editors).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from videdit.networks.latents import LatentTransformer
from videdit.packs.load import load_pack
from videdit.train.editors import MAIN, Judged, Move, calibrate_all, fit, into_pack, rounded
from videdit.train.latents import classify, prepare
from videdit.train.run import Progress, Run

BATCH, RATE, DECAY = 16, 1e-3, 5e-4
NEAR, OTHERS = 10.0, 1.0  # weights of the move's size and of other attributes
PATIENCE, EVERY = 6, 20.0  # judgements without improvement; s between judgements
RANGES = ((0, 1 / 2), (0, 2 / 3), (0, 5 / 6), (0, 1), (1 / 6, 2 / 3))  # of the style layers, tried at the end


def independence(truth: NDArray[np.floating]) -> NDArray[np.float32]:
    """[A,A]: 1 - |correlation| of labels [N,A]; 0 for an attribute with itself, and 1 where one never varies."""
    known = np.where(np.isnan(truth), np.nanmean(truth, 0), truth)
    centred = known - known.mean(0)
    deviation = centred.std(0)
    correlation = centred.T @ centred / len(centred) / np.maximum(np.outer(deviation, deviation), 1e-6)
    out = 1 - np.abs(np.clip(correlation, -1, 1))
    np.fill_diagonal(out, 0)
    return out.astype(np.float32)


def losses(network: LatentTransformer, judge: nn.Module, w: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """The three terms for latents w [N,L,D] and all attributes; weights [A,A] of the others."""
    with torch.no_grad():
        logits = judge(w)
    chance = logits.sigmoid()
    amount = torch.where(chance < 0.5, 1 - chance, -chance)  # [N,A]
    moves = amount[..., None, None] * network(w)  # [N,A,L,D]
    after = judge((w[:, None] + moves).flatten(0, 1)).unflatten(0, moves.shape[:2])  # [N,A,A]
    flipped = F.binary_cross_entropy_with_logits(after.diagonal(dim1=1, dim2=2), (chance < 0.5).float())
    others = ((after - logits[:, None]).square() * weights).sum(2).mean() / max(1, len(weights) - 1)
    return {"flipped": flipped, "near": (moves / network.scale).square().mean(), "others": others}


def total(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum."""
    return terms["flipped"] + NEAR * terms["near"] + OTHERS * terms["others"]


def confined(network: LatentTransformer, layers: tuple[int, ...]) -> LatentTransformer:
    """The same maps on fewer style layers."""
    shape = {"num_layers": network.mean.shape[0], "style_dim": network.mean.shape[1]}
    out = LatentTransformer(attributes=network.attributes, layers=layers, rank=network.rank, **shape).to(network.mean.device)
    rows = [network.layers.index(layer) for layer in layers]
    state = {k: v if k in ("mean", "scale", "distance") else v[:, rows] for k, v in network.state_dict().items()}
    out.load_state_dict(state)
    return out.eval().requires_grad_(False)


def mover(network: LatentTransformer) -> Move:
    """Its uncalibrated moves."""

    @torch.inference_mode()
    def move(w: NDArray[np.floating], row: int, distance: float) -> NDArray[np.float32]:
        latents = torch.from_numpy(np.asarray(w, np.float32)).to(network.mean.device)
        return (latents + distance * network(latents, [row])[:, 0]).cpu().numpy()

    return move


def best_layers(network: LatentTransformer, judged: Judged) -> tuple[LatentTransformer, dict[str, Any]]:
    """The network on the range of style layers that does best on renders of held-out faces, and the figures of each range."""
    count = network.mean.shape[0]
    ranges = dict.fromkeys(tuple(range(round(a * count), round(b * count))) for a, b in RANGES)
    rows = [network.attributes.index(name) for name in MAIN if name in network.attributes]
    tried, notes = [], {}
    for layers in ranges:
        candidate = confined(network, layers)
        found = [judged.measured(mover(candidate), row) for row in rows]
        merit = float(np.mean([one.merit for one in found]))
        tried.append((merit, candidate))
        means = {key: round(float(np.mean([rounded(one)[key] for one in found])), 4) for key in rounded(found[0]) if key != "distance"}
        notes[f"{layers[0]}-{layers[-1]}"] = {"merit": round(merit, 4), **means}
    return max(tried, key=lambda pair: pair[0])[1], notes


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    minutes: float = 15.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    faces: int = 30000,
    rank: int = 16,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` at most, calibrate, and put the transformer into the pack; returns its file there.

    data: a work directory of videdit.train.data or a folder of pictures (train.pictures); out: the run's folder; rank of the maps, 0 for
    full ones. Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    latents = prepare(Path(data), loaded, Path(out), count=faces, seed=seed, progress=progress)
    judge = classify(latents, loaded.device, seed=seed, progress=progress)
    torch.manual_seed(seed)
    shape = {"num_layers": latents.w.shape[1], "style_dim": latents.w.shape[2]}
    network = LatentTransformer(attributes=latents.names, rank=rank, **shape).to(loaded.device)
    run = Run(out, minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    w, held = torch.from_numpy(latents.w[~latents.held]), torch.from_numpy(latents.w[latents.held][:256]).to(loaded.device)
    weights = torch.from_numpy(independence(latents.truth())).to(loaded.device)
    network.measure(w.to(loaded.device))

    def loss(draw: torch.Generator) -> Tensor:
        return total(losses(network, judge, w[torch.randint(len(w), (BATCH,), generator=draw)].to(loaded.device), weights))

    def held_out() -> tuple[float, dict[str, float]]:
        parts = [losses(network, judge, part, weights) for part in held.split(BATCH)]
        terms = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
        return float(total(terms)), {name: float(value) for name, value in terms.items()}

    fit(network, run, loss, held_out, rate=RATE, decay=DECAY, seed=seed)
    judged = Judged(loaded, latents, judge)
    chosen, ranges = best_layers(network, judged)
    shown = {attribute.source for attribute in loaded.manifest.attributes.values()}
    distances, notes = calibrate_all(judged, mover(chosen), latents.names, shown, progress)
    chosen.distance.copy_(torch.tensor(distances))
    config = {"attributes": list(latents.names), **shape, "layers": list(chosen.layers), "rank": rank}
    figures = {"loss": run.best, "ranges": ranges, "measured": notes}
    return into_pack(loaded, pack, "transformer", chosen, config, figures, Path(out), int((~latents.held).sum()))
