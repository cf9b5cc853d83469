"""Train the identity embedding.

    videdit train identity DATA OUT

Softmax over the people of shards 0-3 on cosines with an additive margin (CosFace, Wang et al. 2018; Wang et al. 2018
"Additive margin softmax"), the trunk started from the classifier's when its weights are given. Verification on pairs of
shard 5, people it never saw, goes into OUT_DIR/log.jsonl; samples.png shows its closest strangers and its least alike pairs.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from videdit.networks.recognizer import Recognizer
from videdit.train import data as faces_data
from videdit.train.augment import jitter, shrink, soften, to_batch
from videdit.train.run import Average, Progress, Run, pick_device, write_sheet

CONFIG = {"size": 64, "width": 20, "dim": 128}
BATCH, RATE, DECAY = 64, 1.5e-3, 0.05
SCALE, MARGIN = 20.0, 0.15


class MarginHead(nn.Module):
    """Cosines to one direction per person; the right one is lowered by a margin, so that training goes on pulling."""

    def __init__(self, dim: int, people: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(people, dim) * dim**-0.5)

    def forward(self, embedding: Tensor, person: Tensor, margin: float) -> Tensor:
        """embedding [N,dim] unit length, person int64 [N] -> mean cross entropy."""
        cosine = embedding @ F.normalize(self.weight, dim=1).T
        cosine = cosine - margin * F.one_hot(person, cosine.shape[1])
        return F.cross_entropy(SCALE * cosine, person, label_smoothing=0.05)


@torch.no_grad()
def embed(network: nn.Module, pictures: np.ndarray, device: torch.device) -> np.ndarray:
    """uint8 [N,S,S,3] -> unit vectors float32 [N,dim], of the picture and its mirror image together."""
    network.eval()
    out = []
    for start in range(0, len(pictures), 256):
        batch = to_batch(pictures[start : start + 256], device)
        out.append(F.normalize(network(batch) + network(batch.flip(3)), dim=1).cpu().numpy())
    network.train()
    return np.concatenate(out)


def make_pairs(identity: np.ndarray, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Row pairs int [2*count,2], and whether they show one person bool [2*count]; half are strangers."""
    draw = np.random.default_rng(seed)
    people = [np.flatnonzero(identity == p) for p in np.unique(identity)]
    people = [p for p in people if len(p) > 1]
    same = np.stack([draw.choice(people[draw.integers(len(people))], 2, replace=False) for _ in range(count)])
    other = draw.integers(len(identity), size=(4 * count, 2))
    other = other[identity[other[:, 0]] != identity[other[:, 1]]][:count]
    return np.concatenate([same, other]), np.arange(count + len(other)) < count


def verification(cosines: np.ndarray, same: np.ndarray) -> dict[str, float]:
    """auc: chance that one person's pair scores above a strangers' pair; accuracy at the best single threshold."""
    order = np.argsort(cosines)
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    positives, negatives = int(same.sum()), int((~same).sum())
    auc = (ranks[same].sum() - positives * (positives + 1) / 2) / (positives * negatives)
    sorted_same = same[order]
    right = np.cumsum(~sorted_same) + positives - np.cumsum(sorted_same)
    best = int(right.argmax())
    return {"auc": float(auc), "accuracy": float(max(right.max(), positives) / len(same)), "threshold": float(cosines[order[best]])}


def _start_from(network: Recognizer, path: Path | None) -> None:
    """Copy the trunk of a classifier of the same width."""
    if path is None or not path.exists():
        return
    own = network.state_dict()
    trunk = {k: v for k, v in load_file(path).items() if k.startswith(("stem", "stages")) and own[k].shape == v.shape}
    network.load_state_dict(trunk, strict=False)


def _step(network: nn.Module, head: MarginHead, optimizer: torch.optim.Optimizer, batch: Tensor, person: Tensor, margin: float) -> Tensor:
    with torch.autocast(batch.device.type, torch.bfloat16):
        codes = network(batch)
    loss = head(codes, person, margin)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return loss.detach()


def _write(out: Path, values: dict[str, Tensor], scores: dict[str, float], people: int) -> Path:
    path = out / "recognizer.safetensors"
    save_file({k: v.contiguous() for k, v in values.items() if not k.endswith("num_batches_tracked")}, path)
    notes = {"config": CONFIG, "people": people, "verification": {k: round(v, 4) for k, v in scores.items()}}
    (out / "recognizer.json").write_text(json.dumps(notes, indent=1))
    return path


def _sheet(path: Path, pictures: np.ndarray, pairs: np.ndarray, same: np.ndarray, cosines: np.ndarray) -> None:
    """The eight least alike pairs of one person and the eight most alike strangers."""
    hard = np.concatenate([np.flatnonzero(same)[np.argsort(cosines[same])[:8]], np.flatnonzero(~same)[np.argsort(-cosines[~same])[:8]]])
    notes = [f"{'same' if same[i] else 'others'} {cosines[i]:.2f}" for i in hard for _ in range(2)]
    write_sheet(path, pictures[pairs[hard].ravel()], notes)


def train(
    data: Path,
    out: Path,
    *,
    minutes: float = 15.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    init: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` in all; returns the weights' path.

    data: work directory of videdit.train.data. init: a classifier's weights to start from; by default
    ../classifier/classifier.safetensors beside `out`, when there. Raises FileNotFoundError when data was not prepared.
    """
    faces, on = faces_data.load(data), pick_device(device)
    rows, held = faces.rows(0, 1, 2, 3), faces.rows(5)
    people, person = np.unique(faces.identity[rows], return_inverse=True)
    pictures, checks = shrink(faces.faces, rows, CONFIG["size"]), shrink(faces.faces, held, CONFIG["size"])
    pairs, same = make_pairs(faces.identity[held], 6000)
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    network, shadow = Recognizer(**CONFIG).to(on), Recognizer(**CONFIG).to(on)  # type: ignore[arg-type]  # all of it is integers
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _start_from(network, init or Path(out).parent / "classifier" / "classifier.safetensors")
    head = MarginHead(CONFIG["dim"], len(people)).to(on)
    optimizer = torch.optim.AdamW([*network.parameters(), *head.parameters()], lr=RATE, weight_decay=DECAY)
    average, run = Average(network), Run(out, minutes=minutes, resume=resume, progress=progress)
    parts = {"network": network, "head": head, "optimizer": optimizer}
    run.restore(parts, average, draw)
    scores: dict[str, float] = {}

    def step() -> Tensor:
        optimizer.param_groups[0]["lr"] = run.rate(RATE)
        chosen = torch.randint(len(rows), (BATCH,), generator=draw)
        batch = soften(jitter(to_batch(pictures[chosen.numpy()], on), draw), draw, share=0.2)
        who = torch.from_numpy(person[chosen.numpy()]).to(on)
        loss = _step(network, head, optimizer, batch, who, MARGIN * min(1.0, 2 * run.done))
        average.update(network)
        return loss

    def report(loss: float) -> None:
        nonlocal scores
        shadow.load_state_dict(average.values)
        codes = embed(shadow, checks, on)
        cosines = (codes[pairs[:, 0]] * codes[pairs[:, 1]]).sum(1)
        scores = verification(cosines, same)
        means = {"same": float(cosines[same].mean()), "others": float(cosines[~same].mean())}
        run.save(parts, average, draw)
        run.log(loss=loss, images=run.step * BATCH, **means, **scores)
        _sheet(run.out / "samples.png", checks, pairs, same, cosines)

    run.go(step, report)
    path = _write(run.out, average.values, scores, len(people))
    (run.out / "DONE").touch()
    return path
