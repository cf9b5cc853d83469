"""What a pack transfers of an expression (edit.expression): which style layers, and what of the difference between two latents.

Two kinds are tried. `mixed` is the published one (Yang and Lim 2019): the driver's layers in the place of the face's own. `measured` moves
only by what the latents hold of a smile and of an open mouth, so that the driver's looks stay behind. Layers are binary and one choice for
everything: from all of them, the one whose loss (or return) helps most goes (or comes back) until none helps. Choices are compared where
they reach the same expression, by how much of the identity is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from videdit.errors import UsageError
from videdit.networks.latents import LatentExpression
from videdit.packs.load import Pack, load_pack
from videdit.train.editors import into_pack
from videdit.train.latents import BATCH, Latents, half, prepare
from videdit.train.measure import Floats
from videdit.train.moments import TOGETHER
from videdit.train.run import Progress

MEASURES = ("Smiling", "Mouth_Slightly_Open")
MOUTH = slice(48, 68)
RIDGE = 0.01  # of the latents' mean variance
GAINS = (0.6, 1.2, 2.0)
TARGET = 0.9  # share of the driver's expression at which choices are compared, and that strength 1 gives as far as STEADY lets it
STEADY = 1.6  # the most gain of a measured expression: edited faces then read as their drivers do; at 2 it flickers half as much again
KINDS = {"mixed": 0, "measured": len(MEASURES)}  # rank of the network
SPLIT = ((0, 1, 2), (3,))  # shards to fit on, and to choose on


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a choice: the gain that reaches TARGET, what is reached there, and the mean identity cosine left."""

    gain: float
    reached: float
    identity: float

    @property
    def merit(self) -> float:
        """Identity, less what is missing from TARGET."""
        return self.identity - 2 * max(0.0, TARGET - self.reached)


