"""A pack's card: how well it does on people it never saw, and for whom.

Reconstruction is the pack's generator on its encoder's latents, in the pack's frame; edits go through the whole editor on
whole pictures. Everything by the labels CelebA has for sex, age and skin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.people import to_uint8
from benchmarks.weights import load_lpips
from videdit.config import Settings
from videdit.geometry import crop_quad, face_quad, quad_to_crop, transform_points
from videdit.packs.load import Pack
from videdit.pipeline.models import Models
from videdit.pipeline.stills import Moment, frame_of, rgb_of
from videdit.quality.embedder import Embedder
from videdit.quality.identity import cosines
from videdit.quality.judge import Judge
from videdit.quality.reconstruction import psnr, ssim
from videdit.quality.report import Value, by_group
from videdit.train import data as faces_data

NOTE = (
    "{faces} faces of shard 5 (people no network of the pack has seen and no axis was chosen by), "
    "{edited} of them (those of `id`) through the whole editor; "
    "pack {pack}. "
    "LPIPS is AlexNet's, shift-tolerant. `id`: cosine of dlib's embedding between source and result. "
    "`changed`: share of the faces without what was asked that have it after the edit, by an independent judge. "
    "`classifier`: the pack's 40-attribute accuracy. Labels are CelebA's, given by annotators looking at pictures; "
    "they are no statement about the people, and only one label (pale skin) tells skin tones apart."
)
GROUPS: dict[str, tuple[str, int] | None] = {
    "all": None,
    "labelled male": ("Male", 1),
    "labelled female": ("Male", 0),
    "labelled young": ("Young", 1),
    "labelled not young": ("Young", 0),
    "labelled pale": ("Pale_Skin", 1),
    "not labelled pale": ("Pale_Skin", 0),
}
# column, attribute's flag, strength, asked of faces whose judged probability is below (+) or above (-) one half
EDITS: tuple[tuple[str, str, float], ...] = (
    ("smile +1", "smile", 1.0),
    ("smile -1", "smile", -1.0),
    ("age +1", "age", 1.0),
    ("eyeglasses +1", "eyeglasses", 1.0),
)


@dataclass(slots=True)
class Held:
    """Faces to measure on: crops uint8 [N,128,128,3], pictures uint8 [N,218,178,3], points [N,78,2] px of the picture, labels [N,40]."""

    crops: np.ndarray
    pictures: np.ndarray
    points: np.ndarray
    labels: np.ndarray
    attributes: list[str]

    def groups(self, count: int) -> dict[str, np.ndarray]:
        """Members bool [count] of each group among the first `count`."""
        everyone = np.ones(count, bool)
        column = {name: self.labels[:count, self.attributes.index(rule[0])] == rule[1] for name, rule in GROUPS.items() if rule}
        return {name: column.get(name, everyone) for name in GROUPS}


def choose(data: Path, count: int, *, seed: int = 0) -> Held:
    """Faces of shard 5 in a random order that brings the rarest label (pale skin) forward to one in six."""
    faces = faces_data.load(data)
    rows = np.random.default_rng(seed).permutation(faces.held_out(choosing=False))
    pale = faces.labels[rows, faces.attributes.index("Pale_Skin")] == 1
    rare, rest = list(rows[pale]), list(rows[~pale])
    mixed = [rare.pop() if i % 6 == 0 and rare else rest.pop() for i in range(min(count, len(rows)))]
    chosen = np.array(mixed)
    return Held(faces.faces[chosen], faces.pictures[chosen], faces.points[chosen], faces.labels[chosen], faces.attributes)


@torch.no_grad()
def reconstruct(pack: Pack, crops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [N,S,S,3] -> the pack's pictures of them uint8, and its classifier's probabilities [N,40]."""
    pictures, labels = [], []
    for start in range(0, len(crops), 16):
        batch = torch.from_numpy(crops[start : start + 16]).permute(0, 3, 1, 2).float().to(pack.device) / 127.5 - 1
        image = pack.generator(pack.encoder(batch))
        pictures.append(to_uint8((image.float().cpu().permute(0, 2, 3, 1).numpy() + 1) * 127.5))
        labels.append(pack.classifier(batch).float().sigmoid().cpu().numpy())
    return np.concatenate(pictures), np.concatenate(labels)


