"""train.curve"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from videdit.train.curve import draw_curves, read_log


def test_a_panel_per_value(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "l1": 0.9}\n{"step": 5, "l1": 0.4, "lpips": 0.5}\n{"step": 9, "l')
    lines = read_log(log)
    assert len(lines) == 2
    svg = ElementTree.fromstring(draw_curves(lines, ["l1", "lpips"], against="step"))
    assert [len(p.attrib["points"].split()) for p in svg.iter("{http://www.w3.org/2000/svg}polyline")] == [2, 1]


def test_a_name_nobody_logged() -> None:
    with pytest.raises(KeyError, match="speed"):
        draw_curves([{"step": 1, "l1": 0.9}], ["speed"], against="step")
