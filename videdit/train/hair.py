"""A beard for a pack (train.prototype): where the fullest of many people's lie, and hairs like theirs that are nobody's.

The mean of all who are labelled so is a shadow: most have half a beard, and hairs lie elsewhere on everybody. So the FULL that are
fullest say where hair is, how dark, of what colour and how uneven. Strands are drawn anew: noise, smeared along the way they grow.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.edit.pixel import hull, inside
from videdit.errors import UsageError
from videdit.train import pixel_faces, tints
from videdit.train.pictures import Faces
from videdit.train.run import Progress
from videdit.train.tints import blur, even

Floats = NDArray[np.float32]
FULL = 120  # people a beard is made of
DARK, BRIGHT = 0.2, 0.15  # logarithm from which a pixel counts as hair; and, lighter, as light or a thing before the face
DENSE = (0.1, 0.9)  # of the darkest of their mean, where hair begins to grow, and is thick
DEPTH = 0.85  # quantile of how dark it is there in their faces, which is as dark as it is drawn
FINE = 0.015  # of the side: what is finer is hairs
STRAND, SPREAD, FALL = 0.014, 0.6, 0.06  # of the side: half the length of a strand; how much it goes to the sides, and down at least
CURL, CURLS = 1.0, 0.025  # how much strands bend, and within what of the side
LIP = (33, 51)  # landmarks from between which hairs grow away
NOSE, LARGER = (30, 31, 32, 33, 34, 35), 1.2  # landmarks of nostrils, which are dark without hair, and how much larger than their hull
COVERED = ("Eyeglasses", "Wearing_Hat", "Blurry")  # such faces teach nothing: what is dark in them may be a shadow
OTHERS = 600  # faces without it, of the same sex, age and smile, that theirs are compared with


def beard(
    faces: Faces,
    having: NDArray[np.integer],
    lacking: NDArray[np.integer],
    column: int,
    points: Floats,
    where: Floats,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Floats:
    """By what logarithm [3,S,S] hair darkens a face at landmarks `points` [78,2], in an area `where` [S,S] in 0..1.

    having, lacking: rows of faces with and without the attribute of that column that look into the camera. Raises UsageError where the
    former are nowhere darker.
    """
    clear = uncovered(faces, having, column)
    having = having[clear] if clear.any() else having
    where = where * (1 - blur(hull(points, len(where), NOSE, LARGER).astype(np.float32), tints.SOFT * len(where)))
    grown = tints.area(points, len(where), "No_Beard")
    beside = (inside(points, len(where), "") > 0.9) & (grown < tints.PLAIN)

    def colours(row: np.integer) -> Floats:
        """Of a face, less what all of it is lighter by, but where beards may be."""
        picture = tints.colours(faces, int(row), points)
        return np.asarray(picture - np.median(picture[beside], axis=0), np.float32)

    _, others = pixel_faces.compared(faces, having, lacking, column, count=OTHERS, seed=seed)
    plain = even(np.mean([colours(row) for row in others], axis=0))
    greys = np.empty((len(having), *where.shape), np.float32)  # in colour they all would take a gigabyte
    for i, row in enumerate(having):
        greys[i] = (colours(row) - plain).mean(-1)
        if progress and i % 50 == 0:
            progress("faces", i, len(having))
    maps = np.stack([colours(row) - plain for row in having[fullest(greys, where, grown)]])
    grey = np.asarray(maps.mean(-1) * where, np.float32)
    mean = even(-grey.clip(max=0).mean(0))
    low, high = (share * np.quantile(mean[where > 0.5], 0.95) for share in DENSE)
    dense = np.clip((mean - low) / max(1e-6, high - low), 0, 1)
    dense = dense**2 * (3 - 2 * dense)
    thick = (dense > 0.5) & (mean > 0)
    if not thick.any():
        raise UsageError("faces with it are nowhere darker than others", hint="Hair is drawn where the faces of many are darker.")
    depth, colour = np.quantile(-grey[:, thick], DEPTH), maps[:, thick].clip(max=0).mean((0, 1))
    hairs = unevenness(grey, where, thick) * strands(points, len(where), seed=seed)
    layer = np.minimum(dense * (hairs - depth), 0)
    return np.asarray(layer * (colour / colour.mean())[:, None, None], np.float32)


def uncovered(faces: Faces, rows: NDArray[np.integer], column: int) -> NDArray[np.bool_]:
    """bool [len(rows)]: which faces show nothing of COVERED."""
    others = [faces.names.index(name) for name in COVERED if name in faces.names and faces.names.index(name) != column]
    return np.asarray((faces.labels[rows][:, others] != 1).all(1))


def fullest(maps: Floats, where: Floats, grown: Floats) -> NDArray[np.integer]:
    """Rows of the FULL maps [N,S,S] that are darkest over most of an area `where` [S,S] in 0..1, on both sides alike, with nothing light in
    it, and no darker on the rest of where beards may be, `grown`."""
    weight, beyond = (area / max(1e-6, float(area.sum())) for area in (where, np.maximum(grown - where, 0)))
    hair, more = (((maps < -DARK) * area).sum((1, 2)) for area in (weight, beyond))
    light = ((maps > BRIGHT) * weight).sum((1, 2))
    uneven = (np.abs(maps - maps[:, :, ::-1]) * weight).sum((1, 2))
    return np.argsort(light + uneven + more - hair, kind="stable")[:FULL]


def strands(points: Floats, size: int, *, seed: int = 0) -> Floats:
    """[size,size]: noise smeared along the way hairs grow, down and away from the middle of the lip (line integral convolution: Cabral
    and Leedom, 1993); finer than hair lies dense, of mean 0 and deviation 1."""
    dice = np.random.default_rng(seed)
    noise, bend = (dice.standard_normal((size, size)).astype(np.float32) for _ in range(2))
    bend = CURL * CURLS * size * blur(bend, CURLS * size)
    x, y = np.meshgrid(*[np.arange(size, dtype=np.float32)] * 2)
    middle = points[list(LIP)].mean(0) - 0.5  # pixel centres, as remap counts
    across, down = SPREAD * (x - middle[0]), np.abs(y - middle[1]) + FALL * size
    length = np.hypot(across, down)
    across, down = across / length + bend, down / length
    out = np.zeros_like(noise)
    for step in np.arange(-STRAND, STRAND + 1e-6, 0.5 / size) * size:
        out += cv2.remap(noise, np.float32(x + step * across), np.float32(y + step * down), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    out -= blur(out, FINE * size)
    return np.asarray(out / out.std(), np.float32)


def unevenness(maps: Floats, where: Floats, thick: NDArray[np.bool_]) -> float:
    """The deviation of what maps [N,S,S] show beside their own blur where hair is thick."""
    weight, wide = where + 1e-3, FINE * len(where)
    fine = np.stack([some - blur(some * weight, wide) / blur(weight, wide) for some in maps])
    return float((fine - fine.mean(0))[:, thick].std())  # what all share is no hair
