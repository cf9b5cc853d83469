"""What a machine does at most, and what each layer of a generator reaches of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from videdit.networks.modulated import ModulatedConv
from videdit.networks.stylegan2 import Generator, StyledLayer, ToRGB
from videdit.quality.report import Row

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MATRIX = 2048  # side of the matrices that the machine's rate is measured with
ROOM = 1 << 26  # floats that are copied for the machine's bandwidth
HALF = 0.5  # of the machine's rate, what layers up to 256 px are to reach
LOW = 256  # px


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


def spent(plan: Plan, work: Callable[[], object]) -> float:
    """Seconds of a call. On a GPU by the clock. On a CPU, where a busy machine is not to count: what this thread was given of it, or a
    thread's share of what all of them were given, whichever is more; the first where only this one has work, the other where it waits."""
    if plan.device != "cpu":
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - start
    everybody, own = time.process_time(), time.thread_time()
    work()
    return max((time.process_time() - everybody) / plan.threads, time.thread_time() - own)


def best(plan: Plan, work: Callable[[], object], *, least: float = 0.2, times: int = 3) -> float:
    """Seconds of one call: the best of a few rounds of about `least` s together, of one call each where it takes longer."""
    work()
    count = max(1, round(least / times / max(spent(plan, work), 1e-6)))
    return min(spent(plan, lambda: [work() for _ in range(count)]) / count for _ in range(times))


def limits(plan: Plan, precision: str) -> Machine:
    """What this machine does at most, at a precision."""
    side = MATRIX if plan.size > 128 else 256
    a, b = (torch.randn(side, side, device=plan.device).to(DTYPES[precision]) for _ in range(2))
    room = torch.zeros(ROOM if plan.size > 128 else 1 << 20, device=plan.device)
    other = torch.empty_like(room)
    copy = best(plan, lambda: other.copy_(room))
    return Machine(side**3 / best(plan, lambda: a @ b), 2 * room.numel() * 4 / copy)


def counted(network: nn.Module, *inputs: torch.Tensor) -> float:
    """Multiply-adds of a call, all convolutions and matrix products counted."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(*inputs)
    return counter.get_total_flops() / 2


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
        "MB moved": round(moved / 1e6, 1),
        "GB/s": round(traffic / 1e9, 2),
        "% of the copy rate": round(100 * traffic / machine.bytes, 1),
        "both %": round(100 * (rate / machine.macs + traffic / machine.bytes), 1),
    }


def macs_of(layer: StyledLayer | ToRGB, side: int) -> float:
    """Multiply-adds of a layer's convolution for one picture; a transposed one works at the resolution below."""
    outputs, inputs, kernel, _ = layer.conv.weight.shape
    worked = side // 2 if layer.conv.up and not layer.conv.conv_first else side
    return float(outputs * inputs * kernel**2 * worked**2)


def bytes_of(layer: StyledLayer | ToRGB, side: int, item: int) -> float:
    """Bytes that the steps of a layer read and write for one picture, each step a pass over memory of its own.

    A styled layer: the convolution reads and writes, the filter where it doubles the resolution, then bias, noise and activation. RGB:
    the product reads, sums of 3 channels in float32 follow. The weights are read once.
    """
    outputs, inputs, kernel, _ = layer.conv.weight.shape
    weights = item * outputs * inputs * kernel**2
    if isinstance(layer, ToRGB):
        return float(item * (inputs + 3) * side**2 + 4 * 3 * side**2 * 5.25 + weights)
    below, passes = side // 2 if layer.conv.up else side, 2 * (2 + layer.noisy) + (3 if layer.conv.up else 1)
    return float(item * (inputs * below**2 + passes * outputs * side**2) + weights)


def summary(rows: list[Row], precision: str, machine: Machine, plan: Plan) -> str:
    """The whole generator in a sentence, and the layers up to 256 px and above."""
    total, seconds = sum(number(row, "M multiply-adds") for row in rows), sum(number(row, "ms") for row in rows)
    low, high = ([row for row in convolutions(rows) if (number(row, "px") <= LOW) is small] for small in (True, False))
    text = (
        f"{precision}, {plan.threads} thread(s) on {plan.device}: matrix products {machine.macs / 1e9:.1f} G multiply-adds/s, copies "
        f"{machine.bytes / 1e9:.1f} GB/s. The generator takes {total / 1000:.1f} G multiply-adds a picture and {seconds / 1000:.2f} s; at "
        f"the matrix rate it would be {total * 1e6 / machine.macs:.2f} s. Convolutions up to {LOW} px together reach "
        f"{100 * share(low, machine):.0f} % of that rate (asked: {100 * HALF:.0f} %)."
    )
    if high:
        moved = sum(number(row, "MB moved") for row in high) * 1e6 / machine.bytes
        taken = sum(number(row, "ms") for row in high) / 1000
        text += (
            f" Those above: {100 * share(high, machine):.0f} %; moving their samples at the copy rate is "
            f"{100 * moved / taken:.0f} % of their time."
        )
    return text


def convolutions(rows: list[Row]) -> list[Row]:
    return [row for row in rows if str(row["layer"]).startswith("conv")]


def share(rows: list[Row], machine: Machine) -> float:
    """Of the matrix rate, what layers reach together."""
    return sum(number(row, "M multiply-adds") for row in rows) / max(sum(number(row, "ms") for row in rows), 1e-9) * 1e9 / machine.macs


def number(row: Row, key: str) -> float:
    return float(str(row[key]))
