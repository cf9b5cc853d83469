"""Train the Latent-to-Latent mapper (Khodadadeh et al., WACV 2022): one network for all attributes at once.

    videdit train mapper --pack PACK --data DATA

f(w, da) -> w' with the paper's five losses: the asked attributes are there (and the others as before), f(f(w, da), -da) is w, f(w, 0) is
w, w' is near w, and it is the same person. Asked vectors are corrected to plausible ones.

Ours, not the paper's: da also takes a straight path past the tanh layers (networks.latents.LatentMapper), which starts at the pack's
axes, da of 1 being +1.0 along one. Wishes are as large and as many at once as they are used (train.wishes) instead of other faces'
attributes. Other attributes are held in probability, each by 1 - |correlation| with what is asked for (as Yao et al. hold them), so that
what belongs together is not fought. Near is counted in real latents' covariance: they vary in part of their directions only, and in the
rest a generator does what fools a classifier and is no face. What lies on the skin moves no landmarks, and what the axes keep free of
light keeps it: where pixels move the composite shows no detail, and light is the first thing a score rewards.

Every PIXELS-th step goes through the generator (at half size), the pack's classifier, a second one where there is a `teacher` (two are
harder to fool by the same haze), and the recognizer; the others read attributes off the latent classifier, which also knows attributes of
the user's own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from videdit.errors import MissingError
from videdit.networks.latents import LatentMapper
from videdit.packs.load import Pack, load_pack
from videdit.train.classifier import load_classifier
from videdit.train.editors import MAIN, Judged, Move, calibrate_all, fit, into_pack
from videdit.train.latents import Latents, classify, half, prepare
from videdit.train.measure import LEAST
from videdit.train.moments import EVEN, ON_THE_SKIN
from videdit.train.run import Progress, Run
from videdit.train.transformer import independence
from videdit.train.wishes import Scale, Wishes, missed, often_of, response, scale_of, strayed

BATCH, SMALL, RATE = 64, 16, 1e-3  # SMALL: faces of a step through the generator
PIXELS = 2
FREEDOM = 0.1  # strengths that other attributes may go along by; more costs preservation
PATIENCE, EVERY, JUDGED = 8, 40.0, 96
WEIGHTS = {"attribute": 6.0, "others": 2.5, "cycle": 4.0, "identity": 4.0, "near": 0.3, "face": 0.5, "points": 0.3, "light": 2.0}
SCALED = 1024  # faces a teacher's scale is measured on
RIDGE = 0.05  # of the variance of a standardised latent: no direction counts as narrower
APART = 0.5  # of the spread of real latents, at +1.0; axes break renders from 0.36 on, moves that stay where faces vary later
LEVEL = 0.03  # a change of a cell's mean colour (of -1..1) that counts as 1
Reader = Callable[[Tensor], Tensor]


class Trainer:
    """The mapper between what is frozen: latent classifier, generator, classifiers of renders, recognizer."""

    def __init__(self, pack: Pack, latents: Latents, judge: nn.Module, network: LatentMapper, teacher: nn.Module | None = None) -> None:
        self.pack, self.judge, self.network, self.device = pack, judge, network, pack.device
        self.names, self.known = latents.names, latents.seen.shape[1]
        w, truth = torch.from_numpy(latents.w).to(self.device), latents.truth()
        network.measure(w)
        if network.path is not None:
            network.start(self._axes())
        self.white = whitening(network.standard(w).flatten(1))
        with torch.no_grad():
            logits = torch.cat([judge(part) for part in w.split(1024)])
        self.scale = scale_of(logits.cpu().numpy(), truth).to(self.device)
        network.covariance.copy_(torch.cov((logits / self.scale.unit).T))
        shown = {attribute.source for attribute in pack.manifest.attributes.values()}
        self.wishes = Wishes(often_of(latents.names, shown, MAIN))
        self.independent = torch.from_numpy(independence(truth)).to(self.device)
        self.readers: list[tuple[Reader, Scale]] = [(pack.classifier, scale_of(latents.shown, truth).to(self.device))]
        if teacher is not None:
            self.readers.append((teacher, self._scale(teacher, w[:SCALED], truth[:SCALED])))
        self.identified = pack.has("recognizer")
        points = pack.shape()
        self.points = None if points is None else torch.from_numpy(points).to(self.device).flatten(0, 1).flatten(1)
        self.skin = torch.tensor([name in ON_THE_SKIN for name in self.names], device=self.device)

    def _axes(self) -> Tensor:
        """[A,L,D]: +1.0 along the pack's axes; 0 for an attribute that has none."""
        axes = self.pack.axes()
        out = self.network.mean.new_zeros(len(self.names), *self.network.mean.shape)
        for row, name in enumerate(self.names):
            if name in axes.order:
                found = axes.order.index(name)
                out[row] = torch.from_numpy(axes.directions[found] * axes.distance[found]).to(self.device)
        return out

    @torch.no_grad()
    def _scale(self, teacher: nn.Module, w: Tensor, truth: NDArray[np.floating]) -> Scale:
        """A teacher's scale, on renders."""
        logits = torch.cat([teacher(self._render(part)).float() for part in w.split(32)])
        return scale_of(logits.cpu().numpy(), truth).to(self.device)

    def _render(self, w: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            image: Tensor = self.pack.generator(w, stop=half(self.pack))
        return image.float()

    def losses(self, w: Tensor, draw: torch.Generator, *, pixels: bool) -> dict[str, Tensor]:
        """The terms (face and light 0 without the generator) for latents w [N,L,D]."""
        network = self.network
        with torch.no_grad():
            now = self.judge(w)
            change, asked = self.wishes.draw(now, network, draw)
        moved = network(w, change)
        idle = network(w, torch.zeros_like(change)) - w
        terms = {
            "cycle": ((network(moved, -change) - w) / network.scale).abs().mean(),
            "identity": (idle / network.scale).abs().mean(),
            "near": (((moved - w) / network.scale).flatten(1) @ self.white).square().mean(),
            "points": self._shifted(moved - w, asked),
        }
        if pixels:
            return terms | self._seen(w, moved, change, asked, mirrored=bool(torch.rand((), generator=draw) < 0.5))
        none = w.new_zeros(())
        read = (now, self.judge(moved), change, asked, self.scale)
        return terms | {"attribute": missed(*read), "others": strayed(*read, self.independent), "face": none, "light": none}

    def _seen(self, w: Tensor, moved: Tensor, change: Tensor, asked: Tensor, *, mirrored: bool) -> dict[str, Tensor]:
        """What renders show: attribute, others, face, light."""
        with torch.no_grad():
            before = self._render(w)
        after = self._render(moved)
        before, after = (image.flip(3) if mirrored else image for image in (before, after))
        change, asked, independent = change[:, : self.known], asked[:, : self.known], self.independent[: self.known, : self.known]
        terms = {"attribute": w.new_zeros(()), "others": w.new_zeros(()), "face": w.new_zeros(())}
        with torch.autocast(self.device.type, torch.bfloat16):
            for reader, scale in self.readers:
                read = (reader(before).float(), reader(after).float(), change, asked, scale)
                terms["attribute"] = terms["attribute"] + missed(*read) / len(self.readers)
                terms["others"] = terms["others"] + strayed(*read, independent) / len(self.readers)
            if self.identified:
                who, them = (self.pack.recognizer(image).float() for image in (before, after))
                terms["face"] = (who - them).square().sum(1).mean()
        return terms | {"light": self._lit((after - before) / LEVEL, asked)}

    @torch.no_grad()
    def scored(self, w: Tensor) -> Tensor:
        """What all who look at renders say of latents, in units, on average [N,C]."""
        parts = []
        for part in w.split(SMALL):
            image = self._render(part)
            parts.append(torch.stack([reader(image).float() / scale.unit for reader, scale in self.readers]).mean(0))
        return torch.cat(parts)

    def _lit(self, change: Tensor, asked: Tensor) -> Tensor:
        """How far mean colours of cells go in changes of renders [N,3,S,S], where only what leaves the light alone was asked for, in cells
        as fine as each attribute's."""
        out = change.new_zeros(())
        for cells in sorted(set(EVEN.values())):
            kind = torch.tensor([EVEN.get(name, 0) >= cells for name in self.names[: self.known]], device=change.device)
            colours = F.adaptive_avg_pool2d(change, cells)
            far = F.smooth_l1_loss(colours, torch.zeros_like(colours), reduction="none").mean((1, 2, 3))
            out = out + (far * _only(asked, kind)).mean()
        return out

    def _shifted(self, moves: Tensor, asked: Tensor) -> Tensor:
        """How far landmarks go, in LEAST of a crop's side, where only what lies on the skin was asked for."""
        if self.points is None:
            return moves.new_zeros(())
        far = moves.flatten(1) @ self.points.T / LEAST
        far = F.smooth_l1_loss(far, torch.zeros_like(far), reduction="none").mean(1)
        return (far * _only(asked, self.skin)).mean()

    @torch.no_grad()
    def figures(self, w: Tensor, draw: torch.Generator) -> dict[str, float]:
        """Of held-out latents: ||f(w,0) - w||, the cycle's error and the length of the moves, over ||w|| and over the spread of w."""
        network, spread = self.network, float(((w - w.mean(0)).flatten(1)).norm(dim=1).mean())
        length = float(w.flatten(1).norm(dim=1).mean())
        change, _ = self.wishes.draw(self.judge(w), network, draw)
        moved = network(w, change)
        away = {"idle": network(w, torch.zeros_like(change)) - w, "cycle": network(moved, -change) - w, "moved": moved - w}
        far = {name: float(value.flatten(1).norm(dim=1).mean()) for name, value in away.items()}
        out = {name: value / spread for name, value in far.items()} | {f"{name} of length": value / length for name, value in far.items()}
        return {name: round(value, 5) for name, value in out.items()}


def whitening(x: Tensor) -> Tensor:
    """[F,F]: takes differences of centred vectors x [N,F] to their principal components, each over its deviation (RIDGE at least)."""
    variance, directions = torch.linalg.eigh(x.T @ x / len(x))
    return directions / (variance.clamp_min(0) + RIDGE).sqrt()


def _only(asked: Tensor, kind: Tensor) -> Tensor:
    """float [N]: whether all that is asked [N,A] is of a kind [A]."""
    return (~(asked & ~kind).any(1)).float()


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


def calibrated(network: LatentMapper) -> Callable[[Tensor, int, float], Tensor]:
    """Its moves on tensors, in strengths."""
    move = mover(network)
    return lambda w, row, strength: torch.from_numpy(move(w.cpu().numpy(), row, strength * float(network.distance[row]))).to(w)


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
    teacher: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` at most, calibrate, and put the mapper into the pack; returns its file there.

    data: a work directory of videdit.train.data or a folder of pictures (train.pictures); out: the run's folder; rank of the wide
    matrices, 0 for full ones; depth: tanh layers, 1 to 4; teacher: the run of a classifier that looks at renders beside the pack's own.
    Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    second = load_classifier(Path(teacher), loaded.device) if teacher else None
    if teacher and second is None:
        raise MissingError(f"there is no classifier in {teacher}", hint="The folder of a run of `videdit train classifier`.")
    latents = prepare(Path(data), loaded, Path(out), count=faces, seed=seed, progress=progress)
    judge = classify(latents, loaded.device, seed=seed, progress=progress)
    torch.manual_seed(seed)
    config: dict[str, Any] = {"attributes": list(latents.names), "num_layers": latents.w.shape[1], "style_dim": latents.w.shape[2]}
    config |= {"depth": depth, "rank": rank, "freedom": FREEDOM, "straight": True, "joint": True}
    network = LatentMapper(**config).to(loaded.device)
    trainer = Trainer(loaded, latents, judge, network, second)
    run = Run(out, minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    w, held = torch.from_numpy(latents.w[~latents.held]), torch.from_numpy(latents.w[latents.held]).to(loaded.device)

    def loss(draw: torch.Generator) -> Tensor:
        pixels = run.step % PIXELS == PIXELS - 1
        chosen = torch.randint(len(w), (SMALL if pixels else BATCH,), generator=draw)
        return total(trainer.losses(w[chosen].to(loaded.device), draw, pixels=pixels))

    def held_out() -> tuple[float, dict[str, float]]:
        same = torch.Generator().manual_seed(seed)  # the same wishes at every judgement
        parts = [trainer.losses(part, same, pixels=True) for part in held[:JUDGED].split(SMALL)]
        terms = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
        return float(total(terms)), {name: float(value) for name, value in terms.items()}

    fit(network, run, loss, held_out, rate=RATE, decay=0.0, seed=seed)
    shown = {attribute.source for attribute in loaded.manifest.attributes.values()}
    judged = Judged(loaded, latents, judge)
    judged.apart = APART
    distances, notes = calibrate_all(judged, mover(network), latents.names, shown, progress)
    network.distance.copy_(torch.tensor(distances))
    rows = [row for row, name in enumerate(latents.names) if name in shown and row < trainer.known]
    network.response[: trainer.known, : trainer.known] = response(trainer.scored, calibrated(network), held[:JUDGED], rows)
    figures = {"loss": run.best, "of_spread": trainer.figures(held, torch.Generator().manual_seed(seed)), "measured": notes}
    return into_pack(loaded, pack, "mapper", network, config, figures, Path(out), int((~latents.held).sum()))
