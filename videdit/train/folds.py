"""Draw the folds of skin that people with an attribute have, and put them into a pack as a layer: `--method prototype` (edit.prototype).

    videdit train folds --pack PACK --data DATA --out RUN --attribute age

What skin shows beside its own blur (its surface detail: Shan, Liu and Zhang, 2001) is a map of folds, at the same landmarks for everybody.
Everybody's lie elsewhere, and the mean even of the most alike is smooth again (Tiddeman, Burt and Perrett, 2001, saw that prototypes look
too young). So a small StyleGAN2 learns what such maps are like, and of what it draws that map is taken by which the pack's classifier
sees most on unseen faces: sharp, and nobody's.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.edit.prototype import NOTHING
from videdit.errors import UsageError
from videdit.networks.discriminator import Discriminator, realness
from videdit.networks.stylegan2 import Generator
from videdit.packs.load import load_pack
from videdit.packs.manifest import direction as named
from videdit.train import prototype
from videdit.train.augment import shifted
from videdit.train.editors import fit, writable
from videdit.train.fold_maps import BLUR, FEWEST, Effect, Floats, best, choose, examples, fold, skin
from videdit.train.pictures import gather
from videdit.train.pixel import wanted
from videdit.train.run import Progress, Run, write_sheet
from videdit.train.tints import blur, even

BATCH, RATE, BETAS = 12, 2e-3, (0.0, 0.99)
STYLE, WIDTHS, CRITIC = 64, (64, 64, 64, 48, 32, 12), (16, 28, 48, 64, 64)  # from 4 px up, and from half the size down
R1, R1_EVERY = 0.4, 16
DEEP = 0.35  # logarithm of what a fold darkens or lightens at most
LIGHT = 0.5  # share of what it lightens: furrows darken whatever the light, ridges shine in that of one photograph
CONTRAST = 3.0  # with which the critic sees maps: of faint pictures R1 leaves it no slope to learn by
DRAWN, TRUNCATION = 400, 0.9
DEEPER = 2.1  # times what is drawn is +1: in a clip it is a mean over some frames, and blurred
PLACED = 1 / 128  # of the side: landmarks place a layer no better, and detail that is finer shakes more than it shows


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    attribute: str,
    direction: int = 1,
    minutes: float = 30.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    faces: int = 36000,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes`, draw a layer and put it into the pack beside those it has; returns the file of them all.

    attribute, direction, data, out, faces: as for `train.pixel.train`. Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    known = gather(Path(data), loaded, count=faces, seed=seed, progress=progress)
    source, column, sign = wanted(loaded, known, attribute, direction)
    points = np.median(known.points, axis=0)
    share = skin(points, loaded.size)
    rows, without = examples(known, loaded, column, sign, points)
    unseen = np.flatnonzero(without & known.held)
    lacking = np.random.default_rng(seed).permutation(np.flatnonzero(without & ~known.held))[: 4 * FEWEST]
    if len(rows) < FEWEST or len(lacking) < 2 or len(unseen) < 2:
        raise UsageError(f"{data} shows {len(rows)} faces to learn from", hint=f"{FEWEST} that look into the camera are needed.")
    plain = even(np.mean([fold(known, row, points, share) for row in lacking], axis=0))  # noses and jaws, which all have
    maps = np.stack([np.clip((fold(known, row, points, share) - plain) * share, -DEEP, DEEP) for row in rows])
    judge = Effect(known, unseen, loaded, points, column, sign)
    maps = maps[best(maps, judge)]
    game = Game(maps, share, loaded.device, seed)
    run = Run(out, minutes=minutes, resume=resume, progress=progress)

    def latest() -> tuple[float, dict[str, float]]:  # a game has no best moment: what was averaged last is taken
        return -float(run.step), {"distance": game.distance(run.out / "maps.png")}

    fit(game.network, run, game.loss, latest, rate=RATE, decay=0.0, seed=seed, betas=BETAS, also=game.parts)
    drawn = game.draw(DRAWN, seed)
    chosen, facts = choose(drawn, maps, judge)
    layer: Floats = np.stack([blur(drawn[chosen], PLACED * loaded.size) * (share > NOTHING), share])
    seen = judge.logits(DEEPER * layer[:1], prototype.UNSEEN)[0]
    folder, name = writable(loaded, pack), named(source, sign)
    facts |= {"layer": name, "faces": len(maps), "scale": DEEPER, "seen": round(float((seen > 0).mean()), 4)}
    (run.out / "folds.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    some = unseen[:8]
    pictures = [*known.faces[some], *(prototype.worn(known.faces[row], DEEPER * layer, points, known.points[row]) for row in some)]
    write_sheet(run.out / "samples.png", np.stack(pictures), [""] * len(pictures), columns=len(some))
    deepest = round(DEEPER * float(np.abs(layer[0]).max()), 2)
    return prototype.put(folder, name, layer, points, DEEPER, limit=deepest)


class Game:
    """The generator of maps, and the critic that it plays against.

    maps float32 [N,S,S] to learn from, mirrored as often as not; share [S,S]: where there is skin. Every seventh is held out.
    """

    def __init__(self, maps: Floats, share: Floats, device: torch.device, seed: int) -> None:
        torch.manual_seed(seed)
        size = maps.shape[-1]
        steps = int(np.log2(size)) - 1
        self.device, self.share = device, torch.from_numpy(share)[None, None].to(device)
        real = torch.from_numpy(maps / np.float32(DEEP))[:, None].to(device)
        held = torch.arange(len(real)) % 7 == 6
        self.real, self.unseen = real[~held], real[held]
        self.network = Generator(size=size, style_dim=STYLE, channels=WIDTHS[:steps], mapping_layers=2, noise="none", conv_first=True).to(
            device, memory_format=torch.channels_last
        )  # type: ignore[call-overload]
        self.critic = Discriminator(channels=CRITIC[: steps - 1]).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.critic_optim = torch.optim.Adam(self.critic.parameters(), lr=RATE, betas=BETAS)
        self.patches = Patches(self.unseen, self.share, seed)
        self.fixed = torch.randn(len(self.unseen), STYLE, generator=torch.Generator().manual_seed(seed)).to(device)
        self.steps = 0

    @property
    def parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        """What a checkpoint keeps beside the network."""
        return {"critic": self.critic, "critic_optim": self.critic_optim}

    def made(self, z: Tensor, *, truncation: float = 1.0) -> Tensor:
        """z [N,STYLE] -> maps [N,1,S,S] in -1..1, less their own blur, as real ones are."""
        picture = self.network(self.network.mapping(z, truncation=truncation)).float().mean(1, keepdim=True)
        weight = self.share + 1e-3
        return torch.tanh(picture - _wide(picture * weight) / _wide(weight)) * self.share

    def loss(self, draw: torch.Generator) -> Tensor:
        """One step of the critic; then what the generator has to say to it (non-saturating; lazy R1)."""
        real = self.real[torch.randint(len(self.real), (BATCH,), generator=draw)]
        real = torch.where((torch.rand(BATCH, generator=draw) < 0.5).to(self.device)[:, None, None, None], real.flip(3), real)
        z = [torch.randn(BATCH, STYLE, generator=draw).to(self.device) for _ in range(2)]
        with torch.autocast(self.device.type, torch.bfloat16):
            with torch.no_grad():
                fake = self.made(z[0])
            told = F.softplus(self._seen(fake)).mean() + F.softplus(-self._seen(real)).mean()
        if self.steps % R1_EVERY == 0:
            probe = self._shown(real[: BATCH // 2]).detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(realness(self.critic(probe)).sum(), probe, create_graph=True)
            told = told + R1 * 0.5 * R1_EVERY * slope.square().sum((1, 2, 3)).mean()
        self.steps += 1
        self.critic_optim.zero_grad(set_to_none=True)
        told.backward()  # type: ignore[no-untyped-call]
        self.critic_optim.step()
        self.critic.requires_grad_(False)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = F.softplus(-self._seen(self.made(z[1]))).mean()
        self.critic.requires_grad_(True)
        return loss

    def _shown(self, maps: Tensor) -> Tensor:
        """As the critic sees them [N,3,S,S]: moved about, and with where skin is."""
        where = (2 * self.share - 1).expand_as(maps)
        return shifted(torch.cat([CONTRAST * maps, where, torch.zeros_like(maps)], 1))[0].contiguous(memory_format=torch.channels_last)

    def _seen(self, maps: Tensor) -> Tensor:
        return realness(self.critic(self._shown(maps)))

    def distance(self, sheet: Path) -> float:
        """How far patches of what is drawn are from those of maps it never saw; and a sheet of both."""
        with torch.no_grad():
            drawn = torch.cat([self.made(z) for z in self.fixed.split(32)])
        some = torch.cat([drawn[:16], self.unseen[:8]]).expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
        write_sheet(sheet, some.mul(127).add(128).byte().cpu().numpy(), ["drawn"] * len(drawn[:16]) + ["real"] * len(self.unseen[:8]))
        return self.patches.distance(drawn)

    @torch.no_grad()
    def draw(self, count: int, seed: int) -> Floats:
        """Layers float32 [count,S,S] from maps, logarithms."""
        z = torch.randn(4096, STYLE, generator=torch.Generator().manual_seed(seed)).to(self.device)
        network = self.network
        network.mean_w.copy_(network.mapping_net(z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)).mean(0))
        maps = torch.cat([self.made(part, truncation=TRUNCATION) for part in z[:count].split(32)])
        return np.asarray(DEEP * torch.where(maps > 0, LIGHT * maps, maps)[:, 0].cpu().numpy(), np.float32)


class Patches:
    """Sliced Wasserstein distance (Rabin et al., 2011, as Karras et al., 2018, use it) to the patches of some maps [N,1,S,S].

    All of SIDE px that show skin, of the maps and of the maps at half the size; along the same lines whenever it is asked.
    """

    SIDE, LINES, COUNT = 7, 128, 8192

    def __init__(self, maps: Tensor, share: Tensor, seed: int) -> None:
        self.share, self.seed = share, seed
        self.aim = self._sorted(maps)

    def distance(self, maps: Tensor) -> float:
        return float(torch.stack([(a - b).abs().mean() for a, b in zip(self._sorted(maps), self.aim, strict=True)]).mean())

    def _sorted(self, maps: Tensor) -> list[Tensor]:
        draw = torch.Generator().manual_seed(self.seed)
        out = []
        for picture, share in ((maps, self.share), (F.avg_pool2d(maps, 2), F.avg_pool2d(self.share, 2))):
            inner = share[0, 0, self.SIDE // 2 : -(self.SIDE // 2), self.SIDE // 2 : -(self.SIDE // 2)].flatten() > 0.5
            patches = F.unfold(picture, self.SIDE)[:, :, inner].transpose(1, 2).flatten(0, 1)
            patches = patches[torch.randint(len(patches), (self.COUNT,), generator=draw).to(maps.device)]
            lines = F.normalize(torch.randn(self.SIDE**2, self.LINES, generator=draw), dim=0).to(maps.device)
            out.append((patches @ lines).sort(0).values)
        return out


def _wide(picture: Tensor) -> Tensor:
    """The same blur of pictures [N,1,S,S] as maps are made with."""
    sigma = BLUR * picture.shape[-1]
    reach = round(3 * sigma)
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=picture.device) / sigma) ** 2)
    line = (line / line.sum()).to(picture.dtype)
    across = F.conv2d(F.pad(picture, [reach] * 4, mode="replicate"), line.view(1, 1, 1, -1))
    return F.conv2d(across, line.view(1, 1, -1, 1))
