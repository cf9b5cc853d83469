"""quality.report"""

from __future__ import annotations

import json

import numpy as np

from videdit.quality.report import by_group, markdown, replace_section, to_json


def test_markdown() -> None:
    table = markdown([{"edit": "smile +1", "rate": 0.81234, "n": 3}, {"edit": "age +1", "rate": float("nan"), "n": None}])
    assert table.splitlines() == ["| edit | rate | n |", "| --- | --- | --- |", "| smile +1 | 0.812 | 3 |", "| age +1 | – | – |"]
    assert markdown([]) == ""


def test_json_is_valid_with_nan_inside() -> None:
    assert json.loads(to_json({"a": float("nan"), "b": [np.float32(0.5), (1, float("inf"))]})) == {"a": None, "b": [0.5, [1, None]]}


def test_by_group() -> None:
    values = np.array([1.0, 2.0, 6.0])
    found = by_group(values, {"all": np.ones(3, bool), "last": np.array([False, False, True]), "none": np.zeros(3, bool)})
    assert found["all"] == 3
    assert found["last"] == 6
    assert np.isnan(found["none"])


def test_replace_section() -> None:
    page = replace_section("# Quality\n", "speed", "old")
    assert page == "# Quality\n\n<!-- speed -->\nold\n<!-- /speed -->\n"
    assert replace_section(page + "after", "speed", "new") == page.replace("old", "new") + "after"
