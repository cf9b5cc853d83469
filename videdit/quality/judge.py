"""The independent judge: a classifier of attributes of another architecture than a pack's, trained on people no pack has seen.

benchmarks/judge.py trains it; its weights lie in benchmarks/judge and never in a wheel.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from videdit.errors import MissingError

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "judge"
SIDE, CHANNELS = 80, (48, 48, 96, 96, 160, 160, 224)
BATCH = 64


class Judge(nn.Module):
    """Plain convolutions in pairs with max-pooling between (VGG-like): faces in the pack's frame -> 40 logits."""

    def __init__(self, attributes: int = 40) -> None:
        super().__init__()
        self.attributes = attributes
        layers: list[nn.Module] = []
        last = 3
        for i, channels in enumerate(CHANNELS):
            first = i == 0
            layers += [nn.Conv2d(last, channels, 5 if first else 3, stride=2 if first else 1, padding=2 if first else 1, bias=False)]
            layers += [nn.BatchNorm2d(channels), nn.ELU()]
            layers += [nn.MaxPool2d(2)] if i in (1, 3, 5) else []
            last = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * last, attributes))

    def forward(self, image: Tensor) -> Tensor:
        """image float32 [N,3,S,S] in [-1,1], resized inside -> logits [N,40]."""
        if image.shape[-1] != SIDE:
            image = F.interpolate(image, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        maps = self.body(image)
        logits: Tensor = self.head(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1))
        return logits

    @torch.no_grad()
    def judge(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 RGB [N,S,S,3] -> probabilities float32 [N,40], averaged with the mirror image's."""
        out = []
        for start in range(0, len(crops), BATCH):
            part = torch.from_numpy(np.ascontiguousarray(crops[start : start + BATCH])).permute(0, 3, 1, 2)
            batch = (part.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
            out.append(((self(batch) + self(batch.flip(3))) / 2).float().sigmoid().numpy())
        return np.concatenate(out) if out else np.zeros((0, self.attributes), np.float32)


def load_judge(folder: str | Path | None = None) -> tuple[Judge, list[str]]:
    """The judge in eval mode on the CPU, and the attributes' names in the order of its logits.

    folder: with judge.toml and judge.safetensors, benchmarks/judge of a checkout by default. Raises MissingError.
    """
    folder = Path(folder or FOLDER)
    try:
        notes = tomllib.loads((folder / "judge.toml").read_text("utf-8"))
        tensors = load_file(folder / "judge.safetensors")
    except OSError:
        hint = "It lies in benchmarks/judge of a checkout of videdit; `python -m benchmarks.judge` trains one. --judge names its folder."
        raise MissingError(f"there is no judge in {folder}", hint=hint) from None
    judge = Judge(len(notes["attributes"]))
    judge.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=False)
    return judge.eval().requires_grad_(False), notes["attributes"]
