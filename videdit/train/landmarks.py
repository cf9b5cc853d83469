"""Train the landmark network on the training faces and the teacher's points.

    videdit train landmarks DATA OUT

Every three minutes and at the end OUT_DIR/landmarker.safetensors (float32, averaged weights), config.json and samples.png
(teacher green, ours red) are written, so an unfinished run is of use already. Errors are in eye distances, on people of
shard 5 seen nowhere else. One thread computes, one prepares the crops.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from videdit.networks.landmarker import Landmarker
from videdit.train.data import Faces, load
from videdit.train.landmark_crops import Batch, make_batch
from videdit.train.run import Average, Progress, Run, pick_device, write_sheet

SIZE = 64
CONFIG: dict[str, object] = {"size": SIZE, "points": 78, "widths": [24, 48, 96, 128], "blocks": [1, 2, 1]}
BATCH, RATE, DECAY = 48, 1.5e-3, 0.02
SNAPSHOT = 180.0  # s


def point_weights() -> Tensor:
    """[78]: eyes and mouth steer the crop and the edit, the outline only bounds it."""
    weight = torch.ones(78)
    weight[:17], weight[17:27], weight[36:48], weight[48:68], weight[68:] = 0.6, 0.8, 2.0, 2.0, 0.5
    return weight / weight.mean()


def eye_distance(points: Tensor) -> Tensor:
    """[N,78,2] -> [N], between the eyes' centres, but at least half the way from eyes to mouth (profiles)."""
    left, right = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    down = (points[:, 48:60].mean(1) - (left + right) / 2).norm(dim=1)
    return torch.maximum((right - left).norm(dim=1), 0.5 * down)


def loss(points: Tensor, presence: Tensor, batch: dict[str, Tensor], weights: Tensor) -> tuple[Tensor, Tensor]:
    """Total loss, and the mean point error in eye distances of the crops that show a face."""
    unit = eye_distance(batch["points"]).clamp_min(1e-3)[:, None]
    error = (points.float() - batch["points"]).norm(dim=2) / unit  # [N,P]
    wing = 0.05 * torch.log1p(error / 0.01)  # Feng et al. 2018: small errors keep pulling
    known = batch["weight"] * weights
    where = ((wing + error) * known).sum() / known.sum().clamp_min(1)
    there = F.binary_cross_entropy_with_logits(presence.float(), batch["face"])
    return where + 0.1 * there, (error * batch["weight"]).sum() / batch["weight"].sum().clamp_min(1)


