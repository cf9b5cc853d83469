"""How many frames got less of an edit than was asked for, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LITTLE = 0.01  # of an edit; less counts as none, and what lacks less than this counts as all
WORDS = {
    "presence": "hardly there",
    "yaw": "turned away",
    "blur": "blurred",
    "size": "small",
    "ramp": "beside a gap",
    "missing": "not seen",
}


@dataclass(slots=True)
class Lowered:
    """Counts of frames, by reason (presence, yaw, blur, size, ramp; left out: missing too). A frame with several reasons counts for each.

    frames, frames_out: frames of a face with less of the edit, and with none; bridged: frames in which the face was missed and
    the edit went on. Two faces in a frame count twice.
    """

    frames: int = 0
    frames_out: int = 0
    bridged: int = 0
    why: dict[str, int] = field(default_factory=dict)
    why_out: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.frames or self.frames_out or self.bridged)

    def add(
        self,
        factors: Mapping[str, NDArray[np.floating]],
        share: NDArray[np.floating],
        *,
        valid: NDArray[np.bool_],
        present: NDArray[np.bool_],
    ) -> None:
        """Count a person: by reason the share [T] of the edit that is borne, the share [T] that ramps leave, and where the face was seen
        (valid [T]) or bridged as well (present [T])."""
        rows = {**factors, "ramp": np.where(present, share, 1.0)}
        total = np.prod(list(rows.values()), axis=0)
        out = present & (total < LITTLE)
        less = present & ~out & (total < 1 - LITTLE)
        missing = int((~present).sum())
        self.frames += int(less.sum())
        self.frames_out += int(out.sum()) + missing
        self.bridged += int((present & ~valid).sum())
        for name, row in rows.items():
            _count(self.why, name, less & (row < 1 - LITTLE))
            _count(self.why_out, name, out & (row < 1 - LITTLE))
        if missing:
            self.why_out["missing"] = self.why_out.get("missing", 0) + missing

    def as_json(self) -> dict[str, object]:
        """Plain values for --report."""
        return {
            "lowered": {"frames": self.frames, **self.why},
            "left_out": {"frames": self.frames_out, **self.why_out},
            "bridged": self.bridged,
        }

    def skipped(self) -> dict[str, int]:
        """Frames without any of the edit, by reason, in words."""
        return {WORDS[name]: count for name, count in self.why_out.items()}

    def sentence(self) -> str:
        """The same in words; empty where every frame got all of the edit."""
        parts = []
        for what, count, why in (("lowered", self.frames, self.why), ("left out", self.frames_out, self.why_out)):
            if count:
                reasons = ", ".join(f"{WORDS[name]} {number}" for name, number in why.items())
                parts.append(f"{what} in {count} frame{'s' if count != 1 else ''} ({reasons})")
        if self.bridged:
            parts.append(f"carried on through {self.bridged} frame{'s' if self.bridged != 1 else ''} in which the face was missed")
        return "the edit was " + ", ".join(parts) if parts else ""


def _count(counts: dict[str, int], name: str, rows: NDArray[np.bool_]) -> None:
    if rows.any():
        counts[name] = counts.get(name, 0) + int(rows.sum())
