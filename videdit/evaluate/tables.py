"""An evaluation as Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from videdit.config import METHODS
from videdit.evaluate.ladder import MAIN, at_rate
from videdit.evaluate.leakage import summary
from videdit.evaluate.methods import BASELINES
from videdit.quality.report import Row, Value, markdown

Results = Mapping[str, Any]


def page(found: Results) -> str:
    """All tables of an evaluation (run.evaluate's answer)."""
    methods: Mapping[str, Results] = found["methods"]
    strangers = found.get("strangers")
    near = f" Strangers among the same faces: median {strangers:.3f}." if strangers is not None else ""
    by = " by FaceNet" if found.get("embedder") == "facenet" else ""
    counted = f", identity{by} on {found['identities']} faces an attribute, others for each" if strangers is not None else ""
    top = max(found["strengths"])
    about = (
        f"{found['faces']} faces of people no network has seen and nothing was chosen by (shard 5), pack {found['pack']}."
        f" Every face is asked to flip what the judge sees. Strengths come from curves over {found['curve_faces']} of them; at {MAIN:g}"
        f" everybody is measured, at other rates those of the curves; a rate that was missed is interpolated{counted}."
        " auto: what the pack names for each direction, as a user gets it; pixel and prototype: on those who lack what they give, or have"
        " what they take."
        f" Means are over the attributes that a method reaches. – : not reached at any strength up to {top:g}.{near}"
    )
    parts = [
        about,
        "### At matched change rate, composited pictures",
        markdown(_means(methods, found["rates"], "seen")),
        *_titled("### Side by side with the baselines, composited pictures", _pairs(methods, found["rates"], "seen")),
        "### The same on the renders, before they go into the picture",
        markdown(_means(methods, [MAIN], "drawn")),
        markdown(_pairs(methods, [MAIN], "drawn")),
        f"### By attribute, at {MAIN:g}, composited pictures",
        markdown(_by_attribute(methods)),
        f"Best of the pack's own (kept + identity at {MAIN:g}): " + ", ".join(f"{k} {v}" for k, v in best(methods).items()) + ".",
        *_drift(methods),
        *_leakage(methods),
    ]
    return "\n\n".join(part for part in parts if part)


def _entries(results: Results, name: str, view: str) -> Sequence[Mapping[str, float]]:
    found = results["attributes"].get(name)
    return [{k: v for k, v in e.items() if v is not None} for e in found["matched"][view]] if found else []


def reached(results: Results, rate: float, view: str) -> list[str]:
    """The attributes that a method changes at this rate."""
    return [name for name in results["attributes"] if not math.isnan(at_rate(_entries(results, name, view), rate, "kept"))]


def _showing(methods: Mapping[str, Results], view: str) -> dict[str, Results]:
    """The methods that have this view: those that draw have no renders."""
    return {name: found for name, found in methods.items() if any(view in a["curve"][0] for a in found["attributes"].values())}


def _names(methods: Mapping[str, Results]) -> list[str]:
    """The attributes' flags, whichever method has them."""
    return list(dict.fromkeys(name for results in methods.values() for name in results["attributes"]))


def _means(methods: Mapping[str, Results], rates: Sequence[float], view: str) -> list[Row]:
    """A line a method: preservation and identity at each rate, mean over the attributes it reaches, and how many these are."""
    rows: list[Row] = []
    for name, results in _showing(methods, view).items():
        row: dict[str, Value] = {"method": name}
        for rate in rates:
            own = reached(results, rate, view)
            row[f"kept at {rate:g}"] = _over(results, own, rate, view, "kept")
            row[f"identity at {rate:g}"] = _over(results, own, rate, view, "identity")
            row[f"attributes at {rate:g}"] = f"{len(own)} of {len(results['attributes'])}"
        rows.append(row)
    return rows


def _pairs(methods: Mapping[str, Results], rates: Sequence[float], view: str) -> list[Row]:
    """Each method against each baseline at each rate, over the attributes that both reach; left out where there are none."""
    rows: list[Row] = []
    for name in (m for m in _showing(methods, view) if m not in BASELINES):
        for baseline, rate in ((b, rate) for b in BASELINES if b in methods for rate in rates):
            own, other = methods[name], methods[baseline]
            both = [a for a in reached(own, rate, view) if a in reached(other, rate, view)]
            if not both:
                continue
            row: dict[str, Value] = {"method": name, "baseline": baseline, "rate": f"{rate:g}", "attributes both reach": ", ".join(both)}
            for figure in ("kept", "identity"):
                row[figure] = _over(own, both, rate, view, figure)
                row[f"{figure}, baseline"] = _over(other, both, rate, view, figure)
            rows.append(row)
    return rows


def best(methods: Mapping[str, Results]) -> dict[str, str]:
    """By source name, the method to name in a pack's [methods]: at MAIN the highest preservation plus identity on composited pictures,
    among those that reach it; where none does, the one that changes most. Baselines take no part, nor what draws: it is chosen by
    direction (train.prototype, train.pixel)."""
    own = {name: results for name, results in methods.items() if name in METHODS}
    found: dict[str, str] = {}
    for flag, entry in next(iter(own.values()))["attributes"].items() if own else ():
        able = {m: r for m, r in own.items() if flag in reached(r, MAIN, "seen")}

        def merit(method: str, flag: str = flag, able: Mapping[str, Results] = able) -> float:
            if method not in able:
                return max(float(p["seen"]["changed"] or 0) for p in own[method]["attributes"][flag]["curve"]) - 1
            figures = [at_rate(_entries(own[method], flag, "seen"), MAIN, name) for name in ("kept", "identity")]
            return float(np.nansum(figures))

        found[entry["source"]] = max(able or own, key=merit)
    return found


def _over(results: Results, attributes: Sequence[str], rate: float, view: str, figure: str) -> float:
    """Mean of a figure at a rate over some attributes."""
    return _mean([at_rate(_entries(results, a, view), rate, figure) for a in attributes])


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return float(np.mean(known)) if known else float("nan")


def _by_attribute(methods: Mapping[str, Results]) -> list[Row]:
    """A line an attribute: strength, preservation and identity of each method; where 0.9 is not reached, the highest rate."""
    rows: list[Row] = []
    for name in _names(methods):
        row: dict[str, Value] = {"attribute": name}
        for method, results in methods.items():
            entries, found = _entries(results, name, "seen"), results["attributes"].get(name)
            kept = at_rate(entries, MAIN, "kept")
            if found and math.isnan(kept):
                top = max(float(p["seen"]["changed"] or 0) for p in found["curve"])
                row[method] = f"– (at most {top:.2f})"
            else:
                row[method] = f"{kept:.3f} / {at_rate(entries, MAIN, 'identity'):.3f}".replace("nan", "–") if found else "–"
        rows.append(row)
    return rows


def _drift(methods: Mapping[str, Results]) -> list[str]:
    """Sequential, reversed and simultaneous edits."""
    back, chain, once = [], [], []
    for method, results in methods.items():
        each = [a["there_and_back"] for a in results["attributes"].values() if a.get("there_and_back")]
        if each:
            row: dict[str, Value] = {"method": method}
            names = ("move", "latent", "nothing", "levels", "back", "kept", "identity")
            back.append({**row, **{key: _mean([_nan(e.get(key)) for e in each]) for key in names}})
        for step, line in enumerate(results.get("one_after_another") or [], 1):
            chain.append({"method": method, "edits": step, "last": line["edit"], **{k: line.get(k) for k in ("done", "kept", "identity")}})
        for line in results.get("together") or []:
            once.append({"method": method, **_once(line)})
    parts = [
        "### There and back: +a, then -a on what came out",
        "move, latent, nothing: how far w moved, relative to its length, after +a, after both, and when nothing is asked. levels: what is"
        " left in the picture, of 255. back: faces judged as at first.",
        markdown(back),
        "### One edit after the other, each on the picture the last one left",
        markdown(chain),
        *_titled("### Several in one pass: change rates, alone and at once", once),
    ]
    errors = {m: r["mapper_errors"]["identity_map"] for m, r in methods.items() if r.get("mapper_errors")}
    parts += [
        f"The {m}'s network itself, asked for nothing, moves w by {e:.4f} of its length; the editor takes that off."
        for m, e in errors.items()
    ]
    return parts if back else []


def _once(line: Results) -> dict[str, Value]:
    pairs = [(a, _nan(line["alone"][a]), _nan(line["at_once"][a])) for a in line["alone"]]
    worst = max((abs(b - a) / a for _, a, b in pairs if a > 0), default=float("nan"))
    told = ", ".join(f"{name} {a:.2f} → {b:.2f}" for name, a, b in pairs)
    return {"change rates": told, "largest loss or gain": worst, "kept": line.get("kept"), "identity": line.get("identity")}


def _leakage(methods: Mapping[str, Results]) -> list[str]:
    """A table a method."""
    parts = []
    for method, results in methods.items():
        rows: list[Row] = []
        for name, found in results["attributes"].items():
            if found.get("leakage"):
                rows.append({"edited": name, **summary(found["leakage"], found["source"], found["leakage"]["locks"])})
        if rows:
            parts += [f"### What else moves: {method}", markdown(rows)]
    if parts:
        text = (
            "Mean |change of probability| at the strength of 0.9, without (free) and with (locked) `--lock` of the other attributes of this"
            " table: of all 39 others, and of those locked. changed: the rate of the edit itself. moves most: without locks, in the"
            " edit's direction."
        )
        parts.insert(1, text)
    return parts


def _titled(title: str, rows: Sequence[Row]) -> list[str]:
    """Title and table, where there is a table."""
    return [title, markdown(rows)] if rows else []


def _nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
