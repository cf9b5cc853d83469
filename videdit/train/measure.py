"""What +1.0 means along a move of latents, and what the move does to faces that lack the attribute.

+1.0 is the distance that takes the median score (logit) of faces without the attribute as far as the median of faces with it lies, and on
until most of them (SEEN) are seen to have it, but no further than landmarks typically move and real faces lie apart (`limits`). It is
measured the way a flag's + goes: for age, whose label is Young, on young faces that grow old.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from videdit.packs.load import Pack

Floats = NDArray[np.floating]
SEEN = 4 / 5  # of the faces: a median says little where scores lie apart (glasses) or classes overlap (age)
STEPS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)  # where the score is measured, in first guesses
FARTHER = 1.6  # times the typical movement of landmarks: scores ask for more on soft renders, faces would be caricatures
LEAST = 0.005  # of the crop's side
APART = 0.36  # of the deviation of real latents: farther off, renders break before scores follow
BATCH = 32

Course = Callable[[float], Floats]  # how far -> latents [N,L,D] moved that far


@dataclass(frozen=True, slots=True)
class Measured:
    """One axis on validation faces at +1.0. distance along the unit axis; reached: the share of the wanted score change;
    changed: faces whose score crosses over; kept: other attributes with |dp| < 0.25; identity: cosine before against after; seen: the
    share of the move that the encoder finds again in the render (near 0 for a change that only fools the classifier)."""

    method: str
    distance: float
    reached: float
    changed: float
    kept: float
    identity: float
    seen: float

    @property
    def merit(self) -> float:
        """What is compared: preservation, identity, being a move of a face, who is seen to change, less what is missing of it."""
        return self.kept + self.identity + min(1.0, self.seen) + 0.5 * self.changed - 2.0 * max(0.0, 0.9 - self.reached)


@dataclass(frozen=True, slots=True)
class Sitters:
    """Validation faces without an attribute: latents w [N,L,D], and of their renders logits [N,A], identities [N,dim] and the
    latents again [N,L,D] that the encoder finds in them."""

    w: NDArray[np.float32]
    logits: NDArray[np.float32]
    identities: NDArray[np.float32]
    again: NDArray[np.float32]


class Scorer(Protocol):
    """Whatever scores latents [N,L,D] with logits [N,A]."""

    def scores(self, w: Floats) -> NDArray[np.float32]: ...


class Studio:
    """A pack's networks on arrays: faces to latents to renders to scores, in bfloat16, which is exact enough for medians."""

    def __init__(self, pack: Pack) -> None:
        self.pack, self.device = pack, pack.device
        for name in ("encoder", "generator", "classifier"):
            if pack.has(name):
                pack.loaded(name).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.batch = max(1, BATCH * 128**2 // max(pack.size, 128) ** 2)  # a batch's maps take the memory of 32 at 128 px

    def _run(self, network: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor) -> NDArray[np.float32]:
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16):
            return torch.cat([network(part.to(self.device)).float().cpu() for part in inputs.split(self.batch)]).numpy()

    def encode(self, faces: NDArray[np.uint8], *, mirrored: bool = False) -> NDArray[np.float32]:
        """Faces [N,S,S,3] RGB to latents [N,L,D]."""
        parts = []
        for start in range(0, len(faces), 512):
            part = torch.from_numpy(np.ascontiguousarray(faces[start : start + 512])).permute(0, 3, 1, 2).float().div(127.5).sub(1)
            parts.append(self._run(self.pack.encoder, part.flip(3) if mirrored else part))
        return np.concatenate(parts)

    def scores(self, w: Floats) -> NDArray[np.float32]:
        """Classifier logits [N,A] of renders of latents [N,L,D]."""
        return self._run(lambda part: self.pack.classifier(self.pack.generator(part)), torch.from_numpy(np.asarray(w, np.float32)))

    def face_scores(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Classifier logits [N,A] of faces [N,S,S,3] RGB."""
        return self._run(self.pack.classifier, torch.from_numpy(faces).permute(0, 3, 1, 2).float().div(127.5).sub(1))

    def seen(self, w: Floats) -> Sitters:
        """What the networks say of the renders of latents [N,L,D]; embeddings are constant where the pack has no recognizer, and an encoder
        that is not there is taken to find every latent again."""
        known, encodes = self.pack.has("recognizer"), self.pack.has("encoder")
        count = len(self.pack.classifier.state_dict()["head.bias"])  # axes there may be more of

        def look(part: torch.Tensor) -> torch.Tensor:
            images = self.pack.generator(part)
            identity = self.pack.recognizer(images) if known else torch.ones(len(images), 1)
            again = self.pack.encoder(images) if encodes else part
            return torch.cat([self.pack.classifier(images).float(), again.float().flatten(1), identity.to(images).float()], 1)

        found = self._run(look, torch.from_numpy(np.asarray(w, np.float32)))
        logits, again, identities = np.split(found, [count, count + w[0].size], axis=1)
        return Sitters(np.asarray(w, np.float32), logits, identities, again.reshape(w.shape))

    def sample(self, count: int, seed: int) -> NDArray[np.float32]:
        """Latents [N,L,D] out of the mapping network."""
        z = torch.randn(count, self.pack.z_dim, generator=torch.Generator().manual_seed(seed))
        w = self._run(self.pack.generator.mapping, z)  # type: ignore[arg-type]
        return np.repeat(w[:, None], self.pack.manifest.num_layers, axis=1)


def calibrate(studio: Studio, axis: Floats, faces: Sitters, row: int, wanted: float, guess: float) -> tuple[float, float]:
    """The distance along a unit axis [L,D] that raises the median logit of attribute `row` by `wanted` and that of SEEN of the faces above
    0, and the share reached of the first.

    faces: without the attribute. Beyond the last step nothing is tried: such a distance would break the face.
    """
    return calibrate_course(studio, lambda distance: faces.w + distance * axis, faces, row, wanted, guess)


def calibrate_course(
    studio: Scorer, course: Course, faces: Sitters, row: int, wanted: float, guess: float, *, sign: int = 1, limit: float = np.inf
) -> tuple[float, float]:
    """`calibrate` for moves that are no straight line; sign -1: the logit is to fall, limit: nothing beyond is tried."""
    gains, lowest = [0.0], [float(np.quantile(sign * faces.logits[:, row], 1 - SEEN))]
    for step in STEPS[1:]:
        now = studio.scores(course(min(step * guess, limit)))[:, row]
        gains.append(sign * float(np.median(now) - np.median(faces.logits[:, row])))
        lowest.append(float(np.quantile(sign * now, 1 - SEEN)))
        if (gains[-1] >= wanted and lowest[-1] >= 0) or step * guess >= limit:
            break
    rising = np.maximum.accumulate(gains)
    if rising[-1] <= 0:
        return min(guess, limit), 0.0
    tried = np.minimum(np.array(STEPS[: len(rising)]) * guess, limit)
    enough = max(float(np.interp(wanted, rising, tried)), float(np.interp(0.0, np.maximum.accumulate(lowest), tried)))
    return max(enough, min(0.1 * guess, limit)), float(min(1.0, rising[-1] / wanted))


def measure(
    studio: Studio,
    method: str,
    axis: Floats,
    faces: Sitters,
    row: int,
    wanted: float,
    guess: float,
    *,
    sign: int = 1,
    limit: float = np.inf,
) -> Measured:
    """Calibrate an axis on faces without the attribute, or with it and against it (sign -1), no further than `limit`, and measure it."""
    return measure_course(studio, method, lambda far: faces.w + sign * far * axis, faces, row, wanted, guess, sign=sign, limit=limit)


def measure_course(
    studio: Studio,
    method: str,
    course: Course,
    faces: Sitters,
    row: int,
    wanted: float,
    guess: float,
    *,
    sign: int = 1,
    limit: float = np.inf,
) -> Measured:
    """`measure` for moves that are no straight line."""
    distance, _ = calibrate_course(studio, course, faces, row, wanted, guess, sign=sign, limit=limit)
    moved = studio.seen(course(distance))
    reached = float(np.clip(sign * (np.median(moved.logits[:, row]) - np.median(faces.logits[:, row])) / wanted, 0, 1))
    before, after = (1 / (1 + np.exp(-logits)) for logits in (faces.logits, moved.logits))
    others = np.arange(before.shape[1]) != row
    identity = float((faces.identities * moved.identities).sum(1).mean())
    lacking = sign * faces.logits[:, row] <= 0
    changed = float((sign * moved.logits[lacking, row] > 0).mean()) if lacking.any() else 1.0
    kept = float((np.abs(after - before)[:, others] < 0.25).mean())
    asked = moved.w - faces.w
    seen = float(((moved.again - faces.again) * asked).sum() / max(1e-12, float(np.square(asked).sum())))
    return Measured(method, distance, reached, changed, kept, identity, seen)


def typical_moves(labels: Floats, points: Floats) -> NDArray[np.float64]:
    """How far landmarks [N,P,2] (crop sides) of faces with and without each attribute [N,A] lie apart: root mean square [A]."""
    share = labels.mean(0)
    apart = np.tensordot(labels - share, points, axes=(0, 0)) / len(points) / np.maximum(share * (1 - share), 1e-6)[:, None, None]
    return np.sqrt(np.square(apart).sum(2).mean(1))


def limits(axes: Floats, typical: Floats, points_map: Floats, spread: float, apart: float = APART) -> NDArray[np.float64]:
    """How far axes [A,L,D] may go: until landmarks move FARTHER times what is typical, or LEAST where next to nothing is, and latents
    `apart` times their spread (`deviation` of real ones)."""
    lengths = np.linalg.norm(np.asarray(axes, np.float64).reshape(len(axes), -1), axis=1)
    by_points = FARTHER * np.maximum(typical, LEAST) / np.maximum(reach(axes, points_map), 1e-9)
    return np.minimum(by_points, apart * spread / np.maximum(lengths, 1e-9))


def still(axes: Floats, *maps: Floats) -> NDArray[np.float64]:
    """Axes [A,L,D] without what they do by each linear map [P,K,L,D] of latents (landmarks, light): the ridge projection onto the rows
    of all of them taken out."""
    rows = np.concatenate([_even_rows(np.asarray(one, np.float64).reshape(-1, axes[0].size)) for one in maps])
    gram = rows @ rows.T
    flat = np.asarray(axes, np.float64).reshape(len(axes), -1)
    moving = np.linalg.solve(gram + 1e-3 * np.trace(gram) / len(gram) * np.eye(len(gram)), rows @ flat.T)
    return (flat - (rows.T @ moving).T).reshape(np.shape(axes))


def _even_rows(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows [R,F] scaled together to a mean square length of 1, so that maps of other units count alike."""
    return rows / np.sqrt(max(float(np.square(rows).sum()) / len(rows), 1e-24))


def deviation(w: Floats) -> float:
    """Root mean square distance of latents [N,L,D] from their mean."""
    return float(np.sqrt(np.square(w - w.mean(0)).sum((1, 2)).mean()))


def reach(moves: Floats, points_map: Floats) -> NDArray[np.float64]:
    """How far latent moves [N,L,D] take the landmarks: root mean square [N], in crop sides."""
    points = np.tensordot(moves, points_map, axes=([1, 2], [2, 3]))  # [N,P,2]
    return np.sqrt(np.square(points).sum(2).mean(1))
