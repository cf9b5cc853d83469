"""Train the attribute classifier.

    videdit train classifier DATA OUT
    videdit train classifier DATA OUT --hard      (train.harden: a teacher for `train pixel`, which drawing can't fool by haze or grain)

Cross entropy on the 40 labels of shards 0-3 at 64 px; the validation accuracy on shard 5 goes into OUT_DIR/log.jsonl,
sample faces into samples.png, the averaged weights into classifier.safetensors beside classifier.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from videdit.networks.classifier import Classifier
from videdit.train import data as faces_data
from videdit.train.augment import jitter, shrink, soften, to_batch
from videdit.train.harden import harden
from videdit.train.run import Average, Progress, Run, pick_device, write_sheet

CONFIG = {"size": 64, "width": 20, "attributes": 40}
HARD = CONFIG | {"width": 32}  # what holds against the worst needs more room
BATCH, RATE, DECAY = 64, 2e-3, 0.02
SHOWN = ("Smiling", "Eyeglasses", "Male", "Mouth_Slightly_Open", "Young")


@torch.no_grad()
def predict(network: nn.Module, pictures: np.ndarray, device: torch.device) -> np.ndarray:
    """uint8 [N,S,S,3] -> probabilities float32 [N,A], averaged over the picture and its mirror image."""
    network.eval()
    out = []
    for start in range(0, len(pictures), 256):
        batch = to_batch(pictures[start : start + 256], device)
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(batch).float() + network(batch.flip(3)).float()
        out.append((logits / 2).sigmoid().cpu().numpy())
    network.train()
    return np.concatenate(out)


def accuracies(probabilities: np.ndarray, labels: np.ndarray, names: list[str]) -> dict[str, float]:
    """Share of right answers at 0.5 per attribute, and their mean."""
    right = ((probabilities > 0.5) == (labels > 0)).mean(0)
    return {"mean": float(right.mean())} | {name: float(r) for name, r in zip(names, right, strict=True)}


def _step(network: nn.Module, optimizer: torch.optim.Optimizer, batch: Tensor, labels: Tensor) -> Tensor:
    with torch.autocast(batch.device.type, torch.bfloat16):
        logits = network(batch)
    loss = F.binary_cross_entropy_with_logits(logits.float(), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return loss.detach()


def save(out: Path, values: dict[str, Tensor], attributes: list[str], scores: dict[str, float], config: dict[str, int] = CONFIG) -> Path:
    """The averaged weights as fp32 safetensors and what is needed to build the network."""
    path = out / "classifier.safetensors"
    save_file({k: v.contiguous() for k, v in values.items() if not k.endswith("num_batches_tracked")}, path)
    notes = {"config": config, "attributes": attributes, "accuracy": {k: round(v, 4) for k, v in scores.items()}}
    (out / "classifier.json").write_text(json.dumps(notes, indent=1))
    return path


def load_classifier(folder: Path, device: torch.device) -> Classifier | None:
    """What `save` wrote, frozen, to judge what others learn; None where nothing was trained."""
    if not (folder / "classifier.safetensors").exists():
        return None
    classifier = Classifier(**json.loads((folder / "classifier.json").read_text())["config"])
    classifier.load_state_dict({k: v.float() for k, v in load_file(folder / "classifier.safetensors").items()})
    return classifier.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)


def train(
    data: Path,
    out: Path,
    *,
    minutes: float = 5.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    hard: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` in all; returns the weights' path.

    data: work directory of videdit.train.data; hard: on pictures made as hard as they can be (train.harden), as a teacher for others.
    Raises FileNotFoundError when the data was not prepared.
    """
    config = HARD if hard else CONFIG
    faces, on = faces_data.load(data), pick_device(device)
    rows, held = faces.rows(0, 1, 2, 3), faces.rows(5)[:4000]
    pictures, checks = shrink(faces.faces, rows, config["size"]), shrink(faces.faces, held, config["size"])
    labels = torch.from_numpy(faces.labels[rows].astype(np.float32))
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    network, shadow = Classifier(**config).to(on), Classifier(**config).to(on)  # type: ignore[arg-type]  # all of it is integers
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    average, run = Average(network), Run(out, minutes=minutes, resume=resume, progress=progress)
    parts = {"network": network, "optimizer": optimizer}
    run.restore(parts, average, draw)
    scores: dict[str, float] = {}

    def step() -> Tensor:
        optimizer.param_groups[0]["lr"] = run.rate(RATE)
        chosen = torch.randint(len(rows), (BATCH,), generator=draw)
        batch = soften(jitter(to_batch(pictures[chosen.numpy()], on), draw), draw)
        wanted = labels[chosen].to(on)
        if hard:
            with torch.autocast(on.type, torch.bfloat16):
                batch = harden(network, batch, wanted, draw)
        loss = _step(network, optimizer, batch, wanted)
        average.update(network)
        return loss

    def report(loss: float) -> None:
        nonlocal scores
        shadow.load_state_dict(average.values)
        found = predict(shadow, checks, on)
        scores = accuracies(found, faces.labels[held], faces.attributes)
        run.save(parts, average, draw)
        run.log(loss=loss, images=run.step * BATCH, accuracy=scores["mean"], **{k: scores[k] for k in SHOWN})
        shown = faces.attributes.index("Smiling")
        notes = [f"smile {p:.2f} ({t})" for p, t in zip(found[:32, shown], faces.labels[held][:32, shown], strict=True)]
        write_sheet(run.out / "samples.png", checks[:32], notes)

    run.go(step, report)
    path = save(run.out, average.values, faces.attributes, scores, config)
    (run.out / "DONE").touch()
    return path
