"""What a region shall become: its own pixels moved, what lies under meeting lips covered, light added, and the render where it takes over.

Made a strip of rows at a time: what a strip needs stays in the processor's cache, and each does only what is to be done there. Pictures of
four channels are warped in half the time of those of three.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.mask import Array, blur, weighted_blur
from videdit.composite.region import box_of, scale_of, shifted, strips
from videdit.composite.transfer import Change
from videdit.geometry import warp
from videdit.types import Region

SHARPEN = 0.2  # share of a render's own detail added to it
GRAIN = 2.0  # levels; what is stronger in the source is an edge of something the edit may have removed
NEAR = 4  # px to either side that a pixel's grain depends on
COVER = 2.0  # crop px over which lips that meet are drawn over what lay between them
COLOUR = 0.025  # of the crop's side, to which a render's colour is smoothed
SEAM = np.array([0.24, 0.38, 0.36], np.float32)  # how much darker the line is where they meet, RGB: a shadow within lips is red
LINE = 1.1  # its half width in crop px
SHADE = 0.06  # how much darker the lips are there than around: they curve inwards
COLOUR_SIGMA = 0.07  # of the crop's side: coarser differences between source and render are lighting and colour
COARSE = 4  # those are found on pictures so many times smaller
FINER = 4  # a render is enlarged so many times along smooth curves, and from there on along straight lines
SMALL = 1.5  # frame px per crop px up to which it is not worth it
LEAST = 0.01  # crop px that something moves, and share of a render, that nobody sees

Matrix = NDArray[np.floating]  # affine [2,3] from the crop to the region's pixels, corner origin


def wanted(source: Array, crop: Array, change: Change, mask: Array, to_region: Matrix) -> tuple[Array, Array]:
    """What is to be added to a region where the change shows fully, float32 [h,w,3], and the mask [h,w] in 0..1 there.

    source [h,w,3]: the region, RGB in 0..255; crop [S,S,3]: the same in crop pixels; mask [S,S]. Meaningful inside the mask only.
    """
    height, width = source.shape[:2]
    out, shares = np.empty_like(source), np.empty((height, width), np.float32)
    layers = cv2.merge([*cv2.split(change.residual), mask])
    transfer = None if change.whole else _Transfer(source, crop, change, to_region)
    for rows in strips(width, height):
        strip = Region(0, rows.start, width, rows.stop - rows.start)
        into, side, target = shifted(to_region, strip), (strip.width, strip.height), out[rows]
        added = warp(layers, into, side, border=cv2.BORDER_CONSTANT)
        np.clip(added[..., 3], 0, 1, out=shares[rows])
        if transfer is None:
            target[...] = warp(change.after, into, side, cubic=True)
        else:
            transfer.draw(target, cv2.cvtColor(added, cv2.COLOR_RGBA2RGB), strip)
        np.clip(target, 0, 255, out=target)
        target -= source[rows]
    return out, shares


class _Transfer:
    """What of a change does not depend on the strip."""

    def __init__(self, source: Array, crop: Array, change: Change, to_region: Matrix) -> None:
        self.source, self.to_region = source, to_region
        self.scale = scale_of(to_region)
        offsets = cv2.transform(change.flow, to_region[:, :2].astype(np.float32))  # they turn and grow with the crop
        self.fields = cv2.merge([*cv2.split(offsets), change.replace, change.closed])
        self.render: Array | None
        self.render, self.into = _render(crop, change, to_region) if change.replace.max() > LEAST else (None, to_region)
        self.cover, self.covered = self._cover(change)

    def draw(self, target: Array, residual: Array, strip: Region) -> None:
        """A strip of the face as it shall be, into target [n,w,3]."""
        x, y, share, _ = cv2.split(self._fields(strip))
        _move(target, self.source, x, y, strip, LEAST * self.scale)
        box = self.cover
        first, stop = max(box.y, strip.y), min(box.y + box.height, strip.y + strip.height)
        if first < stop:
            target[first - strip.y : stop - strip.y, box.x : box.x + box.width] = self.covered[first - box.y : stop - box.y]
        target += residual
        self._replace(target, share, strip)

    def _fields(self, place: Region) -> Array:
        """Offsets across and down, the render's share, and what is to be covered, [h,w,4] of a place in the region."""
        return warp(self.fields, shifted(self.to_region, place), (place.width, place.height))

    def _cover(self, change: Change) -> tuple[Region, Array]:
        """Where lips meet: what lay between them gives way to what lies around it, a little darker."""
        place = box_of(change.closed > 0.05, self.to_region, self.source.shape[1::-1], margin=4 * COVER)
        part = np.empty((place.height, place.width, 3), np.float32)
        if part.size:
            x, y, _, share = cv2.split(self._fields(place))
            line = warp(_line(change.closed), shifted(self.to_region, place), (place.width, place.height))
            _move(part, self.source, x, y, place, LEAST * self.scale)
            full = np.minimum(share * 1.5, 1)
            around = weighted_blur(part, 1 - full, max(1.0, COVER * self.scale))
            part += (around * (1 - SHADE * share[..., None] - SEAM * line[..., None]) - part) * full[..., None]
        return place, part

    def _replace(self, target: Array, share: Array, strip: Region) -> None:
        """The render, under the source's grain, where it takes over."""
        if self.render is None:
            return
        left, top, width, height = cv2.boundingRect(cv2.compare(share, LEAST, cv2.CMP_GT))
        if not width:
            return
        place = Region(left, strip.y + top, width, height)
        found = warp(self.render, shifted(self.into, place), (width, height), cubic=self.scale <= SMALL)
        render = cv2.cvtColor(found, cv2.COLOR_RGBA2RGB)
        render += _grain(self.source, place)
        part = target[top : top + height, left : left + width]
        render -= part
        part += cv2.multiply(render, _thrice(share[top : top + height, left : left + width]), dst=render)


