"""What the trainers of editing networks share: a measured +1.0 for every attribute, and the way into a pack."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from videdit.packs.load import Pack
from videdit.packs.manifest import FILE, find_pack, user_folder
from videdit.packs.save import add_attributes, save_network
from videdit.train.latents import Latents
from videdit.train.measure import (
    APART,
    Course,
    Floats,
    Measured,
    Scorer,
    Sitters,
    Studio,
    calibrate_course,
    deviation,
    limits,
    measure_course,
    reach,
)
from videdit.train.run import Average, Progress, Run

# What choices (layers, sizes) are made on: attributes of every kind that a tight face frame shows.
MAIN = ("Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Male", "Young", "No_Beard", "Bushy_Eyebrows", "Wearing_Lipstick")
Move = Callable[[Floats, int, float], NDArray[np.float32]]  # latents [N,L,D], attribute's number, how far -> moved latents


class LatentScorer:
    """Scores by the latent classifier, for attributes that the pack's own does not know."""

    def __init__(self, judge: nn.Module, device: torch.device) -> None:
        self.judge, self.device = judge, device

    @torch.inference_mode()
    def scores(self, w: Floats) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self.judge(torch.from_numpy(np.asarray(w, np.float32)).to(self.device)).cpu().numpy()
        return logits


class Judged:
    """Held-out faces, on which moves are calibrated and measured as axes are: +1.0 takes the median score of faces without an attribute
    to where that of faces with it lies, but landmarks no further than `measure.limits` has it."""

    def __init__(self, pack: Pack, latents: Latents, judge: nn.Module, *, faces: int = 32) -> None:
        self.studio, self.latent = Studio(pack), LatentScorer(judge, pack.device)
        self.latents, self.faces, self.known = latents, faces, latents.seen.shape[1]
        self.wanted, self.truth, self.held = latents.wanted(), latents.truth(), np.flatnonzero(latents.held)
        self.spread, self.apart = deviation(latents.w), APART
        flags = {attribute.source: attribute.sign for attribute in pack.manifest.attributes.values()}
        self.signs = [flags.get(name, 1) for name in latents.names]  # the way a flag's + goes
        self._sitters: dict[int, Sitters] = {}

    def measured(self, move: Move, row: int) -> Measured:
        """One attribute of the pack's classifier, calibrated and measured on renders."""
        faces, sign = self._lacking(row), self.signs[row]
        wanted, limit = float(self.wanted[row]), self.limit(move, row)
        return measure_course(self.studio, "", course(move, faces.w, row, sign), faces, row, wanted, 1.0, sign=sign, limit=limit)

    def distance(self, move: Move, row: int) -> float:
        """How far +1.0 goes; for an attribute of the user's own by the latent classifier."""
        faces, sign = self._lacking(row), self.signs[row]
        scorer: Scorer = self.studio
        if row < self.known:
            wanted, sitters = float(self.wanted[row]), faces
        else:
            scorer, logits = self.latent, self.latent.scores(self.latents.w[self.held])
            sides = [logits[self.truth[self.held, row] == value, row] for value in (1, 0)]
            wanted = max(0.5, float(np.median(sides[0]) - np.median(sides[1]))) if all(len(side) for side in sides) else 1.0
            sitters = Sitters(faces.w, self.latent.scores(faces.w), faces.identities, faces.again)
        limit = self.limit(move, row)
        return calibrate_course(scorer, course(move, faces.w, row, sign), sitters, row, wanted, 1.0, sign=sign, limit=limit)[0]

    def limit(self, move: Move, row: int) -> float:
        """How far a move may go before landmarks go too far; what is typical is read off the latents of faces with and without."""
        points_map, faces = self.studio.pack.shape(), self._lacking(row)
        with_it, without = (self.latents.w[self.truth[:, row] == value] for value in (1, 0))
        if points_map is None or not len(with_it) or not len(without):
            return np.inf
        typical = reach((with_it.mean(0) - without.mean(0))[None], points_map)
        one = (move(faces.w, row, float(self.signs[row])) - faces.w).mean(0)[None]
        return float(limits(one, typical, points_map, self.spread, self.apart)[0])

    def _lacking(self, row: int) -> Sitters:
        """Faces without what the flag adds; any, where nobody lacks it."""
        if row not in self._sitters:
            rows = self.held[self.truth[self.held, row] == (0 if self.signs[row] > 0 else 1)][: self.faces]
            self._sitters[row] = self.studio.seen(self.latents.w[rows if len(rows) else self.held[: self.faces]])
        return self._sitters[row]


