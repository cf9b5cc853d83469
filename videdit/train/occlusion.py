"""Train the network that sees what lies in front of a face.

    videdit train occlusion --pack PACK --data DATA

Faces of the training people get drawn things put before them (train.occluders), so where those are is known. What people wear (glasses,
a beard, a fringe) is a part of the face and stays unmarked. Loss: cross entropy and Dice (Milletari et al. 2016).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from videdit.networks.occluder import Occluder
from videdit.packs.load import load_pack
from videdit.packs.save import save_network
from videdit.train.augment import jitter, shrink, soften, to_batch
from videdit.train.editors import fit, writable
from videdit.train.occluders import cover, sprites
from videdit.train.pictures import gather
from videdit.train.run import Progress, Run, write_sheet

SIZE, WIDTHS = 64, (16, 32, 64, 96, 128)
BATCH, RATE, DECAY = 32, 2e-3, 1e-4
SPRITES, JUDGED = 3000, 256
PATIENCE, EVERY = 12, 30.0


def losses(network: Occluder, images: Tensor, masks: Tensor) -> dict[str, Tensor]:
    """The two terms for images [N,3,S,S] in [-1,1] and masks [N,S,S] in 0..1."""
    with torch.autocast(images.device.type, torch.bfloat16):
        logits = network(images)
    share = logits.sigmoid()
    dice = 1 - (2 * (share * masks).sum((1, 2)) + 8) / (share.sum((1, 2)) + masks.sum((1, 2)) + 8)
    return {"entropy": F.binary_cross_entropy_with_logits(logits, masks), "dice": dice.mean()}


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    minutes: float = 8.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    faces: int = 16000,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` at most, and put the network into the pack; returns its file there.

    data: a work directory of videdit.train.data or a folder of pictures (train.pictures). Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    known = gather(Path(data), loaded, count=faces, seed=seed, progress=progress)
    small = shrink(known.faces, np.arange(len(known.faces)), SIZE)
    rows, held = np.flatnonzero(~known.held), np.flatnonzero(known.held)[:JUDGED]
    torch.manual_seed(seed)
    network = Occluder(SIZE, WIDTHS).to(loaded.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = Run(out, minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    kinds = sprites(SPRITES, seed)
    judged = cover(to_batch(small[held], torch.device("cpu")), sprites(JUDGED, seed + 1), torch.Generator().manual_seed(seed))
    images, masks = (part.to(loaded.device) for part in judged)

    def loss(draw: torch.Generator) -> Tensor:
        network.train()
        chosen = rows[torch.randint(len(rows), (BATCH,), generator=draw).numpy()]
        pictures = jitter(to_batch(small[chosen], torch.device("cpu")), draw, color=0.1)
        covered, where = cover(pictures, kinds, draw)
        terms = losses(network, soften(covered, draw).to(loaded.device), where.to(loaded.device))
        return terms["entropy"] + 0.5 * terms["dice"]

    def held_out() -> tuple[float, dict[str, float]]:
        network.eval()
        terms = {name: float(value) for name, value in losses(network, images, masks).items()}
        terms |= measure(network, images, masks)
        return terms["entropy"] + 0.5 * terms["dice"], terms

    fit(network, run, loss, held_out, rate=RATE, decay=DECAY, seed=seed)
    figures = measure(network, images, masks)
    _sheet(network, images, masks, Path(out) / "samples.png")
    run.log(**figures)
    part = loaded.manifest.networks["encoder"]
    trained_on = f"{part.trained_on.split(';')[0]}, with drawn things before them"
    return save_network(
        writable(loaded, pack), "occluder", network, {"size": SIZE, "widths": list(WIDTHS)}, license=part.license, trained_on=trained_on
    )


@torch.no_grad()
def measure(network: Occluder, images: Tensor, masks: Tensor) -> dict[str, float]:
    """iou of what is marked and what is there, over faces with something before them; marked: share of bare faces that is marked."""
    found, there = network(images) > 0, masks > 0.5
    some = there.flatten(1).any(1)
    both, either = (found & there)[some].flatten(1).sum(1), (found | there)[some].flatten(1).sum(1)
    return {"iou": float((both / either.clamp_min(1)).mean()), "marked": float(found[~some].float().mean()) if bool((~some).any()) else 0.0}


@torch.no_grad()
def _sheet(network: Occluder, images: Tensor, masks: Tensor, path: Path, count: int = 24) -> None:
    """Pictures, what is there and what is found."""
    shares = network(images[:count]).sigmoid()
    rows = [
        images[:count].permute(0, 2, 3, 1).add(1).mul(127.5),
        *(m[:count, ..., None].expand(-1, -1, -1, 3) * 255 for m in (masks, shares)),
    ]
    pictures = torch.stack(rows, 1).flatten(0, 1).byte().cpu().numpy()
    write_sheet(path, pictures, ["", "there", "found"] * len(shares), columns=12)
