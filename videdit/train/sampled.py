"""Attribute axes of a generator that nobody has faces for: sampled, labelled by the pack's classifier, fitted, calibrated (S. Guan, 2018).

    videdit train axes --pack mine --samples 20000

Per attribute the better of two is kept, by what a measurement on samples says (train.measure): `tlgan`, least squares of arctanh of the
score on the latents, and `scores`, the latents' slope on one score while the others stay. Both lie in W and move all style layers alike.
Directions that were imported stay; those of attributes the classifier knows get a measured +1.0.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videdit.errors import PackError, UsageError
from videdit.faces.landmarks import MeshLandmarks
from videdit.faces.shape import MEAN_FACE
from videdit.geometry import face_quad, quad_to_crop, transform_points
from videdit.invert.encoder import to_rgb
from videdit.packs.celeba import CELEBA, FACE_ATTRIBUTES
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import read_tables, save_axes, write_tables
from videdit.train import shape
from videdit.train.axes import label_slopes, tlgan, unit
from videdit.train.editors import rounded, writable
from videdit.train.measure import Floats, Measured, Studio, deviation, limits, measure, typical_moves
from videdit.train.pictures import RGB
from videdit.train.run import Progress
from videdit.types import Frame

FEWEST = 200  # samples
JUDGED = 24  # samples without an attribute that its axis is measured on
LOOKED_AT = 2000  # samples that landmarks are found on
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sampled:
    """N samples: w float32 [N,D], logits float32 [N,A], points [P,78,2] of the first P in crop sides."""

    w: NDArray[np.float32]
    logits: NDArray[np.float32]
    points: NDArray[np.float64]


def train(
    out: Path,
    *,
    pack: str | Path,
    samples: int = 20000,
    seed: int = 0,
    device: str = "auto",
    judged: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Find, calibrate and choose axes; writes them into the pack (the user's copy of it, where it was asked for by name), what was
    measured to `out`/axes.json, and returns the axes' file. Raises MissingError, PackError, UsageError."""
    if samples < FEWEST:
        raise UsageError(f"--samples can't be {samples}", hint=f"At least {FEWEST}; 20000 are usual.")
    judged = judged or JUDGED
    started, loaded = time.monotonic(), load_pack(pack, device=device)
    check(loaded)
    studio = Studio(loaded)
    found = sample(studio, samples, seed, progress)
    layers = loaded.manifest.num_layers
    mapped = shape.fit(found.w[: len(found.points), None], found.points) / layers
    points_map = np.repeat(mapped, layers, axis=2)
    names = list(CELEBA[: found.logits.shape[1]])
    axes, distances, notes = choose(studio, found, names, points_map, judged, progress)
    names, axes, distances = imported(studio, found, names, axes, distances, judged)
    folder = writable(loaded, pack)
    part = loaded.manifest.networks["generator"]
    said = (
        f"{samples} samples of {part.trained_on or loaded.manifest.name}, labelled by {loaded.manifest.networks['classifier'].trained_on}"
    )
    path = save_axes(folder, axes, distances, names, license=part.license, trained_on=said, shape=points_map)
    flags(folder)
    out.mkdir(parents=True, exist_ok=True)
    seconds = round(time.monotonic() - started)
    (out / "axes.json").write_text(json.dumps({"samples": samples, "seconds": seconds, "attributes": notes}, indent=1) + "\n", "utf-8")
    return path


def check(pack: Pack) -> None:
    """Raises PackError for a pack without what this takes."""
    for name in ("generator", "classifier", "landmarker"):
        if not pack.has(name):
            raise PackError(f"the pack {pack.manifest.name} has no {name}", hint="Samples are drawn, labelled and measured by these.")
    if pack.manifest.networks["generator"].config.get("mapping_layers", 1) == 0:
        raise PackError(f"the generator of {pack.manifest.name} has no mapping network", hint="It can't be sampled from.")


def sample(studio: Studio, count: int, seed: int, progress: Progress | None) -> Sampled:
    """Latents, the classifier's scores of their renders, and landmarks on some of them."""
    pack = studio.pack
    w = studio.sample(count, seed)[:, 0]
    logits: list[NDArray[np.float32]] = []
    step = max(studio.batch, 64)
    for start in range(0, count, step):
        part = w[start : start + step]
        logits.append(studio.scores(np.repeat(part[:, None], pack.manifest.num_layers, axis=1)))
        if progress:
            progress("sample", min(start + step, count), count)
    return Sampled(w, np.concatenate(logits), landmarks(studio, w[:LOOKED_AT], progress))


def landmarks(studio: Studio, w: Floats, progress: Progress | None) -> NDArray[np.float64]:
    """Points [N,78,2] of renders of latents w [N,D], in crop sides; looked for where the pack's frame has a face."""
    import torch

    pack = studio.pack
    finder = MeshLandmarks(pack.landmarker, device=pack.device)  # type: ignore[arg-type]
    usual = typical_points(pack)
    found = []
    with torch.inference_mode():
        for start in range(0, len(w), studio.batch):
            latents = torch.from_numpy(np.ascontiguousarray(w[start : start + studio.batch])).to(pack.device)
            for picture in to_rgb(pack.generator(latents)):
                points, _ = finder.follow(as_frame(picture), usual)
                found.append(points / pack.size)
            if progress:
                progress("landmarks", min(start + studio.batch, len(w)), len(w))
    return np.stack(found)


