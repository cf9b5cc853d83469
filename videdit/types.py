"""Everything that crosses the border between two stages.

Pixels are (x, y) with the origin at the top-left corner (see geometry). Pictures handed between stages are upright RGB;
a frame keeps the decoder's own planes, and only face regions are ever converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit import tone
from videdit.curves import ALWAYS, Strength, Window

# Kr, Kb of ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance).
LUMA = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


@dataclass(frozen=True, slots=True)
class Region:
    """A box of whole pixels inside a picture: left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


@dataclass(frozen=True, slots=True)
class Color:
    """How samples become RGB. matrix: bt601 | bt709 | bt2020 | rgb; depth in bits; full_range False is 16..235.

    The tags (FFmpeg's numbers: primaries, transfer, space, range) are kept to be written again as they came.
    """

    matrix: str = "bt709"
    full_range: bool = False
    depth: int = 8
    tags: Mapping[str, int] = field(default_factory=dict)

    @property
    def curve(self) -> str:
        """ "pq" or "hlg" where samples are HDR, else ""."""
        return tone.CURVES.get(self.tags.get("transfer", 0), "")

    @property
    def primaries(self) -> int:
        """FFmpeg's number of the primaries."""
        return self.tags.get("primaries", tone.UNSPECIFIED)

    def to_rgb(self) -> NDArray[np.float32]:
        """[3,3] from (Y, Cb, Cr), offsets removed, in sample units, to RGB in 0..255."""
        kr, kb = LUMA[self.matrix]
        kg = 1 - kr - kb
        luma, chroma = self.spans()
        y, c = 255.0 / luma, 255.0 / chroma
        red, blue = 2 * (1 - kr) * c, 2 * (1 - kb) * c
        return np.array([[y, 0, red], [y, -blue * kb / kg, -red * kr / kg], [y, blue, 0]], np.float32)

    def spans(self) -> tuple[float, float]:
        """Sample distance between black and white, and over the whole range of chroma."""
        scale = 1 << (self.depth - 8)
        return (255.0 * scale, 255.0 * scale) if self.full_range else (219.0 * scale, 224.0 * scale)

    def offsets(self) -> tuple[float, float]:
        """Sample value of black and of neutral chroma."""
        scale = 1 << (self.depth - 8)
        return (0.0 if self.full_range else 16.0 * scale), 128.0 * scale


