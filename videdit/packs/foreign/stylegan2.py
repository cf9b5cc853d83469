"""StyleGAN2 generators of other projects as ours: the `g_ema` layout (rosinality's, which e4e, pSp and most others share) and the
official PyTorch one (stylegan2-ada, stylegan3). Sizes, widths and depths are read off the tensors' shapes.

The official code scales no weights of demodulated layers (demodulation undoes a scale, up to its epsilon); ours does, so theirs come in
multiplied by what ours divides by, and the epsilon means the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from videdit.networks.fir import FIR
from videdit.networks.stylegan2 import MAPPING_RATE, Generator
from videdit.packs.foreign.layouts import Tree, Unsupported, Weights, numbers

SIZES = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
MEAN_OF = 10000  # draws the mean latent is taken of, where a checkpoint has none
State = dict[str, torch.Tensor]


@dataclass(slots=True)
class Foreign:
    """A generator that was found. config: of networks.stylegan2.Generator; layout: in words; notes: what had to be made up."""

    config: dict[str, Any]
    state: State
    layout: str
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Names:
    """What a layout calls the parts of layer `i` (0 at 4 px, then two a resolution) and of the RGB output of resolution `step`."""

    layer: Callable[[int], str]
    rgb: Callable[[int], str]
    style: str  # of a layer: what makes scales of styles
    bias: str
    strength: str
    noise: Callable[[int], str]
    constant: str
    mapping: Callable[[int], str]
    lead: tuple[int, ...]  # dimensions before a weight's own


def find(tree: Tree) -> Foreign | None:
    """The generator of a checkpoint, the averaged one where there are several; None where there is none. Raises Unsupported."""
    if any(re.search(r"synthesis\.L\d+_", name) for name in tree.tensors):
        raise Unsupported("it is a StyleGAN3 generator, whose layers are others", hint="StyleGAN2's are read, of stylegan3's code as well.")
    for end, read in (("input.input", _rosinality), ("b4.const", _official)):
        names = [name for name in tree.tensors if name == end or name.endswith(f".{end}")]
        if names:
            prefix = min(names, key=_rank)[: -len(end)]
            return read(tree, prefix)
    return None


def _rank(name: str) -> tuple[bool, bool, int]:
    """Averaged weights first, then those of an encoder's decoder, then what lies least deep."""
    return "ema" not in name.lower(), "decoder" not in name, name.count(".")


def _rosinality(tree: Tree, prefix: str) -> Foreign:
    weights = Weights(tree.under(prefix), "the generator")
    names = _Names(
        layer=lambda i: "conv1" if i == 0 else f"convs.{i - 1}",
        rgb=lambda step: "to_rgb1" if step == 0 else f"to_rgbs.{step - 1}",
        style="conv.modulation",
        bias="activate.bias",
        strength="noise.weight",
        noise=lambda i: f"noises.noise_{i}",
        constant="input.input",
        mapping=lambda i: f"style.{i + 1}",
        lead=(1,),
    )
    channels = [weights.size(f"{names.rgb(step)}.conv.weight", 2, of=5) for step in range(_steps(weights, "to_rgbs", 1))]
    conv = "conv.weight"
    config, state = _common(weights, names, channels, conv=conv, rgb=conv, scale=lambda inputs: 1.0)
    filters = [name for name in weights if name.endswith(("blur.kernel", "upsample.kernel"))]
    mean = [value for name, value in tree.tensors.items() if name.split(".")[-1] in ("latent_avg", "mean_latent")]
    return _finished(Foreign(config, state, "g_ema"), weights, filters, [numbers(value) for value in mean[:1]])


def _official(tree: Tree, prefix: str) -> Foreign:
    inside = prefix.removesuffix("synthesis.")
    found = {f"synthesis.{name}": value for name, value in tree.under(prefix).items()}
    if inside != prefix:
        found |= {name: value for name, value in tree.under(inside).items() if name.startswith("mapping.")}
    weights = Weights(found, "the generator")
    if "mapping.embed.weight" in weights:
        raise Unsupported("it is a conditional generator (it draws by class)", hint="Generators of one kind of picture are read.")

    def block(i: int) -> str:
        return f"synthesis.b{4 << (i + 1) // 2}"

    steps = _steps(weights, "synthesis", 0)
    if any(name.endswith(".skip.weight") for name in weights) or f"{block(0)}.torgb.weight" not in weights:
        raise Unsupported("its synthesis has no RGB outputs to add up (architecture resnet or orig)", hint="architecture='skip' is read.")
    names = _Names(
        layer=lambda i: f"{block(i)}.conv{(i + 1) % 2}",
        rgb=lambda step: f"synthesis.b{4 << step}.torgb",
        style="affine",
        bias="bias",
        strength="noise_strength",
        noise=lambda i: f"{block(i)}.conv{(i + 1) % 2}.noise_const",
        constant="synthesis.b4.const",
        mapping=lambda i: f"mapping.fc{i}",
        lead=(),
    )
    channels = [weights.size(f"{names.rgb(step)}.weight", 1, of=4) for step in range(steps)]
    config, state = _common(weights, names, channels, conv="weight", rgb="weight", scale=lambda inputs: math.sqrt(inputs * 9))
    _mapping_rates(tree, inside, state)
    said = [value for name, value in tree.plain.items() if name.startswith(prefix) and name.endswith(".conv_clamp")]
    limits = {float(value) if isinstance(value, int | float) else 0.0 for value in said if value is not None}
    kinds = {str(value) for name, value in tree.plain.items() if name.startswith(inside) and name.split(".")[-1] == "activation"}
    if len(limits) > 1 or not all(0 < limit < math.inf for limit in limits) or not kinds <= {"lrelu", "linear"}:
        raise Unsupported("its layers have activations that are not known", hint="Leaky ReLU and one conv_clamp for all are.")
    if limits:
        config["clamp"] = limits.pop()
    filters = [name for name in weights if name.endswith("resample_filter")]
    mean = [numbers(found["mapping.w_avg"])] if "mapping.w_avg" in found else []
    return _finished(Foreign(config, state, "official"), weights, filters, mean)


