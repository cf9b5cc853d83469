"""Who is where, frame by frame: landmarks follow from the last frame, a detector looks in now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from cv2.typing import MatLike

from videdit.faces.assign import LOOKS, assign, cosine, costs, moved
from videdit.faces.detect import MtcnnDetector, overlap
from videdit.faces.landmarks import Landmarks
from videdit.faces.shape import bounding_box
from videdit.faces.shots import CutDetector
from videdit.geometry import Floats
from videdit.store.plain import fields_of
from videdit.types import Face, Frame

PRESENT = 0.5  # presence down to which somebody followed counts as there
WELCOME = 0.7  # presence from which a detected face is taken in; more, so that nobody comes and goes with every frame
SAME = 0.3  # overlap from which two boxes are one face
MERGED = 0.5  # overlap from which two people followed are on one face
CLEAR = 0.05  # overlap up to which nobody is in somebody's way: where they are and how they look can be trusted
PATIENCE = 1.0  # s a lost person may come back under the same number
MINOR = 3.0  # times as large as a face must the largest one be for "largest" to leave it out
DOUBTS = 4  # looks in a row that find no face where one is followed, before weak landmarks are given up
SURE = 0.95
PACE = 0.15  # s over which a velocity is averaged
Embed = Callable[[Frame, Floats], Floats]  # a frame and landmarks [78,2] px in it -> how they look, an embedding [D]


class Detector(Protocol):
    """Finds faces in a picture uint8 [H,W,3] RGB."""

    long_side: int

    def detect(self, rgb: MatLike) -> list[Face]: ...


class Tracker(Protocol):
    """Who is where, frame by frame; `state` says all that the next frame depends on, in plain values and arrays (see store.plain)."""

    shots: list[int]

    def update(self, frame: Frame) -> list[Observation]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """A person in a frame: landmarks float64 [78,2] px, upright; presence in 0..1; number counts from 0 within the clip."""

    track_id: int
    landmarks: Floats
    presence: float


@dataclass(slots=True)
class _Person:
    """seen: s; clear [78,2] px, velocity px/s and looks [D] are those of the last moment nobody was in the way, `at` s."""

    number: int
    points: Floats
    presence: float
    seen: float
    clear: Floats
    at: float
    there: bool = True
    doubts: int = 0
    velocity: Floats = field(default_factory=lambda: np.zeros(2))
    looks: Floats | None = None

    @property
    def box(self) -> Floats:
        return bounding_box(self.points)

    def due(self, time: float) -> Floats:
        """The box where they should be at a time in seconds."""
        return moved(bounding_box(self.clear), self.velocity, time - self.at)

    def settle(self, time: float) -> None:
        """Nobody is in the way: note where they are and how they move."""
        passed = time - self.at
        if passed > 0:
            now = (self.points.mean(0) - self.clear.mean(0)) / passed
            self.velocity = self.velocity + (now - self.velocity) * (1 - np.exp(-passed / PACE))
        self.clear, self.at = self.points, time

    def back(self, points: Floats, presence: float, time: float) -> None:
        """Seen again."""
        self.points, self.presence, self.seen, self.there, self.doubts = points, presence, time, True, 0
        self.clear, self.at, self.velocity = points, time, np.zeros(2)


class FaceTracker:
    """Follows the faces of a clip; feed it every frame in order.

    which: "all", or "largest": everybody who may turn out to fill most of the clip, so faces are left out while one of MINOR times
    their side is there, and somebody alone is looked at less often.
    detect_every: s between looks of the detector while faces are followed (default 0.5, and 1.0 for "largest" while there is one
    face); retry: s between looks while somebody is missing. embed: how a face looks; with it, people who cross or come back are told
    apart by that too. A hard cut ends every track: the same person after it has another number.
    """

    def __init__(
        self,
        landmarks: Landmarks,
        *,
        detector: Detector | None = None,
        which: str = "largest",
        detect_every: float | None = None,
        retry: float = 0.3,
        embed: Embed | None = None,
    ) -> None:
        if which not in ("largest", "all"):
            raise ValueError(f"which must be 'largest' or 'all', not {which!r}")
        self.landmarks, self.which = landmarks, which
        self._detector = detector or MtcnnDetector()
        self._detect_every, self._retry, self._embed = detect_every, retry, embed
        self.shots = [0]  # numbers of the frames that begin one
        self._cuts = CutDetector()
        self._people: list[_Person] = []
        self._count = 0
        self._looked = -np.inf

    def update(self, frame: Frame) -> list[Observation]:
        """The people in this frame, in the order in which they first came."""
        if self._cuts.update(frame):
            self.shots.append(frame.index)
            self._people, self._looked = [], -np.inf
        lost = self._follow(frame)
        if lost or frame.time - self._looked >= self._wait() - 1e-6 or frame.time < self._looked:
            self._look(frame)
        self._people = [p for p in self._people if p.there or frame.time - p.seen <= PATIENCE]
        for person in self._clear():
            person.settle(frame.time)
        return [Observation(p.number, p.points, p.presence) for p in self._people if p.there]

    def state(self) -> dict[str, Any]:
        """What the next frame depends on."""
        people = [fields_of(person) for person in self._people]
        return {"people": people, "count": self._count, "looked": self._looked, "shots": self.shots, "cuts": self._cuts.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where another one of the same make stood."""
        self._people = [_Person(**fields) for fields in state["people"]]
        self._count, self._looked, self.shots = state["count"], state["looked"], list(state["shots"])
        self._cuts.restore(state["cuts"])

    def _wait(self) -> float:
        """Seconds between two looks."""
        if not all(p.there for p in self._people) or not self._people:
            return self._retry
        return self._detect_every or (1.0 if self.which == "largest" and len(self._people) == 1 else 0.5)

    def _clear(self) -> list[_Person]:
        """Those there whom nobody is near."""
        there = [p for p in self._people if p.there]
        if len(there) < 2:
            return there
        boxes = np.stack([p.box for p in there])
        shared = np.stack([overlap(box, boxes) for box in boxes]) - np.eye(len(boxes))
        return [p for p, near in zip(there, shared.max(1), strict=True) if near <= CLEAR]

    def _follow(self, frame: Frame) -> bool:
        """Move everybody on to this frame; True when somebody got lost."""
        lost = False
        for person in [p for p in self._people if p.there]:
            points, presence = self.landmarks.follow(frame, person.points)
            if presence >= PRESENT and _plausible(points, person.points, frame):
                person.points, person.presence, person.seen = points, presence, frame.time
            else:
                person.there, lost = False, True
        for i, person in enumerate(self._people):
            for other in self._people[:i]:
                if person.there and other.there and overlap(person.box, other.box[None])[0] > MERGED:
                    self._part(frame, person, other)
                    lost = True
        return lost

    def _part(self, frame: Frame, one: _Person, other: _Person) -> None:
        """Two people are followed on one face: it is whose way leads there and who looks like it; the other is out of sight."""
        looks = self._look_at(frame, one.points) if one.looks is not None and other.looks is not None else None
        boxes = one.box[None], other.box[None]
        off = [
            1.0 - float(overlap(p.due(frame.time), box)[0]) + LOOKS * float(np.nan_to_num(1.0 - cosine(looks, p.looks)))
            for p, box in zip((one, other), boxes, strict=True)
        ]
        hidden = one if off[0] > off[1] else other
        hidden.there, hidden.points = False, hidden.clear

    def _look(self, frame: Frame) -> None:
        """Run the detector: confirm who is followed, take in who is new."""
        self._looked = frame.time
        found = self._detect(frame)
        taken = np.zeros(len(found), bool)
        boxes = np.array([f.box for f in found]).reshape(-1, 4)
        for person in [p for p in self._people if p.there]:
            shared = overlap(person.box, boxes, by_smaller=True)
            person.doubts = 0 if (shared > SAME).any() else person.doubts + 1
            taken |= shared > SAME
            if person.doubts >= DOUBTS and person.presence < SURE:
                person.there = False
        self._meet(frame, [f for f, t in zip(found, taken, strict=True) if not t])
        if len(self._people) > 1:
            for person in self._clear():
                person.looks = self._blend(person.looks, self._look_at(frame, person.points))

    def _meet(self, frame: Frame, faces: list[Face]) -> None:
        """Take detected faces in, under their old numbers where they were lost a moment ago nearby."""
        there = [p.box for p in self._people if p.there]
        new: list[tuple[Floats, float]] = []
        for face in faces:
            points, presence = self.landmarks.find(frame, face)
            if presence < WELCOME or not _plausible(points, None, frame):
                continue
            box = bounding_box(points)
            if there and overlap(box, np.stack(there), by_smaller=True).max() > SAME:
                continue
            if self.which == "largest" and any(_side(box) * MINOR < _side(other) for other in there):
                continue
            new.append((points, presence))
            there.append(box)
        absent = [p for p in self._people if not p.there]
        pairs = dict(assign(self._costs(frame, new, absent)))
        for number, (points, presence) in enumerate(new):
            if number in pairs:
                absent[pairs[number]].back(points, presence, frame.time)
            else:
                self._people.append(_Person(self._count, points, presence, frame.time, points, frame.time))
                self._count += 1

    def _costs(self, frame: Frame, new: list[tuple[Floats, float]], absent: list[_Person]) -> Floats:
        """What it costs [N,M] to take each new face for each absent person."""
        if not new or not absent:
            return np.zeros((len(new), len(absent)))
        known = any(p.looks is not None for p in absent)
        looks = [self._look_at(frame, points) if known else None for points, _ in new]
        alike = np.array([[cosine(look, p.looks) for p in absent] for look in looks])
        boxes, last = np.stack([bounding_box(points) for points, _ in new]), np.stack([p.box for p in absent])
        return costs(boxes, last, np.stack([p.due(frame.time) for p in absent]), alike)

    def _look_at(self, frame: Frame, points: Floats) -> Floats | None:
        return self._embed(frame, points) if self._embed else None

    @staticmethod
    def _blend(before: Floats | None, now: Floats | None) -> Floats | None:
        """Looks, averaged over the last looks."""
        return now if before is None or now is None else 0.7 * before + 0.3 * now

    def _detect(self, frame: Frame) -> list[Face]:
        """Faces of the frame in its own pixels, largest first."""
        scale = min(1.0, self._detector.long_side / max(frame.width, frame.height))
        rgb = cv2.convertScaleAbs(np.maximum(frame.rgb(scale=scale), 0))
        stretch = np.array([frame.width / rgb.shape[1], frame.height / rgb.shape[0]])
        return [Face(f.box * np.tile(stretch, 2), f.landmarks * stretch, f.score) for f in self._detector.detect(rgb)]


def _side(box: Floats) -> float:
    return float(np.sqrt(np.prod(box[2:] - box[:2])))


def _plausible(points: Floats, before: Floats | None, frame: Frame) -> bool:
    """A face of some size, mostly inside the frame, not suddenly of another size."""
    if not np.isfinite(points).all():
        return False
    box = bounding_box(points)
    inside = np.mean((points >= 0) & (points <= [frame.width, frame.height]))
    steady = before is None or 0.6 < _side(box) / max(_side(bounding_box(before)), 1e-9) < 1.7
    return bool(_side(box) >= 12 and inside > 0.7 and steady)
