"""How fast this machine turned out to be: seconds a frame and bytes a pixel of earlier edits, for the estimates of --dry-run.

One small JSON file in the cache folder; what can't be read or written is as if it were not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "speeds.json"
MEMORY = 20_000  # frames after which older ones count less
LEAST = 8  # frames below which a clip says nothing of speed
# Measured (docs/quality.md, Speed) on two CPU cores: a first edit of one face at 360, 720 and 1080 lines.
PER_FRAME, PER_MEGAPIXEL = 0.062, 0.071  # s
PER_PIXEL = 0.025  # bytes of output per pixel and frame, H.264 at crf 17


@dataclass(frozen=True, slots=True)
class Speed:
    """factor: seconds a frame over what two CPU cores take; bytes_per_pixel of outputs; frames that this was measured on, 0 for none."""

    factor: float = 1.0
    bytes_per_pixel: float = PER_PIXEL
    frames: int = 0

    def seconds(self, frames: int, width: int, height: int) -> float:
        """How long some frames will take, s."""
        return self.factor * frames * (PER_FRAME + PER_MEGAPIXEL * width * height / 1e6)

    def size(self, frames: int, width: int, height: int) -> float:
        """How much they will take on disk, bytes."""
        return self.bytes_per_pixel * frames * width * height

    def learn(self, frames: int, width: int, height: int, *, seconds: float, size: int) -> Speed:
        """With another clip that took `seconds` and became `size` bytes."""
        pixels = frames * width * height
        if frames < LEAST or not pixels or seconds <= 0:
            return self
        factor = seconds / Speed().seconds(frames, width, height)
        share = frames / (min(self.frames, MEMORY) + frames)
        return Speed(
            self.factor + share * (factor - self.factor),
            self.bytes_per_pixel + share * (size / pixels - self.bytes_per_pixel),
            self.frames + frames,
        )


def read_speed(folder: Path | None, key: str) -> Speed:
    """What was measured here, or the figures of two CPU cores."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, OverflowError):
        if folder is not None:
            values = _read(folder)[key]
            found = Speed(float(values["factor"]), float(values["bytes_per_pixel"]), int(values["frames"]))
            if found.factor > 0 and found.bytes_per_pixel >= 0:
                return found
    return Speed()


def keep_speed(folder: Path | None, key: str, speed: Speed) -> None:
    """Keep a speed for another time."""
    if folder is None or not speed.frames:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({**_read(folder), key: asdict(speed)}, file, indent=1)
            os.replace(name, folder / NAME)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _read(folder: Path) -> dict[str, dict[str, float]]:
    try:
        values = json.loads((folder / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
