"""Train the Latent-to-Latent mapper (Khodadadeh et al., WACV 2022): one network for all attributes at once.

    videdit train mapper --pack PACK --data DATA

f(w, da) -> w' with five losses: the asked attributes are there (and the others as before), f(f(w, da), -da) is w, f(w, 0) is w, w' is near
w, and it is the same person. Asked vectors are those of other faces in one to three attributes, then corrected to plausible ones. Most
steps read attributes off the latent classifier; every PIXELS-th goes through the generator (at half size), the pack's classifier and
its recognizer. Attribute vectors count in strengths: logits over the distance of typical without from typical with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from videdit.networks.latents import LatentMapper
from videdit.packs.load import Pack, load_pack
from videdit.train.editors import Judged, Move, calibrate_all, fit, into_pack
from videdit.train.latents import Latents, classify, half, prepare
from videdit.train.run import Progress, Run

BATCH, SMALL, RATE = 64, 8, 5e-4  # SMALL: faces of a step through the generator
PIXELS = 4
ASKED = 3  # attributes asked for at once, at most
PATIENCE, EVERY = 8, 20.0
WEIGHTS = {"attribute": 1.0, "cycle": 4.0, "identity": 4.0, "near": 3.0, "face": 2.0}
SPREAD = 4.0  # attribute vectors are clipped to so many strengths, so that one sure logit is not all that counts


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for in training. levels [A,2,Q]: strengths that real faces without and with an attribute have."""

    levels: Tensor

    def draw(self, now: Tensor, network: LatentMapper, draw: torch.Generator) -> Tensor:
        """da [N,A], corrected, for attribute vectors now [N,A]: one to ASKED attributes of each face become as some other face has them."""
        count, attributes = now.shape
        out = torch.zeros_like(now)
        for part in range(0, count, 4):  # four faces are asked the same attributes, so that one correction serves them
            rows = torch.arange(part, min(part + 4, count))
            number = int(torch.randint(1, ASKED + 1, (), generator=draw))
            asked = torch.randperm(attributes, generator=draw)[:number]
            sides = torch.randint(2, (len(rows), number), generator=draw)
            which = torch.randint(self.levels.shape[2], (len(rows), number), generator=draw)
            change = torch.zeros(len(rows), attributes, device=now.device)
            change[:, asked] = self.levels[asked, sides, which].to(now.device) - now[rows][:, asked]
            out[rows] = network.correct(change, asked.tolist())
        return out


class Trainer:
    """The mapper between what is frozen: latent classifier, generator, pack classifier, recognizer."""

    def __init__(self, pack: Pack, latents: Latents, judge: nn.Module, network: LatentMapper) -> None:
        self.pack, self.judge, self.network, self.device = pack, judge, network, pack.device
        wanted = np.ones(len(latents.names), np.float32)
        wanted[: latents.seen.shape[1]] = latents.wanted()
        self.unit, self.known = torch.from_numpy(wanted).to(self.device), latents.seen.shape[1]
        network.measure(torch.from_numpy(latents.w).to(self.device))
        vectors = self.attributes(torch.from_numpy(latents.w).to(self.device))
        network.covariance.copy_(torch.cov(vectors.T))
        self.wishes = Wishes(levels_of(vectors.cpu(), torch.from_numpy(latents.truth())))
        self.identified = "recognizer" in pack.manifest.networks

    @torch.no_grad()
    def attributes(self, w: Tensor) -> Tensor:
        """[N,A] of latents."""
        return torch.cat([self._read(part) for part in w.split(1024)])

    def _read(self, w: Tensor) -> Tensor:
        return (self.judge(w) / self.unit).clamp(-SPREAD, SPREAD)

    def _look(self, w: Tensor) -> tuple[Tensor, Tensor | None]:
        """Attributes [N,C] and identity of renders."""
        with torch.autocast(self.device.type, torch.bfloat16):
            image = self.pack.generator(w, stop=half(self.pack))
            logits = self.pack.classifier(image).float()
            who = self.pack.recognizer(image).float() if self.identified else None
        return (logits / self.unit[: self.known]).clamp(-SPREAD, SPREAD), who

    def losses(self, w: Tensor, draw: torch.Generator, *, pixels: bool) -> dict[str, Tensor]:
        """The five terms (face 0 without the generator) for latents w [N,L,D]."""
        network, none = self.network, w.new_zeros(len(w), len(self.unit))
        with torch.no_grad():
            now = self._read(w)
            change = self.wishes.draw(now, network, draw)
            before, who = self._look(w) if pixels else (now, None)
        moved = network(w, change)
        after, them = self._look(moved) if pixels else (self._read(moved), None)
        target = (before + change[:, : before.shape[1]]).clamp(-SPREAD, SPREAD)
        face = (who - them).square().sum(1).mean() if who is not None and them is not None else w.new_zeros(())
        return {
            "attribute": (after - target).square().sum(1).mean(),
            "cycle": ((network(moved, -change) - w) / network.scale).abs().mean(),
            "identity": ((network(w, none) - w) / network.scale).abs().mean(),
            "near": ((moved - w) / network.scale).square().mean(),
            "face": face,
        }

    @torch.no_grad()
    def figures(self, w: Tensor, draw: torch.Generator) -> dict[str, float]:
        """Of held-out latents: ||f(w,0) - w|| and the cycle's error over the spread of w, and the length of the moves over it."""
        network, spread = self.network, float(((w - w.mean(0)).flatten(1)).norm(dim=1).mean())
        change = self.wishes.draw(self._read(w), network, draw)
        moved = network(w, change)
        away = {"idle": network(w, torch.zeros_like(change)) - w, "cycle": network(moved, -change) - w, "moved": moved - w}
        return {name: round(float(value.flatten(1).norm(dim=1).mean()) / spread, 4) for name, value in away.items()}


