"""A run's report as one HTML page: style, pictures and plots stand in it, so it needs no network and can be sent to somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from videdit.curves import done_to
from videdit.report.plots import plot

POINTS = 400  # of a line; more would not show
STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--dim:#667;--line:#d8dae0;--paper:#fff;--card:#f6f7f9;--bad:#b91c1c;--good:#15803d}
@media(prefers-color-scheme:dark){:root{--ink:#e8e9ec;--dim:#9aa0ac;--line:#3a3e47;--paper:#16181c;--card:#1f2228;--bad:#f87171;--good:#4ade80}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1120px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;border-top:1px solid var(--line);padding-top:1.5rem;margin-top:2.5rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin-bottom:.3rem}table{border-collapse:collapse;margin:.6rem 0}td,th{padding:.2rem .9rem .2rem 0;text-align:left;
vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{font-weight:600}
.dim{color:var(--dim)}.bad{color:var(--bad)}.good{color:var(--good)}.strip{display:flex;overflow-x:auto;gap:2px;margin:.5rem 0}
.strip figure{margin:0;flex:none;text-align:center;font-size:.75rem;color:var(--dim)}.strip img{display:block;width:128px;height:128px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:.8rem}svg{width:100%;background:var(--card);border-radius:6px}
svg text{font:11px system-ui,sans-serif;fill:var(--dim)}svg .title{font-weight:600;fill:var(--ink)}svg .grid{stroke:var(--line)}
svg .bar{stroke:var(--bad);stroke-dasharray:5 4}li.w{margin:.1rem 0}
"""
# What a page says, and in which direction is better.
MEANING = {
    "identity": "cosine of the pack's recognizer between source and edited face; 1 is the same",
    "TL-ID": "consistency of identity between neighbouring frames against the source's; 1 is as steady",
    "TG-ID": "the same over all pairs of frames",
    "flicker": "what motion does not explain between frames inside the mask, edited over source; 1 is as steady",
    "seam": "mean change just inside the mask's border in levels, and the slope there over the source's; 0 and 1 are invisible",
}


def page(run: Mapping[str, Any]) -> str:
    """The page of a run or of many: run["files"] are clip reports (`ClipReport.as_json()` with `Observer.measures()` as "measured"), beside
    what they share: videdit, pack, settings. Everything else is optional, so reports of other runs can be gathered into one page."""
    files: Sequence[Mapping[str, Any]] = run.get("files", [])
    gate = (run.get("settings") or {}).get("max_identity_drop")
    title = Path(str(files[0].get("output", ""))).name if len(files) == 1 else f"{len(files)} files"
    body = [f"<h1>AI-edited video: {escape(title)}</h1>", f'<p class="dim">videdit {escape(str(run.get("videdit", "")))}</p>']
    if len(files) > 1:
        body += _index(files)
    for place, file in enumerate(files):
        body += _clip(place, file, gate)
    body += shared(run)
    return document(title, body)


def document(title: str, body: Sequence[str]) -> str:
    """A page around some HTML, with its style in it."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def figures_of(people: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The least favourable figures of what was measured in a file, where there are any: identity (lowest mean), flicker (highest)."""
    means = [person["identity"]["mean"] for person in people if "identity" in person]
    flickers = [person["flicker"] for person in people if _real(person.get("flicker"))]
    return {**({"identity": min(means)} if means else {}), **({"flicker": max(flickers)} if flickers else {})}


