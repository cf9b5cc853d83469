"""Who says, beside the critic, whether what a pixel transform draws is what was asked: a hardened classifier (train.harden); and which
other attributes are to stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from videdit.errors import MissingError
from videdit.networks.classifier import Classifier
from videdit.packs.load import Pack
from videdit.train.augment import to_batch
from videdit.train.classifier import load_classifier
from videdit.train.pictures import Faces

SURE, LEAST = 0.8, 0.3  # asked to look like the typical one, men got the hair of women drawn onto their jaws


@dataclass(frozen=True, slots=True)
class Teacher:
    """A hardened classifier, and `aim`: its (signed) logit of most faces that have what is wanted (SURE); more is not asked for."""

    network: Classifier
    column: int
    sign: int
    aim: float

    def asks(self, image: Tensor) -> Tensor:
        """How much the pictures lack, scalar."""
        return F.softplus(2 * (self.aim - self.sign * self.network(image)[:, self.column].float())).mean() / 2


def taught_by(folder: Path, pack: Pack, faces: Faces, rows: NDArray[np.integer], column: int, sign: int) -> Teacher:
    """The teacher in a run's folder; rows: faces that have what is wanted. Raises MissingError where there is none."""
    network = load_classifier(folder, pack.device)
    if network is None:
        raise MissingError(f"{folder} holds no classifier", hint="`videdit train classifier DATA DIR --hard` makes one.")
    with torch.inference_mode():
        typical = network(to_batch(faces.faces[rows[:256]], pack.device))[:, column]
    return Teacher(network, column, sign, max(LEAST, float((sign * typical).quantile(1 - SURE))))


def apart(faces: Faces, column: int, count: int) -> Tensor:
    """How little each of the first `count` attributes but this one has to do with it, (1 - |correlation of labels|)^2: what goes with it
    may go along."""
    known = np.nan_to_num(faces.labels, nan=0.5)
    own = known[:, column] - known[:, column].mean()
    others = np.delete(known[:, :count], column, 1) if column < count else known[:, :count]
    others = others - others.mean(0)
    scale = np.sqrt(np.square(others).sum(0) * np.square(own).sum()) + 1e-6
    return torch.from_numpy(np.square(1 - np.abs(others.T @ own) / scale).astype(np.float32))
