"""Pictures of an evaluation: curves and a leakage map (matplotlib), strips of faces (for a folder outside the project)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.errors import MissingError
from videdit.evaluate.people import People
from videdit.geometry import crop_quad

Bytes = NDArray[np.uint8]
Results = Mapping[str, Any]
TITLES = {"seen": "composited pictures", "drawn": "renders"}
STRIP = 6  # faces of a strip
SIDE = 192  # px of one of them


def pyplot() -> Any:
    """matplotlib without a window. Raises MissingError."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        hint = "pip install 'videdit[evaluate]' -c constraints.txt, or --no-curves."
        raise MissingError("matplotlib is not installed, which draws the curves", hint=hint) from None
    return plt


def draw_curves(methods: Mapping[str, Results], path: Path) -> Path:
    """A row a view: change rate over strength, and preservation over change rate, mean of the attributes; then preservation by
    attribute. Raises MissingError."""
    plt = pyplot()
    names = list(dict.fromkeys(name for results in methods.values() for name in results["attributes"]))
    columns = 2 + len(names)
    figure, axes = plt.subplots(2, columns, figsize=(3.2 * columns, 6.4), squeeze=False, constrained_layout=True)
    for row, (view, title) in enumerate(TITLES.items()):
        for i, (method, results) in enumerate(methods.items()):
            found = {name: entry["curve"] for name, entry in results["attributes"].items() if view in entry["curve"][0]}
            if not found:  # a method that draws has no renders
                continue
            each = {name: points_of(curve, view) for name, curve in found.items()}
            mean = np.nanmean(np.stack(list(each.values())), 0)
            color = f"C{i % 10}"
            axes[row][0].plot(mean[:, 0], mean[:, 1], "o-", ms=3, color=color, label=method)
            axes[row][1].plot(mean[:, 1], mean[:, 2], "o-", ms=3, color=color)
            for name, points in each.items():
                axes[row][2 + names.index(name)].plot(points[:, 1], points[:, 2], "o-", ms=3, color=color)
        axes[row][0].set(xlabel="strength", ylabel=f"{title}\nchange rate", ylim=(0, 1.02), title="mean")
        for column, name in enumerate(["mean", *names], 1):
            axes[row][column].set(xlabel="change rate", ylabel="preservation", xlim=(0, 1.02), title=name)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize=8)
    return _save(plt, figure, path)


def points_of(curve: Sequence[Results], view: str) -> NDArray[np.float64]:
    """Strength, change rate and preservation [K+1,3] of a curve; it begins with doing nothing."""
    return np.array([[0.0, 0.0, 1.0]] + [[p["strength"], _number(p[view]["changed"]), _number(p[view]["kept"])] for p in curve])


def _number(value: float | None) -> float:
    """JSON knows no NaN."""
    return float("nan") if value is None else float(value)


def draw_leakage(method: str, results: Results, path: Path) -> Path:
    """How every attribute moves (mean dp in the direction of the edit) with each edit, without and with locks. Raises MissingError."""
    plt = pyplot()
    edited = [name for name, found in results["attributes"].items() if found.get("leakage")]
    judged = list(results["attributes"][edited[0]]["leakage"]["free"]["others"])
    figure, axes = plt.subplots(1, 2, figsize=(3 + 0.9 * len(edited), 9), sharey=True, constrained_layout=True, squeeze=False)
    for axis, state, title in zip(axes[0], ("free", "locked"), (method, f"{method}, the others locked"), strict=True):
        table = [[results["attributes"][e]["leakage"][state]["others"][j]["along"] for e in edited] for j in judged]
        image = axis.imshow(np.array(table), cmap="RdBu_r", vmin=-0.5, vmax=0.5, aspect="auto")
        axis.set_title(title, fontsize=9)
        axis.set_xticks(range(len(edited)), edited, rotation=90, fontsize=8)
        axis.set_yticks(range(len(judged)), judged, fontsize=7)
    figure.colorbar(image, ax=axes[0].tolist(), label="mean change of probability", shrink=0.5)
    return _save(plt, figure, path)


def _save(plt: Any, figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)
    return path


def strip_row(people: People, pictures: Bytes, rows: Sequence[int]) -> Bytes:
    """Some people's faces side by side out of whole pictures uint8 [n,H,W,3]: uint8 [SIDE, n*SIDE, 3], a third wider than the quad."""
    faces = []
    for picture, row in zip(pictures, rows, strict=True):
        centre = people.quads[row].mean(0)
        faces.append(crop_quad(np.ascontiguousarray(picture), (people.quads[row] - centre) * 1.35 + centre, SIDE, cubic=True))
    return np.concatenate(faces, axis=1)


def write_strip(path: Path, labelled: Mapping[str, Bytes]) -> Path:
    """Rows of equal width under each other, each with its name, as PNG."""
    rows = []
    for name, row in labelled.items():
        row = np.ascontiguousarray(row)
        for width, shade in ((3, (0, 0, 0)), (1, (255, 255, 255))):
            cv2.putText(row, name, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, shade, width, cv2.LINE_AA)
        rows.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])
    return path