class Pairs:
    """Faces that do not smile, each with somebody else who does, and how much of that comes over."""

    def __init__(self, pack: Pack, faces: Floats, drivers: Floats, rows: Sequence[int]) -> None:
        self.pack, self.rows, self.shape = pack, list(rows), pack.shape()
        self.faces, self.drivers = np.asarray(faces, np.float32), np.asarray(drivers, np.float32)
        logits, self.identities = self._seen(self.faces)
        self.start, self.asked = self._expression(self.faces, logits), self._expression(self.drivers, self._seen(self.drivers)[0])

    @torch.inference_mode()
    def _seen(self, w: Floats) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits [N,A] and embeddings [N,*] of renders at half size, which is as much as these networks look at."""
        logits, identities = [], []
        with torch.autocast(self.pack.device.type, torch.bfloat16):
            for part in torch.from_numpy(np.asarray(w, np.float32)).to(self.pack.device).split(BATCH):
                images = self.pack.generator(part, stop=half(self.pack))
                logits.append(self.pack.classifier(images).float().cpu())
                # constant where the pack can't tell people apart
                known = self.pack.has("recognizer")
                identities.append(self.pack.recognizer(images).float().cpu() if known else torch.ones(len(part), 1))
        return torch.cat(logits).numpy(), torch.cat(identities).numpy()

    def _expression(self, w: Floats, logits: Floats) -> list[NDArray[np.floating]]:
        """Measures [N,*]: the classifier's logits, one by one, and the mouth's shape where the pack has a map for it."""
        out = [logits[:, [row]] for row in self.rows]
        if self.shape is not None:
            points = np.tensordot(w, self.shape[MOUTH], axes=([1, 2], [2, 3]))
            out.append((points - points.mean(1, keepdims=True)).reshape(len(w), -1))
        return out

    def look(self, moved: Floats) -> tuple[float, float]:
        """Share of the asked change in expression that moved latents [N,L,D] show, and their mean identity cosine."""
        logits, identities = self._seen(moved)
        shares = []
        for start, now, asked in zip(self.start, self._expression(moved, logits), self.asked, strict=True):
            wanted = asked - start
            shares.append(float(((now - start) * wanted).sum() / max(float((wanted**2).sum()), 1e-9)))
        return float(np.mean(shares)), float((identities * self.identities).sum(1).mean())

    def outcome(self, moves: Floats) -> Outcome:
        """At the gain of moves [N,L,D] that reaches TARGET, straight lines between GAINS."""
        gains, reached, kept = [0.0], [0.0], [1.0]
        for gain in GAINS:
            share, identity = self.look(self.faces + gain * moves)
            gains, reached, kept = [*gains, gain], [*reached, share], [*kept, identity]
            if share >= TARGET:
                part = (TARGET - reached[-2]) / (reached[-1] - reached[-2])
                return Outcome(*(float(v[-2] + part * (v[-1] - v[-2])) for v in (gains, reached, kept)))
        best = int(np.argmax(reached))
        return Outcome(gains[best], reached[best], kept[best])


def fit(latents: Latents, columns: Sequence[int]) -> dict[str, torch.Tensor]:
    """read, write [K,L,D]: the ridge regression of attributes on latents, and that of latents on what it finds while everything else that
    the classifier knows stays (who smiles in pictures is not everybody alike); least, most [K]: the median finding without an attribute
    and with it, for a misread or extreme driver should not make a grimace, nor a smile that only begins be taken for less than none."""
    w = latents.w[~latents.held].astype(np.float64)
    known = latents.truth()[~latents.held][:, : latents.seen.shape[1]].astype(np.float64)
    part = {*columns, *(i for i, name in enumerate(latents.names) if any(name in TOGETHER.get(latents.names[c], ()) for c in columns))}
    others = known[:, [i for i in range(known.shape[1]) if i not in part]]
    truth, others = known[:, list(columns)] - known[:, list(columns)].mean(0), others - others.mean(0)
    flat = w.reshape(len(w), -1) - w.reshape(len(w), -1).mean(0)
    gram = flat.T @ flat / len(flat)
    read = np.linalg.solve(gram + RIDGE * gram.diagonal().mean() * np.eye(len(gram)), flat.T @ truth / len(flat)).T
    found = flat @ read.T
    causes = np.concatenate([found, others], 1)
    write = np.linalg.solve(causes.T @ causes + 1e-6 * len(causes) * np.eye(causes.shape[1]), causes.T @ flat)[: len(columns)]
    findings = w.reshape(len(w), -1) @ read.T
    sides = [[np.median(column[(side > 0) == has]) for column, side in zip(findings.T, truth.T, strict=True)] for has in (False, True)]
    shaped = {"read": read.reshape(-1, *w.shape[1:]), "write": write.reshape(-1, *w.shape[1:])}
    shaped |= {"least": np.min(sides, 0), "most": np.max(sides, 0)}
    return {name: torch.from_numpy(value).float() for name, value in shaped.items()}


def search(count: int, score: Callable[[tuple[int, ...]], Outcome]) -> tuple[tuple[int, ...], Outcome, list[dict[str, Any]]]:
    """The best binary choice among `count` layers that single steps lead to, what it does, and the choices on the way."""
    chosen, known = tuple(range(count)), {}
    path: list[dict[str, Any]] = []

    def outcome(layers: tuple[int, ...]) -> Outcome:
        if layers not in known:
            known[layers] = score(layers)
        return known[layers]

    while True:
        found = outcome(chosen)
        path.append({"layers": list(chosen), "reached": found.reached, "identity": found.identity, "gain": found.gain})
        near = [tuple(sorted(set(chosen) ^ {layer})) for layer in range(count)]
        best = max((layers for layers in near if layers), key=lambda layers: outcome(layers).merit)
        if outcome(best).merit <= found.merit:
            return chosen, found, path
        chosen = best


def pairs_of(pack: Pack, latents: Latents, columns: Sequence[int], count: int, skip: int) -> Pairs:
    """`count` pairs of held-out faces, after `skip` of them: a face without any of the attributes, and one with all."""
    truth = latents.truth()[:, list(columns)]
    sides = [np.flatnonzero(latents.held & (truth == value).all(1))[skip : skip + count] for value in (0, 1)]
    size = min(map(len, sides))
    if not size:
        raise UsageError("no held-out face smiles, or every one does", hint="Expressions are learned from faces with and without a smile.")
    return Pairs(pack, latents.w[sides[0][:size]], latents.w[sides[1][:size]], columns)


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    seed: int = 0,
    device: str = "auto",
    faces: int = 6000,
    pairs: int = 16,
    progress: Progress | None = None,
) -> Path:
    """Fit, choose layers, and put the choice into the pack; returns its file there. A minute or two on a CPU.

    data: a work directory of videdit.train.data or a folder of pictures (train.pictures); out: the run's folder, which gets
    expression.json with every choice on the way; pairs: how many the choice is made on, and as many others it is checked on.
    Raises MissingError, PackError, UsageError.
    """
    loaded, out = load_pack(pack, device=device), Path(out)
    missing = [name for name in MEASURES if name not in loaded.manifest.order]
    if missing:
        raise UsageError(f"the pack {loaded.manifest.name} does not know {missing[0]}", hint="Expressions are measured by its classifier.")
    out.mkdir(parents=True, exist_ok=True)
    latents = prepare(Path(data), loaded, out, count=faces, seed=seed, progress=progress, split=SPLIT)
    columns = [latents.names.index(name) for name in MEASURES]
    judged, checked = (pairs_of(loaded, latents, columns, pairs, skip) for skip in (0, pairs))
    fitted = fit(latents, columns)
    kinds = {}
    for kind, rank in KINDS.items():
        network = LatentExpression(num_layers=latents.w.shape[1], style_dim=latents.w.shape[2], rank=rank)
        kinds[kind] = choose(filled(network, fitted), judged, checked, progress)
    best = max(kinds, key=lambda kind: kinds[kind]["merit"])
    config = {"num_layers": latents.w.shape[1], "style_dim": latents.w.shape[2], "rank": KINDS[best]}
    gain = min(kinds[best]["gain"], STEADY) if KINDS[best] else kinds[best]["gain"]
    config |= {"layers": kinds[best]["layers"], "gain": round(gain, 3)}
    network = filled(LatentExpression(**config), fitted)
    return into_pack(loaded, pack, "expression", network, config, {"kinds": kinds}, out, int((~latents.held).sum()))


def choose(network: LatentExpression, judged: Pairs, checked: Pairs, progress: Progress | None) -> dict[str, Any]:
    """The layers to take for a network of all layers, what they do on the pairs they were chosen on, and on others."""
    tried = 0

    def score(layers: tuple[int, ...]) -> Outcome:
        nonlocal tried
        tried += 1
        if progress:
            progress("layers", tried, None)
        return judged.outcome(moves(network, judged, layers))

    layers, found, path = search(len(network.layers), score)
    held = checked.outcome(moves(network, checked, layers))
    figures = {"layers": list(layers), "gain": found.gain, "merit": found.merit, "choices": tried}
    return {**figures, "checked": {"reached": held.reached, "identity": held.identity, "gain": held.gain}, "path": path}


def filled(network: LatentExpression, fitted: dict[str, torch.Tensor]) -> LatentExpression:
    """With as much of what was fitted as its rank takes."""
    network.load_state_dict({name: value[: network.rank] for name, value in fitted.items()})
    return network


@torch.inference_mode()
def moves(network: LatentExpression, pairs: Pairs, layers: Sequence[int]) -> NDArray[np.float32]:
    """[N,L,D]: what the pairs' faces take from their drivers in some layers, at gain 1."""
    out = network(torch.from_numpy(pairs.faces), torch.from_numpy(pairs.drivers)).numpy()
    out[:, [layer for layer in range(out.shape[1]) if layer not in layers]] = 0
    return np.asarray(out, np.float32)