def typical_points(pack: Pack) -> NDArray[np.float64]:
    """Where a face's points [78,2] px lie in the pack's crop: the mean face, put where its own quad is the crop."""
    return np.asarray(transform_points(MEAN_FACE, quad_to_crop(face_quad(MEAN_FACE, pack.face_frame), pack.size)))


def as_frame(picture: NDArray[np.float32]) -> Frame:
    """A crop [S,S,3] RGB in 0..255 as a frame."""
    red, green, blue = np.clip(np.rint(picture), 0, 255).astype(np.uint8).transpose(2, 0, 1)
    return Frame((green, blue, red), RGB, "gbrp", 0, Fraction(1), 0)


def choose(
    studio: Studio, found: Sampled, names: list[str], points_map: Floats, judged: int, progress: Progress | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, Any]]:
    """Per attribute the better axis [A,L,D] (unit), its distance [A], and what was measured of those with a flag."""
    layers = studio.pack.manifest.num_layers
    scores = 1 / (1 + np.exp(-found.logits.astype(np.float64)))
    tried = {"tlgan": tlgan(found.w, found.logits), "scores": label_slopes(scores, found.w, names)}
    whole = {method: unit(np.repeat(axes[:, None], layers, axis=1)) for method, axes in tried.items()}
    typical = typical_moves(scores[: len(found.points)], found.points)
    spread = deviation(found.w[:, None]) * layers**0.5
    signs = {entry["source"]: int(entry["sign"]) for entry in FACE_ATTRIBUTES.values()}
    axes, distances, notes = [], [], {}
    for row, name in enumerate(names):
        far = {method: float(limits(axis[row][None], typical[row : row + 1], points_map, spread)[0]) for method, axis in whole.items()}
        if name not in signs:  # attributes without a flag only serve locks
            axes.append(whole["scores"][row])
            distances.append(0.5 * far["scores"])
            continue
        measured = [judge(studio, found, row, method, axis[row], judged, signs[name], far[method]) for method, axis in whole.items()]
        best = max(measured, key=lambda one: one.merit)
        axes.append(whole[best.method][row])
        distances.append(best.distance)
        notes[name] = {"chosen": best.method, "measured": {one.method: rounded(one) for one in measured}}
        if progress:
            progress("calibrate", row + 1, len(names))
    return np.stack(axes), np.array(distances), notes


def judge(
    studio: Studio, found: Sampled, row: int, method: str, axis: Floats, judged: int, sign: int = 1, limit: float = np.inf
) -> Measured:
    """An axis [L,D], calibrated and measured on samples that lack what a flag's + adds."""
    own = found.logits[:, row]
    present, absent = own[own > 0], own[own <= 0]
    wanted = max(0.5, float(np.median(present) - np.median(absent))) if len(present) and len(absent) else 1.0
    lacking = np.flatnonzero(sign * own <= 0)
    rows = (lacking if len(lacking) else np.argsort(sign * own))[:judged]
    w = np.repeat(found.w[rows][:, None], studio.pack.manifest.num_layers, axis=1)
    guess = limit / 4 if np.isfinite(limit) else 1.0
    return measure(studio, method, axis, studio.seen(w), row, wanted, guess, sign=sign, limit=limit)


def imported(
    studio: Studio, found: Sampled, names: list[str], axes: Floats, distances: Floats, judged: int
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """The pack's imported directions in the place of fitted ones, or beside them; measured where the classifier knows the attribute."""
    manifest = studio.pack.manifest
    order, rows, far = list(names), list(axes), list(distances)
    brought = {key.removeprefix("direction ") for key in manifest.tables.get("imported", {}) if key.startswith("direction ")}
    known = studio.pack.axes() if manifest.axes else None
    for name in sorted(brought) if known else ():
        source = manifest.resolve(name)[0].source
        axis, distance = known.directions[known.order.index(source)], float(known.distance[known.order.index(source)])  # type: ignore[union-attr]
        if source in names:
            sign = manifest.resolve(name)[0].sign
            rows[order.index(source)] = axis.astype(np.float64)
            far[order.index(source)] = judge(studio, found, order.index(source), "imported", axis, judged, sign, 4 * distance).distance
        else:
            order.append(source)
            rows.append(axis.astype(np.float64))
            far.append(distance)
    return order, np.stack(rows), np.array(far)


def flags(folder: Path) -> None:
    """Every attribute of a face gets its flag; those that are there stay."""
    tables = read_tables(folder)
    given = tables.get("attributes", {})
    tables["attributes"] = {**{name: dict(entry) for name, entry in FACE_ATTRIBUTES.items()}, **given}
    write_tables(folder, tables)
