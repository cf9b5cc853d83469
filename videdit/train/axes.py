"""Attribute axes in W+: found in several ways, and the best one chosen.

    python -m videdit.train.axes WORK_DIR PACK_DIR

Several ways to find an axis are fitted, calibrated to the same change of the attribute's score (train/measure.py), and compared on
faces of unseen people; per attribute the one that keeps identity and the other attributes best is kept:

    labels   multivariate ridge regression of W+ on all labels of real faces at once: the slope of one attribute while the others
             stay, so what goes along with it in the data (beards with men) is not dragged along; what is part of the same thing
             (TOGETHER: the cheeks of a smile) is not held
    scores   the same on the classifier's probabilities for the renders
    tlgan    TL-GAN (S. Guan, 2018): least squares of arctanh of the score on the latents of real faces
    samples  TL-GAN as published: on latents sampled from the mapping network
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.packs.load import load_pack
from videdit.packs.save import save_axes
from videdit.train import data as faces_data
from videdit.train import shape
from videdit.train.measure import Floats, Measured, Studio, deviation, limits, measure, still, typical_moves
from videdit.train.moments import EVEN, ON_THE_SKIN, TOGETHER

RIDGE = 0.002  # of the number of rows
CLIP = 3.0  # arctanh's largest value
EVENLY = 1.15  # times as far from real latents may an axis go that leaves light alone


def slopes(causes: Floats, effects: Floats, *, ridge: float = RIDGE) -> NDArray[np.float64]:
    """Multivariate ridge regression: the change of effects [N,F] per unit of each cause [N,C] while the others stay; [C,F]."""
    x = np.asarray(causes, np.float64) - causes.mean(0)
    y = np.asarray(effects, np.float64) - effects.mean(0)
    gram = x.T @ x
    return np.linalg.solve(gram + ridge * len(x) * max(1e-12, float(gram.diagonal().mean()) / len(x)) * np.eye(len(gram)), x.T @ y)


def label_slopes(labels: Floats, flat: Floats, names: Sequence[str]) -> NDArray[np.float64]:
    """`slopes` of labels [N,A] on latents [N,F], where what belongs together is not held; [A,F]."""
    found = slopes(labels, flat)
    for name, parts in TOGETHER.items():
        if name in names:
            kept = [i for i, other in enumerate(names) if other not in parts]
            found[names.index(name)] = slopes(labels[:, kept], flat)[kept.index(names.index(name))]
    return found


def tlgan(w: Floats, logits: Floats) -> NDArray[np.float64]:
    """TL-GAN: least squares of arctanh(score) on latents [N,F], the slopes [A,F]. arctanh(2p - 1) is half the logit."""
    return slopes(w, np.clip(logits / 2, -CLIP, CLIP)).T


def candidates(
    studio: Studio, w: Floats, labels: Floats, names: Sequence[str], *, methods: Sequence[str], samples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Axes [A,L,D] by method, not yet scaled; w [N,L,D] of real faces and, second half, their mirror pictures; labels [N,A]; those of
    `methods`, and what may serve where they find nothing."""
    flat, shape = w.reshape(len(w), -1), (labels.shape[1], *w.shape[1:])
    found = {"labels": label_slopes(labels, flat, names)}
    if set(methods) != {"labels"} or not found["labels"].any(1).all():  # a label nobody has is filled from the others
        logits = np.concatenate([studio.scores(w[: len(w) // 2])] * 2)  # the mirror pictures score alike
        found |= {"scores": label_slopes(1 / (1 + np.exp(-logits)), flat, names), "tlgan": tlgan(flat, logits)}
    out = {name: axes.reshape(shape) for name, axes in found.items()}
    if samples and "samples" in methods:
        drawn = studio.sample(samples, seed)
        out["samples"] = np.repeat(tlgan(drawn[:, 0], studio.scores(drawn))[:, None], w.shape[1], axis=1)
    return out


def unit(axes: Floats) -> NDArray[np.float64]:
    """Axes [A,L,D] at unit length over L*D."""
    lengths = np.linalg.norm(axes.reshape(len(axes), -1), axis=1)
    return np.asarray(axes, np.float64) / np.maximum(lengths, 1e-12)[:, None, None]


def prior(w: Floats, *, components: int = 96) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A Gaussian over latents [N,L,D] of real faces: mean [L,D], and basis [K,L,D] (principal components times their deviation)."""
    mean = w.mean(0, dtype=np.float64)
    flat = (w - mean).reshape(len(w), -1)
    values, vectors = np.linalg.eigh(flat.T @ flat / len(w))
    kept = slice(-1, -1 - components, -1)
    basis = vectors[:, kept].T * np.sqrt(np.maximum(values[kept], 0))[:, None]
    return mean, basis.reshape(-1, *w.shape[1:])


def restricted(axes: dict[str, NDArray[np.float64]], layers: Sequence[Sequence[int]]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Every method's axes whole, and confined to each group of style layers."""
    for name, axis in axes.items():
        yield name, axis
        for group in layers:
            confined = np.zeros_like(axis)
            confined[:, list(group)] = axis[:, list(group)]
            yield f"{name} {min(group)}-{max(group)}", confined


def train(
    data: Path,
    out: Path,
    *,
    pack: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    faces: int = 8000,
    samples: int = 2000,
    judged: int = 24,
    methods: Sequence[str] = ("labels", "scores", "tlgan", "samples"),
    layers: Sequence[Sequence[int]] = (),
) -> Path:
    """Find, calibrate and choose axes for a pack; writes them to the pack folder `out` and returns the file.

    pack: where the networks are, `out` itself by default. faces: real faces of shards 0-3 that are encoded, and as often mirrored;
    judged: faces of shard 5 an axis is measured on; layers: groups of style layers an axis may be confined to, tried beside the
    whole. What was measured goes to axes.json beside the axes.
    """
    started = time.monotonic()
    loaded = load_pack(pack or out, device=device)
    studio, known = Studio(loaded), faces_data.load(data)
    dice = np.random.default_rng(seed)
    rows = np.sort(dice.permutation(known.without_dark_lenses(known.rows(0, 1, 2, 3)))[:faces])
    w = np.concatenate([studio.encode(known.faces[rows], mirrored=m) for m in (False, True)])
    labels = np.concatenate([known.labels[rows]] * 2).astype(np.float64)
    print(f"encoded {len(w)} faces in {time.monotonic() - started:.0f} s", flush=True)
    tried = candidates(studio, w, labels, known.attributes, methods=methods, samples=samples, seed=seed)
    found = {name: axes for name, axes in tried.items() if name in methods}
    _fill(next(iter(found.values())), tried)
    held = np.sort(dice.permutation(known.held_out(choosing=True))[:1200])
    points = shape.crop_points(known.points[rows])
    points_map = shape.fit(w[: len(rows)], points)
    typical = typical_moves(labels[: len(rows)], points)
    evened = {cells: shape.fit(w[: len(rows)], shape.light(known.faces[rows], cells)) for cells in set(EVEN.values())}
    for axes in found.values():
        for row, name in enumerate(known.attributes):
            if name in ON_THE_SKIN:
                axes[row] = still(axes[row][None], points_map, *([evened[EVEN[name]]] if name in EVEN else []))[0]
    farthest = limits_of(typical, points_map, deviation(w[: len(rows)]), [name in EVEN for name in known.attributes])
    chosen, notes = _choose(studio, found, labels, known, held, judged, layers, farthest)
    axes, distances = (np.stack(part) for part in zip(*chosen, strict=True))
    part = loaded.manifest.networks["encoder"]
    path = save_axes(
        out, axes, distances, known.attributes, license=part.license, trained_on=part.trained_on, prior=prior(w), shape=points_map
    )
    seconds = round(time.monotonic() - started)
    (Path(out) / "axes.json").write_text(json.dumps({"faces": len(w), "seconds": seconds, "attributes": notes}, indent=1) + "\n")
    return path


def _fill(axes: NDArray[np.float64], tried: dict[str, NDArray[np.float64]]) -> None:
    """Axes [A,L,D] that a label nobody has leaves at zero come from another method, in place."""
    for row in np.flatnonzero(~axes.any((1, 2))):
        axes[row] = next((other[row] for other in tried.values() if np.any(other[row])), 0.0)


def _choose(
    studio: Studio,
    found: dict[str, NDArray[np.float64]],
    labels: Floats,
    known: faces_data.Faces,
    held: NDArray[np.integer],
    judged: int,
    layers: Sequence[Sequence[int]],
    farthest: Callable[[Floats, int], float],
) -> tuple[list[tuple[NDArray[np.float64], float]], dict[str, object]]:
    """Per attribute the best axis (unit) with its distance, and what was measured of all."""
    pictures, truth = np.asarray(known.faces[held]), known.labels[held]
    w, logits = studio.encode(pictures), studio.face_scores(pictures)
    shown = {a.source: a.sign for a in studio.pack.manifest.attributes.values()}
    lengths = np.linalg.norm(next(iter(found.values())).reshape(labels.shape[1], -1), axis=1)
    chosen: list[tuple[NDArray[np.float64], float]] = []
    notes: dict[str, object] = {}
    for row, name in enumerate(known.attributes):
        absent, present = truth[:, row] == 0, truth[:, row] == 1
        wanted = float(np.median(logits[present, row]) - np.median(logits[absent, row])) if absent.any() and present.any() else 1.0
        sign = shown.get(name, 1)
        lacking = absent if sign > 0 else present
        faces = studio.seen(w[np.flatnonzero(lacking)[:judged]] if lacking.any() else w[:judged])
        first = dict(list(found.items())[:1])  # attributes without a flag only serve locks
        useless = not np.any(first[next(iter(first))][row])  # a label nobody or everybody has
        tries = restricted(found, layers) if name in shown or useless else iter(first.items())
        units = {method: unit(axes)[row] for method, axes in tries if np.any(axes[row])}
        if not units:
            raise ValueError(f"no method finds an axis for {name}: nothing varies with it")
        guess, wanted = float(lengths[row]) or 1.0, max(wanted, 0.5)
        measured = []
        for method, axis in units.items():
            measured.append(measure(studio, method, axis, faces, row, wanted, guess, sign=sign, limit=farthest(axis, row)))
        best = max(measured, key=lambda m: m.merit)
        chosen.append((units[best.method], best.distance))
        notes[name] = {"wanted": round(wanted, 3), "chosen": best.method, "measured": [_rounded(m) for m in measured]}
        print(name, json.dumps(_rounded(best)), flush=True)
    return chosen, notes


def limits_of(typical: Floats, points_map: Floats, spread: float, even: Sequence[bool]) -> Callable[[Floats, int], float]:
    """How far an axis [L,D] of an attribute may go; typical [A]. Those that leave light alone may go farther."""
    return lambda axis, row: float(limits(axis[None], typical[row : row + 1], points_map, spread * (EVENLY if even[row] else 1.0))[0])


def _rounded(measured: Measured) -> dict[str, object]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(measured).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--faces", type=int, default=8000)
    parser.add_argument("--judged", type=int, default=24)
    parser.add_argument("--methods", default="labels,scores,tlgan,samples")
    parser.add_argument("--layers", default="", help="groups to try, such as 0-5,2-7")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    groups = [range(int(a), int(b) + 1) for a, _, b in (part.partition("-") for part in args.layers.split(",") if part)]
    train(
        args.data,
        args.out,
        pack=args.pack,
        seed=args.seed,
        device=args.device,
        faces=args.faces,
        judged=args.judged,
        methods=args.methods.split(","),
        layers=groups,
    )


if __name__ == "__main__":
    main()
