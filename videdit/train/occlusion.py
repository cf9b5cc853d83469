"""Train the network that sees what lies in front of a face.

    videdit train occlusion --pack PACK --data DATA

Faces of the training people get drawn things put before them (train.occluders), so where those are is known. What people wear (glasses,
a beard, a fringe) is a part of the face and stays unmarked. Where real hands were found (train.hand_teacher), these are learnt from as they
are, and cut out and put before other faces too; else they would pass for bare faces. Loss: cross entropy and Dice (Milletari et al. 2016).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from videdit.networks.occluder import Occluder
from videdit.packs.load import load_pack
from videdit.packs.save import save_network
from videdit.train import data as faces_data
from videdit.train import hands
from videdit.train.augment import jitter, shrink, soften, to_batch
from videdit.train.editors import fit, writable
from videdit.train.occluders import SIDE, cover, sprites
from videdit.train.pictures import TRAIN, gather
from videdit.train.run import Progress, Run, write_sheet

SIZE, WIDTHS = 64, (16, 32, 64, 96, 128)
BATCH, RATE, DECAY = 32, 2e-3, 1e-4
REAL = 8  # of a batch, where there are real hands
SPRITES, JUDGED = 3000, 256
PATIENCE, EVERY = 12, 30.0


def losses(network: Occluder, images: Tensor, masks: Tensor, known: Tensor | None = None) -> dict[str, Tensor]:
    """The two terms for images [N,3,S,S] in [-1,1] and masks [N,S,S] in 0..1, where those are `known` [N,S,S] in 0..1 (everywhere)."""
    with torch.autocast(images.device.type, torch.bfloat16):
        logits = network(images)
    known = torch.ones_like(masks) if known is None else known
    share, masks = logits.sigmoid() * known, masks * known
    dice = 1 - (2 * (share * masks).sum((1, 2)) + 8) / (share.sum((1, 2)) + masks.sum((1, 2)) + 8)
    return {"entropy": F.binary_cross_entropy_with_logits(logits, masks, weight=known), "dice": dice.mean()}


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
    loaded, cpu = load_pack(pack, device=device), torch.device("cpu")
    known = gather(Path(data), loaded, count=faces, seed=seed, progress=progress)
    small = shrink(known.faces, np.arange(len(known.faces)), SIZE)
    rows, held = np.flatnonzero(~known.held), np.flatnonzero(known.held)
    torch.manual_seed(seed)
    network = Occluder(SIZE, WIDTHS).to(loaded.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = Run(out, minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    things, judges, real = sprites(SPRITES, seed), sprites(JUDGED, seed + 1), None
    found = hands.load(data)
    if found is not None:
        prepared = faces_data.load(data)
        rows, held = (kind[~np.isin(known.rows[kind], found.rows)] for kind in (rows, held))
        people = prepared.rows(*TRAIN), prepared.held_out(choosing=True)
        real, unseen = (hands.beside(found, prepared, part, SIZE) for part in people)
        things.photographed = torch.from_numpy(hands.cut_out(found, prepared, people[0], SIDE))
    held = held[:JUDGED]
    images, masks = cover(to_batch(small[held], cpu), judges, torch.Generator().manual_seed(seed))
    sure = torch.ones_like(masks)
    if real is not None and len(unseen[0]):
        truth = torch.from_numpy(unseen[1]).float() / 255
        images, masks, sure = (
            torch.cat(pair) for pair in zip((images, masks, sure), (to_batch(unseen[0], cpu), truth[:, 0], truth[:, 1]), strict=True)
        )
    images, masks, sure = (part.to(loaded.device) for part in (images, masks, sure))

    def loss(draw: torch.Generator) -> Tensor:
        network.train()
        count = BATCH if real is None else BATCH - REAL
        chosen = rows[torch.randint(len(rows), (count,), generator=draw).numpy()]
        pictures = jitter(to_batch(small[chosen], cpu), draw, color=0.1)
        covered, where = cover(pictures, things, draw)
        seen = torch.ones_like(where)
        if real is not None:
            covered, where, seen = (torch.cat(pair) for pair in zip((covered, where, seen), _moved(*real, draw), strict=True))
        terms = losses(network, *(part.to(loaded.device) for part in (soften(covered, draw), where, seen)))
        return terms["entropy"] + 0.5 * terms["dice"]

    def held_out() -> tuple[float, dict[str, float]]:
        network.eval()
        terms = {name: float(value) for name, value in losses(network, images, masks, sure).items()}
        terms |= measure(network, images, masks, sure)
        return terms["entropy"] + 0.5 * terms["dice"], terms

    fit(network, run, loss, held_out, rate=RATE, decay=DECAY, seed=seed)
    figures = measure(network, images, masks, sure)
    _sheet(network, images[-48:], masks[-48:], Path(out) / "samples.png")
    run.log(**figures, hands=0 if real is None else len(real[0]), cut_out=len(things.photographed))
    part = loaded.manifest.networks["encoder"]
    trained_on = f"{part.trained_on.split(';')[0]}, with drawn things before them" + (", and hands" if real is not None else "")
    return save_network(
        writable(loaded, pack), "occluder", network, {"size": SIZE, "widths": list(WIDTHS)}, license=part.license, trained_on=trained_on
    )


def _moved(crops: NDArray[np.uint8], masks: NDArray[np.uint8], draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """REAL faces with hands, jittered, and their two masks, moved alike."""
    chosen = torch.randint(len(crops), (REAL,), generator=draw).numpy()
    again = torch.Generator().set_state(draw.get_state())
    pictures = jitter(to_batch(crops[chosen], torch.device("cpu")), draw, color=0.1)
    both = jitter(torch.from_numpy(masks[chosen]).float() / 255, again, color=0.0)
    return pictures.clamp(-1, 1), both[:, 0], both[:, 1]


@torch.no_grad()
def measure(network: Occluder, images: Tensor, masks: Tensor, known: Tensor) -> dict[str, float]:
    """iou of what is marked and what is there, where that is `known`, over faces with something before them; marked: share of bare faces
    that is marked."""
    found, there = (network(images) > 0) & (known > 0.5), (masks > 0.5) & (known > 0.5)
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
