"""Things to put in front of training faces: drawn shapes of hands, arms, sticks, sprigs, blobs and held-up things, with light on them.

A sprite is a shade and an opacity; its colour comes when it is put before a face: skin like the face's own or like somebody else's, the
texture of another picture, or one plain colour, often pale, with a print on it or without. Sprites are drawn once and turned, scaled and
shifted for every use. Hands cut out of pictures (videdit.train.hands) are sprites that keep their texture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

SIDE = 128
PHOTOS = 0.35  # of what is put before faces, where there are any
Sprite = tuple[NDArray[np.float32], NDArray[np.float32]]  # shade, opacity [SIDE,SIDE] in 0..1


def _round(mask: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Shade of a rounded body: darker towards its edge, by much or hardly, and light from a random side."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    body = cv2.GaussianBlur(np.sqrt(np.clip(depth / max(float(depth.max()), 1.0), 0, 1)), (0, 0), 1.0)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * cv2.Sobel(body, cv2.CV_32F, 1, 0) + np.sin(angle) * cv2.Sobel(body, cv2.CV_32F, 0, 1)
    round_, lit = rng.uniform(0.05, 0.35), rng.uniform(0.02, 0.3)
    return np.clip(rng.uniform(0.9, 1.05) - round_ * (1 - body) + lit * slope, 0.2, 1.15).astype(np.float32)


def _put(parts: Sprite, mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """One more body before those that are there, in place."""
    shade, opacity = parts
    light, inside = _round(mask, rng), mask > 0
    shade[inside], opacity[inside] = light[inside], 1.0


def _limb(path: NDArray[np.floating], widths: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A tapered stroke along a path [K,2]."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for (a, b), (wa, wb) in zip(zip(path, path[1:], strict=False), zip(widths, widths[1:], strict=False), strict=True):
        for t in np.linspace(0, 1, 14):
            at = np.rint(((1 - t) * a + t * b) * 16).astype(int)
            cv2.circle(mask, (int(at[0]), int(at[1])), int(((1 - t) * wa + t * wb) * 16), (1,), -1, cv2.LINE_8, 4)
    return mask


def _nail(
    shade: NDArray[np.float32], joint: NDArray[np.floating], tip: NDArray[np.floating], width: float, rng: np.random.Generator
) -> None:
    """A brighter or darker patch near a finger's end, in place."""
    along = (tip - joint) / max(1.0, float(np.linalg.norm(tip - joint)))
    middle, turn = tip + 0.1 * width * along, float(np.rad2deg(np.arctan2(along[1], along[0])))
    patch = np.zeros(shade.shape, np.uint8)
    size = (max(1, int(0.55 * width)), max(1, int(0.4 * width)))
    cv2.ellipse(patch, (round(middle[0]), round(middle[1])), size, turn, 0, 360, (1,), -1)
    shade[(patch > 0) & (shade > 0)] += rng.uniform(-0.1, 0.2)


def hand(rng: np.random.Generator) -> Sprite:
    """A palm with two to five fingers, spread or together, bent or straight, and an arm."""
    parts = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    middle, palm = np.array([SIDE / 2, SIDE * 0.62]), rng.uniform(13, 19)
    _put(parts, _limb(np.array([middle, middle + (rng.uniform(-12, 12), SIDE)]), np.array([palm * 0.75, palm * 0.95])), rng)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (int(middle[0]), int(middle[1])), (int(palm), int(palm * 1.15)), 0, 0, 360, (1,), -1)
    _put(parts, mask, rng)
    count, spread, length = int(rng.integers(2, 6)), rng.uniform(0.03, 0.32), rng.uniform(1.3, 2.4) * palm
    nails = rng.random() < 0.6  # else the inside of the hand is seen
    for i in rng.permutation(count):
        aim = (i - (count - 1) / 2) * (spread + 0.05) + rng.normal() * 0.05
        root = middle + palm * np.array([(i - (count - 1) / 2) * 1.6 / max(count - 1, 1), -0.55])
        bend, far = rng.normal() * 0.25, length * rng.uniform(0.75, 1.0)
        joint = root + 0.55 * far * np.array([np.sin(aim), -np.cos(aim)])
        tip = joint + 0.45 * far * np.array([np.sin(aim + bend), -np.cos(aim + bend)])
        width = palm * rng.uniform(0.21, 0.28)
        _put(parts, _limb(np.array([root, joint, tip]), width * np.array([1.1, 1.0, 0.8])), rng)
        if nails:
            _nail(parts[0], joint, tip, width, rng)
    if rng.random() < 0.6:  # a thumb
        side = rng.choice([-1, 1])
        root, width = middle + palm * np.array([0.7 * side, 0.1]), palm * 0.3
        tip = root + palm * np.array([side * rng.uniform(0.5, 1.1), rng.uniform(-1.1, -0.2)])
        _put(parts, _limb(np.array([root, tip]), width * np.array([1.1, 0.8])), rng)
    return parts


