"""Lines over time as SVG, to stand inside a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 480, 150
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 22, 20
COLORS = ("#8a8f98", "#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#b45309")
Values = Sequence[float | None]


def plot(
    title: str,
    times: Sequence[float],
    series: Mapping[str, Values],
    *,
    low: float | None = None,
    high: float | None = None,
    line: float | None = None,
) -> str:
    """An SVG of some series (None = a gap) over times in seconds. low, high: ends of the axis, else those of the values; line: a level
    that is drawn across."""
    known = [v for values in series.values() for v in values if v is not None and math.isfinite(v)] + ([] if line is None else [line])
    if not known or not times:
        return ""
    bottom, top = (min(known) if low is None else low), (max(known) if high is None else high)
    if top - bottom < 1e-9:
        bottom, top = bottom - 0.5, top + 0.5
    span = max(times[-1] - times[0], 1e-9)

    def x(time: float) -> float:
        return LEFT + (time - times[0]) / span * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (min(max(value, bottom), top) - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    parts.append(f'<text x="{LEFT}" y="14" class="title">{escape(title)}</text>')
    for value in (bottom, (bottom + top) / 2, top):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for time, anchor in ((times[0], "start"), (times[-1], "end")):
        parts.append(f'<text x="{x(time):.1f}" y="{HEIGHT - 5}" text-anchor="{anchor}">{time:.2f} s</text>')
    if line is not None:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(line):.1f}" y2="{y(line):.1f}" class="bar"/>')
    right = WIDTH - RIGHT
    colors = COLORS if len(series) > 1 else COLORS[2:]
    for (name, values), color in reversed(list(zip(series.items(), colors, strict=False))):
        parts += [
            _run(run, color)
            for run in _runs([(x(t), None if _missing(v) else y(float(v or 0))) for t, v in zip(times, values, strict=True)])
        ]
        if len(series) > 1:
            parts.append(f'<text x="{right}" y="14" text-anchor="end" style="fill:{color}">{escape(name)}</text>')
            right -= 8 + 7 * len(name)
    return "".join([*parts, "</svg>"])


def _missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Points between gaps."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def _run(points: list[tuple[float, float]], color: str) -> str:
    if len(points) == 1:
        return f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2" fill="{color}"/>'
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="1.5"/>'
