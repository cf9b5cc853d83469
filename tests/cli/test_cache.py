"""videdit cache: what is kept, how much, and away with it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from videdit.store import Cache

Run = Callable[..., Any]


@pytest.mark.parametrize("flags", [[], ["--cache-dir", "elsewhere"]])
def test_list_size_and_clear(videdit: Run, flags: list[str], tmp_path: Path) -> None:
    folder = Path(flags[1]) if flags else tmp_path / "cache"
    cache = Cache(folder)
    for age, stage in ((100, "tracks"), (200, "renders")):
        cache.save(stage, "k", {"w": np.zeros(10_000)})
        os.utime(cache.path(stage, "k"), (age, age))
    (folder / "speeds.json").write_text("{}")
    lines = videdit("cache", "list", *flags).out.splitlines()
    assert ["renders of" in lines[0], "faces and latents" in lines[1]] == [True, True]
    assert [row["used"] for row in json.loads(videdit("cache", "list", "--json", *flags).out)] == [200, 100]
    sizes = json.loads(videdit("cache", "size", "--json", *flags).out)
    assert (sizes["entries"], sizes["folder"]) == (2, str(folder)) and 160_000 < sizes["bytes"] < sizes["limit"]
    assert "161 kB of at most 4.3 GB, 2 entries in" in videdit("cache", "size", *flags).out
    assert "161 kB freed" in videdit("cache", "clear", *flags).out
    assert videdit("cache", "list", *flags).out == ""
    assert (folder / "speeds.json").is_file(), "speeds are no copies of anybody's clips"


def test_no_folder_is_an_empty_one(videdit: Run) -> None:
    assert videdit("cache", "size", "--cache-dir", "none").out.startswith("0 bytes of at most")
    assert videdit("cache", "clear", "--cache-dir", "none").code == 0
    assert videdit("cache", "burn").code == 2
    assert not Path("none").exists()
