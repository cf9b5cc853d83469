"""--debug-dir: what each stage made of each face, as pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite import Change
from videdit.errors import OutputError
from videdit.geometry import crop_quad
from videdit.pipeline.changes import Motion
from videdit.pipeline.people import crop_frame
from videdit.types import Frame, Region

SIDE = 256


class DebugPictures:
    """Writes per frame and face: crop, inversion, edited render, flow, mask, composite. Raises OutputError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} can't be written: {error.strerror or error}") from None

    def save(
        self, source: Frame, edited: Frame, change: Change, motion: Motion, row: int, done: tuple[Region, NDArray[np.float32]] | None
    ) -> None:
        """One face of one frame."""
        quad = motion.person.track.quads[row]
        named = {"crop": crop_frame(source, quad, SIDE), "inversion": picture(change.before), "edited": picture(change.after)}
        named["flow"] = picture(change.flow)
        mask = np.zeros((source.height, source.width), np.float32)
        if done is not None:
            mask[done[0].slices] = done[1]
        named["mask"] = picture(crop_quad(mask, quad, SIDE))
        named["composite"] = crop_frame(edited, quad, SIDE)
        for name, image in named.items():
            path = self.folder / f"{source.index:06d}{f'-{motion.first}' if motion.first else ''}_{name}.png"
            if not cv2.imwrite(str(path), np.clip(np.rint(image), 0, 255).astype(np.uint8)[..., ::-1]):
                raise OutputError(f"{path} can't be written")


def picture(value: NDArray[np.floating]) -> NDArray[np.float32]:
    """A map of a crop as RGB [SIDE,SIDE,3] 0..255: pictures as they are, flow [S,S,2] px as hue and lightness, masks 0..1 as grey."""
    value = value.astype(np.float32)
    if value.ndim == 3 and value.shape[2] == 2:
        length, angle = cv2.cartToPolar(value[..., 0], value[..., 1], angleInDegrees=True)
        hsv = np.stack([angle / 2, np.full_like(length, 255), np.clip(length * 32, 0, 255)], -1).astype(np.uint8)
        value = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)
    elif value.ndim == 2 or value.shape[2] == 1:
        value = np.repeat(value.reshape(*value.shape[:2], 1) * 255, 3, axis=2)
    return cv2.resize(value, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(np.float32)
