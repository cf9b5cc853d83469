"""Train a network that redraws faces in pixels: DIAT and DIAT-A (Li et al., 2016), one direction of one attribute a run.

    videdit train pixel --pack PACK --data DATA --out RUN --attribute eyeglasses --direction -1

Pictures that lack what is wanted are redrawn; a critic (non-saturating, lazy R1) compares them with pictures that have it, so no pairs
are needed. Beside it: the perceptual identity loss, on the critic's own features (DIAT-A) or on those of the pack's classifier
(`--features fixed`, DIAT); other attributes must stay in the eyes of that classifier (not in the paper: glasses are mostly worn by men);
and DIAT's regulariser. For that a network of the transform's shape first learns to paint faces by features alone, a denoiser to undo its
artefacts and to leave photographs alone; what it would undo is held against the transform. The enhancement stays true to the transform:
in features inside the hull of a local attribute, in blurred pixels for a global one.

Whether the attribute comes is left to the critic, and to a teacher where there is one (`--teacher`, a run of `videdit train classifier
--hard`): a plain classifier is fooled within seconds by a red haze, a hardened one asks for what people see too. So the pack's own can
say on held-out faces how well things go, for nothing was trained to please it there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.edit.pixel import LOCAL
from videdit.errors import UsageError
from videdit.networks.discriminator import Discriminator, realness
from videdit.networks.transform import Redraw, Transform
from videdit.packs.load import Pack, load_pack
from videdit.packs.manifest import direction as named
from videdit.train import pixel_faces, pixel_pack
from videdit.train.augment import shifted
from videdit.train.editors import fit, writable
from videdit.train.losses import feature_distance, pyramid_l1
from videdit.train.pictures import Faces, gather
from videdit.train.pixel_pack import add, write_run
from videdit.train.pixel_teacher import Teacher, apart, taught_by
from videdit.train.run import Progress, Run, write_sheet

BATCH, RATE, DECAY, BETAS = 8, 2e-3, 1e-4, (0.5, 0.99)
CRITIC = {"channels": [24, 48, 72, 96, 96]}
CRITIC_RATE, R1, R1_EVERY = 6e-4, 2.0, 16  # R1 of 0.5 let it learn 3,700 old faces by heart
PAINTING = 0.1  # share of the time for the painter, the denoiser and a critic that tells with from without
WEIGHTS = {"gan": 2.0, "identity": 0.5, "person": 1.0, "keep": 0.3, "regular": 4.0, "enhance": 0.5, "still": 0.5}
WEIGHTS |= {"attribute": 3.0, "taught": 1.0}
WIDTH, PATIENCE, EVERY, JUDGED = 32, 90, 20.0, 96  # patient: the judge is none of those that play, and glasses got worse for a while first


class Denoiser(nn.Module):
    """DIAT's f: two 3x3 convolutions beside the picture."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return image + self.second(F.leaky_relu(self.first(image), 0.2))


class Watched:
    """The maps that a critic's blocks made on its last pass, the first block's left out."""

    def __init__(self, critic: Discriminator) -> None:
        self.maps: list[Tensor] = []
        for block in critic.blocks[1:]:
            block.register_forward_hook(lambda _module, _inputs, made: self.maps.append(made))

    def after(self, made: Tensor) -> list[Tensor]:
        """Those of the pass that made this, which are forgotten."""
        del made
        maps, self.maps[:] = list(self.maps), []
        return maps


