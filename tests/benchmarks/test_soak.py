"""The soak in small: a folder with a bad clip, and a worker killed in the middle of a good one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import soak
from benchmarks.__main__ import OWN_CLIP
from videdit.config import DEFAULT_PACK
from videdit.packs import find_packs


def test_growth_compares_quarters() -> None:
    assert soak.growth([9_000_000, 1_000_000, 2_000_000, 3_000_000]) == (1.0, 3.0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.skipif(DEFAULT_PACK not in find_packs(), reason=f"the pack {DEFAULT_PACK} is not here: nothing to edit with")
def test_all_good_ones_are_done_and_all_bad_ones_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "FRAMES", 3)
    (row,) = soak.run(OWN_CLIP, tmp_path, clips=6, bad=3, kill_every=3, workers=2, options=[], drawing=tmp_path / "m.svg")
    assert (row["done"], row["named"], row["exit code"]) == (4, 2, 3)
    assert row["killed"]
    assert int(str(row["done again"])) <= int(str(row["killed"])), "a kill may come just after a clip is done"
    assert "<polyline" in (tmp_path / "m.svg").read_text()
