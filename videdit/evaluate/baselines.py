"""Two published ways to find axes, on the latents the pack's own axes come from; for comparison, never in a pack.

InterFaceGAN (Shen et al., CVPR 2020): per attribute the normal of a linear SVM's boundary between the latents that the classifier
is surest about. GANSpace (Härkönen et al., NeurIPS 2020): principal components of the latents, unsupervised; the paper's people pick by
eye a component and the layers it acts on, here the classifier does: of the components whose coordinate goes along with the attribute
most, in a few groups of layers, the one that does best on training faces, by what chooses the pack's own axes too.

+1.0 means the same as for the pack's axes, by the same calibration (train.measure), here on training faces.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from videdit.errors import MissingError
from videdit.packs.load import Axes
from videdit.train.augment import shrink
from videdit.train.axes import unit
from videdit.train.data import Faces
from videdit.train.measure import Measured, Sitters, Studio, calibrate, measure

Floats = NDArray[np.floating]
Rows = NDArray[np.integer]
SURE = 2000  # latents on either side of an SVM, at most
STIFF = (1e-4, 1e-3, 1e-2)  # the SVM's constant; what separates held-out latents best is taken
JUDGED = 16  # training faces an axis is calibrated on
COMPONENTS, TRIED, GROUPS = 100, 3, 3  # of the PCA; of them tried per attribute; parts the layers are cut into
STRETCH = 3  # times the first guess of a distance may double: an SVM's normal takes long ones


@dataclass(frozen=True, slots=True)
class Material:
    """What both baselines learn from: w float32 [N,L,D] and logits [N,A] of real training faces, by the pack's classifier.

    By name of the attributes wanted: columns of the logits; rows without and with it; sitters, some faces without; wanted, the change of
    logit that is +1.0.
    """

    w: NDArray[np.float32]
    logits: NDArray[np.float32]
    columns: dict[str, int]
    rows: dict[str, tuple[Rows, Rows]]
    sitters: dict[str, Sitters]
    wanted: dict[str, float]


def gather(studio: Studio, known: Faces, sources: Sequence[str], *, faces: int, seed: int) -> Material:
    """Encode and score up to `faces` faces of shards 0-3."""
    rows = np.sort(np.random.default_rng(seed).permutation(known.rows(0, 1, 2, 3))[:faces])
    w, logits = [], []
    for start in range(0, len(rows), 512):
        part = shrink(known.faces, rows[start : start + 512], studio.pack.size)
        w.append(studio.encode(part))
        logits.append(studio.face_scores(part))
    latents, scores = np.concatenate(w), np.concatenate(logits)
    columns = {name: known.attributes.index(name) for name in sources}
    split, sitters, wanted = {}, {}, {}
    for name, column in columns.items():
        without, with_it = split[name] = sides(known.labels[rows, column], scores[:, column])
        sitters[name] = studio.seen(latents[without[:JUDGED]])
        wanted[name] = max(0.5, float(np.median(scores[with_it, column]) - np.median(scores[without, column])))
    return Material(latents, scores, columns, split, sitters, wanted)


def sides(labels: NDArray[np.integer], scores: Floats) -> tuple[Rows, Rows]:
    """Rows without and with an attribute, by label (0, 1), or where nobody or everybody has it by score; neither is ever empty."""
    without, with_it = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    if len(without) and len(with_it):
        return without, with_it
    order = np.argsort(scores, kind="stable")
    cut = int(np.clip((scores <= 0).sum(), 1, len(order) - 1))
    return np.sort(order[:cut]), np.sort(order[cut:])


def interfacegan(studio: Studio, material: Material) -> Axes:
    """Boundary normals, calibrated. Raises MissingError without scikit-learn."""
    svm = _linear_svm()
    flat = material.w.reshape(len(material.w), -1).astype(np.float64)
    scale = 1.0 / max(1e-9, float(flat.std()))  # so that the SVM's own constant means the same for every pack
    found = []
    for name, column in material.columns.items():
        without, with_it = material.rows[name]
        score = material.logits[:, column]
        off, on = without[np.argsort(score[without])[:SURE]], with_it[np.argsort(-score[with_it])[:SURE]]
        x, y = flat[np.concatenate([off, on])] * scale, np.repeat([0, 1], [len(off), len(on)])
        found.append(_normal(svm, x, y).reshape(material.w.shape[1:]))
    directions = unit(np.stack(found))
    distances = [_distance(studio, axis, material, name).distance for axis, name in zip(directions, material.columns, strict=True)]
    return Axes(tuple(material.columns), directions.astype(np.float32), np.array(distances, np.float32))


def _normal(svm: type, x: Floats, y: NDArray[np.integer]) -> NDArray[np.float64]:
    """The normal [F] of the boundary between classes y of x [N,F], fitted to 70 % of them as the paper does; the constant by the rest."""
    held = np.arange(len(y)) % 10 < 3
    fitted = [svm(C=c, dual=False, class_weight="balanced").fit(x[~held], y[~held]) for c in STIFF]

    def right(model: Any) -> float:
        hits = model.predict(x[held]) == y[held]
        return float(np.mean([hits[y[held] == side].mean() for side in np.unique(y[held])]))

    best: NDArray[np.float64] = max(fitted, key=right).coef_[0]
    return best


def _linear_svm() -> type:
    try:
        from sklearn.svm import LinearSVC
    except ImportError:
        hint = "pip install 'videdit[evaluate]' -c constraints.txt, or leave interfacegan out of --methods."
        raise MissingError("scikit-learn is not installed, which InterFaceGAN's boundaries need", hint=hint) from None
    found: type = LinearSVC
    return found


def ganspace(studio: Studio, material: Material) -> Axes:
    """Principal components, one a attribute, in the layers where it does best; calibrated."""
    components, coordinates = principal(material.w)
    found, distances = [], []
    for name, column in material.columns.items():
        relation = correlation(coordinates, material.logits[:, column])
        tries: list[tuple[Measured, NDArray[np.float64]]] = []
        for index in np.argsort(-np.abs(relation))[:TRIED]:
            for axis in in_layers(components[index] * np.sign(relation[index])):
                guess = _spread(material, axis)
                tries.append((measure(studio, name, axis, material.sitters[name], column, material.wanted[name], guess), axis))
        _, axis = max(tries, key=lambda t: t[0].merit)
        best = _distance(studio, axis, material, name)
        found.append(axis)
        distances.append(best.distance)
    return Axes(tuple(material.columns), np.stack(found).astype(np.float32), np.array(distances, np.float32))


def principal(w: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Principal components float64 [K,L,D] of latents [N,L,D], unit length, the widest first, and coordinates [N,K]."""
    flat = w.reshape(len(w), -1).astype(np.float64)
    flat = flat - flat.mean(0)
    _, vectors = np.linalg.eigh(flat.T @ flat)
    kept = vectors[:, ::-1][:, : min(COMPONENTS, len(w) - 1)]
    return kept.T.reshape(-1, *w.shape[1:]), flat @ kept


