"""Trains the independent judge (videdit.quality.judge) on people nothing else has seen.

Its weights lie in benchmarks/judge (judge.toml says what they were trained on). To train it again:

    python -m benchmarks.judge WORK_DIR OUT_DIR [--minutes 6]
    python -m benchmarks.judge WORK_DIR --look        how many photographs of people with an attribute it sees so
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from videdit.quality.judge import CHANNELS, SIDE, Judge, load_judge
from videdit.quality.report import Value, markdown
from videdit.train import data as faces_data
from videdit.train.augment import jitter, shrink, soften, to_batch
from videdit.train.run import Average, Run, pick_device

SEED, BATCH = 7, 48
SHOWN = ("Smiling", "Mouth_Slightly_Open", "Eyeglasses", "Young")


def _write(out: Path, values: dict[str, Tensor], names: list[str], right: np.ndarray, people: int, count: int) -> None:
    save_file({k: v.half().contiguous() for k, v in values.items() if not k.endswith("num_batches_tracked")}, out / "judge.safetensors")
    quoted = ", ".join(f'"{n}"' for n in names)
    faces = f"CelebA (Liu et al. 2015), shard 4 of the project's split: {count} faces of {people} people seen by no other network"
    lines = [
        f'trained_on = "{faces}"',
        'license = "non-commercial-research"',
        'licence_note = "CelebA is for non-commercial research only; so are these weights"',
        f'architecture = "plain convolutions {CHANNELS}, {SIDE} px, batch norm, ELU, max-pooling; mean and maximum pooled"',
        f"seed = {SEED}",
        'validated_on = "shard 5"',
        f"accuracy_mean = {right.mean():.4f}",
        f"attributes = [{quoted}]",
        "",
        "[accuracy]",
        *[f"{n} = {r:.4f}" for n, r in zip(names, right, strict=True)],
    ]
    (out / "judge.toml").write_text("\n".join(lines) + "\n")


def _step(judge: Judge, optimizer: torch.optim.Optimizer, batch: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
    batch = soften(jitter(batch, draw, shift=0.07, zoom=0.12, turn=0.2, color=0.25), draw, share=0.4)
    batch = F.interpolate(batch, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
    with torch.autocast(batch.device.type, torch.bfloat16):
        logits = judge(batch.contiguous(memory_format=torch.channels_last))
    loss = F.binary_cross_entropy_with_logits(logits.float(), labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach()


def train(data: Path, out: Path, *, minutes: float = 6.0, seed: int = SEED, device: str = "auto", resume: bool = True) -> Path:
    """Train on shard 4, check on shard 5; writes judge.safetensors (fp16) and judge.toml into `out`."""
    faces, on = faces_data.load(data), pick_device(device)
    rows, held = faces.rows(4), faces.rows(5)[:3000]
    pictures, checks = shrink(faces.faces, rows, 96), shrink(faces.faces, held, 96)
    labels = torch.from_numpy(faces.labels[rows].astype(np.float32))
    torch.manual_seed(seed)
    draw = torch.Generator().manual_seed(seed)
    judge, shadow = Judge().to(on), Judge().to(on)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.05)
    average, run = Average(judge), Run(out, minutes=minutes, resume=resume)
    parts = {"network": judge, "optimizer": optimizer}
    run.restore(parts, average, draw)
    right = np.zeros(len(faces.attributes))

    def step() -> Tensor:
        optimizer.param_groups[0]["lr"] = run.rate(2e-3)
        chosen = torch.randint(len(rows), (BATCH,), generator=draw)
        loss = _step(judge, optimizer, to_batch(pictures[chosen.numpy()], on), labels[chosen].to(on), draw)
        average.update(judge)
        return loss

    def report(loss: float) -> None:
        nonlocal right
        shadow.load_state_dict(average.values)
        right = ((shadow.eval().judge(checks) > 0.5) == (faces.labels[held] > 0)).mean(0)
        smile = float(right[faces.attributes.index("Smiling")])
        run.save(parts, average, draw)
        run.log(loss=loss, images=run.step * BATCH, accuracy=float(right.mean()), smile=smile)

    run.go(step, report)
    _write(run.out, average.values, faces.attributes, right, len(np.unique(faces.identity[rows])), len(rows))
    return run.out / "judge.safetensors"


def look(data: Path) -> str:
    """A table of how many faces of shard 5, with attributes that clips are judged by and without, the judge sees as they are labelled."""
    faces, (judge, names) = faces_data.load(data), load_judge()
    rows = faces.rows(5)
    seen = judge.judge(faces.faces[rows]) > 0.5
    known = faces.labels[rows] == 1
    male = known[:, faces.attributes.index("Male")]
    table = []
    for name in SHOWN:
        column = faces.attributes.index(name)
        row: dict[str, Value] = {"label": name}
        right = seen[:, names.index(name)] == known[:, column]
        for word, has in (("with", known[:, column]), ("without", ~known[:, column])):
            for people, of_them in (("women", ~male), ("men", male)):
                row[f"{people} {word}"], row[f"seen so, {people} {word}"] = int((has & of_them).sum()), float(right[has & of_them].mean())
        table.append(row)
    return markdown(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--look", action="store_true", help="only say what the judge there is sees in photographs")
    args = parser.parse_args()
    if args.look:
        print(look(args.data))
    elif args.out:
        train(args.data, args.out, minutes=args.minutes)
    else:
        parser.error("OUT_DIR is needed to train a judge")


if __name__ == "__main__":
    main()
