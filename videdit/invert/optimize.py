"""Latents by optimisation: style vectors from the encoder's start, until the render's features are the picture's (Yang and Lim 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from videdit.invert.encoder import BATCH, to_image
from videdit.invert.pivotal import pyramid
from videdit.networks.vgg import Vgg16Features

VERSION = 1  # raised when latents change for another reason than what stands here
STEPS, WARM_STEPS = 40, 15  # for the first frames, and for those that start from the solution of the frames before
FROM_THE_MEAN = 200  # for the first frames of a pack without an encoder
RATE, PIXELS, NEAR = 0.05, 1.0, 0.02
FACTS = (VERSION, STEPS, WARM_STEPS, RATE, PIXELS, NEAR, BATCH)  # what latents depend on
VGG16 = "vgg16-397923af.pth"  # as torchvision keeps it
Features = Callable[[Tensor], Sequence[Tensor]]


def features_for(classifier: nn.Module, device: torch.device) -> tuple[str, Features]:
    """VGG16's where torchvision has left its weights on this machine, else the pack's classifier's; with a name for the cache."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / VGG16
    if not path.is_file():
        return "classifier", classifier.features  # type: ignore[return-value]
    network = Vgg16Features()
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return "vgg16", network.to(device).eval().requires_grad_(False)


class Optimizer:
    """Crops to latents, for the crops of a clip in their order: each batch starts from what the last frame before it had gained.

    generator: latents [N,L,D] to images [N,3,S,S]; encode: crops [N,S,S,3] RGB in 0..255 to latents; features: maps of an image.
    Rows do not influence one another, and batches are filled up to one size, so the same crops in the same order give the same latents.
    """

    def __init__(
        self,
        generator: nn.Module,
        encode: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        features: Features,
        *,
        steps: int = STEPS,
    ) -> None:
        self._generator, self._encode, self._features, self._steps = generator, encode, features, steps
        self._gained: Tensor | None = None  # [1,L,D]

    def state(self) -> NDArray[np.float32] | None:
        """What the next crops' latents depend on, for `restore`."""
        return None if self._gained is None else self._gained.cpu().numpy()

    def restore(self, gained: NDArray[np.float32]) -> None:
        """Stand where another one stood."""
        self._gained = torch.from_numpy(np.array(gained)).to(next(self._generator.parameters()).device)

    def __call__(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents float32 [N,L,D] of crops [N,S,S,3] RGB in 0..255."""
        count, parts = len(crops), []
        for start in range(0, count, BATCH):
            part = crops[start : start + BATCH]
            filled = np.concatenate([part, np.repeat(part[-1:], BATCH - len(part), axis=0)])
            parts.append(self._solve(filled)[: len(part)])
        return np.concatenate(parts)

    def _solve(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        device = next(self._generator.parameters()).device
        first, images = torch.from_numpy(np.array(self._encode(crops))).to(device), to_image(crops, device)
        with torch.no_grad():
            wanted = [value.float() for value in self._features(images)]
        steps, w = self._steps, first.clone()
        if self._gained is not None:
            steps = WARM_STEPS
            with torch.no_grad():  # somebody else's gain would be a worse start than the encoder's
                cold, warm = (self._loss(start, first, images, wanted) for start in (first, first + self._gained))
            w = torch.where((warm < cold)[:, None, None], first + self._gained, first)
        w = w.requires_grad_(True)
        adam = torch.optim.Adam([w], lr=RATE)
        for step in range(steps):
            adam.param_groups[0]["lr"] = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            loss = self._loss(w, first, images, wanted).sum()
            adam.zero_grad()
            loss.backward()
            adam.step()
        self._gained = (w - first)[-1:].detach()
        return w.detach().cpu().numpy()

    def _loss(self, w: Tensor, first: Tensor, images: Tensor, wanted: Sequence[Tensor]) -> Tensor:
        """[N]: features and pixels between render and picture, and how far the latent went from the encoder's."""
        render = self._generator(w)
        found = [value.float() for value in self._features(render)]
        parts = [(a - b).abs().flatten(1).mean(1) / b.abs().flatten(1).mean(1).clamp_min(1e-3) for a, b in zip(found, wanted, strict=True)]
        pixels = torch.stack([pyramid(a[None], b[None]) for a, b in zip(render, images, strict=True)])
        return torch.stack(parts).mean(0) + PIXELS * pixels + NEAR * (w - first).square().flatten(1).mean(1)
