"""A 1024 px generator of standard widths with an e4e encoder, of random weights: imported, edited with, and taken apart layer by layer.

On a CPU and on a GPU alike (--device cuda); a small size (--size 64 --widest 32) tries the script itself in seconds.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.speed import STAGES, make_clip
from videdit.networks.modulated import ModulatedConv
from videdit.networks.psp import PspEncoder
from videdit.networks.stylegan2 import Generator, StyledLayer, ToRGB
from videdit.quality.report import Row, Value, markdown

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
BASE = 32768  # channels times side, where they are not at their widest
MATRIX = 2048  # side of the matrices that the machine's rate is measured with
ROOM = 1 << 26  # floats that are copied for the machine's bandwidth
HALF = 0.5  # of the machine's rate, what layers up to 256 px are to reach
BATCHES = (1, 2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    clip: Path
    size: int = 1024
    widest: int = 512
    frames: int = 10
    device: str = "cpu"
    threads: int = 1
    precisions: tuple[str, ...] = ("fp32", "bf16")


@dataclass(frozen=True, slots=True)
class Machine:
    """Measured limits: multiply-adds a second of a matrix product, and bytes a second (read and written) of a copy."""

    macs: float
    bytes: float


def channels(plan: Plan) -> list[int]:
    """Widths at 4, 8, .. px."""
    return [min(plan.widest, BASE * plan.widest // 512 // side) for side in sides(plan.size)]


def sides(size: int) -> list[int]:
    return [4 << step for step in range(int(math.log2(size)) - 1)]


def official(network: Generator) -> dict[str, torch.Tensor]:
    """The weights in the official PyTorch layout."""
    out = {"synthesis.b4.const": network.input[0], "mapping.w_avg": network.mean_w}
    for i, layer in enumerate(network.mapping_net):
        out |= {f"mapping.fc{i}.weight": layer.weight, f"mapping.fc{i}.bias": layer.bias}
    for i, layer in enumerate(network.layers):
        name = f"synthesis.b{4 << (i + 1) // 2}.conv{(i + 1) % 2}"
        out |= {f"{name}.weight": layer.conv.weight * layer.conv.gain, f"{name}.bias": layer.bias, f"{name}.noise_const": layer.noise}
        out |= {f"{name}.noise_strength": layer.noise_strength, f"{name}.affine.weight": layer.conv.modulation.weight}
        out[f"{name}.affine.bias"] = layer.conv.modulation.bias
    for step, layer in enumerate(network.to_rgb):
        name = f"synthesis.b{4 << step}.torgb"
        out |= {f"{name}.weight": layer.conv.weight, f"{name}.bias": layer.bias, f"{name}.affine.weight": layer.conv.modulation.weight}
        out[f"{name}.affine.bias"] = layer.conv.modulation.bias
    return {name: value.detach().clone() for name, value in out.items()}


def make_checkpoints(folder: Path, plan: Plan) -> tuple[Path, Path, Path]:
    """Generator, encoder and a direction, random, in other projects' layouts."""
    torch.manual_seed(0)
    style = plan.widest
    torch.save(official(Generator(size=plan.size, style_dim=style, channels=channels(plan))), folder / "generator.pt")
    widths = [max(16, width * plan.widest // 512) for width in (64, 64, 128, 256, 512)]
    encoder = PspEncoder(kind="e4e", num_layers=2 * len(channels(plan)), style_dim=style, channels=widths)
    state = {f"encoder.{name}": value for name, value in encoder.state_dict().items() if name != "latent_avg"}
    torch.save({"state_dict": state, "latent_avg": torch.zeros(style), "opts": {"encoder_type": "Encoder4Editing"}}, folder / "e4e.pt")
    np.save(folder / "smile.npy", np.eye(1, style, dtype=np.float32))
    return folder / "generator.pt", folder / "e4e.pt", folder / "smile.npy"


def command(plan: Plan, home: Path, *words: str) -> tuple[float, str]:
    """Seconds of a process of its own, and what it printed. Raises RuntimeError where it fails."""
    surroundings = {**os.environ, "XDG_DATA_HOME": str(home), "VIDEDIT_CACHE": str(home / "cache"), "OMP_NUM_THREADS": str(plan.threads)}
    surroundings["PYTHONPATH"] = str(Path(__file__).parents[1])
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, env=surroundings)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return time.perf_counter() - start, done.stdout


def run(plan: Plan) -> tuple[list[Row], str]:
    """Rows by layer, and everything else in words and tables."""
    torch.set_num_threads(plan.threads)
    said = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        generator, encoder, direction = make_checkpoints(home, plan)
        megabytes = (generator.stat().st_size + encoder.stat().st_size) / 2**20
        words = f"models import {generator} --encoder {encoder} --direction smile={direction} --as large --license none --overwrite".split()
        seconds, _ = command(plan, home, "-m", "videdit", *words)
        said.append(f"Import of {megabytes:.0f} MB: {seconds:.1f} s.")
        make_clip(plan.clip, home / "clip.mp4", 360, plan.frames)
        stages = [edited(plan, home, precision) for precision in plan.precisions]
        said.append(markdown(stages, digits=2))
    network = Generator(size=plan.size, style_dim=plan.widest, channels=channels(plan)).eval().requires_grad_(False)
    network = network.to(plan.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    rows: list[Row] = []
    for precision in plan.precisions:
        machine = limits(plan, precision)
        found = layers(network, plan, precision, machine)
        rows += found
        said.append(summary(found, precision, machine, plan))
    if plan.device != "cpu":
        said.append(markdown(curve(network, plan), digits=1))
    return rows, "\n\n".join(said)


def edited(plan: Plan, home: Path, precision: str) -> Row:
    """Seconds a frame and peak memory by stage of an edit, a process of its own."""
    words = [str(home / "clip.mp4"), str(home / f"{precision}.mp4"), precision, plan.device]
    seconds, printed = command(plan, home, "-m", "benchmarks.large_edit", *words)
    found = json.loads(printed.splitlines()[-1])
    out: dict[str, Value] = {"precision": precision, "frames": found["frames"], "s": round(seconds, 1)}
    for stage in STAGES:
        out[f"{stage} s/frame"] = round(found["seconds"].get(stage, 0.0) / found["frames"], 3)
        out[f"{stage} MB"] = round(found["peaks"].get(stage, 0) / 2**20)
    busy = sum(found["seconds"].get(stage, 0.0) for stage in STAGES)
    out["decode + encode %"] = round(100 * (found["seconds"].get("decode", 0.0) + found["seconds"].get("encode", 0.0)) / max(busy, 1e-9), 1)
    return out


def timer(plan: Plan) -> Callable[[], float]:
    """Seconds of work: on a CPU the time this process has had, a thread, so that a busy machine does not count; on a GPU the clock's."""
    if plan.device == "cpu":
        return lambda: time.process_time() / plan.threads

    def now() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return now


def best(plan: Plan, work: Callable[[], object], *, least: float = 0.2, times: int = 3) -> float:
    """Seconds of one call: the best of a few rounds."""
    now, found = timer(plan), []
    work()
    for _ in range(times):
        start, count = now(), 0
        while now() - start < least / times or not count:
            work()
            count += 1
        found.append((now() - start) / count)
    return min(found)


def limits(plan: Plan, precision: str) -> Machine:
    """What this machine does at most, at a precision."""
    side = MATRIX if plan.size > 128 else 256
    a, b = (torch.randn(side, side, device=plan.device).to(DTYPES[precision]) for _ in range(2))
    room = torch.zeros(ROOM if plan.size > 128 else 1 << 20, device=plan.device)
    other = torch.empty_like(room)
    copy = best(plan, lambda: other.copy_(room))
    return Machine(side**3 / best(plan, lambda: a @ b), 2 * room.numel() * 4 / copy)


def layers(network: Generator, plan: Plan, precision: str, machine: Machine) -> list[Row]:
    """Every layer of one picture: its work, its time, and both beside the machine's."""
    dtype = DTYPES[precision]
    w = torch.randn(1, network.num_layers, network.style_dim, device=plan.device)
    rows: list[Row] = []
    with torch.inference_mode(), arithmetic(plan, precision):
        for i, layer in enumerate(network.layers):
            side, below = 4 << (i + 1) // 2, 4 << max(0, (i + 1) // 2 - i % 2)
            x = picture(layer.conv, below, dtype, plan)
            rows.append(measured(plan, precision, f"conv {i}", side, layer, lambda layer=layer, x=x, i=i: layer(x, w[:, i]), machine))
        for step, layer in enumerate(network.to_rgb):
            x, skip = picture(layer.conv, 4 << step, dtype, plan), torch.zeros(1, 3, 2 << step, 2 << step, device=plan.device)
            work = lambda layer=layer, x=x, skip=skip, step=step: layer(x, w[:, 2 * step + 1], skip if step else None)  # noqa: E731
            rows.append(measured(plan, precision, f"rgb {step}", 4 << step, layer, work, machine))
    return rows


def arithmetic(plan: Plan, precision: str) -> AbstractContextManager[object]:
    return nullcontext() if precision == "fp32" else torch.autocast(torch.device(plan.device).type, DTYPES[precision])


def picture(conv: ModulatedConv, side: int, dtype: torch.dtype, plan: Plan) -> torch.Tensor:
    """What a layer takes."""
    x = torch.randn(1, conv.weight.shape[1], side, side, device=plan.device)
    return x.to(dtype).contiguous(memory_format=torch.channels_last)


def measured(
    plan: Plan, precision: str, name: str, side: int, layer: StyledLayer | ToRGB, work: Callable[[], object], machine: Machine
) -> Row:
    """One row."""
    macs, moved = macs_of(layer, side), bytes_of(layer, side, DTYPES[precision].itemsize)
    seconds = best(plan, work)
    rate, traffic = macs / seconds, moved / seconds
    return {
        "precision": precision,
        "layer": name,
        "px": side,
        "channels": f"{layer.conv.weight.shape[1]} to {layer.conv.weight.shape[0]}",
        "M multiply-adds": round(macs / 1e6, 1),
        "ms": round(1000 * seconds, 2),
        "G/s": round(rate / 1e9, 2),
        "% of the matrix rate": round(100 * rate / machine.macs, 1),
        "GB/s": round(traffic / 1e9, 2),
        "% of the copy rate": round(100 * traffic / machine.bytes, 1),
        "seconds at both limits %": round(100 * max(macs / machine.macs, moved / machine.bytes) / seconds, 1),
    }


def macs_of(layer: StyledLayer | ToRGB, side: int) -> float:
    """Multiply-adds of a layer's convolution for one picture; a transposed one works at the resolution below."""
    outputs, inputs, kernel, _ = layer.conv.weight.shape
    worked = side // 2 if layer.conv.up and not layer.conv.conv_first else side
    return float(outputs * inputs * kernel**2 * worked**2)


def bytes_of(layer: StyledLayer | ToRGB, side: int, item: int) -> float:
    """Bytes that a layer has to move, were every step after the convolution one with it: what goes in, comes out, and the weights."""
    outputs, inputs, kernel, _ = layer.conv.weight.shape
    below = side // 2 if layer.conv.up else side
    if isinstance(layer, ToRGB):
        return float(item * inputs * side**2 + 4 * 3 * side**2 * 1.25 + 4 * inputs * outputs)
    return float(item * (inputs * below**2 + outputs * side**2) + 4 * outputs * inputs * kernel**2)


def summary(rows: list[Row], precision: str, machine: Machine, plan: Plan) -> str:
    """The whole generator in a sentence, and the layers up to 256 px."""
    low = [row for row in rows if int(str(row["px"])) <= 256 and str(row["layer"]).startswith("conv")]
    total, seconds = sum(number(row, "M multiply-adds") for row in rows), sum(number(row, "ms") for row in rows)
    share = sum(number(row, "M multiply-adds") for row in low) / max(sum(number(row, "ms") for row in low), 1e-9) * 1e9 / machine.macs
    high = [row for row in rows if int(str(row["px"])) > 256 and str(row["layer"]).startswith("conv")]
    above = f" Above: {', '.join(str(row['seconds at both limits %']) for row in high)} % of the nearer limit." if high else ""
    return (
        f"{precision}, {plan.threads} thread(s) on {plan.device}: matrix products {machine.macs / 1e9:.1f} G multiply-adds/s, copies "
        f"{machine.bytes / 1e9:.1f} GB/s. The generator takes {total / 1000:.1f} G multiply-adds a picture and {seconds / 1000:.2f} s; at "
        f"the matrix rate it would be {total * 1e6 / machine.macs:.2f} s. Convolutions up to 256 px together reach {100 * share:.0f} % of "
        f"that rate (asked: {100 * HALF:.0f} %).{above}"
    )


def number(row: Row, key: str) -> float:
    return float(str(row[key]))


def curve(network: nn.Module, plan: Plan) -> list[Row]:
    """Pictures a second by batch size and precision."""
    rows: list[Row] = []
    for precision in plan.precisions:
        row: dict[str, Value] = {"pictures/s at": precision}
        for count in BATCHES:
            w = torch.randn(count, network.num_layers, network.style_dim, device=plan.device)  # type: ignore[call-overload]
            try:
                with torch.inference_mode(), arithmetic(plan, precision):
                    row[f"{count} at once"] = count / best(plan, lambda w=w: network(w))  # type: ignore[misc]
            except torch.OutOfMemoryError:
                row[f"{count} at once"] = None
        rows.append(row)
    return rows