class Game:
    """Everything one run trains: the network that stays, and the painter, the denoiser and the critic that only serve it.

    apart float [A]: how far each other attribute is to be held, by default fully.
    """

    def __init__(
        self,
        pack: Pack,
        column: int,
        sign: int,
        region: str,
        *,
        adaptive: bool,
        seed: int,
        teacher: Teacher | None = None,
        apart: Tensor | None = None,
    ) -> None:
        torch.manual_seed(seed)
        on, self.pack, self.adaptive = pack.device, pack, adaptive
        self.column, self.sign, self.region, self.teacher = column, sign, region, teacher
        self.apart = torch.ones(1, device=on) if apart is None else apart.to(on)
        self.network = Redraw(WIDTH, local=bool(region)).to(on, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.painter, self.denoiser = Transform(WIDTH).to(on), Denoiser().to(on)
        nn.init.kaiming_normal_(self.painter.out.weight, a=1.0)
        # 4 px is where a critic ends, whatever it begins with
        self.critic = Discriminator(channels=CRITIC["channels"][: int(np.log2(pack.size)) - 2]).to(on, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.paint_optim = torch.optim.Adam([*self.painter.parameters(), *self.denoiser.parameters()], lr=2e-3)
        self.critic_optim = torch.optim.Adam(self.critic.parameters(), lr=CRITIC_RATE, betas=BETAS)
        self.watched = Watched(self.critic)
        self.steps, self.fooled = 0, 0.0

    @property
    def parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        """What a checkpoint keeps beside the network."""
        names = ("painter", "denoiser", "critic", "paint_optim", "critic_optim")
        return {name: getattr(self, name) for name in names}

    def _cast(self) -> torch.autocast:
        return torch.autocast(self.pack.device.type, torch.bfloat16)

    def paint(self, without: Tensor, mask: Tensor, real: Tensor) -> Tensor:
        """One step of painter, denoiser and critic, before the network's own begin. Returns their loss."""
        with self._cast():
            painted = self.painter(without).tanh().float()
            features = self.pack.classifier.features  # type: ignore[operator]
            copied = feature_distance(features(painted), features(without))
            undone = (self.denoiser(painted.detach()) - without).square().mean() + (self.denoiser(without) - without).square().mean()
        loss = copied + undone
        _descend(self.paint_optim, loss)
        return loss.detach() + self.judge(without * mask, real)

    def judge(self, fake: Tensor, real: Tensor) -> Tensor:
        """One step of the critic, which sees the insides of masks only: what can't be changed must not tell the two apart."""
        (fake,), (real,) = shifted(fake), shifted(real)
        with self._cast():
            loss = F.softplus(realness(self.critic(fake))).mean() + F.softplus(-realness(self.critic(real))).mean()
        if self.steps % R1_EVERY == 0:
            probe = real[: len(real) // 2].detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(realness(self.critic(probe)).sum(), probe, create_graph=True)
            loss = loss + R1 * 0.5 * R1_EVERY * slope.square().sum((1, 2, 3)).mean()
        self.steps += 1
        _descend(self.critic_optim, loss)
        self.watched.maps.clear()
        return loss.detach()

    def losses(self, image: Tensor, mask: Tensor, real: Tensor | None = None) -> dict[str, Tensor]:
        """The network's terms for pictures without what is wanted. With `real` ones (masked) the critic plays too, and learns first;
        without, the pack's classifier says whether the attribute came."""
        with self._cast():
            drawn = image + self.network.drawn(image) * mask
            fake = drawn + self.network.finished(image, drawn) * mask
        terms = self._seen(fake, drawn.detach(), image, judged=real is None)
        with self._cast():
            terms["regular"] = (drawn - self.denoiser(drawn)).square().mean()
        terms["still"] = pyramid_l1(fake, image, torch.ones_like(image[:1, :1]))
        if real is not None:
            self.judge(fake.detach() * mask, real)
            terms |= self._played(fake * mask, image * mask)
            if self.teacher:
                with self._cast():
                    terms["taught"] = self.teacher.asks(fake)
        return terms

    def _played(self, fake: Tensor, image: Tensor) -> dict[str, Tensor]:
        """By the critic: the picture passes for one of those with the attribute, and (DIAT-A) shows the same face."""
        terms = {}
        fake, image = shifted(fake, image)
        self.critic.requires_grad_(False)
        with self._cast():
            with torch.no_grad():
                known = self.watched.after(self.critic(image)) if self.adaptive else []
            logits = realness(self.critic(fake))
            terms["gan"] = F.softplus(-logits).mean()
            self.fooled = 0.95 * self.fooled + 0.05 * float((logits > 0).float().mean())
            if self.adaptive:
                terms["identity"] = feature_distance(self.watched.after(logits), known)
        self.critic.requires_grad_(True)
        return terms

    def _seen(self, fake: Tensor, drawn: Tensor, image: Tensor, *, judged: bool) -> dict[str, Tensor]:
        """By the pack's classifier: other attributes stay, and (in coarser maps) the face; and the enhancement is true to the transform."""
        judge = self.pack.classifier
        with self._cast():
            with torch.no_grad():
                known, aim = judge.features(image), judge.features(drawn) if self.region else []  # type: ignore[operator]
            maps = judge.features(fake)  # type: ignore[operator]
            logits, old = judge.logits(maps).float(), judge.logits(known).float()  # type: ignore[operator]
            terms = {"identity": feature_distance(maps[2:], known[2:])}
            blurred = (F.avg_pool2d(fake, 4) - F.avg_pool2d(drawn, 4)).square().mean()
            terms["enhance"] = feature_distance(maps[:2], aim[:2]) if self.region else blurred
        others = (logits - old).square().clamp_max(9.0)
        if self.column < logits.shape[1]:
            if judged:
                terms["attribute"] = F.softplus(-self.sign * logits[:, self.column]).mean()
            others = torch.cat([others[:, : self.column], others[:, self.column + 1 :]], 1)
        terms["keep"] = (others * self.apart).mean()
        if self.pack.has("recognizer"):
            with self._cast():
                terms["person"] = 1 - F.cosine_similarity(self.pack.recognizer(fake), self.pack.recognizer(image).detach()).float().mean()
        return terms


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 10.0)
    optimizer.step()


def total(terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum."""
    return torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum()


def wanted(pack: Pack, faces: Faces, attribute: str, direction: int) -> tuple[str, int, int]:
    """Source name, its column in the labels and sign there. Raises UsageError."""
    if attribute in faces.names:
        return attribute, faces.names.index(attribute), direction
    found, factor = pack.manifest.resolve(attribute)
    return found.source, faces.names.index(found.source), direction * factor * found.sign


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    attribute: str,
    direction: int = 1,
    minutes: float = 5.0,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    faces: int = 36000,
    features: str = "adaptive",
    teacher: Path | None = None,
    init: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Train (or go on training) for `minutes` at most, and put the network into the pack beside the directions there; returns its file.

    attribute by any of the pack's names, or one of the labels' own; direction: +1 or -1, as a strength would have it; features: adaptive
    (DIAT-A) or fixed (DIAT); teacher: the folder of a hardened classifier that says whether the attribute comes; init: a pack whose network
    of the same direction to begin with. data, out, faces: as for the other editors. Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    known = gather(Path(data), loaded, count=faces, seed=seed, progress=progress)
    source, column, sign = wanted(loaded, known, attribute, direction)
    without, has = pixel_faces.sides(known, loaded, column, sign)
    rows = [np.flatnonzero(kind & ~known.held) for kind in (without, has)]
    held = np.flatnonzero(without & known.held)[:JUDGED]
    if min(len(rows[0]), len(rows[1]), len(held)) < 2:
        raise UsageError(
            f"{data} shows {len(rows[0])} faces to change and {len(rows[1])} to learn from", hint="Both kinds are needed, hundreds of each."
        )
    learned = taught_by(Path(teacher), loaded.device, column, sign) if teacher else None
    others = apart(known, column, loaded.manifest.networks["classifier"].config.get("attributes", 40))
    game = Game(loaded, column, sign, LOCAL.get(source, ""), adaptive=features == "adaptive", seed=seed, teacher=learned, apart=others)
    if init:
        game.network.load_state_dict(pixel_pack.transform(load_pack(init), named(source, sign)))
    run = Run(out, minutes=minutes, resume=resume, log_every=EVERY, patience=PATIENCE, progress=progress)
    where = (game.region, loaded)
    images, masks = pixel_faces.batch(known, held, *where)
    kinds, alike = pixel_faces.partners(known, rows[1], column)

    def loss(draw: torch.Generator) -> Tensor:
        chosen = rows[0][torch.randint(len(rows[0]), (BATCH,), generator=draw).numpy()]
        others = alike[kinds[chosen], torch.randint(alike.shape[1], (BATCH,), generator=draw).numpy()]
        image, mask = pixel_faces.batch(known, chosen, *where)
        # in the same hull, not their own: that of an open mouth is longer, and lines along the edge were drawn to look like it
        real = pixel_faces.batch(known, others, *where)[0] * mask
        if float(torch.rand((), generator=draw)) < 0.5:
            image, mask, real = (t.flip(3) for t in (image, mask, real))
        if run.done < PAINTING:
            return game.paint(image, mask, real) + 0 * game.network.enhance.out.bias.sum()  # nothing for the network itself to learn yet
        return total(game.losses(image, mask, real))

    def held_out() -> tuple[float, dict[str, float]]:
        terms = [game.losses(i, m) for i, m in zip(images.split(32), masks.split(32), strict=True)]
        means = {name: torch.stack([part[name] for part in terms]).mean() for name in terms[0]}
        return float(total(means)), {name: float(value) for name, value in means.items()} | {"fooled": game.fooled}

    fit(game.network, run, loss, held_out, rate=RATE, decay=DECAY, seed=seed, betas=BETAS, also=game.parts)
    notes = measure(game, images, masks, run.out / "samples.png") | {"loss": run.best, "faces": [len(r) for r in rows]}
    write_run(run.out, named(source, sign), game.region, game.network, notes)
    return add(writable(loaded, pack), [run.out])


@torch.inference_mode()
def measure(game: Game, images: Tensor, masks: Tensor, sheet: Path) -> dict[str, float]:
    """On held-out faces, by the pack's own judges: how many change sides, how alike they stay; and pictures, before above after."""
    after = torch.cat([i + game.network(i, m) for i, m in zip(images.split(32), masks.split(32), strict=True)]).clamp(-1, 1)
    found = {"levels": float((after - images).abs().mean()) * 127.5}
    logits = [game.pack.classifier(p) for p in (images, after)]
    if game.column < logits[0].shape[1]:
        sides = [p[:, game.column] * game.sign > 0 for p in logits]
        found["changed"] = float((sides[1] & ~sides[0]).sum() / max(1, int((~sides[0]).sum())))
    if "recognizer" in game.pack.manifest.networks:
        found["identity"] = float((game.pack.recognizer(images) * game.pack.recognizer(after)).sum(1).mean())
    pictures = [(p[:8].add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()) for p in (images, after)]
    write_sheet(sheet, np.concatenate(pictures), [""] * sum(map(len, pictures)), columns=len(pictures[0]))
    return {name: round(value, 4) for name, value in found.items()}
