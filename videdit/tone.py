"""HDR samples as the SDR picture that detectors and generators know, and back.

The working space of PQ and HLG clips is SDR R'G'B' of BT.709 primaries for a BT.1886 display (a gamma of 2.4), 0..255. On the way
there: the signal becomes display light by BT.2100 (HLG for a display of 1000 cd/m2, system gamma 1.2); 203 cd/m2, the reference
white of BT.2408, becomes 1; primaries are BT.709's, negative where a colour lies outside them; up to KNEE light stays as it is,
above it grows as a logarithm, so that the brightest the curve can say (10000 cd/m2 of PQ, 1000 of HLG) becomes 1; then the gamma,
mirrored at 0. Each step can be taken back, which is how a change of the SDR picture becomes a change of the samples.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PQ, HLG = "pq", "hlg"
CURVES = {16: PQ, 18: HLG}  # FFmpeg's number of the transfer
REFERENCE_WHITE = 203.0  # cd/m2, BT.2408
PEAK = {PQ: 10000.0, HLG: 1000.0}  # cd/m2
KNEE = 0.8  # of reference white
GLARE = 1.5  # reference whites
GAMMA = 2.4  # BT.1886
TOP = 1.1  # of the signal; limited range reaches a little beyond 1

# SMPTE ST 2084
M1, M2, C1, C2, C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
# ARIB STD-B67
A = 0.17883277
B, C = 1 - 4 * A, 0.5 - A * math.log(4 * A)
SYSTEM_GAMMA = 1.2
LUMA_2020 = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
DARKEST = np.float32(1e-7)  # of the peak; below it the system gamma has no inverse

# To BT.709's primaries, by FFmpeg's number of the source's (ITU-R BT.2087; P3 with D65 likewise). Others are left as they are.
TO_709 = {
    9: np.array([[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]),
    12: np.array([[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]]),
}
UNSPECIFIED = 2


def to_sdr(rgb: Array, curve: str, primaries: int) -> Array:
    """HDR R'G'B' float32 [h,w,3], 0..255 being the signal's 0..1, to SDR R'G'B' in 0..255 (below 0 outside BT.709's colours)."""
    signal = np.clip(rgb * np.float32(1 / 255), 0, TOP)
    light = _pq_light(signal) if curve == PQ else _hlg_light(signal)
    light = cv2.transform(light, _gamut(primaries).astype(np.float32))
    return _signed_power(_compressed(light, *_knee(PEAK[curve] / REFERENCE_WHITE)), 1 / GAMMA) * np.float32(255)


def from_sdr(rgb: Array, curve: str, primaries: int) -> Array:
    """The reverse of `to_sdr`: float32 [h,w,3]."""
    light = _expanded(_signed_power(rgb * np.float32(1 / 255), GAMMA), *_knee(PEAK[curve] / REFERENCE_WHITE))
    light = cv2.transform(light, np.linalg.inv(_gamut(primaries)).astype(np.float32))
    return (_pq_signal(light) if curve == PQ else _hlg_signal(light)) * np.float32(255)


def change_of(before: Array, change: Array, curve: str, primaries: int) -> Array:
    """What a change of the SDR picture `before` is as a change of the signal, all float32 [h,w,3] in units of 0..255; 0 stays exactly 0.

    White that an edit adds is paper, not a lamp: it grows no brighter than GLARE reference whites unless the source was.
    """
    glare = np.float32(255) * np.float32(
        _compressed(np.array([[GLARE]], np.float32), *_knee(PEAK[curve] / REFERENCE_WHITE)).item() ** (1 / GAMMA)
    )
    after = np.minimum(before + change, np.maximum(before, glare))
    return from_sdr(after, curve, primaries) - from_sdr(before, curve, primaries)


def _gamut(primaries: int) -> NDArray[np.float64]:
    """[3,3] to BT.709's primaries; HDR that does not say which it has is BT.2020."""
    return TO_709.get(9 if primaries == UNSPECIFIED else primaries, np.eye(3))


def _pq_light(signal: Array) -> Array:
    """Of reference white."""
    root = cv2.pow(signal, 1 / M2)
    return cv2.pow(np.maximum(root - C1, 0) / (C2 - C3 * root), 1 / M1) * np.float32(PEAK[PQ] / REFERENCE_WHITE)


def _pq_signal(light: Array) -> Array:
    root = cv2.pow(np.maximum(light, 0) * np.float32(REFERENCE_WHITE / PEAK[PQ]), M1)
    return cv2.pow((C1 + C2 * root) / (1 + C3 * root), M2)


def _hlg_light(signal: Array) -> Array:
    """Of reference white, on the display: the OOTF brings all three channels by the luminance of the scene."""
    scene = np.where(signal <= 0.5, signal * signal / 3, (np.exp((signal - C) / A) + B) / 12).astype(np.float32)
    luma = np.maximum(cv2.transform(scene, LUMA_2020), DARKEST)
    return scene * cv2.pow(luma, SYSTEM_GAMMA - 1)[..., None] * np.float32(PEAK[HLG] / REFERENCE_WHITE)


def _hlg_signal(light: Array) -> Array:
    shown = np.maximum(light, 0) * np.float32(REFERENCE_WHITE / PEAK[HLG])
    luma = np.maximum(cv2.transform(shown, LUMA_2020), DARKEST**SYSTEM_GAMMA)
    scene = shown * cv2.pow(luma, 1 / SYSTEM_GAMMA - 1)[..., None]
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), A * np.log(np.maximum(12 * scene - B, 1e-6)) + C).astype(np.float32)


@cache
def _knee(peak: float) -> tuple[float, float]:
    """Scale of the logarithm, and its factor, for which the curve is smooth at the knee and brings `peak` to 1."""
    low, high = 1e-6, 10.0
    for _ in range(80):
        scale = (low + high) / 2
        low, high = (scale, high) if scale * math.log1p((peak - KNEE) / scale) < 1 - KNEE else (low, scale)
    return scale, (1 - KNEE) / math.log1p((peak - KNEE) / scale)


def _compressed(light: Array, scale: float, factor: float) -> Array:
    above = np.maximum(light - np.float32(KNEE), 0)
    return np.where(above > 0, KNEE + factor * np.log1p(above / scale), light).astype(np.float32)


def _expanded(light: Array, scale: float, factor: float) -> Array:
    above = np.clip(light - np.float32(KNEE), 0, 1)
    return np.where(above > 0, KNEE + scale * np.expm1(above / factor), light).astype(np.float32)


def _signed_power(values: Array, exponent: float) -> Array:
    return np.copysign(cv2.pow(np.abs(values), exponent), values)
