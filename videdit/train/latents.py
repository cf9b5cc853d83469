"""What the trainers of editors start from, made once and kept: faces as latents, what the classifier says of them and of their renders,
and a classifier of latents (three fully connected layers; Yao et al. 2021)."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from videdit.networks.latents import LatentClassifier
from videdit.packs.load import Pack
from videdit.train.pictures import Faces, Split, gather
from videdit.train.run import Progress

BATCH = 32
LABELS = 0.5  # share of the labels in what the latent classifier learns; the rest is what the renders show
EPOCHS, RATE, DECAY, ROWS = 16, 5e-4, 1e-4, 128  # of the latent classifier
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Latents:
    """N faces: latents w float32 [N,L,D]; labels float32 [N,A] of the attributes `names`, NaN where nobody knows; seen, shown float32
    [N,C]: the pack classifier's logits of the faces and of their renders (C = its outputs, the first of `names`); held bool [N]: not
    trained on; home: the folder they are kept in."""

    w: NDArray[np.float32]
    labels: NDArray[np.float32]
    seen: NDArray[np.float32]
    shown: NDArray[np.float32]
    names: tuple[str, ...]
    held: NDArray[np.bool_]
    home: Path

    def truth(self) -> NDArray[np.float32]:
        """[N,A] 0 or 1: the label, or what the classifier says of the face where there is none; NaN where neither is there."""
        out = self.labels.copy()
        said = (self.seen > 0).astype(np.float32)
        out[:, : said.shape[1]] = np.where(np.isnan(out[:, : said.shape[1]]), said, out[:, : said.shape[1]])
        return out

    def targets(self) -> NDArray[np.float32]:
        """[N,A] probabilities for the latent classifier; NaN where nothing is known."""
        out = self.labels.copy()
        shown = 1 / (1 + np.exp(-self.shown))
        own = out[:, : shown.shape[1]]
        out[:, : shown.shape[1]] = np.where(np.isnan(own), shown, LABELS * own + (1 - LABELS) * shown)
        return out

    def wanted(self) -> NDArray[np.float32]:
        """[C]: from the median score of faces without an attribute to that of faces with it, at least 0.5; as train.axes has it."""
        return apart(self.seen, self.truth())


def apart(logits: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float32]:
    """[C]: how far medians of logits [N,C] lie apart between faces without and with an attribute (truth [N,A], A >= C), at least 0.5; 1
    where there are only one kind."""
    out = np.full(logits.shape[1], 1.0, np.float32)
    for column in range(len(out)):
        with_it, without = (logits[truth[:, column] == value, column] for value in (1, 0))
        if len(with_it) and len(without):
            out[column] = max(0.5, float(np.median(with_it) - np.median(without)))
    return out


def prepare(
    data: Path, pack: Pack, beside: Path, *, count: int = 30000, seed: int = 0, progress: Progress | None = None, split: Split | None = None
) -> Latents:
    """Latents of the faces of `data`, out of a folder beside `beside` where they were made before; split: see pictures.gather.

    Raises UsageError, PackError.
    """
    facts = [pack.manifest.networks[name].sha256 for name in ("encoder", "generator", "classifier")]
    labels = data / "labels.csv"
    facts += [str(data.resolve()), str(labels.stat().st_mtime_ns if labels.is_file() else 0), str(count), str(seed)]
    facts.append(str(split or "held out: who may be chosen by; clear lenses"))
    home = beside.parent / f"latents-{hashlib.sha256(' '.join(facts).encode()).hexdigest()[:10]}"
    file = home / "latents.npz"
    if not file.is_file():
        made = _encode(gather(data, pack, count=count, seed=seed, progress=progress, split=split), pack, progress)
        home.mkdir(parents=True, exist_ok=True)
        part = home / "latents.part.npz"
        np.savez(part, **made)  # type: ignore[arg-type]
        part.replace(file)
    known = np.load(file)
    arrays = {name: known[name] for name in ("w", "labels", "seen", "shown", "held")}
    return Latents(**arrays, names=tuple(str(name) for name in known["names"]), home=home)


def _encode(faces: Faces, pack: Pack, progress: Progress | None) -> dict[str, NDArray[np.generic]]:
    """The arrays of a Latents."""
    parts: dict[str, list[NDArray[np.float32]]] = {"w": [], "seen": [], "shown": []}
    for network in (pack.encoder, pack.generator, pack.classifier):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode(), torch.autocast(pack.device.type, torch.bfloat16):
        for start in range(0, len(faces.faces), BATCH):
            batch = torch.from_numpy(faces.faces[start : start + BATCH]).to(pack.device).permute(0, 3, 1, 2).float().div(127.5).sub(1)
            batch = batch.contiguous(memory_format=torch.channels_last)
            w = pack.encoder(batch).float()
            shown = pack.classifier(pack.generator(w, stop=half(pack)))
            for name, value in (("w", w), ("seen", pack.classifier(batch)), ("shown", shown)):
                parts[name].append(value.float().cpu().numpy())
            if progress:
                progress("encode", min(start + BATCH, len(faces.faces)), len(faces.faces))
    arrays = {name: np.concatenate(values) for name, values in parts.items()}
    return {**arrays, "labels": faces.labels, "held": faces.held, "names": np.array(faces.names)}


def half(pack: Pack) -> int:
    """The size renders are judged at: half the pack's, which is as much as its classifier looks at."""
    return max(4, pack.size // 2)


def classify(latents: Latents, device: torch.device, *, seed: int = 0, progress: Progress | None = None) -> LatentClassifier:
    """The latent classifier, trained where it was not before; without gradients to its weights."""
    torch.manual_seed(seed)
    _, layers, dim = latents.w.shape
    network = LatentClassifier(num_layers=layers, style_dim=dim, attributes=len(latents.names)).to(device)
    file = latents.home / f"classifier-{seed}.safetensors"
    if file.is_file():
        network.load_state_dict(load_file(file))
    else:
        _fit(network, latents, device, seed, progress)
        save_file({name: value.cpu().contiguous() for name, value in network.state_dict().items()}, file)
    return network.eval().requires_grad_(False)


def _fit(network: LatentClassifier, latents: Latents, device: torch.device, seed: int, progress: Progress | None) -> None:
    """Cross entropy on what is known; the weights of the epoch that does best on faces held out."""
    w, targets = (torch.from_numpy(value).to(device) for value in (latents.w, latents.targets()))
    held = torch.from_numpy(latents.held).to(device)
    rows = torch.nonzero(~held)[:, 0].cpu()
    network.measure(w[rows])
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    draw = torch.Generator().manual_seed(seed)
    best, kept = float("inf"), {name: value.clone() for name, value in network.state_dict().items()}
    for epoch in range(EPOCHS):
        optimizer.param_groups[0]["lr"] = RATE * (1.0 if epoch < EPOCHS * 5 // 8 else 0.1)
        for chosen in rows[torch.randperm(len(rows), generator=draw)].split(ROWS):
            noisy = w[chosen] + 0.15 * network.scale * torch.randn(w[chosen].shape, generator=draw).to(device)
            loss = cross_entropy(network(noisy), targets[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            value = float(cross_entropy(network(w[held]), targets[held]))
        if value < best:
            best, kept = value, {name: value.clone() for name, value in network.state_dict().items()}
        if progress:
            progress("latent classifier", epoch + 1, EPOCHS)
    network.load_state_dict(kept)
    log.info("latent classifier: cross entropy %.4f on faces held out", best)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the targets [N,A] that are not NaN."""
    known = ~torch.isnan(targets)
    return F.binary_cross_entropy_with_logits(logits[known], targets[known])


def agreement(logits: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.float64]:
    """Area under the ROC curve per column of logits [N,A] for truth [N,A]; NaN where a class is missing."""
    out = np.full(truth.shape[1], np.nan)
    for column in range(truth.shape[1]):
        known = ~np.isnan(truth[:, column])
        ranks = np.empty(known.sum())
        ranks[np.argsort(logits[known, column])] = np.arange(1, known.sum() + 1)
        positive = truth[known, column] == 1
        pairs = positive.sum() * (~positive).sum()
        if pairs:
            out[column] = (ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2) / pairs
    return out
