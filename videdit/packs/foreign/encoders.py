"""e4e and pSp encoders of public checkpoints as networks.psp.PspEncoder; widths and the number of styles are read off the shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from videdit.errors import UsageError
from videdit.networks.psp import DEPTHS, PspEncoder
from videdit.packs.foreign.layouts import Tree, Unsupported, Weights, numbers

KINDS = {"Encoder4Editing": "e4e", "GradualStyleEncoder": "psp"}
E4E_ONLY = ("progressive_steps", "w_discriminator_lambda", "delta_norm_lambda")  # options that pSp does not have
MOST_LAYERS = 20
STEM = "input_layer.0.weight"


@dataclass(slots=True)
class ForeignEncoder:
    """An encoder that was found. config: of networks.psp.PspEncoder; notes: what was decided without the file saying so."""

    config: dict[str, Any]
    state: dict[str, torch.Tensor]
    notes: list[str] = field(default_factory=list)


def find(tree: Tree, *, file: str, kind: str | None = None, mean: torch.Tensor | None = None) -> ForeignEncoder | None:
    """The encoder of a checkpoint; None where there is none.

    file: its name, which says e4e or psp where the checkpoint does not; kind: the user's word for it; mean [D]: the generator's mean
    latent, for checkpoints without one. Raises Unsupported, and UsageError where nobody says what it is.
    """
    stems = [name for name in tree.tensors if name == f"encoder.{STEM}" or name.endswith(f"encoder.{STEM}") or name == STEM]
    if not stems:
        return None
    weights = Weights(tree.under(stems[0][: -len(STEM)]), "the encoder")
    if "latlayer1.weight" not in weights or "styles.0.linear.weight" not in weights:
        raise Unsupported(
            "its encoder is neither e4e nor pSp with a feature pyramid", hint="Others are not read; --invert optimize does without."
        )
    if (seen := weights.size(STEM, 1, of=4)) != 3:
        raise Unsupported(f"its encoder looks at {seen} channels, not RGB", hint="ReStyle and segmentation encoders are not read.")
    style = weights.size("styles.0.linear.weight", 0, of=2)
    layers = len({name.split(".")[1] for name in weights if name.startswith("styles.")})
    ends = [sum(DEPTHS[: i + 1]) - 1 for i in range(len(DEPTHS))]
    if layers > MOST_LAYERS:
        raise Unsupported(f"its encoder gives {layers} styles", hint=f"Generators of 2048 px take {MOST_LAYERS}, and none takes more.")
    channels = [weights.size(STEM, 0, of=4), *(weights.size(f"body.{end}.res_layer.3.weight", 0, of=4) for end in ends)]
    found, notes = _kind(tree, file, kind)
    config: dict[str, Any] = {"kind": found, "num_layers": layers, "style_dim": style, "channels": channels}
    if "body.0.res_layer.5.fc1.weight" not in weights:
        config["squeeze"] = False
    with torch.device("meta"):  # shapes only: nothing is made of numbers that the file merely claims
        network = PspEncoder(**config)
    state = {name: _value(weights, name, value) for name, value in network.state_dict().items() if name != "latent_avg"}
    state["latent_avg"] = _average(tree, layers, style, mean, notes)
    return ForeignEncoder(config, state, notes)


def _value(weights: Weights, name: str, own: torch.Tensor) -> torch.Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.int64)
    return weights.take(name, *own.shape)


def _kind(tree: Tree, file: str, asked: str | None) -> tuple[str, list[str]]:
    """e4e or psp: by the user, by the checkpoint's options, by the file's name. Raises UsageError, Unsupported."""
    if asked:
        return asked, []
    said = tree.option("encoder_type")
    if said is not None and (not isinstance(said, str) or said not in KINDS):
        raise Unsupported(f"its encoder is a {str(said)[:40]}", hint=f"{' and '.join(KINDS)} are read.")
    if said is not None:
        return KINDS[said], []
    if any(tree.mentions(name) for name in E4E_ONLY):
        return "e4e", []
    for kind in ("e4e", "psp"):
        if kind in file.lower():
            return kind, [f"the checkpoint does not say what its encoder is; by the file's name, {kind}"]
    raise UsageError("nothing says whether the encoder is e4e or pSp", hint="Their weights look alike: add --encoder-type e4e or psp.")


def _average(tree: Tree, layers: int, style: int, mean: torch.Tensor | None, notes: list[str]) -> torch.Tensor:
    """[L,D] that is added to what the encoder gives."""
    if tree.option("start_from_latent_avg") is False:
        return torch.zeros(layers, style)
    stored = [value for name, value in tree.tensors.items() if name.split(".")[-1] == "latent_avg"]
    if stored:
        value = numbers(stored[0])
        if value.numel() in (style, layers * style):
            return value.reshape(-1, style).expand(layers, style).clone()
        raise Unsupported(f"its latent_avg is {list(value.shape)}, the encoder gives [{layers}, {style}]")
    if mean is None or len(mean) != style:
        return torch.zeros(layers, style)
    notes.append("the encoder's checkpoint has no latent_avg; the generator's mean latent is added")
    return mean.expand(layers, style).clone()
