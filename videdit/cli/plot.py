"""Strengths over time as a picture, drawn with Pillow at twice the size and shrunk, which smooths lines and text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from videdit.cli.timeline import Timeline

WIDTH, HEIGHT = 960, 440
SCALE = 2
LEFT, RIGHT, TOP, BOTTOM = 76, 168, 52, 60  # margins, px
# Okabe and Ito's colours, which colour-blind people tell apart too
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a7a00")
INK, GREY, GRID, SHADE = "#222222", "#777777", "#e4e4e4", "#e9f1fa"
LINE = 17  # px between names beside the plot


def plot(timeline: Timeline) -> NDArray[np.uint8]:
    """The timeline's strengths as a picture uint8 [HEIGHT,WIDTH,3] RGB: a line and its name for each attribute, the window shaded."""
    page = _Page(timeline)
    page.axes()
    for number, name in enumerate(timeline.strengths):
        page.line(name, COLORS[number % len(COLORS)])
    page.names()
    return np.asarray(page.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


class _Page:
    """A picture with axes; `x` and `y` take seconds and strengths to its pixels."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.fonts = {size: ImageFont.load_default(size * SCALE) for size in (12, 13, 16)}
        self.start, self.stop = timeline.start, max(timeline.stop, timeline.start + 1e-3)
        self.times = np.unique(np.concatenate([np.linspace(self.start, self.stop, 1500), *map(timeline.keys, timeline.strengths)]))
        self.values = {name: timeline.at(name, self.times) for name in timeline.strengths}
        every = np.concatenate(list(self.values.values()))
        low, high = min(0.0, float(every.min())), max(0.0, float(every.max()))
        self.step = nice((high - low or 1.0) / 4)
        self.low, self.high = math.floor(low / self.step + 1e-9) * self.step, math.ceil(high / self.step - 1e-9) * self.step
        if self.low == self.high:
            self.high = self.low + self.step

    def x(self, time: float) -> float:
        return SCALE * (LEFT + (WIDTH - LEFT - RIGHT) * (time - self.start) / (self.stop - self.start))

    def y(self, value: float) -> float:
        return SCALE * (TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low))

    def text(self, at: tuple[float, float], text: str, *, anchor: str, size: int = 12, color: str = INK) -> None:
        self.draw.text(at, text, fill=color, font=self.fonts[size], anchor=anchor)

    def axes(self) -> None:
        """Shading, grid, figures and titles."""
        top, bottom, left, right = self.y(self.high), self.y(self.low), self.x(self.start), self.x(self.stop)
        self._shade(top, bottom)
        for value in ticks(self.low, self.high, self.step):
            zero = abs(value) < self.step / 1000
            self.draw.line([(left, self.y(value)), (right, self.y(value))], fill=GREY if zero else GRID, width=SCALE)
            self.text((left - 8 * SCALE, self.y(value)), f"{value:+g}" if not zero else "0", anchor="rm")
        for time in ticks(self.start, self.stop, nice((self.stop - self.start) / 6)):
            self.draw.line([(self.x(time), top), (self.x(time), bottom)], fill=GRID, width=SCALE)
            self.text((self.x(time), bottom + 8 * SCALE), f"{time:g}", anchor="mt")
        self.draw.rectangle([left, top, right, bottom], outline=GREY, width=SCALE)
        self.text(((left + right) / 2, bottom + 32 * SCALE), "time, s", anchor="mt", size=13)
        self.text((SCALE * 10, top - 12 * SCALE), "strength", anchor="lb", size=13)
        title = f"{self.timeline.name}, {self.timeline.stop - self.timeline.start:.2f} s"
        self.text(((left + right) / 2, 12 * SCALE), title, anchor="mt", size=16)

    def _shade(self, top: float, bottom: float) -> None:
        """Where --from and --to let the edit act, if they say so."""
        window = self.timeline.window
        if not window:
            return
        ends = (window.start, window.stop)
        begin, end = (
            self.x(min(max(t, self.start), self.stop)) for t in (ends[0] or self.start, self.stop if ends[1] is None else ends[1])
        )
        self.draw.rectangle([begin, top, end, bottom], fill=SHADE)
        self.text((begin + 4 * SCALE, top - 4 * SCALE), str(window), anchor="lb", color=GREY)

    def line(self, name: str, color: str) -> None:
        """One attribute over time, its keyframes as dots."""
        points = [(self.x(t), self.y(v)) for t, v in zip(self.times, self.values[name], strict=True)]
        self.draw.line(points, fill=color, width=2 * SCALE + 1, joint="curve")
        keys = self.timeline.keys(name)
        if len(keys) > 60:
            return
        radius = 3.5 * SCALE
        for time, value in zip(keys, self.timeline.at(name, np.asarray(keys)), strict=True):
            x, y = self.x(time), self.y(float(value))
            self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=color)

    def names(self) -> None:
        """Each attribute's name beside the end of its line, moved apart where they would touch."""
        order = sorted(self.values, key=lambda name: -self.values[name][-1])
        wanted = [self.y(float(self.values[name][-1])) for name in order]
        places = apart(wanted, LINE * SCALE, low=self.y(self.high), high=self.y(self.low))
        colors = {name: COLORS[number % len(COLORS)] for number, name in enumerate(self.values)}
        for name, end, place in zip(order, wanted, places, strict=True):
            x = self.x(self.stop)
            self.draw.line([(x + 2 * SCALE, end), (x + 12 * SCALE, place)], fill=colors[name], width=SCALE)
            self.text((x + 16 * SCALE, place), name, anchor="lm", size=13, color=colors[name])


def nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten, not below a step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def ticks(low: float, high: float, step: float) -> list[float]:
    """Multiples of a step from low to high."""
    return [round(i * step, 10) for i in range(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1)]


def apart(places: list[float], least: float, *, low: float, high: float) -> list[float]:
    """Increasing places moved so that neighbours are `least` apart and all lie between low and high, where there is room."""
    out = list(places)
    for i in range(1, len(out)):
        out[i] = max(out[i], out[i - 1] + least)
    if out and out[-1] > high:
        out[-1] = high
        for i in range(len(out) - 2, -1, -1):
            out[i] = min(out[i], out[i + 1] - least)
    return [max(place, low) if len(out) * least <= high - low else place for place in out]
