"""Generator and encoder, trained together as an adversarial autoencoder whose latent directions edit.

Reconstruction is the objective (pyramid L1, LPIPS, classifier features), with a critic against blur (non-saturating GAN, lazy
R1: Karras et al. 2020). Two things make the latents useful beyond that:
* a share of every batch is *edited*: moved along the attribute's regression slope (kept as running moments of labels and
  latents) and asked, by critic and classifier, to look real and to show the attribute while the rest stays;
* another share is drawn through the mapping network and judged by the critic, so that the pack can also sample.
The critic is told what a picture should show (projection), and real pictures with a wrong label count as fakes: an edited face
has to look like the real faces that have the attribute, not merely like some real face.
"""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from videdit.networks.discriminator import Discriminator
from videdit.networks.encoder import Encoder
from videdit.networks.stylegan2 import Generator
from videdit.train import data as training_data
from videdit.train import picture
from videdit.train.classifier import load_classifier
from videdit.train.generator_losses import critic_step, edit_losses, edits, fooling, reconstruction
from videdit.train.generator_sheet import write_sheet
from videdit.train.losses import PerceptualAlexNet, face_weight
from videdit.train.moments import Moments

GENERATOR = {
    "size": 128,
    "style_dim": 128,
    "channels": [128, 128, 128, 96, 64, 24],
    "mapping_layers": 4,
    "noise": "none",
    "conv_first": True,
    "latent_input": True,
    "picture_rank": 352,
    "picture_size": 32,
}
ENCODER = {
    "size": 128,
    "style_dim": 128,
    "num_layers": 12,
    "channels": [48, 96, 160, 224, 224],
    "neck": 48,
    "linear_rank": 352,
    "linear_size": 32,
}
BROKEN = 1e3  # norm of a gradient that comes from numbers gone wrong, not from pictures
CRITIC = {"channels": [48, 96, 160, 224, 224]}
# What a tight face frame shows well enough to be asked for.
EDITED = [
    "Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Young", "Male", "No_Beard", "Mustache", "Goatee", "Heavy_Makeup",
    "Wearing_Lipstick", "Bushy_Eyebrows", "Narrow_Eyes", "Bags_Under_Eyes", "Big_Nose", "Big_Lips", "Chubby", "Pale_Skin",
    "High_Cheekbones", "Bangs", "5_o_Clock_Shadow", "Rosy_Cheeks", "Arched_Eyebrows",
]  # fmt: skip
OFTEN = ["Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Young"]  # and what the critic is told


@dataclass(slots=True)
class Schedule:
    """Loss weights and shares of a batch."""

    batch: int = 16
    edited: int = 8
    sampled: int = 0
    pixels: float = 8.0
    lpips: float = 1.2
    features: float = 0.2
    adversarial: float = 0.18
    attribute: float = 0.25
    keep: float = 0.4
    still: float = 0.25
    r1: float = 2.0
    r1_every: int = 16
    features_from: float = 0.02
    full_from: float = 0.35  # before, the generator stops at half its size, which is twice as fast
    critic_from: float = 0.5
    edit_from: float = 0.08
    rates: tuple[float, float, float] = (1e-2, 1e-3, 3e-5)  # of generator, encoder, and the linear start of both

    def weights(self, progress: float) -> dict[str, float]:
        """By name of the loss."""
        share = min(1.0, progress / self.features_from)  # features would be fooled by a generator that knows nothing yet: pixels come first
        weights = {"l1": self.pixels, "compact": 2e-4, "lpips": self.lpips * share, "features": self.features * share}
        return weights | {"attribute": self.attribute, "keep": self.keep, "still": self.still, "gan": self.adversarial}