def _line(closed: Array) -> Array:
    """0..1 [S,S]: the line along which lips meet, in the middle of where they do, column by column of the crop."""
    rows = np.arange(len(closed), dtype=np.float32)[:, None]
    total = closed.sum(0)
    middle = (rows * closed).sum(0) / np.maximum(total, np.float32(1e-3))
    # columns that hold little do not know their middle
    middle = blur((middle * total)[None], 2.0)[0] / np.maximum(blur(total[None], 2.0)[0], np.float32(1e-3))
    out: Array = np.exp(-np.square((rows - middle) / np.float32(LINE))) * closed.max(0)
    return out


def _move(target: Array, source: Array, x: Array, y: Array, place: Region, least: float) -> None:
    """What comes to a place of the source by offsets x, y [h,w] px, into target [h,w,3]; less than `least` is none. Changes the offsets."""
    target[...] = source[place.slices]
    left, top, width, height = cv2.boundingRect(cv2.compare(cv2.max(np.abs(x), np.abs(y)), least, cv2.CMP_GT))
    if not width:
        return
    moving = slice(top, top + height), slice(left, left + width)
    x[moving] += np.arange(place.x + left, place.x + left + width, dtype=np.float32)
    y[moving] += np.arange(place.y + top, place.y + top + height, dtype=np.float32)[:, None]
    target[moving] = cv2.remap(source, x[moving], y[moving], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _render(crop: Array, change: Change, to_region: Matrix) -> tuple[Array, Matrix]:
    """The render where it takes over, in the source's light, a little sharpened, enlarged [h,w,4], and the affine from there."""
    plain = _plain(change.after)
    render = plain + SHARPEN * (plain - blur(plain, len(plain) * 0.012)) + _drift(crop - change.before, change.mask)
    finer = FINER if scale_of(to_region) > SMALL else 1
    left, top, width, height = cv2.boundingRect(cv2.compare(change.replace, 0, cv2.CMP_GT))
    left, top, right, bottom = max(0, left - 4), max(0, top - 4), left + width + 4, top + height + 4
    part = cv2.cvtColor(render[top:bottom, left:right], cv2.COLOR_RGB2RGBA)
    into = np.array(to_region, np.float64)
    into[:, 2] += into[:, :2] @ (left, top)
    into[:, :2] /= finer
    return cv2.resize(part, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC), into


def _plain(render: Array) -> Array:
    """The generator's pictures with colour as coarse as it knows it: on thin things, such as rims, it is only guessed."""
    grey = cv2.cvtColor(cv2.transform(render, np.full((1, 3), 1 / 3, np.float32)), cv2.COLOR_GRAY2RGB)
    out: Array = grey + blur(render - grey, len(render) * COLOUR)
    return out


def _drift(offset: Array, mask: Array) -> Array:
    """The offset [S,S,3] between source and render, coarse: it carries the render into the source's light and colour."""
    inside = (mask > 0).astype(np.float32)
    side = (len(mask) // COARSE,) * 2
    total, share = (cv2.resize(x, side, interpolation=cv2.INTER_AREA) for x in (cv2.multiply(offset, _thrice(inside)), inside))
    sigma = side[0] * COLOUR_SIGMA
    mean = blur(total, sigma) / np.maximum(blur(share, sigma), np.float32(1e-3))[..., None]
    return cv2.resize(mean, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)


def _grain(source: Array, place: Region) -> Array:
    """The source's noise and pores at a place, without its edges."""
    top, left = max(0, place.y - NEAR), max(0, place.x - NEAR)
    near = source[top : place.y + place.height + NEAR, left : place.x + place.width + NEAR]
    rows, columns = slice(place.y - top, place.y - top + place.height), slice(place.x - left, place.x - left + place.width)
    fine = source[place.slices] - cv2.GaussianBlur(near, (2 * NEAR + 1,) * 2, 1.0)[rows, columns]
    grain: Array = np.clip(fine, -GRAIN, GRAIN, out=fine)
    return grain


def _thrice(plane: Array) -> Array:
    """[h,w] as [h,w,3]: multiplying by that is much faster than broadcasting."""
    return cv2.merge([plane, plane, plane])
