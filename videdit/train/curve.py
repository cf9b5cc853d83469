"""Draw a run's log as a picture.

    python -m videdit.train.curve RUN/log.jsonl curve.svg --show l1,lpips [--against images]

One panel per value, side by side, each on its own scale; SVG, so that it stays sharp and small.
"""

from __future__ import annotations

import argparse
import csv
import json
from html import escape
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 320, 200, 44  # px of a panel, and of the room for its numbers
COLOR = "#2a6fb0"


def read_log(path: Path) -> list[dict[str, float]]:
    """The lines of a log.jsonl that are objects; a half-written last line is left out."""
    lines = []
    for text in Path(path).read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def summarise(run: Path) -> None:
    """Beside a run's log.jsonl: the same as log.csv, one column per value, and its values over the steps as curve.svg."""
    lines = read_log(run / "log.jsonl")
    names = list(dict.fromkeys(name for line in lines for name in line))
    with open(run / "log.csv", "w", newline="") as handle:
        table = csv.DictWriter(handle, names)
        table.writeheader()
        table.writerows(lines)
    drawn = [name for name in names if name not in ("step", "seconds") and any(isinstance(line.get(name), int | float) for line in lines)]
    if drawn:
        (run / "curve.svg").write_text(draw_curves(lines, drawn, against="step"), "utf-8")


def draw_curves(lines: list[dict[str, float]], show: list[str], *, against: str) -> str:
    """SVG text with a panel for each name in `show` over the value `against`. Raises KeyError for a name no line has."""
    panels = []
    for i, name in enumerate(show):
        points = [(float(line[against]), float(line[name])) for line in lines if name in line and against in line]
        if not points:
            raise KeyError(name)
        panels.append(f'<g transform="translate({i * WIDTH} 0)">{_panel(name, against, points)}</g>')
    size = f'width="{WIDTH * len(show)}" height="{HEIGHT}" viewBox="0 0 {WIDTH * len(show)} {HEIGHT}"'
    style = 'font-family="sans-serif" font-size="11" fill="#444"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}><rect width="100%" height="100%" fill="white"/>{"".join(panels)}</svg>\n'
    )


def _panel(name: str, against: str, points: list[tuple[float, float]]) -> str:
    """Frame, extremes and line of one value."""
    (x0, x1), (y0, y1) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
    wide, high = WIDTH - MARGIN - 12, HEIGHT - 2 * 26

    def place(x: float, y: float) -> str:
        across = (x - x0) / (x1 - x0) if x1 > x0 else 0.5
        up = (y - y0) / (y1 - y0) if y1 > y0 else 0.5
        return f"{MARGIN + across * wide:.1f},{26 + (1 - up) * high:.1f}"

    line = " ".join(place(x, y) for x, y in points)
    bottom = 26 + high
    return (
        f'<text x="{MARGIN}" y="16" font-weight="bold">{escape(name)}</text>'
        f'<path d="M{MARGIN} 26V{bottom}H{MARGIN + wide}" fill="none" stroke="#aaa"/>'
        f'<polyline points="{line}" fill="none" stroke="{COLOR}" stroke-width="1.5"/>'
        f'<text x="{MARGIN - 4}" y="32" text-anchor="end">{y1:.3g}</text>'
        f'<text x="{MARGIN - 4}" y="{bottom}" text-anchor="end">{y0:.3g}</text>'
        f'<text x="{MARGIN}" y="{bottom + 14}">{x0:.6g}</text>'
        f'<text x="{MARGIN + wide}" y="{bottom + 14}" text-anchor="end">{x1:.6g} {escape(against)}</text>'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--show", required=True, metavar="NAMES", help="values to draw, with commas between")
    parser.add_argument("--against", default="step", help="what to draw them over (default step)")
    args = parser.parse_args()
    args.out.write_text(draw_curves(read_log(args.log), args.show.split(","), against=args.against), "utf-8")


if __name__ == "__main__":
    main()
