"""How much of an edit a face can bear: less of it where it is hardly there, turned away, blurred or small.

Each of the four has a threshold where nothing is left and a value from which all of it shows, with a smooth ramp between; the
product is smoothed over time, so that nothing pops. Frames in which all four are fine keep exactly 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from videdit.config import Settings
from videdit.faces.pose import face_px, yaw
from videdit.pipeline.lowered import LITTLE
from videdit.pipeline.people import Person
from videdit.smooth import gaussian

# Where all of the edit shows, in shares of the threshold where none does.
YAW, BLUR, PX = 0.6, 0.5, 1.6
SURE = 0.5  # of the way from the least presence to 1


def factors_of(person: Person, settings: Settings) -> dict[str, NDArray[np.float64]]:
    """By reason, the share [T] of an edit, 0..1, that each frame of a person can bear; 1 where the face was missed."""
    track, valid = person.track, person.latents.valid
    least = settings.min_presence
    factors = {
        "presence": _ramp(track.confidence, least, least + SURE * (1 - least)),
        "yaw": _ramp(yaw(track.landmarks), settings.max_yaw, YAW * settings.max_yaw),
        "size": _ramp(face_px(track.landmarks), settings.min_face, PX * settings.min_face),
    }
    if track.blur is not None:
        factors["blur"] = _ramp(track.blur, settings.max_blur, BLUR * settings.max_blur)
    return {name: np.where(valid, values, 1.0) for name, values in factors.items()}


def strength_of(
    factors: Mapping[str, NDArray[np.floating]], times: NDArray[np.floating], present: NDArray[np.bool_], seconds: float
) -> NDArray[np.float32]:
    """The factors' product float32 [T], smoothed over time; seconds: how long it takes to come and go."""
    product = np.prod(list(factors.values()), axis=0)
    smoothed = gaussian(product, times, present, seconds / 4)
    # what must not be edited is not, however short
    return np.minimum(smoothed, np.where(product < LITTLE, 0.0, 1.0)).astype(np.float32)


def _ramp(values: NDArray[np.floating], none: float, full: float) -> NDArray[np.float64]:
    """0 at `none` and beyond, 1 at `full` and beyond, smooth between; where the two are one, a step that lets `full` pass."""
    values = np.asarray(values, np.float64)
    if none == full:
        return np.ones(len(values))
    share = np.clip((values - none) / (full - none), 0.0, 1.0)
    return share * share * (3 - 2 * share)