def _index(files: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A row for every file."""
    heads = ("file", "status", "edits", "frames", "with a face", "identity", "flicker", "warnings")
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    for place, file in enumerate(files):
        figures = figures_of(file.get("measured", []))
        cells = [f'<a href="#clip-{place}">{escape(str(file.get("output", "")))}</a>', status_of(file), escape(edits_of(file))]
        cells += [number(file.get(name)) for name in ("frames", "frames_with_face")] + [
            number(figures.get(name)) for name in ("identity", "flicker")
        ]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, str(len(file.get("warnings", [])) or ""))) + "</tr>"
    yield "</table>"


def _clip(place: int, file: Mapping[str, Any], gate: float | None) -> Iterator[str]:
    """All about one file."""
    yield f'<h2 id="clip-{place}">{escape(str(file.get("input", "")))} → {escape(str(file.get("output", "")))}</h2>'
    rows = [("status", status_of(file)), ("edits", escape(edits_of(file)))]
    if "frames" in file:
        rows.append(("frames", f"{file['frames']}, {file.get('frames_with_face', 0)} of them with a face; faces: {file.get('faces', 0)}"))
    rows += [("not edited", escape(_skipped(file)))] if _skipped(file) else []
    rows += [("compared in", escape(str(file["compare"])))] if file.get("compare") else []
    rows += [("time", f"{file['wall']:.1f} s" + (" (faces known from before)" if file.get("cached") else ""))] if file.get("wall") else []
    yield _table(rows)
    if file.get("warnings"):
        yield "<ul>" + "".join(f'<li class="w">{escape(str(warning))}</li>' for warning in file["warnings"]) + "</ul>"
    for person in file.get("measured", []):
        yield from _person(person, gate)
    if file.get("licences"):
        yield "<h3>Weights</h3>" + _table([(escape(str(k)), escape(str(v))) for k, v in file["licences"].items()])


def _person(person: Mapping[str, Any], gate: float | None) -> Iterator[str]:
    """Strip, figures and plots of one person in one shot."""
    times = person["times"]
    yield f"<h3>Face from {times[0]:.2f} s to {times[-1]:.2f} s</h3>"
    if person.get("strip"):
        pairs = "".join(
            f'<figure><img alt="before" src="{escape(before)}"><img alt="after" src="{escape(after)}">{time:.2f} s</figure>'
            for time, before, after in person["strip"]
        )
        yield f'<p class="dim">before above after</p><div class="strip">{pairs}</div>'
    yield _table(list(_figures(person)))
    yield '<div class="plots">' + "".join(_plots(person, gate)) + "</div>"


def _figures(person: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in person.get("attributes", {}).items():
        yield escape(name), f"{number(_mean(values['before']))} → {number(_mean(values['after']))} {_dim('by the pack’s classifier')}"
    if person.get("others"):
        yield "moved along", escape(", ".join(f"{name} {value:+.2f}" for name, value in person["others"].items()))
    if found := person.get("identity"):
        yield "identity", f"{number(found['mean'])} mean, {number(found['min'])} lowest {_dim(MEANING['identity'])}"
        for name in ("TL-ID", "TG-ID"):
            yield name, f"{number(found[name])} {_dim(MEANING[name])}"
    yield "flicker", f"{number(person.get('flicker'))} {_dim(MEANING['flicker'])}"
    edge = person.get("seam", {})
    yield "seam", f"{number(edge.get('level'))} levels, slope {number(edge.get('gradient'))} {_dim(MEANING['seam'])}"


def _plots(person: Mapping[str, Any], gate: float | None) -> Iterator[str]:
    """Every series over time."""
    every = max(1, -(-len(person["times"]) // POINTS))
    times = person["times"][::every]
    for name, values in person.get("attributes", {}).items():
        lines = {"before": values["before"][::every], "after": values["after"][::every]}
        yield plot(f"{name}: probability", times, lines, low=0, high=1)
    if "identities" in person:
        low = min([0.5, *person["identities"]])
        yield plot(
            "identity: cosine to the source", times, {"": person["identities"][::every]}, low=low, high=1, line=1 - gate if gate else None
        )
    flickers = person.get("flickers", {})
    yield plot("change that motion does not explain, levels", times, {name: flickers[name][::every] for name in flickers}, low=0)
    seams = [(time, value) for time, value in zip(person["times"], person.get("seams", []), strict=False) if value is not None][::every]
    yield plot("change at the mask's border, levels", [s[0] for s in seams], {"": [s[1] for s in seams]}, low=0)
    yield plot("strength, as a share of what was asked", times, {"": person["shown"][::every]}, low=0, high=1)


def shared(run: Mapping[str, Any]) -> Iterator[str]:
    """What all files have in common: pack, licence, settings."""
    pack = run.get("pack") or {}
    if pack:
        rows = [(key, escape(str(pack[key]))) for key in ("id", "license", "note") if pack.get(key)]
        yield "<h2>Model pack</h2>" + _table(rows)
    if run.get("settings"):
        rows = [(escape(key), escape(str(value))) for key, value in run["settings"].items() if value not in (None, (), [])]
        yield f"<h2>Settings</h2><details><summary>all</summary>{_table(rows)}</details>"


def status_of(file: Mapping[str, Any]) -> str:
    """What became of a file, and why."""
    status, why = str(file.get("status", "")), str(file.get("reason") or file.get("error") or "")
    kind = {"failed": "bad", "edited": "good"}.get(status, "dim")
    return f'<span class="{kind}">{escape(status)}</span>' + (f": {escape(why)}" if why else "")


def _skipped(file: Mapping[str, Any]) -> str:
    """Frames that show no edit, by reason where the report has them."""
    reasons = file.get("skipped") or {}
    return ", ".join(f"{count} frames: {reason}" for reason, count in reasons.items() if count)


def edits_of(file: Mapping[str, Any]) -> str:
    """What was asked for; by person where it is not the same for all."""
    edits, people, window = file.get("edits") or {}, file.get("people") or {}, str(file.get("window") or "")
    return f"{done_to(edits, people) or 'none'} {window}".rstrip()


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return "<table>" + "".join(f"<tr><th>{head}</th><td>{cell}</td></tr>" for head, cell in rows) + "</table>" if rows else ""


def _dim(text: str) -> str:
    return f'<span class="dim">({escape(text)})</span>'


def _real(value: object) -> bool:
    return isinstance(value, int | float) and value == value


def number(value: float | None) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None or not _real(value) else str(value) if isinstance(value, int) else f"{value:.3f}"


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
