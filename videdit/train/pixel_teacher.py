"""Who says, beside the critic, whether what a pixel transform draws is what was asked: a hardened classifier (train.harden); and which
other attributes are to stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from videdit.errors import MissingError, UsageError
from videdit.networks.classifier import Classifier
from videdit.train.classifier import load_classifier
from videdit.train.pictures import Faces
from videdit.train.transformer import independence

AIM = 0.4  # logit; asked to look like a typical woman (2.5) men got her hair drawn onto their jaws, and were nobody any more


@dataclass(frozen=True, slots=True)
class Teacher:
    """A hardened classifier and what it is asked about: attribute `column`, to be there (sign 1) or not (-1)."""

    network: Classifier
    column: int
    sign: int

    def asks(self, image: Tensor) -> Tensor:
        """How much the pictures lack, scalar; nothing is gained far beyond AIM."""
        return F.softplus(2 * (AIM - self.sign * self.network(image)[:, self.column].float())).mean() / 2


def taught_by(folder: Path, device: torch.device, column: int, sign: int) -> Teacher:
    """The teacher in a run's folder. Raises MissingError where there is none, UsageError for an attribute that it was not taught."""
    network = load_classifier(folder, device)
    if network is None:
        raise MissingError(f"{folder} holds no classifier", hint="`videdit train classifier DATA DIR --hard` makes one.")
    if column >= network.head.out_features:
        raise UsageError("the teacher does not know this attribute", hint="One of your own is learned without --teacher.")
    return Teacher(network, column, sign)


def apart(faces: Faces, column: int, count: int) -> Tensor:
    """How little each of the first `count` attributes but this one has to do with it, (1 - |correlation of labels|)^2: what goes with it
    may go along."""
    free = independence(np.nan_to_num(faces.labels, nan=0.5))[column, :count]
    return torch.from_numpy(np.square(np.delete(free, column) if column < count else free))