def stick(rng: np.random.Generator) -> Sprite:
    """A pen, a spoon, a microphone: a stroke, with a ball at its end or without."""
    parts = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    top, width = np.array([SIDE / 2, rng.uniform(40, 70)]), rng.uniform(2.5, 9)
    _put(parts, _limb(np.array([top, [SIDE / 2, 1.4 * SIDE]]), np.array([width, width * rng.uniform(0.7, 1.6)])), rng)
    if rng.random() < 0.6:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        size = (int(width * rng.uniform(1.3, 2.4)), int(width * rng.uniform(1.3, 2.8)))
        cv2.ellipse(mask, (SIDE // 2, int(top[1])), size, 0, 0, 360, (1,), -1)
        _put(parts, mask, rng)
    return parts


def blob(rng: np.random.Generator) -> Sprite:
    """A smooth outline, or a box: a cup, a phone, a sleeve, somebody's shoulder."""
    parts = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    mask, size = np.zeros((SIDE, SIDE), np.uint8), rng.uniform(14, 40)
    if rng.random() < 0.35:
        box = cv2.boxPoints(((SIDE / 2, SIDE / 2), (2 * size, 2 * size * rng.uniform(0.4, 1.0)), float(rng.uniform(0, 180))))
        cv2.fillConvexPoly(mask, np.rint(box).astype(np.int32), (1,))
    else:
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        waves = sum(rng.normal() * 0.22 / k * np.cos(k * angles + rng.uniform(0, 6.3)) for k in range(1, 6))
        radius = size * np.clip(1 + waves, 0.3, 2.0)
        outline = SIDE / 2 + radius[:, None] * np.stack([np.cos(angles), rng.uniform(0.5, 1.0) * np.sin(angles)], 1)
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], (1,))
    _put(parts, mask, rng)
    if rng.random() < 0.5:  # flat things have no round edge
        parts[0][mask > 0] = rng.uniform(0.8, 1.05)
    return parts


def held(rng: np.random.Generator) -> Sprite:
    """Something large with straight edges that is held up, with what is below it or without: flat, or bent like a can."""
    parts = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    wide, high = rng.uniform(16, 42), rng.uniform(16, 48)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (wide, high) + rng.normal(size=(4, 2)) * 3 + SIDE / 2
    if rng.random() < 0.4:
        corners[2:, 1] = SIDE + 1  # it goes on to the edge, where a hand would hold it
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), (1,))
    _put(parts, mask, rng)
    across = np.clip((np.arange(SIDE) + 0.5 - SIDE / 2) / wide, -1, 1)
    bend = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0  # nothing: a sheet
    light = rng.uniform(0.8, 1.1) - bend * (1 - np.sqrt(1 - across**2)) + rng.uniform(-0.12, 0.12) * across
    parts[0][mask > 0] = np.broadcast_to(light, mask.shape)[mask > 0]
    return parts


def sprig(rng: np.random.Generator) -> Sprite:
    """Lobes around a heart, or side by side, on a stalk: a flower, leaves, a bunch, a brush."""
    parts = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
    middle, reach = np.array([SIDE / 2, SIDE * rng.uniform(0.35, 0.5)]), rng.uniform(22, 44)
    if rng.random() < 0.7:
        foot = np.array([SIDE / 2 + rng.uniform(-20, 20), 1.4 * SIDE])
        stalk = middle + np.linspace(0, 1, 9)[:, None] * (foot - middle)
        _put(parts, _limb(stalk, np.full(9, rng.uniform(1, 3.5))), rng)
    count, around = int(rng.integers(3, 13)), rng.choice([2 * np.pi, rng.uniform(0.6, 3.0)])
    wide = np.clip(around * 0.55 * reach / count * rng.uniform(0.4, 1.1), 2.0, 14.0)
    for i in rng.permutation(count):
        angle = around * ((i + 0.5) / count - 0.5) + rng.normal() * 0.05
        way, far = np.array([np.sin(angle), -np.cos(angle)]), reach * rng.uniform(0.8, 1.0)
        at = middle + 0.55 * far * way
        mask, size = np.zeros((SIDE, SIDE), np.uint8), (max(2, round(0.5 * far)), max(2, round(float(wide))))
        cv2.ellipse(mask, (round(at[0]), round(at[1])), size, float(np.rad2deg(angle)) - 90, 0, 360, (1,), -1)
        _put(parts, mask, rng)
    if rng.random() < 0.6:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        cv2.circle(mask, (round(middle[0]), round(middle[1])), round(reach * rng.uniform(0.12, 0.3)), (1,), -1)
        _put(parts, mask, rng)
    return parts


