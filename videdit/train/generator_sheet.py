"""A sheet of held-out faces, by which one sees what generator and encoder have learned so far."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from videdit.train.data import Faces


@torch.no_grad()
def write_sheet(path: Path, generator: nn.Module, encoder: nn.Module, faces: Faces, slopes: Tensor) -> None:
    """Rows: held-out faces, reconstructions, smile towards the other side, mouth open likewise, eyeglasses +1, age likewise, samples.

    slopes [A,L*D]: of the latents on each attribute, where the networks are.
    """
    rows, device = faces.rows(5)[40:50], slopes.device
    real = torch.from_numpy(faces.faces[rows]).to(device).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    w = encoder(real)
    pictures = [real, generator(w)]
    for name, both in (("Smiling", True), ("Mouth_Slightly_Open", True), ("Eyeglasses", False), ("Young", True)):
        k = faces.attributes.index(name)
        labels = torch.from_numpy(faces.labels[rows, k].astype(np.float32)).to(device)
        sign = 1 - 2 * labels if both else torch.ones(len(rows), device=device)
        pictures.append(generator(w + slopes[k].view_as(w[0]) * sign[:, None, None] * 1.8))
    z = torch.randn(len(rows), generator.style_dim, generator=torch.Generator().manual_seed(1)).to(device)
    pictures.append(generator(generator.mapping(z, truncation=0.8)))
    grid = torch.cat([torch.cat(list(p), 2) for p in pictures], 1).clamp(-1, 1).add(1).mul(127.5).byte()
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), grid.permute(1, 2, 0).cpu().numpy()[..., ::-1])