def levels_of(vectors: Tensor, truth: Tensor, *, count: int = 64) -> Tensor:
    """[A,2,count]: quantiles of attribute strengths [N,A] over the faces without and over those with each attribute."""
    at = torch.linspace(0.02, 0.98, count)
    out = torch.empty(vectors.shape[1], 2, count)
    for row in range(vectors.shape[1]):
        for side in (0, 1):
            chosen = vectors[truth[:, row] == side, row]
            out[row, side] = torch.quantile(chosen if len(chosen) > 4 else vectors[:, row], at)
    return out


def total(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum."""
    return sum((WEIGHTS[name] * value for name, value in terms.items()), torch.zeros((), device=terms["near"].device))


def mover(network: LatentMapper) -> Move:
    """Its uncalibrated moves, as edit.mapper makes them."""

    @torch.inference_mode()
    def move(w: NDArray[np.floating], row: int, distance: float) -> NDArray[np.float32]:
        latents = torch.from_numpy(np.asarray(w, np.float32)).to(network.mean.device)
        change = latents.new_zeros(len(latents), len(network.attributes))
        change[:, row] = distance
        change = network.correct(change, [row])
        return (latents + network(latents, change) - network(latents, torch.zeros_like(change))).cpu().numpy()

    return move


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    minutes: float = 20.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    faces: int = 30000,
    rank: int = 128,
    depth: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` at most, calibrate, and put the mapper into the pack; returns its file there.

    data: a work directory of videdit.train.data or a folder of pictures (train.pictures); out: the run's folder; rank of the wide
    matrices, 0 for full ones; depth: tanh layers, 1 to 4. Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    latents = prepare(Path(data), loaded, Path(out), count=faces, seed=seed, progress=progress)
    judge = classify(latents, loaded.device, seed=seed, progress=progress)
    torch.manual_seed(seed)
    config: dict[str, Any] = {"attributes": list(latents.names), "num_layers": latents.w.shape[1], "style_dim": latents.w.shape[2]}
    config |= {"depth": depth, "rank": rank}
    network = LatentMapper(**config).to(loaded.device)
    trainer = Trainer(loaded, latents, judge, network)
    run = Run(out, minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    w, held = torch.from_numpy(latents.w[~latents.held]), torch.from_numpy(latents.w[latents.held]).to(loaded.device)

    def loss(draw: torch.Generator) -> Tensor:
        pixels = run.step % PIXELS == PIXELS - 1
        chosen = torch.randint(len(w), (SMALL if pixels else BATCH,), generator=draw)
        return total(trainer.losses(w[chosen].to(loaded.device), draw, pixels=pixels))

    def held_out() -> tuple[float, dict[str, float]]:
        same = torch.Generator().manual_seed(seed)  # the same wishes at every judgement
        terms = trainer.losses(held[: 2 * BATCH], same, pixels=False)
        terms["face"] = trainer.losses(held[: 2 * SMALL], same, pixels=True)["face"]
        return float(total(terms)), {name: float(value) for name, value in terms.items()}

    fit(network, run, loss, held_out, rate=RATE, decay=0.0, seed=seed)
    shown = {attribute.source for attribute in loaded.manifest.attributes.values()}
    distances, notes = calibrate_all(Judged(loaded, latents, judge), mover(network), latents.names, shown, progress)
    network.distance.copy_(torch.tensor(distances))
    figures = {"loss": run.best, "of_spread": trainer.figures(held, torch.Generator().manual_seed(seed)), "measured": notes}
    return into_pack(loaded, pack, "mapper", network, config, figures, Path(out), int((~latents.held).sum()))
