"""A training run: a budget in minutes that survives being interrupted, a log line a minute (with a table and a curve), checkpoints.

The clock counts training seconds over all starts of a run, and the learning rate follows the clock, so the same script
with another `--minutes` gives the best it can in that time.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from videdit.train.curve import summarise

Progress = Callable[[str, int, int | None], None]  # stage, done, total


def pick_device(name: str) -> torch.device:
    """auto: the first GPU where there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


class Average:
    """Running average of a module's weights (an exponential one, shorter at first)."""

    def __init__(self, module: torch.nn.Module, decay: float = 0.998) -> None:
        self.decay, self.count = decay, 0
        self.values = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module) -> None:
        self.count += 1
        keep = min(self.decay, self.count / (self.count + 10))
        for key, value in module.state_dict().items():
            if value.is_floating_point():
                self.values[key].lerp_(value, 1 - keep)
            else:
                self.values[key].copy_(value)


class Run:
    """One run in a folder `out`: `log.jsonl`, the same as `log.csv` and `curve.svg`, `checkpoint.pt` (moved into place, never half
    written), samples. With `patience` it ends when that many judgements in a row were no better than the best one before."""

    def __init__(
        self,
        out: Path,
        *,
        minutes: float,
        resume: bool,
        log_every: float = 60.0,
        patience: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.out = Path(out)
        self.out.mkdir(parents=True, exist_ok=True)
        self.budget, self.resume, self.log_every = minutes * 60, resume, log_every
        self.patience, self.progress = patience, progress
        self.spent, self.step = 0.0, 0
        self.best, self.worse = math.inf, 0
        self._tick = self._logged = time.monotonic()

    def restore(self, parts: Mapping[str, Any], average: Average, draw: torch.Generator) -> None:
        """Put the last checkpoint into the parts (modules, optimizers), the averaged weights and the random numbers, if there is one."""
        path = self.out / "checkpoint.pt"
        if not self.resume or not path.exists():
            (self.out / "log.jsonl").unlink(missing_ok=True)
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.spent, self.step = state["spent"], state["step"]
        self.best, self.worse = state.get("best", math.inf), state.get("worse", 0)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        for name, value in state["average"].items():
            average.values[name].copy_(value)
        average.count = state["count"]
        draw.set_state(state["draw"])

    def save(self, parts: Mapping[str, Any], average: Average, draw: torch.Generator) -> None:
        """Write the checkpoint; a kill leaves the last one."""
        part = self.out / "checkpoint.pt.part"
        state = {name: p.state_dict() for name, p in parts.items()}
        state |= {"average": average.values, "count": average.count, "draw": draw.get_state(), "spent": self.spent, "step": self.step}
        state |= {"best": self.best, "worse": self.worse}
        torch.save(state, part)
        os.replace(part, self.out / "checkpoint.pt")

    def go(self, step: Callable[[], torch.Tensor], report: Callable[[float], None]) -> None:
        """Call step() -> loss until the budget or the patience ends; report(mean loss since the last) once a minute and at the end."""
        self.start()
        total, count, more = 0.0, 0, self.done < 1 and not self.tired
        while more:
            total, count, more = total + float(step()), count + 1, self.advance()
            if more and self.due():
                report(total / count)
                total, count, more = 0.0, 0, not self.tired
        report(total / max(count, 1))

    def improved(self, value: float) -> bool:
        """Whether a judgement (less is better) is the best so far."""
        better = value < self.best
        self.best, self.worse = (value, 0) if better else (self.best, self.worse + 1)
        return better

    @property
    def tired(self) -> bool:
        """Whether patience is at its end."""
        return self.patience is not None and self.worse >= self.patience

    def start(self) -> None:
        """Start the clock (after data is loaded)."""
        self._tick = self._logged = time.monotonic()

    def advance(self) -> bool:
        """Count one step; True while there is time left."""
        now = time.monotonic()
        self.spent, self._tick, self.step = self.spent + now - self._tick, now, self.step + 1
        if self.progress:
            self.progress("train", int(min(self.spent, self.budget)), int(self.budget))
        return self.spent < self.budget

    def due(self) -> bool:
        """True once a minute: time to log and checkpoint."""
        return time.monotonic() - self._logged >= self.log_every

    @property
    def done(self) -> float:
        """Share of the budget spent, 0..1."""
        return min(1.0, self.spent / max(self.budget, 1e-9))

    def rate(self, peak: float, *, warm: float = 0.05, floor: float = 0.01) -> float:
        """Learning rate now: linear warm-up, then a half cosine to `floor` x peak."""
        if self.done < warm:
            return peak * (0.05 + 0.95 * self.done / warm)
        cosine = 0.5 * (1 + math.cos(math.pi * (self.done - warm) / (1 - warm)))
        return peak * (floor + (1 - floor) * cosine)

    def log(self, **values: Any) -> None:
        """One line to the log and the terminal; its own time is not counted against the budget."""
        line: dict[str, Any] = {"step": self.step, "seconds": round(self.spent, 1)}
        line |= {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
        with open(self.out / "log.jsonl", "a") as handle:
            handle.write(json.dumps(line) + "\n")
        summarise(self.out)
        if self.progress is None:
            print(" ".join(f"{k}={v}" for k, v in line.items()), flush=True)
        self.start()


def write_sheet(path: Path, pictures: np.ndarray, notes: list[str], *, columns: int = 8) -> None:
    """Sample pictures uint8 [N,S,S,3] RGB with a note under each, as one PNG."""
    size, foot = 128, 14
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (size + foot), columns * size, 3), 255, np.uint8)
    for i, (picture, note) in enumerate(zip(pictures, notes, strict=True)):
        y, x = i // columns * (size + foot), i % columns * size
        sheet[y : y + size, x : x + size] = cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)
        cv2.putText(sheet, note, (x + 2, y + size + 10), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.imwrite(str(path), sheet[..., ::-1])
