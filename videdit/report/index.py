"""A run of many files as one HTML page that links a page for each: what failed first, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from videdit.report.page import document, edits_of, number, shared, status_of


def index(run: Mapping[str, Any]) -> str:
    """run["files"]: clip reports (`ClipReport.as_json()`, or input, output, status, error and hint), with "page", an address from here,
    where there is one, and "figures" (`figures_of`); the rest as for `page`."""
    files: Sequence[Mapping[str, Any]] = run.get("files", [])
    title = f"{len(files)} files"
    body = [f"<h1>AI-edited videos: {title}</h1>", f'<p class="dim">videdit {escape(str(run.get("videdit", "")))}</p>', _counts(files)]
    failed = [file for file in files if file.get("status") == "failed"]
    if failed:
        body += ["<h2>Failed</h2>", *_failed(failed)]
    body += ["<h2>All files</h2>", *_all(files), *shared(run)]
    return document(title, body)


def _counts(files: Sequence[Mapping[str, Any]]) -> str:
    count: dict[str, int] = {}
    for file in files:
        status = str(file.get("status", ""))
        count[status] = count.get(status, 0) + 1
    said = ", ".join(f"{many} {escape(status)}" for status, many in count.items())
    return f"<p>{said}; {sum(file.get('frames') or 0 for file in files)} frames</p>"


def _failed(files: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "<table><tr><th>file</th><th>why</th><th>what to do</th></tr>"
    for file in files:
        why = file.get("reason") or file.get("error") or ""
        cells = (_link(file, str(file.get("input", ""))), escape(str(why)), escape(str(file.get("hint") or "")))
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def _all(files: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    heads = ("file", "status", "edits", "frames", "with a face", "s", "identity", "flicker", "warnings")
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
    for file in files:
        figures = file.get("figures") or {}
        cells = [_link(file, str(file.get("output", ""))), status_of(file), escape(edits_of(file)) if file.get("edits") else ""]
        cells += [number(file.get(name)) for name in ("frames", "frames_with_face")]
        cells += [f"{file['wall']:.1f}" if file.get("wall") else "–", *(number(figures.get(name)) for name in ("identity", "flicker"))]
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, str(len(file.get("warnings", [])) or ""))) + "</tr>"
    yield "</table>"


def _link(file: Mapping[str, Any], text: str) -> str:
    """A name, with its page behind it."""
    address = file.get("page")
    return f'<a href="{quote(str(address), errors="surrogateescape")}">{escape(text)}</a>' if address else escape(text)