def correlation(coordinates: Floats, score: Floats) -> NDArray[np.float64]:
    """Pearson's, of each column of coordinates [N,K] with score [N]."""
    x, y = coordinates - coordinates.mean(0), score - score.mean()
    return (x * y[:, None]).sum(0) / np.maximum(np.linalg.norm(x, axis=0) * np.linalg.norm(y), 1e-12)


def in_layers(axis: Floats) -> list[NDArray[np.float64]]:
    """A direction [L,D] whole, and confined to the coarse, the middle and the fine layers; unit length, empty ones left out."""
    tries = [np.asarray(axis, np.float64)]
    for group in np.array_split(np.arange(len(axis)), GROUPS):
        confined = np.zeros_like(tries[0])
        confined[group] = axis[group]
        tries.append(confined)
    return [unit(t[None])[0] for t in tries if np.linalg.norm(t) > 1e-6]


def _distance(studio: Studio, axis: Floats, material: Material, name: str) -> Measured:
    """An axis with what it measures at +1.0; the first guess is the spread of the latents along it, doubled while that helps."""
    sitters, column, wanted = material.sitters[name], material.columns[name], material.wanted[name]
    guess, reached = _spread(material, axis), 0.0
    for _ in range(STRETCH):
        _, now = calibrate(studio, axis, sitters, column, wanted, guess)
        if now >= 1.0 or now <= reached:
            break
        guess, reached = 2 * guess, now
    return measure(studio, name, axis, sitters, column, wanted, guess)


def _spread(material: Material, axis: Floats) -> float:
    """Two deviations of the latents along a unit axis."""
    return 2.0 * float((material.w * axis).sum((1, 2)).std())


FINDERS = {"interfacegan": interfacegan, "ganspace": ganspace}


def load_or_train(
    names: Sequence[str], studio: Studio, known: Faces, sources: Sequence[str], folder: Path, *, faces: int, seed: int
) -> dict[str, Axes]:
    """The baselines by name, kept in `folder` for the next time: the same networks, attributes, number of faces and seed."""
    networks = [studio.pack.manifest.networks[n].sha256 for n in ("encoder", "generator", "classifier")]
    key = hashlib.sha256(json.dumps([networks, list(sources), faces, seed]).encode()).hexdigest()[:16]
    paths = {name: Path(folder) / f"{name}-{key}.safetensors" for name in names}
    out = {name: found for name, path in paths.items() if (found := _load(path, sources))}
    missing = [name for name in names if name not in out]
    if "interfacegan" in missing:
        _linear_svm()  # rather now than after the encoding
    if missing:
        material = gather(studio, known, sources, faces=faces, seed=seed)
        for name in missing:
            out[name] = FINDERS[name](studio, material)
            arrays = {"directions": np.ascontiguousarray(out[name].directions), "distance": np.ascontiguousarray(out[name].distance)}
            paths[name].parent.mkdir(parents=True, exist_ok=True)
            save_file(arrays, paths[name])
    return {name: out[name] for name in names}


def _load(path: Path, sources: Sequence[str]) -> Axes | None:
    try:
        with safe_open(path, "numpy") as file:
            return Axes(tuple(sources), file.get_tensor("directions"), file.get_tensor("distance"))
    except (OSError, SafetensorError):
        return None
