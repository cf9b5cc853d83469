"""A pack of random weights, small enough to make in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from videdit.faces.shape import MEAN_FACE
from videdit.networks.classifier import Classifier
from videdit.networks.encoder import Encoder
from videdit.networks.latents import LatentMapper, LatentTransformer
from videdit.networks.prototype import Prototypes
from videdit.networks.stylegan2 import Generator
from videdit.networks.transform import PixelEditors
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


def add_editors(pack: Path) -> Path:
    """Put a transformer and a mapper of random weights into a tiny pack."""
    torch.manual_seed(1)
    shape = {"attributes": list(CELEBA), "num_layers": LAYERS, "style_dim": STYLE}
    transformer = {**shape, "layers": [0, 1, 2, 3, 4], "rank": 3}
    save_network(pack, "transformer", LatentTransformer(**transformer), transformer, license="MIT", trained_on="nothing")
    mapper = {**shape, "depth": 2, "rank": 5}
    network = LatentMapper(**mapper)
    network.covariance.copy_(0.3 * torch.ones(len(CELEBA), len(CELEBA)) + 0.7 * torch.eye(len(CELEBA)))
    save_network(pack, "mapper", network, mapper, license="MIT", trained_on="nothing")
    return pack


def add_prototype(pack: Path, wanted: str = "Eyeglasses+") -> Path:
    """Put a layer into a tiny pack that darkens a square to a half, once for each 0.5 of a strength (scale 2)."""
    config = {"transforms": [wanted], "size": SIZE, "scales": [2.0]}
    network = Prototypes(**config)
    network.layers[0, 0, 8:14, 8:24] = -float(np.log(2))
    network.layers[0, 1, 6:16, 6:26] = 1
    network.points.copy_(torch.from_numpy(pixel_points(SIZE).astype(np.float32)))
    save_network(pack, "prototype", network, config, license="MIT", trained_on="nothing")
    return pack


def add_pixel(pack: Path) -> Path:
    """Put four pixel transforms of random weights into a tiny pack."""
    torch.manual_seed(2)
    names = ["Eyeglasses-", "Mouth_Slightly_Open+", "Male-", "Young+"]
    config = {"transforms": names, "regions": ["eyes", "mouth", "", ""], "width": 8}
    network = PixelEditors(**config)
    for name, value in network.named_parameters():
        if ".out." in name:  # they begin at zero
            torch.nn.init.normal_(value, std=0.1)
    save_network(pack, "pixel", network, config, license="MIT", trained_on="nothing")
    return pack


def pixel_points(size: int) -> np.ndarray:
    """Landmarks [78,2] px of a typical face in a crop of this side."""
    return size * (MEAN_FACE / 3.1 + np.array([0.5, 0.4]))