def likeness(embedder: Embedder, first: np.ndarray, others: Sequence[np.ndarray], points: np.ndarray) -> list[float]:
    """Identity cosine of each of `others` with the first picture (uint8 [H,W,3] all), aligned by the first's points [78,2] px."""
    pictures = [np.ascontiguousarray(picture) for picture in (first, *others)]
    aligned = embedder.align(pictures[0], points)
    codes = np.stack([embedder.embed(picture, aligned) for picture in pictures])
    return [float(c) for c in cosines(np.repeat(codes[:1], len(others), axis=0), codes[1:])]


def reconstruction(pack: Pack, held: Held, count: int, embedder: Embedder) -> dict[str, np.ndarray]:
    """Measures [N] of the pack's pictures against the crops; identity, which takes longest, of the first `count` only."""
    made, labels = reconstruct(pack, held.crops)
    lpips = load_lpips()

    def tensor(pictures: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1

    frame = pack.face_frame
    same = np.full(len(made), np.nan)
    for i, p in enumerate(held.points[:count]):
        points = transform_points(p, quad_to_crop(face_quad(p, frame), pack.size))
        same[i] = likeness(embedder, held.crops[i], [made[i]], points)[0]
    return {
        "LPIPS": np.concatenate([lpips(tensor(held.crops[i : i + 16]), tensor(made[i : i + 16])).numpy() for i in range(0, len(made), 16)]),
        "SSIM": np.array([ssim(a, b) for a, b in zip(held.crops, made, strict=True)]),
        "PSNR": np.array([psnr(a, b) for a, b in zip(held.crops, made, strict=True)]),
        "id": same,
        "classifier": ((labels > 0.5) == (held.labels > 0)).mean(1),
    }


def edit_measures(
    pack: Pack, held: Held, count: int, judge: Callable[[np.ndarray], np.ndarray], names: list[str], embedder: Embedder
) -> dict[str, np.ndarray]:
    """For each edit: 1 where the judge sees it done, 0 where not, NaN where nothing needed doing; and the identity cosine. [count] each."""
    settings = Settings(tune="off")
    models = Models.load(settings, pack)
    quads = [face_quad(p, pack.face_frame) for p in held.points[:count]]
    before = judge(np.stack([crop_quad(p, q, 128) for p, q in zip(held.pictures, quads, strict=False)]))
    signs = {column: _axis(pack, names, flag, strength) for column, flag, strength in EDITS}
    out = {f"{column} {what}": np.full(count, np.nan) for column in signs for what in ("changed", "id")}
    for i, picture in enumerate(held.pictures[:count]):
        wanted = [edit for edit in EDITS if (before[i, signs[edit[0]][0]] < 0.5) == signs[edit[0]][1]]
        if not wanted:
            continue
        moment = Moment([frame_of(picture)], models, settings)
        results = [rgb_of(next(moment.edited({flag: strength}))) for _, flag, strength in wanted]
        after = judge(np.stack([crop_quad(result, quads[i], 128) for result in results]))
        cosine = likeness(embedder, picture, results, held.points[i])
        for (column, _, _), scores, same in zip(wanted, after, cosine, strict=True):
            index, up = signs[column]
            out[f"{column} changed"][i], out[f"{column} id"][i] = (scores[index] >= 0.5) == up, same
    return out


def _axis(pack: Pack, names: list[str], flag: str, strength: float) -> tuple[int, bool]:
    """The judge's number for what an edit is about, and whether the edit raises it."""
    attribute, factor = pack.manifest.resolve(flag)
    return names.index(attribute.source), attribute.sign * factor * strength > 0


def run(
    data: Path, pack: Pack, judge: Judge, names: list[str], embedder: Embedder, *, faces: int = 600, edited: int = 120
) -> list[dict[str, Value]]:
    """One row a measure: its mean over each group."""
    held = choose(data, faces)
    count = min(edited, len(held.crops))
    measures = reconstruction(pack, held, count, embedder) | edit_measures(pack, held, count, judge.judge, names, embedder)
    rows: list[dict[str, Value]] = [{"": "faces"} | {g: int(m.sum()) for g, m in held.groups(len(held.crops)).items()}]
    for name, values in measures.items():
        known = ~np.isnan(values)
        rows.append({"": name} | by_group(values, {group: member & known for group, member in held.groups(len(values)).items()}))
    return rows
