"""Frames made of RGB arrays, and faces that need no network."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from videdit.faces.shape import MEAN_FACE, bounding_box
from videdit.types import Color, Face, Frame

MakeFrame = Callable[..., Frame]


@pytest.fixture
def make_frame() -> MakeFrame:
    """make_frame(rgb uint8 [h,w,3], index=0, fps=25) -> Frame with planes G, B, R."""

    def make(rgb: NDArray[np.uint8], index: int = 0, fps: int = 25) -> Frame:
        planes = tuple(np.ascontiguousarray(rgb[..., i]) for i in (1, 2, 0))
        return Frame(planes, Color("rgb", True), "gbrp", index, Fraction(1, fps), index)

    return make


def face_at(x: float, y: float, eyes: float = 40.0) -> Face:
    """A detection whose 78 points are the average face, middle between the eyes at (x, y), eyes `eyes` px apart."""
    points = MEAN_FACE * eyes + [x, y]
    return Face(bounding_box(points), points, 0.99)