def _steps(weights: Weights, place: str, first: int) -> int:
    """How many resolutions there are, 4 px among them."""
    if place == "synthesis":
        sizes = {int(found[1]) for name in weights if (found := re.match(r"synthesis\.b(\d{1,4})\.", name))}
        steps = len(sizes)
        good = sizes == {4 << step for step in range(steps)}
    else:
        numbers_ = {int(found[1]) for name in weights if (found := re.match(rf"{place}\.(\d{{1,4}})\.conv\.weight", name))}
        steps = len(numbers_) + first
        good = numbers_ == set(range(steps - first))
    if not good or 4 << (steps - 1) not in SIZES:
        raise Unsupported("the generator's resolutions do not follow one another", hint="Squares of 8, 16, 32, .. 2048 px are read.")
    return steps


def _common(
    weights: Weights, names: _Names, channels: list[int], *, conv: str, rgb: str, scale: Callable[[int], float]
) -> tuple[dict[str, Any], State]:
    """What the layouts share: configuration and weights, but for filters, mean and noise that is missing."""
    style = weights.size(f"{names.layer(0)}.{names.style}.weight", 1, of=2)
    size = 4 << (len(channels) - 1)
    state: State = {"input": weights.take(names.constant, 1, channels[0], 4, 4, any_of=((channels[0], 4, 4),))}
    for step, width in enumerate(channels):
        ours, theirs = f"to_rgb.{step}", names.rgb(step)
        if (drawn := weights.shape(f"{theirs}.{rgb}")[-4:-3]) != (3,):
            raise Unsupported(f"it draws {drawn[0] if drawn else 'no'} channels, not RGB", hint="Generators of RGB pictures are read.")
        state[f"{ours}.conv.weight"] = _weight(weights, f"{theirs}.{rgb}", names, 3, width, 1)
        state[f"{ours}.bias"] = weights.take(f"{theirs}.bias", 3, any_of=((1, 3, 1, 1),))
        _style(weights, f"{theirs}.{names.style}", f"{ours}.conv", width, style, state)
    noisy = []
    for i in range(2 * len(channels) - 1):
        ours, theirs = f"layers.{i}", names.layer(i)
        inputs, outputs = channels[max(0, (i - 1) // 2)] if i % 2 else channels[i // 2], channels[(i + 1) // 2]
        state[f"{ours}.conv.weight"] = _weight(weights, f"{theirs}.{conv}", names, outputs, inputs, 3) * scale(inputs)
        state[f"{ours}.bias"] = weights.take(f"{theirs}.{names.bias}", outputs)
        _style(weights, f"{theirs}.{names.style}", f"{ours}.conv", inputs, style, state)
        noisy.append(f"{theirs}.{names.strength}" in weights)
        side = 4 << (i + 1) // 2
        if noisy[-1]:
            state[f"{ours}.noise_strength"] = weights.take(f"{theirs}.{names.strength}", any_of=((1,),))
        if noisy[-1] and names.noise(i) in weights:
            state[f"{ours}.noise"] = weights.take(names.noise(i), side, side, any_of=((1, 1, side, side),))
    if len(set(noisy)) > 1:
        raise Unsupported("some of the generator's layers have noise and others do not", hint="It is incomplete.")
    config = {"size": size, "style_dim": style, "channels": list(channels), "noise": "const" if noisy[0] else "none"}
    return config | _mapping(weights, names, style, state), state


def _weight(weights: Weights, name: str, names: _Names, outputs: int, inputs: int, kernel: int) -> torch.Tensor:
    shape = (outputs, inputs, kernel, kernel)
    return weights.take(name, *shape, any_of=((*names.lead, *shape),))


def _style(weights: Weights, theirs: str, ours: str, inputs: int, style: int, state: State) -> None:
    state[f"{ours}.modulation.weight"] = weights.take(f"{theirs}.weight", inputs, style)
    state[f"{ours}.modulation.bias"] = weights.take(f"{theirs}.bias", inputs)


def _mapping(weights: Weights, names: _Names, style: int, state: State) -> dict[str, Any]:
    """Depth and widths of the mapping network."""
    widths: list[int] = []
    layer = 0
    while f"{names.mapping(layer)}.weight" in weights:
        outputs, inputs = (weights.size(f"{names.mapping(layer)}.weight", side, of=2) for side in (0, 1))
        widths = widths or [inputs]
        state[f"mapping_net.{layer}.weight"] = weights.take(f"{names.mapping(layer)}.weight", outputs, widths[-1])
        state[f"mapping_net.{layer}.bias"] = weights.take(f"{names.mapping(layer)}.bias", outputs)
        widths.append(outputs)
        layer += 1
    if widths and widths[-1] != style:
        raise Unsupported(f"the mapping network gives {widths[-1]} numbers, the layers take {style}", hint="It is incomplete.")
    return {"mapping_layers": layer} | ({"mapping_widths": widths} if set(widths) - {style} else {})


def _mapping_rates(tree: Tree, prefix: str, state: State) -> None:
    """Pickled networks say their mapping layers' gains; where they are not the usual ones, weights take up the difference."""
    i = 0
    while (weight := state.get(f"mapping_net.{i}.weight")) is not None:
        usual = MAPPING_RATE / math.sqrt(weight.shape[1])
        gains = [tree.plain.get(f"{prefix}mapping.fc{i}.{name}_gain") for name in ("weight", "bias")]
        for name, gain, ours in zip(("weight", "bias"), gains, (usual, MAPPING_RATE), strict=True):
            if isinstance(gain, int | float) and math.isfinite(gain) and not math.isclose(gain, ours, rel_tol=1e-6):
                state[f"mapping_net.{i}.{name}"] *= gain / ours
        i += 1


def _finished(found: Foreign, weights: Weights, filters: list[str], means: list[torch.Tensor]) -> Foreign:
    """Filter, noise and mean latent, made up where there is none and said."""
    taps = {_taps(weights.take(name, *weights.shape(name))) for name in filters} or {FIR}
    if len(taps) > 1:
        raise Unsupported("its layers have different resampling filters", hint="One for all is read.")
    found.config |= {"fir": list(taps.pop())}
    missing = [i for i in range(2 * len(found.config["channels"]) - 1) if f"layers.{i}.noise" not in found.state]
    if missing and found.config["noise"] == "const":
        draw = torch.Generator().manual_seed(0)
        for i in missing:
            side = 4 << (i + 1) // 2
            found.state[f"layers.{i}.noise"] = torch.randn(side, side, generator=draw)
        found.notes.append("it stores no noise: the same noise was drawn for every picture")
    style = found.config["style_dim"]
    if means and means[0].shape[-1:] == (style,):
        found.state["mean_w"] = means[0].reshape(-1, style).mean(0)
    else:
        found.state["mean_w"] = _mean(found)
        if found.config["mapping_layers"]:
            found.notes.append(f"it stores no mean latent: that of {MEAN_OF} draws was taken")
    if not found.config["mapping_layers"]:
        found.notes.append("it has no mapping network: it can't be sampled from")
    return found


def _taps(kernel: torch.Tensor) -> tuple[float, ...]:
    """A separable filter [K,K], or its taps [K], as small numbers such as 1 3 3 1. Raises Unsupported."""
    unknown = Unsupported("its resampling filter is not separable", hint="Filters such as [1, 3, 3, 1] are read.")
    if kernel.ndim not in (1, 2) or not 2 <= kernel.shape[-1] <= 12:
        raise unknown
    row = kernel if kernel.ndim == 1 else kernel.sum(0)
    whole = kernel if kernel.ndim == 2 else torch.outer(row, row)
    again = torch.outer(row, row) * whole.sum() / row.sum().square()  # rows and columns alike
    if whole.shape != again.shape or not torch.allclose(again, whole, rtol=1e-4, atol=1e-6):
        raise unknown
    smallest = float(row.abs()[row.abs() > 1e-6 * float(row.abs().max())].min())
    return tuple(round(float(value) / smallest, 5) for value in row)


@torch.inference_mode()
def _mean(found: Foreign) -> torch.Tensor:
    """The mean latent [D] of draws from the mapping network; zeros where there is none."""
    style, mapping = found.config["style_dim"], {k: v for k, v in found.state.items() if k.startswith("mapping_net.")}
    if not mapping:
        return torch.zeros(style)
    layers, widths = found.config["mapping_layers"], found.config.get("mapping_widths", ())
    small = Generator(size=8, style_dim=style, channels=[1, 1], mapping_layers=layers, mapping_widths=widths)
    small.load_state_dict(mapping, strict=False)
    z = torch.randn(MEAN_OF, small.z_dim, generator=torch.Generator().manual_seed(0))
    return small.mapping(z).mean(0)
