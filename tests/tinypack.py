"""A pack of random weights, small enough to make in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from videdit.networks.classifier import Classifier
from videdit.networks.encoder import Encoder
from videdit.networks.stylegan2 import Generator
from videdit.packs.celeba import CELEBA
from videdit.packs.save import save_axes, save_network, start_pack

SIZE, STYLE, LAYERS = 32, 16, 8


def make_tiny_pack(folder: Path, *, name: str = "tiny") -> Path:
    """A 32 px pack with generator, encoder, classifier and axes for every CelebA attribute; the same weights every time."""
    pack = folder / name
    torch.manual_seed(0)
    start_pack(pack, size=SIZE, style_dim=STYLE, num_layers=LAYERS, frame_scale=0.77, frame_shift=0.08, license="MIT")
    generator = {"size": SIZE, "style_dim": STYLE, "channels": [16, 16, 8, 8], "mapping_layers": 2, "conv_first": True}
    save_network(pack, "generator", Generator(**generator), generator, license="MIT", trained_on="nothing")
    encoder = {"size": SIZE, "style_dim": STYLE, "num_layers": LAYERS, "channels": [8, 16, 16], "neck": 8}
    save_network(pack, "encoder", Encoder(**encoder), encoder, license="MIT", trained_on="nothing")
    classifier = {"size": 32, "width": 4, "attributes": len(CELEBA)}
    save_network(pack, "classifier", Classifier(**classifier), classifier, license="MIT", trained_on="nothing")
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(len(CELEBA), LAYERS, STYLE))
    save_axes(pack, axes, np.full(len(CELEBA), 2.0), CELEBA, license="MIT", trained_on="nothing")
    return pack
