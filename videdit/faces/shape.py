"""The average face: where the 78 points lie, in eye distances about the middle between the eyes.

Median of FaceMesh's points over the training faces, made symmetric. Points 0..67 are in iBUG 300-W order, 68..77 go along the
forehead, image left to right.
"""

from __future__ import annotations

import numpy as np

from videdit.geometry import Floats, transform_points

# fmt: off
MEAN_FACE: Floats = np.array([
    (-1.069, 0.013), (-1.054, 0.231), (-1.040, 0.454), (-1.007, 0.692), (-0.941, 0.943), (-0.736, 1.301),
    (-0.591, 1.436), (-0.338, 1.619), (0.000, 1.702), (0.338, 1.619), (0.591, 1.436), (0.736, 1.301),
    (0.941, 0.943), (1.007, 0.692), (1.040, 0.454), (1.054, 0.231), (1.069, 0.013), (-0.884, -0.242),
    (-0.788, -0.322), (-0.634, -0.362), (-0.443, -0.348), (-0.227, -0.320), (0.227, -0.320), (0.443, -0.348),
    (0.634, -0.362), (0.788, -0.322), (0.884, -0.242), (0.000, -0.056), (0.000, 0.185), (0.000, 0.398),
    (0.000, 0.531), (-0.211, 0.640), (-0.124, 0.700), (0.000, 0.707), (0.124, 0.700), (0.211, 0.640),
    (-0.710, -0.005), (-0.603, -0.057), (-0.436, -0.063), (-0.274, 0.026), (-0.407, 0.051), (-0.571, 0.049),
    (0.274, 0.026), (0.436, -0.063), (0.603, -0.057), (0.710, -0.005), (0.571, 0.049), (0.407, 0.051),
    (-0.436, 0.952), (-0.345, 0.910), (-0.131, 0.876), (0.000, 0.893), (0.131, 0.876), (0.345, 0.910),
    (0.436, 0.952), (0.326, 1.070), (0.126, 1.177), (0.000, 1.190), (-0.126, 1.177), (-0.326, 1.070),
    (-0.378, 0.952), (-0.106, 0.966), (0.000, 0.972), (0.106, 0.966), (0.378, 0.952), (0.106, 1.044),
    (0.000, 1.051), (-0.106, 1.044), (-1.057, -0.213), (-1.016, -0.395), (-0.925, -0.562), (-0.781, -0.693),
    (-0.548, -0.781), (0.000, -0.831), (0.548, -0.781), (0.781, -0.693), (0.925, -0.562), (1.016, -0.395),
])
# fmt: on
MEAN_FACE.setflags(write=False)


def five_points(points: Floats) -> Floats:
    """[...,78,2] -> [...,5,2]: eyes, nose tip, mouth corners, image left to right (what detectors give)."""
    eyes = points[..., 36:42, :].mean(-2), points[..., 42:48, :].mean(-2)
    return np.stack([*eyes, points[..., 30, :], points[..., 48, :], points[..., 54, :]], axis=-2)


def similarity(source: Floats, target: Floats) -> Floats:
    """The affine [2,3] of turn, scale and shift that takes points [K,2] nearest to others [K,2] (least squares)."""
    a, b = source.mean(0), target.mean(0)
    p, q = (source - a) @ np.array([1, 1j]), (target - b) @ np.array([1, 1j])
    factor = np.vdot(p, q) / max(float(np.vdot(p, p).real), 1e-12)
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.concatenate([linear, (b - linear @ a)[:, None]], axis=1)


def from_five(points: Floats) -> Floats:
    """Where the 78 points about are, given a detector's five [5,2] px."""
    return transform_points(MEAN_FACE, similarity(five_points(MEAN_FACE), points))


def upright_box(points: Floats) -> tuple[Floats, float, float]:
    """Centre [2] px, longer side px, and turn (radians, clockwise in the image) of the box that stands along the face."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    across, down = right - left, (points[48] + points[54] - left - right) / 2
    x = across / max(np.hypot(*across), 1e-9) + np.array([down[1], -down[0]]) / max(np.hypot(*down), 1e-9)
    turn = float(np.arctan2(x[1], x[0]))
    c, s = np.cos(turn), np.sin(turn)
    along = points @ np.array([[c, -s], [s, c]])
    low, high = along.min(0), along.max(0)
    return (low + high) / 2 @ np.array([[c, s], [-s, c]]), float((high - low).max()), turn


def bounding_box(points: Floats) -> Floats:
    """(left, top, right, bottom) px of points [K,2]."""
    return np.concatenate([points.min(0), points.max(0)])
