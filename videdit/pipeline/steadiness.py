"""What settings say of steadiness: by which method geometry, latents and changes are smoothed over time, and over how many seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videdit.config import Settings
from videdit.faces.align import SECONDS, Fit, line_fit
from videdit.faces.pose import face_px
from videdit.pipeline.people import Person
from videdit.smooth import METHODS, bridge, trust

STEADY = 0.1  # seconds that changes are smoothed over; their latents already are, by --smooth
PLACED = 5.0  # times that: the seconds over which it is smoothed where on the skin something drawn lies
CALM = 0.75  # seconds that a picture's expression is smoothed over, against a face that changes its own
BATCH = 256  # rows judged at a time
MISPLACED = 0.03  # of the face's side: landmarks that lie less far off their neighbours (RMS) are not doubted
KNOWN = 0.75  # presence from which a frame counts fully


@dataclass(frozen=True, slots=True)
class Steadiness:
    """A name of smooth.METHODS, and the seconds (see smooth.Smoother) that landmarks, latents, changes and what a picture's expression asks
    of a face are smoothed over."""

    method: str
    geometry: float
    latents: float
    changes: float
    expression: float

    @property
    def placed(self) -> float:
        """Seconds that the places of what is drawn onto skin are smoothed over."""
        return PLACED * self.changes

    @property
    def ahead(self) -> float:
        """Seconds to either side of a moment that smoothing its landmarks or latents looks at, at most."""
        return max(METHODS[self.method].reach * max(self.latents, self.geometry), line_fit(self.geometry).behind)


def steadiness_of(settings: Settings) -> Steadiness:
    """--smoother, --smooth and --stabilise in seconds.

    --stabilise s multiplies all of them by 4 s^2: 0 smooths nothing, 0.5 is one time 0.06 s for landmarks, --smooth for latents and
    0.1 s (never more than --smooth) for changes, 0.75 s for what a picture's expression asks, 1 is four times as much.
    """
    factor = 4 * settings.stabilise**2
    changes = min(STEADY, settings.smooth)
    return Steadiness(settings.smoother, factor * SECONDS, factor * settings.smooth, factor * changes, factor * CALM)


def landmark_fit(steady: Steadiness) -> Fit:
    """How landmarks are smoothed. The Gaussian takes a line with it, which keeps a steady motion at a track's ends too."""
    if steady.method == "gaussian":
        return line_fit(steady.geometry)
    method = METHODS[steady.method]

    def at(row: int, landmarks: NDArray[np.floating], times: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.floating]:
        there = np.ones(len(times), bool)
        return method.smooth(landmarks, times, there, steady.geometry, weights=weights, start=row, stop=row + 1)[0]

    reach = method.reach * steady.geometry
    return Fit(at, reach, 0.0 if method.causal else reach)


def doubt(landmarks: NDArray[np.floating], times: NDArray[np.floating]) -> NDArray[np.floating]:
    """Trust [n] in landmarks [n,78,2] px at times [n] s: a frame whose points stand far off those around it has none."""
    floor = MISPLACED * float(np.median(face_px(landmarks)))
    return trust(landmarks.reshape(len(landmarks), -1), times, np.ones(len(times), bool), floor=floor)


def there(person: Person) -> NDArray[np.bool_]:
    """bool [T]: where the person is, short misses bridged."""
    return bridge(person.track.times, person.latents.valid)


def weights_of(person: Person) -> NDArray[np.float64]:
    """How far the latent of each frame [T] is to be trusted, 0..1: none where it was bridged or stands alone; less where the face is
    hardly there; exactly 1 elsewhere."""
    times, present = person.track.times, there(person)
    sure = np.clip(person.track.confidence.astype(np.float64) / KNOWN, 0.0, 1.0) * person.latents.valid
    flat = person.latents.w.reshape(len(times), -1)
    starts = range(0, len(times), BATCH) if flat.shape[1] else ()
    judged = [trust(flat, times, present, start=start, stop=start + BATCH) for start in starts]
    return sure * np.concatenate(judged) if judged else sure


def smooth_latents(person: Person, steady: Steadiness, weights: NDArray[np.floating], start: int, stop: int) -> NDArray[np.float32]:
    """Rows start..stop of the person's latents, smoothed over time: float32 [n,L,D]. weights: `weights_of` the person."""
    smooth = METHODS[steady.method].smooth
    rows = smooth(person.latents.w, person.track.times, there(person), steady.latents, weights=weights, start=start, stop=stop)
    return rows.astype(np.float32, copy=False)