@dataclass(slots=True)
class Frame:
    """One decoded frame, upright.

    planes: uint8 or uint16 [h,w] each, (Y, Cb, Cr) or, with color.matrix "rgb", (G, B, R); more planes (alpha) are carried along.
    pts x time_base is the time in seconds; duration in the same ticks, 0 where nobody knows.
    """

    planes: tuple[NDArray[np.integer], ...]
    color: Color
    pix_fmt: str
    pts: int
    time_base: Fraction
    index: int
    duration: int = 0

    @property
    def width(self) -> int:
        return int(self.planes[0].shape[1])

    @property
    def height(self) -> int:
        return int(self.planes[0].shape[0])

    @property
    def time(self) -> float:
        """Seconds."""
        return float(self.pts * self.time_base)

    def _sub(self) -> tuple[int, int]:
        """Luma samples per chroma sample, across and down."""
        chroma = self.planes[1].shape
        return (self.width + chroma[1] - 1) // chroma[1], (self.height + chroma[0] - 1) // chroma[0]

    def align(self, region: Region) -> Region:
        """The region grown to whole chroma samples and cut to the frame."""
        sx, sy = self._sub() if len(self.planes) > 1 else (1, 1)
        x0, y0 = max(0, region.x // sx * sx), max(0, region.y // sy * sy)
        x1 = min(self.width, -(-(region.x + region.width) // sx) * sx)
        y1 = min(self.height, -(-(region.y + region.height) // sy) * sy)
        return Region(x0, y0, max(0, x1 - x0), max(0, y1 - y0))

    def rgb(self, region: Region | None = None, *, scale: float = 1.0) -> NDArray[np.float32]:
        """Upright RGB float32 [h,w,3] in 0..255, not clipped, of a region (`align`ed first) or the whole frame.

        scale < 1 shrinks by area average before converting. PQ and HLG samples come as the SDR picture that tone.py defines.
        """
        signal = self._signal(region, scale)
        curve = self.color.curve
        return tone.to_sdr(signal, curve, self.color.primaries) if curve else signal

    def _signal(self, region: Region | None, scale: float) -> NDArray[np.float32]:
        """R'G'B' as the samples say it, float32 [h,w,3] in 0..255."""
        region = self.align(region or Region(0, 0, self.width, self.height))
        size = (max(1, round(region.width * scale)), max(1, round(region.height * scale)))
        samples = [self._samples(i, region, size) for i in range(min(3, len(self.planes)))]
        black, neutral = self.color.offsets()
        if len(samples) < 3:
            grey = samples[0].astype(np.float32) - np.float32(0 if self.color.matrix == "rgb" else black)
            return cv2.cvtColor(grey * np.float32(255.0 / self.color.spans()[0]), cv2.COLOR_GRAY2RGB)
        picture = cv2.merge(samples).astype(np.float32)
        if self.color.matrix == "rgb":
            matrix = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float64) * (255.0 / ((1 << self.color.depth) - 1))
            return cv2.transform(picture, matrix, dst=picture)
        matrix = self.color.to_rgb().astype(np.float64)
        return cv2.transform(picture, np.column_stack([matrix, -matrix @ (black, neutral, neutral)]), dst=picture)

    def _samples(self, plane: int, region: Region, size: tuple[int, int]) -> NDArray[np.integer]:
        """One plane of a region at a size."""
        part = self.planes[plane][self._slices(plane, region)]
        if part.shape == (size[1], size[0]):
            return part
        return cv2.resize(part, size, interpolation=cv2.INTER_AREA if part.shape[0] > size[1] else cv2.INTER_LINEAR)

    def _slices(self, plane: int, region: Region) -> tuple[slice, slice]:
        """Rows and columns of a region in a plane."""
        sx, sy = self._sub() if plane and len(self.planes) > 1 else (1, 1)
        rows, columns = (region.y // sy, -(-(region.y + region.height) // sy)), (region.x // sx, -(-(region.x + region.width) // sx))
        return slice(*rows), slice(*columns)

    def add(self, region: Region, change: NDArray[np.float32]) -> None:
        """Add an RGB change float32 [h,w,3] (in units of 0..255) to the planes of an `align`ed region, in place.

        A sample whose change rounds to zero keeps its value to the bit. In PQ and HLG the change is one of the SDR picture that `rgb`
        gives; what it makes of the samples is the difference between the two pictures taken back to their curve (tone.change_of).
        """
        if self.color.curve:
            change = tone.change_of(self.rgb(region), change, self.color.curve, self.color.primaries)
        top = (1 << self.color.depth) - 1
        if self.color.matrix == "rgb":
            matrix = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32) * np.float32(top / 255.0)
        else:
            matrix = np.linalg.inv(self.color.to_rgb().astype(np.float64)).astype(np.float32)
        part = change  # of the size of the plane's samples
        for plane in range(min(3, len(self.planes))):
            view = self.planes[plane][self._slices(plane, region)]
            if part.shape[:2] != view.shape:
                part = cv2.resize(change, view.shape[::-1], interpolation=cv2.INTER_AREA)
            more = np.rint(cv2.transform(part, matrix[plane : plane + 1])).astype(np.int16 if top == 255 else np.int32)
            if top == 255:
                view[...] = cv2.add(view, more, dtype=cv2.CV_8U)
            else:
                view[...] = np.clip(view.astype(np.int32) + more, 0, top).astype(view.dtype)


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in a picture: box (left, top, right, bottom) px, landmarks [K,2] px (K = 5 or 78), score in 0..1."""

    box: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    score: float


@dataclass(slots=True)
class Track:
    """One person in one shot; every array has one entry per frame in `frames`, consecutive frame numbers.

    frames int [T]; times float64 [T] s; quads float64 [T,4,2] px, smoothed; landmarks float64 [T,78,2] px, smoothed;
    confidence float32 [T] in 0..1, 0 where the face is not there (its geometry is then interpolated); blur float32 [T]: standard
    deviation of the crop's blur in percent of its side, None where nobody measured it.
    """

    frames: NDArray[np.integer]
    times: NDArray[np.float64]
    quads: NDArray[np.float64]
    landmarks: NDArray[np.float64]
    confidence: NDArray[np.float32]
    blur: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(slots=True)
class LatentTrack:
    """The latents of a track: w float32 [T,L,D]; valid bool [T], False where nothing was inverted; pack: the pack's id."""

    w: NDArray[np.float32]
    valid: NDArray[np.bool_]
    pack: str


@dataclass(frozen=True, slots=True)
class Driver:
    """Somebody whose expression is taken: times float64 [S] s, increasing; w float32 [S,L,D] of one pack's latents; strength >= 0."""

    times: NDArray[np.float64]
    w: NDArray[np.float32]
    strength: float = 1.0

    @property
    def still(self) -> bool:
        """Whether it is a picture."""
        return len(self.times) == 1

    def at(self, times: NDArray[np.floating]) -> NDArray[np.float32]:
        """Latents [T,L,D] at times [T] s, straight lines between the driver's own; the first and the last are held."""
        return between(self.times, self.w, times)


@dataclass(frozen=True, slots=True)
class Asked:
    """How much of each measure of an expression a face is to take: amounts float32 [T,K] at times float64 [T] s, increasing."""

    times: NDArray[np.float64]
    amounts: NDArray[np.float32]

    def at(self, times: NDArray[np.floating]) -> NDArray[np.float32]:
        """Amounts [n,K] at times [n] s, as `Driver.at`."""
        return between(self.times, self.amounts, times)


def between(known: NDArray[np.float64], values: NDArray[np.float32], times: NDArray[np.floating]) -> NDArray[np.float32]:
    """Values [n,...] at times [n] s: straight lines between those [S,...] at known times [S] s; the first and the last are held."""
    wanted = np.asarray(times, np.float64)
    after = np.clip(np.searchsorted(known, wanted), 0, len(known) - 1)
    before = np.clip(after - 1, 0, None)
    span = known[after] - known[before]
    share = np.clip((wanted - known[before]) / np.where(span > 0, span, 1.0), 0, 1).reshape(-1, *[1] * (values.ndim - 1)).astype(np.float32)
    return values[before] + share * (values[after] - values[before])


@dataclass(frozen=True, slots=True)
class EditPlan:
    """What to change: per attribute a strength (+1 = typical without -> typical with), one number or a curve over time in seconds;
    attributes to hold still; by which method (auto: per attribute what the pack names); driver: whose expression to take, if anybody's;
    window: the part of the clip that all of it acts in."""

    strengths: Mapping[str, Strength]
    locks: tuple[str, ...] = ()
    method: str = "auto"
    driver: Driver | None = None
    window: Window = ALWAYS

    @property
    def empty(self) -> bool:
        """True when nothing is asked for."""
        return not any(self.strengths.values()) and self.driver is None
