"""The page says what the report says, needs nothing from outside, and can't be broken by a file's name."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from videdit.report.page import page
from videdit.report.plots import plot

VOID = {"meta", "img", "line", "circle", "polyline", "br"}
NAME = '<b>"x"&.mp4'
PERSON: dict[str, Any] = {
    "times": [0.0, 0.5, 1.0],
    "shown": [1.0, 0.5, 1.0],
    "flicker": 1.07,
    "flickers": {"source": [None, 1.0, 2.0], "edited": [None, 1.5, 2.5]},
    "seam": {"level": 0.4, "gradient": 1.01},
    "seams": [0.4, None, 0.4],
    "identity": {"mean": 0.871, "min": 0.802, "TL-ID": 0.991, "TG-ID": 0.982},
    "identities": [0.9, 0.802, 0.91],
    "attributes": {"smile": {"before": [0.9, 0.9, 0.9], "after": [0.1, 0.2, 0.3]}},
    "others": {"age": -0.11},
    "strip": [(0.5, "data:image/jpeg;base64,AAAA", "data:image/jpeg;base64,BBBB")],
}
FILE: dict[str, Any] = {
    "input": NAME,
    "output": "out.mp4",
    "status": "edited",
    "edits": {"smile": -1.0},
    "frames": 3,
    "frames_with_face": 3,
    "faces": 1,
    "skipped": {"in profile": 12, "blurred": 0},
    "warnings": ["avi can't carry <chapters>"],
    "licences": {"generator": "MIT"},
    "measured": [PERSON],
}
FAILED = {"input": "b.mp4", "output": "b_out.mp4", "status": "failed", "reason": "identity", "edits": {"smile": -1.0}}
RUN: dict[str, Any] = {
    "videdit": "0.1.0",
    "pack": {"id": "tiny", "license": "MIT"},
    "settings": {"max_identity_drop": 0.15},
    "files": [FILE],
}


class Checker(HTMLParser):
    """Every tag is closed, in order; addresses and texts are collected."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_clip(tmp_path: Any) -> None:
    text = page(RUN)
    found = Checker(text)
    said = " ".join(found.words)
    assert NAME in said and "<b>" not in text
    for words in ("smile -1", "12 frames: in profile", "avi can't carry <chapters>", "generator", "0.871", "0.802", "1.070", "age -0.11"):
        assert words in said, words
    assert "blurred" not in said
    assert found.addresses == ["data:image/jpeg;base64,AAAA", "data:image/jpeg;base64,BBBB"]
    assert not re.search(r"https?:|@import|<script", text)
    assert text.count("<svg") == 5
    assert text.count('class="bar"') == 1  # the gate, in the plot of identity


def test_many_clips_have_an_index() -> None:
    found = Checker(page({**RUN, "files": [FILE, FAILED, {"input": "c", "output": "c", "status": "skipped"}]}))
    assert [a for a in found.addresses if a.startswith("#")] == ["#clip-0", "#clip-1", "#clip-2"]
    assert ": identity" in " ".join(found.words)


def test_nothing_at_all_is_a_page_too() -> None:
    Checker(page({}))


def test_plots_leave_gaps_and_hold_their_range() -> None:
    svg = plot("p", [0, 1, 2, 3, 4], {"a": [0.0, 1.0, None, 2.0, float("nan")]}, low=0, high=1)
    assert svg.count("<polyline") == 1 and svg.count("<circle") == 1
    heights = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", svg)]
    assert heights == pytest.approx([130.0, 22.0])
    assert plot("p", [0, 1], {"a": [None, None]}) == ""
    assert plot("p", [], {}) == ""
    assert "<polyline" in plot("flat", [0, 1], {"a": [0.5, 0.5]})
