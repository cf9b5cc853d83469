"""An encoder for a generator that came without one, trained on samples of it: their latents are known, so nothing has to be inverted.

    videdit train encoder --pack mine --minutes 60

Samples mix two latents half of the time, at a random layer, so that W+ is seen and not W alone. The loss is the latents' error in units of
their spread, and the picture's (pyramid L1) through the generator again. Real faces lie off the samples: --invert optimize takes the
result from there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from videdit.invert.pivotal import pyramid
from videdit.networks.encoder import Encoder
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_network
from videdit.train.editors import fit, writable
from videdit.train.run import Progress, Run
from videdit.train.sampled import check

LARGEST = 256  # px the encoder looks at
WIDTHS = (48, 96, 160, 224, 224, 224, 224)
NECK = 64
BATCH = 16  # at 128 px
RATE, DECAY = 5e-4, 1e-4
PIXELS = 1.0
NARROW = 0.6  # least truncation of a sample
EVERY, PATIENCE = 20.0, 12
STEADY = 512  # draws that mean and spread of latents are measured on


def train(
    out: Path,
    *,
    pack: str | Path,
    minutes: float = 60.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` at most and put the encoder into the pack, in the place of any there is; returns its file.

    Raises MissingError, PackError.
    """
    loaded = load_pack(pack, device=device)
    check(loaded)
    torch.manual_seed(seed)
    network, config = build(loaded)
    draw = sampler(loaded)
    rows = max(1, BATCH * 128**2 // max(loaded.size, 128) ** 2)
    spread = spread_of(loaded)
    run = Run(Path(out), minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    held = [draw(rows, torch.Generator().manual_seed(seed + 1 + i)) for i in range(4)]

    def loss(dice: torch.Generator) -> Tensor:
        return error(network, loaded, draw(rows, dice), spread)[0]

    def judge() -> tuple[float, dict[str, float]]:
        found = [error(network, loaded, w, spread) for w in held]
        parts = [torch.stack([one[i] for one in found]).mean() for i in range(3)]
        return float(parts[0]), {"latents": float(parts[1]), "pixels": float(parts[2])}

    fit(network, run, loss, judge, rate=RATE, decay=DECAY, seed=seed)
    folder, part = writable(loaded, pack), loaded.manifest.networks["generator"]
    (Path(out) / "encoder.json").write_text(json.dumps({"config": config, "loss": run.best}, indent=1) + "\n", "utf-8")
    said = f"samples of {part.trained_on or loaded.manifest.name}"
    return save_network(folder, "encoder", network, config, license=part.license, trained_on=said, half=False)


def build(pack: Pack) -> tuple[Encoder, dict[str, object]]:
    """The network, which begins at the mean latent, and its configuration."""
    size = min(pack.size, LARGEST)
    layers, dim = pack.manifest.num_layers, pack.manifest.style_dim
    config: dict[str, object] = {
        "size": size,
        "style_dim": dim,
        "num_layers": layers,
        "channels": list(WIDTHS[: int(math.log2(size)) - 2]),
        "neck": NECK,
    }
    network = Encoder(**config).to(pack.device)  # type: ignore[arg-type]
    with torch.no_grad():
        network.head.bias.copy_(pack.mean_w.repeat(layers))
        network.head.weight.mul_(spread_of(pack).repeat(layers)[:, None])
    return network, config


@torch.no_grad()
def spread_of(pack: Pack) -> Tensor:
    """Standard deviation [D] of the generator's latents."""
    z = torch.randn(STEADY, pack.z_dim, generator=torch.Generator().manual_seed(0)).to(pack.device)
    return pack.generator.mapping(z).std(0).clamp_min(1e-4)


def sampler(pack: Pack) -> Callable[[int, torch.Generator], Tensor]:
    """(how many, dice) -> latents [N,L,D], narrowed at random and half of them mixed of two."""
    layers = pack.manifest.num_layers

    @torch.no_grad()
    def draw(count: int, dice: torch.Generator) -> Tensor:
        z = torch.randn(2 * count, pack.z_dim, generator=dice).to(pack.device)
        narrow = (NARROW + (1 - NARROW) * torch.rand(2 * count, 1, generator=dice)).to(pack.device)
        w = pack.generator.mapping(z)
        mean = pack.mean_w
        one, other = (mean + narrow * (w - mean))[:, None].expand(-1, layers, -1).split(count)
        start = torch.randint(1, 2 * layers, (count, 1), generator=dice)  # beyond the last layer: not mixed
        return torch.where((torch.arange(layers)[None] < start)[..., None].to(pack.device), one, other)

    return draw


def error(network: Encoder, pack: Pack, w: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, and its parts: of latents w [N,L,D], and of pictures."""
    with torch.no_grad():
        image = pack.generator(w)
    found = network(image)
    latents = ((found - w) / spread).square().mean()
    pixels = pyramid(pack.generator(found), image)
    return latents + PIXELS * pixels, latents.detach(), pixels.detach()
