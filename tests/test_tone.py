"""HDR samples seen as SDR, and changes taken back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from videdit import tone
from videdit.types import Color, Frame, Region

SIZE = 64


def natural(curve: str) -> np.ndarray:
    """Signals of moderately saturated colours up to 1000 cd/m2, float32 [1,n,3] in 0..255."""
    rng = np.random.default_rng(0)
    top = 0.75 if curve == tone.PQ else 1.0
    gray = rng.uniform(0.05, top, (1, 4000, 1))
    return (255 * np.clip(gray + rng.uniform(-0.04, 0.04, (1, 4000, 3)), 0.02, top)).astype(np.float32)


@pytest.mark.parametrize("curve", [tone.PQ, tone.HLG])
@pytest.mark.parametrize("primaries", [9, 12, 1])
def test_there_and_back(curve: str, primaries: int) -> None:
    signal = natural(curve)
    again = tone.from_sdr(tone.to_sdr(signal, curve, primaries), curve, primaries)
    assert np.abs(again - signal).max() * 4 < 0.1  # of a level of 10 bits


def test_reference_white_and_peak() -> None:
    white = 255 * 0.58068  # PQ of 203 cd/m2, BT.2408
    picture = tone.to_sdr(np.full((1, 1, 3), white, np.float32), tone.PQ, 1)
    scale, factor = tone._knee(tone.PEAK[tone.PQ] / 203)
    expected = 255 * (tone.KNEE + factor * np.log1p(0.2 / scale)) ** (1 / 2.4)
    assert picture == pytest.approx(expected, abs=0.1)
    for curve in (tone.PQ, tone.HLG):
        assert tone.to_sdr(np.full((1, 1, 3), 255, np.float32), curve, 1) == pytest.approx(255, abs=0.5)


@pytest.mark.parametrize("curve", [tone.PQ, tone.HLG])
def test_grays_rise_and_stay_gray(curve: str) -> None:
    ramp = np.repeat(np.linspace(0, 255, 256, dtype=np.float32)[None, :, None], 3, axis=2)
    picture = tone.to_sdr(ramp, curve, 9)
    assert (np.diff(picture[0, :, 1]) > 0).all()
    assert np.abs(picture - picture[..., :1]).max() < 0.2


def test_the_knee_is_smooth() -> None:
    for peak in (tone.PEAK[tone.PQ] / 203, tone.PEAK[tone.HLG] / 203):
        scale, factor = tone._knee(peak)
        assert factor / scale == pytest.approx(1, rel=1e-3)


def test_colours_of_709_inside_2020() -> None:
    red_709_in_2020 = np.linalg.inv(tone.TO_709[9]) @ [1.0, 0, 0]
    signal = tone._pq_signal((0.5 * red_709_in_2020).astype(np.float32)[None, None]) * np.float32(255)
    picture = tone.to_sdr(signal, tone.PQ, 9)[0, 0]
    assert picture[0] == pytest.approx(255 * 0.5 ** (1 / 2.4), abs=0.5)
    assert np.abs(picture[1:]).max() < 10  # gamma makes much of a rounding near black


def test_an_edit_lights_no_lamps() -> None:
    before = np.array([[[120, 120, 120], [252, 252, 252]]], np.float32)  # skin, and a highlight of the source's
    for curve in (tone.PQ, tone.HLG):
        signal = tone.from_sdr(before, curve, 1) + tone.change_of(before, np.full_like(before, 130), curve, 1)
        light = (tone._pq_light if curve == tone.PQ else tone._hlg_light)(signal / np.float32(255))
        assert light[0, 0] == pytest.approx(tone.GLARE, rel=0.02)
        assert np.abs(signal - tone.from_sdr(before, curve, 1))[0, 1].max() < 1e-3


def hdr_frame(transfer: int) -> Frame:
    """10 bits, 4:2:0, BT.2020."""
    luma = np.linspace(250, 550, SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint16)
    chroma = [np.linspace(low, high, SIZE * SIZE // 4).reshape(SIZE // 2, -1).astype(np.uint16) for low, high in ((490, 500), (520, 545))]
    color = Color("bt2020", False, 10, {"primaries": 9, "transfer": transfer, "space": 9, "range": 1})
    return Frame((luma, *chroma), color, "yuv420p10le", 0, Fraction(1, 25), 0)


@pytest.mark.parametrize("transfer", [16, 18])
def test_no_change_is_exact_and_a_change_stays_where_it_is(transfer: int) -> None:
    frame, whole = hdr_frame(transfer), Region(0, 0, SIZE, SIZE)
    before = [plane.copy() for plane in frame.planes]
    change = np.zeros((SIZE, SIZE, 3), np.float32)
    frame.add(whole, change)
    assert all(np.array_equal(a, b) for a, b in zip(frame.planes, before, strict=True))
    source = frame.rgb()
    change[16:48, 16:48] = (25, 12, -8)
    frame.add(whole, change)
    inside = np.zeros((SIZE, SIZE), bool)
    inside[16:48, 16:48] = True
    assert np.array_equal(frame.planes[0][~inside], before[0][~inside])
    assert np.array_equal(frame.planes[1][~inside[::2, ::2]], before[1][~inside[::2, ::2]])
    got = (frame.rgb() - source)[20:44, 20:44].reshape(-1, 3).mean(0)
    assert np.abs(got - (25, 12, -8)).max() < 2  # chroma is averaged over four samples before the curve is taken
