"""Things drawn by code that pass before a face: a mug, a leaf, a letter, a flower, ice cream and a flat hand of the face's own colour.

None of them is drawn by the code of `videdit train occlusion` (spread hands, sticks with a ball, blobs, boxes, printed slabs, sprigs). The
letter and the mug were missed when it drew no pale or printed things, and the flower when it drew nothing with petals; it draws such since.
Leaf and ice cream are unlike anything it draws.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256  # px of a sprite
FINE = 2  # times finer it is drawn, so that its edges are smooth
GRAIN = 2.0  # levels, so that the lack of it tells nothing
Sprite = NDArray[np.float32]  # [SIDE,SIDE,4]: RGB 0..255 and opacity 0..1
Canvas = tuple[NDArray[np.float32], NDArray[np.uint8]]  # RGB [S,S,3] and mask [S,S], S = FINE * SIDE


def things(skin: NDArray[np.floating]) -> dict[str, tuple[Sprite, float]]:
    """By name a sprite and its side over the face's; skin: RGB [3] of the face, of which the hand is."""
    hand = _hand(np.asarray(skin, np.float32))
    return {
        "mug": (_mug(), 1.3),
        "leaf": (_leaf(), 1.3),
        "letter": (_letter(), 1.1),
        "flower": (_flower(), 1.2),
        "ice": (_ice(), 1.2),
        "hand": (hand, 1.3),
    }