def fit(
    network: nn.Module,
    run: Run,
    loss: Callable[[torch.Generator], Tensor],
    judge: Callable[[], tuple[float, dict[str, float]]],
    *,
    rate: float,
    decay: float,
    seed: int,
    betas: tuple[float, float] = (0.9, 0.999),
    also: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Train a network, and leave it with the averaged weights that did best.

    loss(draw): of one step; judge(): with the network holding the averaged weights, a value (less is better) and its parts; also: what
    else a checkpoint keeps.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, betas=betas)
    draw, average = torch.Generator().manual_seed(seed), Average(network)
    parts = {"network": network, "optimizer": optimizer, **also}
    run.restore(parts, average, draw)
    best = run.out / "best.safetensors"

    def step() -> Tensor:
        optimizer.param_groups[0]["lr"] = run.rate(rate)
        value = loss(draw)
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        average.update(network)
        return value.detach()

    @torch.no_grad()
    def report(mean: float) -> None:
        now = {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict(average.values)
        held_out, terms = judge()
        network.load_state_dict(now)
        if run.improved(held_out) or not best.exists():
            save_file({name: value.cpu().contiguous() for name, value in average.values.items()}, best)
        run.save(parts, average, draw)
        run.log(loss=mean, held_out=held_out, **terms)

    run.go(step, report)
    network.load_state_dict(load_file(best))
    network.eval().requires_grad_(False)


def course(move: Move, w: Floats, row: int, sign: int = 1) -> Course:
    """A move of these latents, by how far; sign -1: away from the attribute."""
    return lambda distance: move(w, row, sign * distance)


def calibrate_all(
    judged: Judged, move: Move, names: Sequence[str], shown: set[str], progress: Progress | None
) -> tuple[list[float], dict[str, Any]]:
    """How far +1.0 goes for every attribute, and what was measured of those with a flag."""
    distances, notes = [], {}
    for row, name in enumerate(names):
        if row < judged.known and name in shown:
            found = judged.measured(move, row)
            notes[name] = rounded(found)
            distances.append(found.distance)
        else:
            distances.append(judged.distance(move, row))
        if progress:
            progress("calibrate", row + 1, len(names))
    return distances, notes


def rounded(found: Measured) -> dict[str, float]:
    """Figures of a measurement."""
    return {key: round(value, 4) for key, value in asdict(found).items() if key != "method"}


def writable(pack: Pack, asked: str | Path) -> Path:
    """The folder of the pack to write to. One asked for by name is not touched: a copy in the user's own folder, which is found before it,
    takes its place."""
    folder = Path(asked)
    if not (folder / FILE).is_file():
        folder = user_folder() / pack.manifest.name
        if not (folder / FILE).is_file():
            shutil.copytree(find_pack(asked), folder)
    return folder


def into_pack(
    pack: Pack, asked: str | Path, name: str, network: nn.Module, config: Mapping[str, Any], notes: Mapping[str, Any], out: Path, faces: int
) -> Path:
    """Put a network into the pack it was trained for and what was measured into the run's folder; returns the network's file.

    Attributes that the pack does not have get a flag.
    """
    folder = writable(pack, asked)
    part = pack.manifest.networks["encoder"]
    (out / f"{name}.json").write_text(json.dumps({"config": dict(config), "faces": faces, **notes}, indent=1) + "\n", "utf-8")
    add_attributes(folder, [source for source in config.get("attributes", ()) if source not in pack.manifest.order], name)
    return save_network(folder, name, network, config, license=part.license, trained_on=f"{part.trained_on}; {faces} latents")
