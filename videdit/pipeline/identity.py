"""Who is who over a whole clip: tracks become people, and people numbers, by how much of the clip they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from videdit.faces.cluster import cluster
from videdit.faces.track import Embed
from videdit.geometry import Floats, face_quad, quad_side
from videdit.invert.encoder import in_batches, to_image
from videdit.packs.load import Pack
from videdit.pipeline.people import Person, crop_frame
from videdit.types import Frame

GOOD = 8  # crops of a track that say how the person looks


def embedding(pack: Pack, crops: NDArray[np.uint8] | Floats) -> NDArray[np.float32]:
    """How faces look: crops [N,S,S,3] RGB in 0..255 to unit vectors float32 [N,D]; [N,0] where the pack has no recognizer."""
    if not pack.has("recognizer") or not len(crops):
        return np.zeros((len(crops), 0), np.float32)
    return in_batches(pack.recognizer, to_image(crops, pack.device)).float().cpu().numpy()


def embed_in_frames(pack: Pack) -> Embed | None:
    """For a tracker: how a face looks, by the pack's recognizer; None where the pack has none."""
    if not pack.has("recognizer"):
        return None

    @torch.inference_mode()
    def embed(frame: Frame, points: Floats) -> Floats:
        crop = crop_frame(frame, face_quad(points, pack.face_frame), pack.size)
        found: Floats = pack.recognizer(to_image(crop[None], pack.device))[0].double().cpu().numpy()
        return found

    return embed


def frontal(landmarks: Floats) -> Floats:
    """How far faces [K,78,2] px look into the camera: 1 with the nose in the middle of the jaw's width, 0 with it at its end."""
    ends, nose = landmarks[:, [0, 16]], landmarks[:, 30]
    across = ends[:, 1] - ends[:, 0]
    place = ((nose - ends[:, 0]) * across).sum(1) / np.maximum((across**2).sum(1), 1e-9)
    return np.clip(1 - 2 * np.abs(place - 0.5), 0, 1)


def good_crops(person: Person) -> NDArray[np.integer]:
    """Which of a person's samples say best how they look: there, large, and looking into the camera; in the order of time."""
    track, rows = person.track, person.sampled
    sides = np.array([quad_side(quad) for quad in track.quads[rows]])
    worth = track.confidence[rows] * frontal(track.landmarks[rows]) * np.minimum(sides / max(float(np.median(sides)), 1e-9), 1.5)
    return np.sort(np.argsort(-worth, kind="stable")[:GOOD])


def steps(times: Floats) -> Floats:
    """Seconds [T] that each frame of a track stands for; one still picture counts as a second."""
    if len(times) < 2:
        return np.ones(len(times))
    passed = np.diff(times)
    return np.append(passed, np.median(passed))


def fills(person: Person) -> float:
    """How much of the clip a track fills, px^2 s: the area of the face's quad times the time it is there."""
    areas = np.array([quad_side(quad) ** 2 for quad in person.track.quads])
    return float((areas * steps(person.track.times) * person.latents.valid).sum())


def known_as(people: Sequence[Person], clip: Sequence[Person]) -> list[Person]:
    """People of a few frames under the numbers they have in their clip: of who is at the same places at the same times; 0 is nobody's."""
    out = []
    for person in people:
        apart, best = min(((_apart(person, other), other.number) for other in clip), default=(float("inf"), 0))
        out.append(replace(person, number=best if apart < 0.5 else 0))
    return out


def _apart(person: Person, other: Person) -> float:
    """How far two tracks are from each other, in sides of the face, in the mean over the times they share; infinite when there are none."""
    valid, also = person.latents.valid, other.latents.valid
    _, one, two = np.intersect1d(np.round(person.track.times[valid], 4), np.round(other.track.times[also], 4), return_indices=True)
    if not len(one):
        return float("inf")
    here, there = person.track.quads[valid][one], other.track.quads[also][two]
    return float(np.mean(np.hypot(*(here.mean(1) - there.mean(1)).T) / max(quad_side(here[0]), 1e-9)))


def number_people(people: Sequence[Person], pack: Pack) -> list[Person]:
    """The tracks with the number of the person each shows, from 1 for who fills most of the clip, and how they look."""
    looks = [embedding(pack, person.samples[good_crops(person)]).mean(0) for person in people]
    frames = [person.track.frames[person.latents.valid] for person in people]
    area = [fills(person) for person in people]
    order = sorted(range(len(people)), key=lambda i: (-area[i], int(people[i].track.frames[0])))
    labels = cluster(np.stack([looks[i] for i in order]), [frames[i] for i in order], [people[i].track_id for i in order]) if people else []
    whole: dict[int, float] = {}
    for i, label in zip(order, labels, strict=True):
        whole[label] = whole.get(label, 0.0) + area[i]
    ranks = {label: rank for rank, label in enumerate(sorted(whole, key=lambda label: (-whole[label], label)), 1)}
    number = {i: ranks[label] for i, label in zip(order, labels, strict=True)}
    return [replace(person, number=number[i], looks=looks[i]) for i, person in enumerate(people)]