def covered(
    frame: NDArray[np.uint8], sprite: Sprite, centre: NDArray[np.floating], side: float, degrees: float, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The frame [H,W,3] RGB with a sprite of `side` px turned about its centre at (x, y) px, and its opacity float32 [H,W].

    Convention: points count from the top-left corner, pixel centres lie at halves. Grain is the same for the same seed.
    """
    height, width = frame.shape[:2]
    scale, angle = side / SIDE, np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # from pixel centres of the sprite to those of the frame
    shift = np.asarray(centre) - 0.5 - linear @ np.full(2, SIDE / 2 - 0.5)
    small = cv2.GaussianBlur(sprite, (0, 0), 0.4 / scale) if scale < 1 else sprite  # no coarser sampling than the picture has
    matte = np.concatenate([small[..., :3] * small[..., 3:], small[..., 3:]], axis=-1)
    placed = cv2.warpAffine(matte, np.column_stack([linear, shift]), (width, height), flags=cv2.INTER_LINEAR)
    opacity = placed[..., 3:]
    grain = GRAIN * np.random.default_rng(seed).normal(size=(height, width, 1)).astype(np.float32)
    out = frame * (1 - opacity) + placed[..., :3] + grain * opacity
    return np.clip(np.rint(out), 0, 255).astype(np.uint8), opacity[..., 0]


def _canvas() -> Canvas:
    side = FINE * SIDE
    return np.zeros((side, side, 3), np.float32), np.zeros((side, side), np.uint8)


def _points(*points: tuple[float, float]) -> NDArray[np.int32]:
    """Shares of the side to px."""
    return np.rint(np.array(points) * FINE * SIDE).astype(np.int32)


def _paint(canvas: Canvas, mask: NDArray[np.uint8], colour: tuple[float, float, float] | NDArray[np.floating]) -> None:
    """Colour [3] or [S,S,3] where the mask is."""
    rgb, there = canvas
    rgb[mask > 0] = np.broadcast_to(np.asarray(colour, np.float32), rgb.shape)[mask > 0]
    there[mask > 0] = 1


def _finished(canvas: Canvas) -> Sprite:
    rgb, mask = canvas
    opacity = mask.astype(np.float32)
    # colour runs on beyond the outline, so that smoothing it does not darken the edge
    near = cv2.GaussianBlur(rgb * opacity[..., None], (0, 0), 4) / np.maximum(cv2.GaussianBlur(opacity, (0, 0), 4), 1e-3)[..., None]
    filled = np.where(opacity[..., None] > 0, rgb, near)
    return cv2.resize(np.dstack([filled, opacity]).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _across(low: float, high: float) -> NDArray[np.float32]:
    """Light [S,1] of a cylinder that stands between two shares of the side: [1,S]."""
    x = (np.arange(FINE * SIDE) + 0.5) / (FINE * SIDE)
    bend = np.clip((2 * x - low - high) / (high - low), -1, 1)
    return (0.6 + 0.4 * np.sqrt(1 - bend**2) - 0.12 * bend)[None].astype(np.float32)


def _mug() -> Sprite:
    """White china with two blue bands and a handle."""
    canvas = _canvas()
    ring = canvas[1].copy()
    middle, axes = _points((0.72, 0.5), (0.16, 0.2)).tolist()
    cv2.ellipse(ring, middle, axes, 0, 0, 360, (1,), int(0.06 * FINE * SIDE))
    _paint(canvas, ring, (205, 203, 198))
    body = canvas[1] * 0
    cv2.fillConvexPoly(body, _points((0.2, 0.18), (0.72, 0.18), (0.68, 0.84), (0.24, 0.84)), (1,))
    light = np.repeat(_across(0.18, 0.74), len(body), 0)[..., None]
    _paint(canvas, body, light * np.float32([240, 238, 232]))
    for top in (0.3, 0.66):
        band = body.copy()
        band[: int(top * len(band))] = 0
        band[int((top + 0.07) * len(band)) :] = 0
        _paint(canvas, band, light * np.float32([40, 70, 150]))
    return _finished(canvas)


def _leaf() -> Sprite:
    """A pointed green leaf with veins and a stalk."""
    canvas = _canvas()
    t = np.linspace(0, 1, 60)
    wide = 0.24 * np.sin(np.pi * t**0.8) * (1 - 0.25 * t)
    outline = np.concatenate([np.stack([0.5 + wide, 0.85 - 0.75 * t], 1), np.stack([0.5 - wide, 0.85 - 0.75 * t], 1)[::-1]])
    blade = canvas[1].copy()
    cv2.fillPoly(blade, [_points(*outline)], (1,))
    light = np.linspace(0.75, 1.15, len(blade), dtype=np.float32)[None, :, None]
    _paint(canvas, blade, np.broadcast_to(light * np.float32([70, 125, 45]), canvas[0].shape))
    veins = canvas[1] * 0
    for down in np.arange(0.25, 0.8, 0.11):
        for side in (-1, 1):
            cv2.polylines(veins, [_points((0.5, down), (0.5 + side * 0.14, down - 0.1))], False, (1,), 3)
    veins &= blade
    cv2.polylines(veins, [_points((0.5, 0.98), (0.5, 0.12))], False, (1,), 7)
    _paint(canvas, veins, (150, 180, 105))
    return _finished(canvas)


def _flower() -> Sprite:
    """White petals, rosy at their tips, around a yellow heart, on a stalk."""
    canvas = _canvas()
    stalk = canvas[1] * 0
    cv2.line(stalk, *_points((0.5, 0.4), (0.54, 1.0)).tolist(), (1,), int(0.03 * FINE * SIDE))
    _paint(canvas, stalk, (85, 120, 60))
    rows, columns = np.mgrid[: FINE * SIDE, : FINE * SIDE] / (FINE * SIDE)
    far = np.hypot(columns - 0.5, rows - 0.4)[..., None] / 0.36
    rosy = np.float32([246, 240, 236]) - far.clip(0, 1) ** 3 * np.float32([10, 70, 50])
    for number, turn in enumerate(np.arange(0, 360, 40)):
        petal = canvas[1] * 0
        out = np.deg2rad(turn)
        middle = _points((0.5 + 0.21 * np.cos(out), 0.4 + 0.21 * np.sin(out))).tolist()[0]
        cv2.ellipse(petal, middle, _points((0.16, 0.08)).tolist()[0], float(turn), 0, 360, (1,), -1)
        _paint(canvas, petal, rosy * (0.9 if number % 2 else 1.0))
    heart = canvas[1] * 0
    cv2.circle(heart, _points((0.5, 0.4)).tolist()[0], int(0.075 * FINE * SIDE), (1,), -1)
    _paint(canvas, heart, (225, 180, 60))
    return _finished(canvas)


def _ice() -> Sprite:
    """Two balls of ice cream, pink on brown, in a cone."""
    canvas = _canvas()
    cone = canvas[1] * 0
    cv2.fillConvexPoly(cone, _points((0.3, 0.46), (0.7, 0.46), (0.5, 0.99)), (1,))
    rows, columns = np.mgrid[: FINE * SIDE, : FINE * SIDE] / (FINE * SIDE)
    waffle = (np.abs(np.sin(60 * (rows + columns))) < 0.25) | (np.abs(np.sin(60 * (rows - columns))) < 0.25)
    _paint(canvas, cone, np.where(waffle[..., None], np.float32([165, 110, 60]), np.float32([215, 165, 105])))
    for middle, colour in (((0.5, 0.42), (105, 68, 50)), ((0.5, 0.2), (236, 170, 180))):
        ball = canvas[1] * 0
        cv2.circle(ball, _points(middle).tolist()[0], int(0.2 * FINE * SIDE), (1,), -1)
        lit = 1.08 - 0.9 * np.hypot(columns - middle[0] + 0.06, rows - middle[1] + 0.08)
        _paint(canvas, ball, lit[..., None] * np.float32(colour))
    return _finished(canvas)


def _letter() -> Sprite:
    """A sheet with lines of writing."""
    canvas = _canvas()
    sheet = canvas[1].copy()
    cv2.fillConvexPoly(sheet, _points((0.18, 0.1), (0.82, 0.1), (0.82, 0.9), (0.18, 0.9)), (1,))
    _paint(canvas, sheet, (232, 230, 220))
    random, words = np.random.default_rng(3), canvas[1] * 0
    for down in np.arange(0.2, 0.84, 0.055):
        left = 0.24
        while left < 0.7:
            right = min(0.76, left + random.uniform(0.03, 0.12))
            cv2.line(words, *_points((left, down), (right, down)).tolist(), (1,), 6)
            left = right + 0.025
    _paint(canvas, words, (60, 58, 70))
    return _finished(canvas)


def _hand(skin: NDArray[np.float32]) -> Sprite:
    """A flat hand from the side of its back, fingers together, out of a dark sleeve; the light comes from the left."""
    canvas = _canvas()
    flat = canvas[1].copy()
    outline = [(0.34, 0.75), (0.31, 0.5), (0.33, 0.3), (0.38, 0.14), (0.45, 0.08), (0.53, 0.09), (0.6, 0.17), (0.64, 0.32), (0.65, 0.45)]
    outline += [(0.74, 0.38), (0.78, 0.42), (0.72, 0.58), (0.63, 0.7), (0.6, 0.78)]
    cv2.fillPoly(flat, [_points(*outline)], (1,))
    flat = (cv2.GaussianBlur(flat.astype(np.float32), (0, 0), 8) > 0.5).astype(np.uint8)
    light = np.linspace(1.08, 0.82, len(flat), dtype=np.float32)[None, :, None]
    _paint(canvas, flat, np.broadcast_to(light * skin, canvas[0].shape))
    lines = canvas[1] * 0
    for bottom, top in (((0.41, 0.42), (0.43, 0.17)), ((0.485, 0.42), (0.49, 0.13)), ((0.56, 0.43), (0.55, 0.18))):
        cv2.line(lines, *_points(bottom, top).tolist(), (1,), 4)
    _paint(canvas, lines & flat, 0.62 * skin)
    canvas[0][:] = cv2.GaussianBlur(canvas[0], (0, 0), 1.5)
    sleeve = canvas[1] * 0
    cv2.fillConvexPoly(sleeve, _points((0.29, 0.72), (0.66, 0.74), (0.72, 1.0), (0.22, 1.0)), (1,))
    _paint(canvas, sleeve, np.repeat(_across(0.22, 0.72), len(sleeve), 0)[..., None] * np.float32([52, 56, 70]))
    return _finished(canvas)