@dataclass(slots=True)
class Things:
    """drawn uint8 [K,2,SIDE,SIDE]: shade x 200, opacity x 255; hands bool [K]: which of them are hands; photographed uint8
    [P,4,SIDE,SIDE]: RGB, opacity."""

    drawn: Tensor
    hands: Tensor
    photographed: Tensor = field(default_factory=lambda: torch.zeros(0, 4, SIDE, SIDE, dtype=torch.uint8))


Shapes = tuple[tuple[Callable[[np.random.Generator], Sprite], float], ...]
SHAPES: Shapes = ((hand, 0.4), (stick, 0.1), (blob, 0.18), (held, 0.18), (sprig, 0.14))


def sprites(count: int, seed: int) -> Things:
    """So many drawn things."""
    rng = np.random.default_rng(seed)
    out, hands = np.zeros((count, 2, SIDE, SIDE), np.uint8), np.zeros(count, bool)
    for i in range(count):
        shape = SHAPES[int(rng.choice(len(SHAPES), p=[share for _, share in SHAPES]))][0]
        shade, opacity = shape(rng)
        out[i, 0], out[i, 1], hands[i] = np.clip(shade * 200, 0, 255), opacity * 255, shape is hand
    return Things(torch.from_numpy(out), torch.from_numpy(hands))


