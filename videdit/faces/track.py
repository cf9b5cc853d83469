"""Who is where, frame by frame: landmarks follow from the last frame, a detector looks in now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from cv2.typing import MatLike

from videdit.faces.detect import MtcnnDetector, overlap
from videdit.faces.landmarks import Landmarks
from videdit.faces.shape import bounding_box
from videdit.faces.shots import CutDetector
from videdit.geometry import Floats
from videdit.types import Face, Frame

PRESENT = 0.5  # presence down to which somebody followed counts as there
WELCOME = 0.7  # presence from which a detected face is taken in; more, so that nobody comes and goes with every frame
SAME = 0.3  # overlap from which two boxes are one face
PATIENCE = 1.0  # s a lost person may come back under the same number
LARGER = 1.5  # times as large must another face be, at two looks in a row, to take over from the one followed
DOUBTS = 4  # looks in a row that find no face where one is followed, before weak landmarks are given up
SURE = 0.95


class Detector(Protocol):
    """Finds faces in a picture uint8 [H,W,3] RGB."""

    long_side: int

    def detect(self, rgb: MatLike) -> list[Face]: ...


@dataclass(frozen=True, slots=True)
class Observation:
    """A person in a frame: landmarks float64 [78,2] px, upright; presence in 0..1; number counts from 0 within the clip."""

    track_id: int
    landmarks: Floats
    presence: float


@dataclass(slots=True)
class _Person:
    number: int
    points: Floats
    presence: float
    seen: float  # s
    there: bool = True
    doubts: int = 0

    @property
    def box(self) -> Floats:
        return bounding_box(self.points)


class FaceTracker:
    """Follows faces through a clip; feed it every frame in order.

    which: "all", or "largest": one person, kept for as long as there is no much larger one.
    detect_every: s between looks of the detector while faces are followed (default 1.0 for "largest", 0.5 for "all"); retry: s
    between looks while there is none.
    A hard cut ends every track: the same person after it has another number.
    """

    def __init__(
        self,
        landmarks: Landmarks,
        *,
        detector: Detector | None = None,
        which: str = "largest",
        detect_every: float | None = None,
        retry: float = 0.3,
    ) -> None:
        if which not in ("largest", "all"):
            raise ValueError(f"which must be 'largest' or 'all', not {which!r}")
        self.landmarks, self.which = landmarks, which
        self._detector = detector or MtcnnDetector()
        self._detect_every = detect_every or (1.0 if which == "largest" else 0.5)
        self._retry = retry
        self.shots = [0]  # numbers of the frames that begin one
        self._cuts = CutDetector()
        self._people: list[_Person] = []
        self._count = 0
        self._looked = -np.inf
        self._rivals = 0

    def update(self, frame: Frame) -> list[Observation]:
        """The people in this frame, in the order in which they first came."""
        if self._cuts.update(frame):
            self.shots.append(frame.index)
            self._people, self._looked = [], -np.inf
        lost = self._follow(frame)
        wait = self._detect_every if any(p.there for p in self._people) else self._retry
        if lost or frame.time - self._looked >= wait - 1e-6 or frame.time < self._looked:
            self._look(frame)
        self._people = [p for p in self._people if p.there or frame.time - p.seen <= PATIENCE]
        return [Observation(p.number, p.points, p.presence) for p in self._people if p.there]

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
            others = [p.box for p in self._people[:i] if p.there]
            if person.there and others and overlap(person.box, np.array(others)).max() > 0.5:
                person.there = False  # two tracks slid onto one face
        return lost

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
        new = [f for f, t in zip(found, taken, strict=True) if not t]
        if self.which == "all":
            for face in new:
                self._meet(frame, face)
        else:
            self._meet_largest(frame, new)

    def _meet_largest(self, frame: Frame, new: list[Face]) -> None:
        """Keep who is followed unless somebody much larger came; with nobody followed, prefer who was lost, then the largest."""
        kept = next((p for p in self._people if p.there), None)
        if kept is not None:
            larger = bool(new) and _side(new[0].box) > LARGER * _side(kept.box)
            self._rivals = self._rivals + 1 if larger else 0
            if self._rivals < 2:
                return
            kept.there = not self._meet(frame, new[0])
            self._rivals = 0
            return
        known = [p.box for p in self._people]
        again = [f for f in new if known and overlap(f.box, np.array(known)).max() > 0.1]
        for face in again + [f for f in new if not any(f is a for a in again)]:
            if self._meet(frame, face):
                return

    def _meet(self, frame: Frame, face: Face) -> bool:
        """Take a detected face in, under its old number where it was lost a moment ago nearby."""
        points, presence = self.landmarks.find(frame, face)
        if presence < WELCOME or not _plausible(points, None, frame):
            return False
        box = bounding_box(points)
        if any(p.there and overlap(box, p.box[None], by_smaller=True)[0] > SAME for p in self._people):
            return False
        absent = [(float(overlap(box, p.box[None])[0]), p) for p in self._people if not p.there]
        best = max(absent, key=lambda a: a[0], default=(0.0, None))
        if best[1] is not None and best[0] > 0.1:
            person = best[1]
            person.points, person.presence, person.seen, person.there, person.doubts = points, presence, frame.time, True, 0
        else:
            self._people.append(_Person(self._count, points, presence, frame.time))
            self._count += 1
        return True

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