class Trainer:
    """Networks, optimisers and one training step."""

    def __init__(self, work: Path, classifier_dir: Path, device: torch.device, schedule: Schedule) -> None:
        self.device, self.schedule = device, schedule
        self.faces = training_data.load(work)
        self.rows = self.faces.without_dark_lenses(self.faces.rows(0, 1, 2, 3))
        self.labels = torch.from_numpy(self.faces.labels.astype(np.float32))
        self.generator = Generator(**GENERATOR).to(device, memory_format=torch.channels_last)  # type: ignore[arg-type]
        self.encoder = Encoder(**ENCODER).to(device, memory_format=torch.channels_last)  # type: ignore[arg-type]
        self.critic = Discriminator(**CRITIC, labels=len(OFTEN)).to(device, memory_format=torch.channels_last)
        self.lpips = PerceptualAlexNet().to(device, memory_format=torch.channels_last)
        self.classifier = load_classifier(classifier_dir, device)
        self.weight = face_weight(GENERATOR["size"]).to(device)  # type: ignore[arg-type]
        self.moments = Moments(self.faces.attributes, ENCODER["num_layers"] * ENCODER["style_dim"])  # type: ignore[operator]
        picture.start(self.generator, self.encoder, self.faces)
        self.average = copy.deepcopy(torch.nn.ModuleList([self.generator, self.encoder])).requires_grad_(False)
        self.optim = torch.optim.Adam(picture.parameter_groups(self.generator, self.encoder), betas=(0.9, 0.99), fused=True)
        self.critic_optim = torch.optim.Adam(self.critic.parameters(), lr=5e-4, betas=(0.0, 0.99), fused=True)
        self.step_count, self.spent = 0, 0.0
        names = {a: i for i, a in enumerate(self.faces.attributes)}
        self.edit_choices = [names[a] for a in EDITED + OFTEN * 8]
        self.belongs = self.moments.belongs().to(device)
        self.often = [names[a] for a in OFTEN]
        self.chances = training_data.chances(self.faces.labels[self.rows][:, self.often])

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Mirrored at random: pictures [N,3,S,S], labels [N,A]."""
        rows = rng.choice(self.rows, self.schedule.batch, p=self.chances)
        pictures = torch.from_numpy(self.faces.faces[rows]).to(self.device)
        pictures = pictures.permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)
        flip = torch.from_numpy(rng.random(len(rows)) < 0.5).to(self.device)
        pictures = torch.where(flip[:, None, None, None], pictures.flip(3), pictures)
        return pictures, self.labels[rows].to(self.device)

    def step(self, rng: np.random.Generator, progress: float) -> dict[str, float]:
        """One update of generator and encoder, then of the critic. progress 0..1 of the planned time sets rates and phases."""
        s = self.schedule
        real, labels = self.batch(rng)
        rate = min(1.0, self.step_count / 200) * (0.5 * (1 + math.cos(math.pi * max(0.0, progress - 0.3) / 0.7)) * 0.95 + 0.05)
        for group, base in zip(self.optim.param_groups, s.rates, strict=True):
            group["lr"] = base * rate
            group["betas"] = (0.5 if progress >= s.critic_from else 0.9, 0.99)  # against a critic, momentum overshoots
        self.critic_optim.param_groups[0]["lr"] = 5e-4 * max(rate, 0.1)
        adversarial, editing = progress >= s.critic_from, progress >= s.edit_from and self.classifier is not None
        with torch.autocast(self.device.type, torch.bfloat16):
            w = self.encoder(real)
        codes, changed, told = [w], None, [labels]
        if editing:
            changed = edits(rng, w[: s.edited], labels[: s.edited], self.edit_choices, self.moments.slopes().to(self.device))
            codes.append(changed[0])
            told.append(torch.where(self.belongs[changed[1]], changed[2][:, None], labels[: s.edited]))
        if adversarial and s.sampled:
            z = torch.from_numpy(rng.standard_normal((s.sampled, self.generator.style_dim), np.float32)).to(self.device)
            codes.append(self.generator.mapping(z)[:, None].expand(-1, w.shape[1], -1))
            told.append(labels[: s.sampled])
        with torch.autocast(self.device.type, torch.bfloat16):
            fakes = self.generator(torch.cat(codes), stop=None if progress >= s.full_from else self.generator.size // 2)
        losses = reconstruction(fakes[: len(real)], real, w, self.weight, self.lpips, self.classifier)
        if changed is not None and self.classifier is not None:
            edited, before = fakes[len(real) : len(real) + s.edited], fakes[: s.edited].detach()
            losses |= edit_losses(edited, before, changed[1], changed[2], self.classifier, self.belongs)
        judged = fakes[len(real) // 2 :]
        told_signs = 2 * torch.cat(told)[len(real) // 2 :, self.often] - 1
        if adversarial:
            losses["gan"] = fooling(self.critic, judged, told_signs)
        weights = s.weights(progress)
        losses = {name: weights[name] * loss for name, loss in losses.items()}
        self.optim.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_([p for g in self.optim.param_groups for p in g["params"]], 5.0)
        out = {k: float(v.detach()) for k, v in losses.items()}
        self.optim.step()
        self.step_count += 1
        if not norm < BROKEN:  # the networks come back from it in a few steps, the moments and the critic would not
            return {"broken": float(norm)}
        self.moments.update(labels.cpu(), w.detach().flatten(1).cpu())
        if adversarial:
            r1 = s.r1 * s.r1_every if self.step_count % s.r1_every == 0 else 0.0
            shown, fake = 2 * labels[:, self.often] - 1, judged.detach()
            out["critic"] = critic_step(self.critic, self.critic_optim, real, shown, fake, told_signs, r1=r1)
        self._average()
        return out

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(0.997, (1 + self.step_count) / (10 + self.step_count))
        live = [*self.generator.parameters(), *self.encoder.parameters()]
        torch._foreach_lerp_(list(self.average.parameters()), live, 1 - decay)

    def state(self) -> dict:
        """Everything a resumed run needs."""
        parts = {"generator": self.generator, "encoder": self.encoder, "critic": self.critic, "average": self.average}
        return {k: v.state_dict() for k, v in parts.items()} | {
            "optim": self.optim.state_dict(),
            "critic_optim": self.critic_optim.state_dict(),
            "moments": (self.moments.labels, self.moments.cross),
            "step": self.step_count,
            "spent": self.spent,
        }

    def restore(self, state: dict) -> None:
        """The inverse of `state`."""
        for name in ("generator", "encoder", "critic", "average"):
            getattr(self, name).load_state_dict(state[name])
        self.optim.load_state_dict(state["optim"])
        self.critic_optim.load_state_dict(state["critic_optim"])
        self.moments.labels, self.moments.cross = state["moments"]
        self.step_count, self.spent = state["step"], state["spent"]

    def start_from(self, folder: Path) -> None:
        """Generator and encoder of a pack, or of an earlier run: of that the critic and the moments too. Raises FileNotFoundError."""
        for name, live, mean in zip(("generator", "encoder"), (self.generator, self.encoder), self.average, strict=True):
            state = {k: v.float() for k, v in load_file(folder / f"{name}.safetensors").items()}
            live.load_state_dict(state)
            mean.load_state_dict(state)
        if (folder / "checkpoint.pt").exists():
            earlier = torch.load(folder / "checkpoint.pt", map_location=self.device, weights_only=True)
            self.critic.load_state_dict(earlier["critic"])
            self.moments.labels, self.moments.cross = earlier["moments"]

    @torch.no_grad()
    def export(self, out: Path) -> None:
        """The averaged networks as safetensors with their configs, and a sheet of held-out faces."""
        generator, encoder = self.average[0], self.average[1]
        z = torch.randn(4096, generator.style_dim, generator=torch.Generator().manual_seed(0)).to(self.device)
        generator.mean_w.copy_(generator.mapping_net(z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)).mean(0))
        for name, module, config in (("generator", generator, GENERATOR), ("encoder", encoder, ENCODER)):
            save_file({k: v.contiguous().cpu() for k, v in module.state_dict().items()}, out / f"{name}.safetensors.part")
            (out / f"{name}.safetensors.part").replace(out / f"{name}.safetensors")
            (out / f"{name}.json").write_text(json.dumps(config))
        sheet = out / "samples" / f"{self.step_count:06d}.png"
        write_sheet(sheet, generator, encoder, self.faces, self.moments.slopes().to(self.device))


def train(
    data: Path,
    out: Path,
    *,
    minutes: float,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    classifier: Path | None = None,
    init: Path | None = None,
) -> Path:
    """Train for `minutes` in all (earlier runs counted); returns the folder with generator/encoder .safetensors and .json.

    classifier: folder of a finished classifier run, by default the one beside `out`; without one nothing is edited in training.
    init: a folder or pack whose generator and encoder to start from, at full size and against the critic.
    A checkpoint every three minutes, a log line a minute, a sheet of held-out faces with each checkpoint.
    """
    device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    schedule = Schedule(batch=16 if device == "cpu" else 64)
    if init is not None:  # finished networks go on at full size, against the critic: at full rates the encoder blew up there
        schedule = replace(schedule, full_from=0.0, critic_from=0.0, edit_from=0.02, rates=(5e-3, 3e-4, 3e-5))
    trainer = Trainer(Path(data), classifier or out.parent / "classifier", torch.device(device), schedule)
    checkpoint = out / "checkpoint.pt"
    if resume and checkpoint.exists():
        trainer.restore(torch.load(checkpoint, map_location=device, weights_only=True))
    elif init is not None:
        trainer.start_from(Path(init))
    rng = np.random.default_rng(seed * 1_000_003 + trainer.step_count)
    last = time.monotonic()
    logged = saved = trainer.spent
    totals: dict[str, list[float]] = {}
    first = trainer.step_count
    while trainer.spent < minutes * 60:
        for name, value in trainer.step(rng, trainer.spent / (minutes * 60)).items():
            totals.setdefault(name, []).append(value)
        now = time.monotonic()
        trainer.spent, last = trainer.spent + now - last, now
        if trainer.spent - logged >= 60:
            rate = (trainer.step_count - first) * trainer.schedule.batch / (trainer.spent - logged)
            line = {"minute": round(trainer.spent / 60, 1), "step": trainer.step_count, "images_per_second": round(rate, 1)}
            line |= {k: round(float(np.mean(v)), 4) for k, v in totals.items()}
            with open(out / "log.jsonl", "a") as log:
                log.write(json.dumps(line) + "\n")
            logged, totals, first = trainer.spent, {}, trainer.step_count
        if trainer.spent - saved >= 180:
            _save(trainer, out)
            saved, last = trainer.spent, time.monotonic()
    _save(trainer, out)
    return out


def _save(trainer: Trainer, out: Path) -> None:
    torch.save(trainer.state(), out / "checkpoint.part")
    (out / "checkpoint.part").replace(out / "checkpoint.pt")
    trainer.export(out)
