"""What train/generator.py asks of generator and encoder, and how their critic learns. Pictures are [N,3,S,S] in [-1,1].

Nothing is weighted here: the trainer's schedule does that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from videdit.networks.classifier import Classifier
from videdit.networks.discriminator import Discriminator, realness
from videdit.train.losses import PerceptualAlexNet, feature_distance, pyramid_l1


def reconstruction(
    image: Tensor, real: Tensor, w: Tensor, weight: Tensor, lpips: PerceptualAlexNet, classifier: Classifier | None
) -> dict[str, Tensor]:
    """Rendered latents w [N,L,D] against the real pictures, which may be twice as large; weight [1,1,S,S] is for their size."""
    if image.shape[-1] < real.shape[-1]:
        real = F.avg_pool2d(real, 2)
        weight = F.avg_pool2d(weight, 2)
    losses = {"l1": pyramid_l1(image, real, weight), "compact": w.square().mean()}
    with torch.autocast(real.device.type, torch.bfloat16):
        losses["lpips"] = lpips(image, real)
        if classifier is not None:
            with torch.no_grad():
                wanted = classifier.features(real)
            losses["features"] = feature_distance(classifier.features(image), wanted)
    return losses


def edits(rng: np.random.Generator, w: Tensor, labels: Tensor, choices: Sequence[int], slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Latents [N,L,D] moved to the other side of one attribute each; the attribute's index and the wanted label, [N].

    choices: the attributes to draw from, the often asked ones more often; slopes [A,L*D]: of the latents on each attribute.
    """
    which = torch.from_numpy(rng.choice(choices, len(w))).to(w.device)
    wanted = 1 - labels[torch.arange(len(w)), which]
    amount = torch.from_numpy(rng.uniform(1.0, 2.4, len(w)).astype(np.float32)).to(w.device)
    return w + slopes[which].view_as(w) * ((2 * wanted - 1) * amount)[:, None, None], which, wanted


def edit_losses(
    edited: Tensor, before: Tensor, which: Tensor, wanted: Tensor, classifier: Classifier, belongs: Tensor
) -> dict[str, Tensor]:
    """The attribute must cross over, the other logits stay, and the picture change no more than that takes.

    which, wanted [N]: each picture's attribute and its label; belongs: bool [A,A], what may go along with an attribute.
    """
    with torch.autocast(edited.device.type, torch.bfloat16):
        logits = classifier(edited).float()
        with torch.no_grad():
            old = classifier(before).float()
    # beyond a logit of about 3 nothing is gained, so the classifier is not driven to extremes
    hit = F.softplus(1.5 - logits[torch.arange(len(edited)), which] * (2 * wanted - 1)).mean()
    others = (logits - old).square().clamp_max(9.0)
    others[belongs[which]] = 0
    return {"attribute": hit, "keep": others.mean(), "still": pyramid_l1(edited, before, torch.ones_like(before[:1, :1]))}


def fooling(critic: Discriminator, judged: Tensor, told: Tensor) -> Tensor:
    """How little the critic believes that rendered pictures are real and show what they are said to: told [N,K] in -1..1."""
    critic.requires_grad_(False)
    with torch.autocast(judged.device.type, torch.bfloat16):
        loss = F.softplus(-realness(critic(judged), told)).mean()
    critic.requires_grad_(True)
    return loss


def critic_step(
    critic: Discriminator, optim: torch.optim.Optimizer, real: Tensor, shown: Tensor, fake: Tensor, wanted: Tensor, *, r1: float
) -> float:
    """One update of the critic; its loss. shown, wanted: what the real and the fake pictures are said to show, [N,K] in -1..1; r1: weight
    of the gradient's penalty, which takes a pass of its own, or 0."""
    with torch.autocast(real.device.type, torch.bfloat16):
        seen = critic(real)
        loss = F.softplus(realness(critic(fake), wanted)).mean() + F.softplus(-realness(seen, shown)).mean()
    wrong = torch.randint(shown.shape[1], (len(shown), 1), device=shown.device)
    lied = shown.scatter(1, wrong, -shown.gather(1, wrong))
    loss = loss + 0.5 * F.softplus(realness(seen, lied)).mean()
    if r1:
        probe = real[: len(real) // 2].detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(realness(critic(probe), shown[: len(probe)]).sum(), probe, create_graph=True)
        loss = loss + 0.5 * r1 * slope.square().sum((1, 2, 3)).mean()
    optim.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(critic.parameters(), 10.0)
    optim.step()
    return float(loss.detach())
