"""Prototypes of colour (Rowland and Perrett, 1995): what people with an attribute are redder, darker or paler by, in the mean of all.

Right for what lies on the same place of everybody's face: lipstick, brows, a beard. Detail goes, as in every mean; the face's own shines
through.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.edit.pixel import LOCAL, but_own, hull, inside
from videdit.edit.prototype import warped
from videdit.train import pixel_faces
from videdit.train.pictures import Faces
from videdit.train.run import Progress

Floats = NDArray[np.float32]
BEARD = (((*range(2, 15), *range(31, 36)), 1.1),)
AREAS: dict[str, tuple[tuple[tuple[int, ...], float], ...]] = {  # landmarks whose hulls it may lie in, and how much larger than these
    "Wearing_Lipstick": ((tuple(range(48, 60)), 1.1),),
    "Bushy_Eyebrows": ((tuple(range(17, 22)), 1.7), (tuple(range(22, 27)), 1.7)),
    "No_Beard": BEARD,
    "5_o_Clock_Shadow": BEARD,
    "Mustache": (((31, 33, 35, 48, 49, 50, 51, 52, 53, 54), 1.4),),
    "Goatee": (((31, 33, 35, 48, 54, 6, 7, 8, 9, 10), 1.1),),
}
SOFT = 0.015  # of the side: how far their edges fade
PAIRS = 1200  # faces with it, each beside one without that is like it
PLAIN = 0.02  # share of an area that is none: there light is measured


def area(points: Floats, size: int, source: str) -> Floats:
    """[size,size] in 0..1: where on a face with these landmarks [78,2] px an attribute may be seen; never in eyes or between lips."""
    share = inside(points, size, "") * but_own(points, size)
    if source in AREAS:
        parts = [blur(hull(points, size, numbers, grown).astype(np.float32), SOFT * size) for numbers, grown in AREAS[source]]
        share = share * np.maximum.reduce(parts)
    elif LOCAL.get(source):
        share = share * inside(points, size, LOCAL[source])
    return np.asarray(share, np.float32)


def tint(
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
    """By what logarithm [3,S,S] the colours of faces of some rows differ from those of others that are like them, at landmarks `points`
    [78,2], in an area `where` [S,S]; the mean of both sides.

    Those with it were lit otherwise, in studios or in the street: what all of the face outside the area is lighter by does not
    count, or where the area is all of it, how much lighter it is in all colours.
    """
    total = np.zeros((*where.shape, 3), np.float32)
    chosen, others = pixel_faces.compared(faces, having, lacking, column, count=PAIRS, seed=seed)
    for i, (row, other) in enumerate(zip(chosen, others, strict=True)):
        total += colours(faces, row, points) - colours(faces, other, points)
        if progress and i % 50 == 0:
            progress("faces", i, len(chosen))
    mean = even(np.asarray(total / len(chosen), np.float32))
    whole = inside(points, len(where), "") > 0.9
    beside = whole & (where < PLAIN)
    light = np.median(mean[beside], axis=0) if beside.sum() > 0.1 * whole.sum() else np.full(3, np.median(mean[whole]))
    layer = mean - light
    if where[whole].mean() < 0.5:  # hair and paint darken, without them skin is lighter: what goes the other way lies beside it
        layer = np.clip(layer, *((None, 0) if np.average(layer.mean(-1), weights=where) < 0 else (0, None)))
    return np.asarray((layer * where[..., None]).transpose(2, 0, 1), np.float32)


def brought(faces: Faces, row: int, points: Floats) -> Floats:
    """A face [S,S,3] RGB 0..255, brought to landmarks."""
    picture = warped(faces.faces[row].astype(np.float32), faces.points[row], points, faces.faces.shape[1])
    return np.asarray(np.clip(picture, 0, 255), np.float32)


def colours(faces: Faces, row: int, points: Floats) -> Floats:
    """The logarithm of a face's colours [S,S,3], brought to landmarks."""
    return np.log(brought(faces, row, points) + 8)


def even(picture: Floats) -> Floats:
    """The mean of a picture [S,S] or [S,S,C] with its mirror image."""
    return np.asarray((picture + picture[:, ::-1]) / 2, np.float32)


def blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian, sigma in px."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