def cover(faces: Tensor, things: Things, draw: torch.Generator, *, bare: float = 0.35) -> tuple[Tensor, Tensor]:
    """Faces [N,3,S,S] in [-1,1] with something before them, and where it is: [N,S,S] in 0..1. A share `bare` of them stays as it is."""
    count, size = len(faces), faces.shape[-1]

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=draw)

    which = torch.randint(len(things.drawn), (count,), generator=draw)
    photos = (rand(count) < PHOTOS) if len(things.photographed) else torch.zeros(count, dtype=torch.bool)
    hands = things.hands[which] | photos
    grid = _placed(hands, size, rand)
    # what leaves a sprite at its edge, such as an arm, goes on
    sprite = F.grid_sample(things.drawn[which].float(), grid, padding_mode="border", align_corners=False)
    shade, opacity = sprite[:, :1] / 200 / sprite[:, 1:].div(255).clamp_min(0.2), (sprite[:, 1:] / 255 * 2 - 0.5).clamp(0, 1)
    # from hard light to none; in soft light a hand before a cheek is hardly more than an outline
    light = 1 + (0.1 + 0.9 * rand(count, 1, 1, 1)) * (shade.clamp(0, 1.3) - 0.95)
    texture = _colours(faces, hands, rand) * light
    if bool(photos.any()):
        which = torch.randint(len(things.photographed), (int(photos.sum()),), generator=draw)
        real = F.grid_sample(things.photographed[which].float() / 255, grid[photos], padding_mode="border", align_corners=False)
        opacity[photos] = (real[:, 3:] * 2 - 0.5).clamp(0, 1)
        texture[photos] = _toned(real[:, :3], opacity[photos], faces[photos], rand)
    opacity = opacity * (rand(count) >= bare)[:, None, None, None]
    for _ in range(1 + int(rand(1) < 0.5)):  # a camera's edges are as soft as the rest of its picture
        opacity = F.avg_pool2d(opacity, 3, 1, 1)
    noise = F.interpolate(rand(count, 1, size // 4, size // 4) - 0.5, size=(size, size), mode="bilinear", align_corners=False)
    texture = texture * (1 + 0.2 * rand(count, 1, 1, 1) * noise * ~photos[:, None, None, None])
    shadow = F.avg_pool2d(opacity, 9, 1, 4).roll((int(3 * rand(1)), int(5 * rand(1)) - 2), (2, 3))
    lit = (faces + 1) / 2 * (1 - 0.6 * rand(count, 1, 1, 1) * shadow)
    out = lit + opacity * (texture.clamp(0, 1) - lit)
    # grain over everything, so that the lack of it tells nothing
    out = out + 0.03 * rand(count, 1, 1, 1) * torch.randn(out.shape, generator=draw)
    return (out.clamp(0, 1) * 2 - 1).contiguous(memory_format=torch.channels_last), opacity[:, 0]


def _placed(hands: Tensor, size: int, rand: Callable[..., Tensor]) -> Tensor:
    """Where sprites are looked up, [N,size,size,2] as grid_sample takes it: turned, scaled and shifted by chance."""
    count = len(hands)
    angle, scale = rand(count) * 6.2832, 0.42 + rand(count) * 0.6
    shift = (rand(count, 2) - 0.5) * 1.1
    # most hands, and many things, come from below, to the mouth, a cheek or the chin
    raised = rand(count) < torch.where(hands, 0.65, 0.4)
    angle = torch.where(raised, (rand(count) - 0.5) * 2.4, angle)
    shift[:, 1] = torch.where(raised, scale * (0.3 - 1.1 * rand(count)), shift[:, 1])
    cos, sin = angle.cos() * scale, angle.sin() * scale
    theta = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    return F.affine_grid(theta, [count, 2, size, size], align_corners=False)


def _toned(real: Tensor, opacity: Tensor, faces: Tensor, rand: Callable[..., Tensor]) -> Tensor:
    """Photographed hands RGB 0..1 [N,3,S,S], most of them brought near the colour of the face's own skin."""
    own = (opacity * real).sum((2, 3), keepdim=True) / opacity.sum((2, 3), keepdim=True).clamp_min(1)
    near = _skin(faces, rand).mean((2, 3), keepdim=True) * (0.8 + 0.4 * rand(len(real), 1, 1, 1))
    share = (rand(len(real), 1, 1, 1) * 1.5).clamp_max(1)
    return real * (1 + share * (near / own.clamp_min(0.05) - 1)).clamp(0.3, 3.0)


def _colours(faces: Tensor, hands: Tensor, rand: Callable[..., Tensor]) -> Tensor:
    """What sprites are made of, RGB 0..1 [N,3,S,S]: hands of skin, other things of skin, of another picture or a colour, often printed."""
    count, size = len(faces), faces.shape[-1]
    others = (rand(count) < 0.4)[:, None, None, None]
    skin = _skin(torch.where(others, faces.roll(1, 0), faces), rand)
    tone = 1 + (rand(count, 1) < 0.6) * (0.5 * rand(count, 1) - 0.25) + 0.1 * (rand(count, 3) - 0.5)
    skin = skin * tone[..., None, None]
    plain = _printed(_paint(count, rand), _paint(count, rand), size, rand)
    picture = (F.interpolate(faces.roll(1, 0).flip(2)[:, :, : size // 2, : size // 2], size=(size, size), mode="bilinear") + 1) / 2
    choice = rand(count)
    of_skin = (hands & (choice < 0.93)) | (choice < 0.12)
    out = torch.where(of_skin[:, None, None, None], skin, plain)
    return torch.where(((choice > 0.7) & ~hands)[:, None, None, None], picture, out)


def _paint(count: int, rand: Callable[..., Tensor]) -> Tensor:
    """Colours RGB 0..1 [N,3,1,1]: most things that people hold are pale or dark, some are bright."""
    grey, vivid = rand(count, 1), rand(count, 3)
    low = torch.where(rand(count, 1) < 0.65, 0.72 + 0.28 * grey, 0.25 * grey)
    return torch.where(rand(count, 1) < 0.5, vivid, (low + 0.08 * (vivid - 0.5)).clamp(0, 1))[..., None, None]


def _printed(ground: Tensor, ink: Tensor, size: int, rand: Callable[..., Tensor]) -> Tensor:
    """One colour [N,3,1,1] with stripes, checks or rows of words of another on it, or without: [N,3,S,S]."""
    count = len(ground)
    angle, kind = rand(count, 1, 1) * 6.2832, rand(count, 1, 1)
    along = torch.arange(size) / size
    x, y = along[None, None, :], along[None, :, None]
    u, v = x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()
    many = 2 + 14 * rand(count, 1, 1) ** 2
    rows = torch.frac(v * many + 16) < 0.15 + 0.5 * rand(count, 1, 1)
    columns = torch.frac(u * many * (0.3 + rand(count, 1, 1)) + 16) < 0.5
    words = F.interpolate(rand(count, 1, size // 4, size // 4), size=(size, size), mode="nearest")[:, 0] < 0.7
    there = torch.where(kind < 0.2, rows, torch.where(kind < 0.35, rows ^ columns, rows & words)) & (kind < 0.6)
    return ground + (ink - ground) * F.avg_pool2d(there[:, None].float(), 3, 1, 1)


def _skin(faces: Tensor, rand: Callable[..., Tensor]) -> Tensor:
    """A cheek of each face, enlarged to the whole crop: RGB 0..1 [N,3,S,S], with its own light and texture."""
    side = (rand(len(faces)) < 0.5).float()
    x, y = -0.34 + 0.68 * side + 0.06 * (rand(len(faces)) - 0.5), 0.2 + 0.1 * (rand(len(faces)) - 0.5)
    wide = 0.08 + 0.1 * rand(len(faces))
    zero = torch.zeros_like(x)
    theta = torch.stack([torch.stack([wide, zero, x], 1), torch.stack([zero, wide, y], 1)], 1)
    grid = F.affine_grid(theta, list(faces.shape), align_corners=False)
    return (F.grid_sample(faces, grid, padding_mode="border", align_corners=False) + 1) / 2