def to_tensors(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """A batch as the network and the loss take it."""
    image = torch.from_numpy(batch.images).permute(0, 3, 1, 2).to(device).float().div_(127.5).sub_(1)
    others = {name: torch.from_numpy(getattr(batch, name)).to(device) for name in ("points", "weight", "face")}
    return {"image": image.contiguous(memory_format=torch.channels_last), **others}


def _batches(faces: Faces, rows: NDArray[np.integer], seed: int, start: int, stop: threading.Event) -> Iterator[Batch]:
    """Batches start, start + 1, ...; a second thread prepares them ahead."""
    ready: queue.Queue[Batch] = queue.Queue(maxsize=4)

    def fill() -> None:
        step = start
        while not stop.is_set():
            rng = np.random.default_rng((seed, step))
            batch = make_batch(faces, rng.choice(rows, BATCH), SIZE, rng)
            while not stop.is_set():
                try:
                    ready.put(batch, timeout=0.5)
                    break
                except queue.Full:
                    continue
            step += 1

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield ready.get()


def _network(device: torch.device) -> Landmarker:
    return Landmarker(**CONFIG).to(device, memory_format=torch.channels_last)  # type: ignore[arg-type,call-overload]


class Trainer:
    """The network, its averaged weights, the optimizer."""

    def __init__(self, faces: Faces, run: Run, device: torch.device, seed: int) -> None:
        torch.manual_seed(seed)
        self.run, self.device = run, device
        self.net, self.shadow = _network(device), _network(device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), RATE, weight_decay=DECAY)
        self.weights = point_weights().to(device)
        probe = make_batch(faces, faces.rows(0)[:256], SIZE, np.random.default_rng(0), disturb=False)
        self.net.start_at(torch.from_numpy(probe.points.mean(0)).to(device))
        self.average = Average(self.net, decay=0.995)
        self.parts = {"network": self.net, "optimizer": self.optimizer}
        self.draw = torch.Generator()  # crops are drawn from (seed, step), so it never moves
        run.restore(self.parts, self.average, self.draw)

    def step(self, batch: Batch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.run.rate(RATE)
        data = to_tensors(batch, self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            points, presence = self.net(data["image"])
        total, error = loss(points, presence, data, self.weights)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update(self.net)
        return float(error.detach())

    def save(self, scores: dict[str, float]) -> Path:
        """Checkpoint, and the averaged weights as they are used."""
        self.run.save(self.parts, self.average, self.draw)
        path = self.run.out / "landmarker.safetensors"
        values = {k: v.float().cpu().contiguous() for k, v in self.average.values.items() if not k.endswith("num_batches_tracked")}
        save_file(values, f"{path}.part")
        os.replace(f"{path}.part", path)
        notes = {"config": CONFIG, "scores": {k: round(v, 4) for k, v in scores.items()}}
        (self.run.out / "config.json").write_text(json.dumps(notes, indent=1) + "\n")
        return path

    def judge(self, faces: Faces, rows: NDArray[np.integer]) -> dict[str, float]:
        self.shadow.load_state_dict(self.average.values)
        return evaluate(self.shadow, faces, rows, self.device, samples=self.run.out / "samples.png")


@torch.no_grad()
def evaluate(
    net: Landmarker, faces: Faces, rows: NDArray[np.integer], device: torch.device, *, samples: Path | None = None
) -> dict[str, float]:
    """nme: mean error in eye distances over crops as a tracker cuts them; nme_eyes_mouth: of those points alone; nme_hard: over
    disturbed crops; presence: share of right answers there."""
    net.eval()
    errors, hard, right = [], [], []
    for first in range(0, len(rows), 128):
        for disturb in (False, True):
            rng = np.random.default_rng((7, first))
            data = to_tensors(make_batch(faces, rows[first : first + 128], net.size, rng, disturb=disturb), device)
            points, presence = net(data["image"])
            each = (points - data["points"]).norm(dim=2) / eye_distance(data["points"]).clamp_min(1e-3)[:, None]
            if not disturb:
                errors.append(each.cpu())
                continue
            hard.append(each[data["weight"] > 0].cpu())
            right.append(((presence > 0) == (data["face"] > 0.5)).float().cpu())
            if samples is not None and first == 0:
                _draw(samples, data, points)
    plain = torch.cat(errors)
    means = {"nme": plain, "nme_eyes_mouth": plain[:, 36:68], "nme_hard": torch.cat(hard), "presence": torch.cat(right)}
    return {name: float(values.mean()) for name, values in means.items()}


def _draw(path: Path, data: dict[str, Tensor], points: Tensor, count: int = 40) -> None:
    """The teacher's points green, ours red."""
    tiles = []
    for image, truth, ours in zip(data["image"][:count], data["points"], points, strict=False):
        tile = ((image.permute(1, 2, 0).cpu().numpy() + 1) * 127.5).astype(np.uint8)
        tile = cv2.resize(tile, (256, 256), interpolation=cv2.INTER_CUBIC)
        for dots, color in ((truth, (0, 255, 0)), (ours, (255, 0, 0))):
            for x, y in dots.cpu().numpy() * 256:
                cv2.circle(tile, (int(x), int(y)), 2, color, -1)
        tiles.append(tile)
    write_sheet(path, np.stack(tiles), [f"face {int(f)}" for f in data["face"][:count]], columns=10)


def train(
    data: Path,
    out: Path,
    *,
    minutes: float,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` in all; returns the weights' path.

    data: work directory of videdit.train.data. Raises FileNotFoundError when it was not prepared.
    """
    faces, run = load(data), Run(out, minutes=minutes, resume=resume, progress=progress)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    trainer = Trainer(faces, run, pick_device(device), seed)
    stop, test = threading.Event(), faces.rows(5)
    batches = _batches(faces, faces.rows(0, 1, 2, 3), seed, run.step, stop)
    recent: list[float] = []
    saved, more = run.spent, run.done < 1
    run.start()
    while more:
        recent.append(trainer.step(next(batches)))
        more = run.advance()
        if run.due():
            run.log(images=run.step * BATCH, error=float(np.mean(recent)))
            recent = []
        if run.spent - saved >= SNAPSHOT:
            scores = trainer.judge(faces, test[::20])
            trainer.save(scores)
            run.log(**scores)
            saved = run.spent
    stop.set()
    scores = trainer.judge(faces, test[::3])
    run.log(**scores)
    path = trainer.save(scores)
    (run.out / "DONE").touch()
    return path
