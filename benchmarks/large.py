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
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.large_layers import DTYPES, Machine, Plan, arithmetic, best, counted, layers, limits, summary
from benchmarks.speed import STAGES, make_clip
from videdit.invert.encoder import BATCH
from videdit.networks.psp import PspEncoder
from videdit.networks.stylegan2 import Generator
from videdit.pipeline.models import rows_for
from videdit.quality.report import Row, Value, markdown

BASE = 32768  # channels times side, where they are not at their widest
BATCHES = (1, 2, 4, 8, 16)
NOTE = (
    "Networks were loaded before the clock started. Stages overlap in threads: each one's seconds are by the clock, and its peak is the "
    "most the process held while it ran. Multiply-adds: all convolutions and matrix products, with those of what fills up a batch. By "
    "layer: seconds of processor time a thread; MB moved is what its steps read and write, each step a pass over memory; both % is what "
    "the matrix rate and the copy rate together explain of its time."
)


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


def generator_of(plan: Plan) -> Generator:
    return Generator(size=plan.size, style_dim=plan.widest, channels=channels(plan)).eval().requires_grad_(False)


def encoder_of(plan: Plan) -> PspEncoder:
    widths = [max(16, width * plan.widest // 512) for width in (64, 64, 128, 256, 512)]
    encoder = PspEncoder(kind="e4e", num_layers=2 * len(channels(plan)), style_dim=plan.widest, channels=widths)
    return encoder.eval().requires_grad_(False)


def make_checkpoints(folder: Path, plan: Plan) -> tuple[Path, Path, Path]:
    """Generator, encoder and a direction, random, in other projects' layouts."""
    torch.manual_seed(0)
    style = plan.widest
    torch.save(official(generator_of(plan)), folder / "generator.pt")
    encoder = encoder_of(plan)
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
    """Rows by layer, and everything else in words and tables; what is done is said to stderr at once, for it takes minutes."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # as the command does
    torch.set_num_threads(plan.threads)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        print(text, file=sys.stderr, flush=True)

    machines = {precision: limits(plan, precision) for precision in plan.precisions}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        generator, encoder, direction = make_checkpoints(home, plan)
        megabytes = (generator.stat().st_size + encoder.stat().st_size) / 2**20
        words = f"models import {generator} --encoder {encoder} --direction smile={direction} --as large --license none --overwrite".split()
        seconds, _ = command(plan, home, "-m", "videdit", *words)
        say(f"Import of {megabytes:.0f} MB: {seconds:.1f} s.")
        make_clip(plan.clip, home / "clip.mp4", 360, plan.frames)
        for precision in plan.precisions:
            say(markdown(edited(plan, home, precision, machines[precision]), digits=3))
    network = generator_of(plan).to(plan.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    rows: list[Row] = []
    for precision, machine in machines.items():
        found = layers(network, plan, precision, machine)
        rows += found
        say(summary(found, precision, machine, plan))
    if plan.device != "cpu":
        say(markdown(curve(network, plan), digits=1))
    return rows, "\n\n".join([*said, NOTE])


def work_of(plan: Plan, precision: str) -> dict[str, float]:
    """Multiply-adds a frame by stage, with those of what fills up a batch. An edit renders a face twice."""
    latents = torch.zeros(1, 2 * len(channels(plan)), plan.widest)
    invert = counted(encoder_of(plan), torch.zeros(1, 3, plan.size, plan.size))
    rows = rows_for(plan.size, BATCH, plan.device, None if precision == "fp32" else DTYPES[precision])
    counts = [min(BATCH, plan.frames - start) for start in range(0, plan.frames, BATCH)]
    drawn = sum(2 * filled(count, rows) if rows < 2 * BATCH else filled(2 * count, rows) for count in counts)
    return {
        "invert": invert * filled(plan.frames, BATCH) / plan.frames,
        "generate": counted(generator_of(plan), latents) * drawn / plan.frames,
    }


def filled(count: int, batch: int) -> int:
    """Rows of whole batches."""
    return -(-count // batch) * batch


def edited(plan: Plan, home: Path, precision: str, machine: Machine) -> list[Row]:
    """Seconds a frame and peak memory by stage of an edit, a process of its own."""
    work = work_of(plan, precision)
    words = [str(home / "clip.mp4"), str(home / f"{precision}.mp4"), precision, plan.device]
    _, printed = command(plan, home, "-m", "benchmarks.large_edit", *words)
    found = json.loads(printed.splitlines()[-1])
    rows: list[Row] = []
    for stage in STAGES:
        seconds = found["seconds"].get(stage, 0.0) / found["frames"]
        rate = work[stage] / max(seconds, 1e-9) if stage in work else None
        rows.append(
            {
                "precision": precision,
                "stage": stage,
                "s/frame": round(seconds, 3),
                "peak MB": round(found["peaks"].get(stage, 0) / 2**20),
                "G multiply-adds/frame": round(work[stage] / 1e9, 1) if stage in work else None,
                "G/s": None if rate is None else round(rate / 1e9, 1),
                "% of the matrix rate": None if rate is None else round(100 * rate / machine.macs, 1),
            }
        )
    busy = sum(found["seconds"].get(stage, 0.0) for stage in STAGES)
    files = found["seconds"].get("decode", 0.0) + found["seconds"].get("encode", 0.0)
    rows.append(
        {
            "precision": precision,
            "stage": f"all: {found['frames']} frames in {found['wall']:.1f} s, {100 * files / max(busy, 1e-9):.1f} % in files",
            "s/frame": round(found["wall"] / found["frames"], 3),
            "peak MB": round(found["peak"] / 2**20),
        }
    )
    return rows


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
