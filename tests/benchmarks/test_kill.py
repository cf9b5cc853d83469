"""SIGKILL anywhere in an edit of a folder, and the same command again: the same bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.kill import rows, torment
from tests.scripted import make_clip, scripted_command
from tests.tinypack import make_tiny_pack


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: a run that is killed would mostly be importing")
def test_killed_and_gone_on_with(tmp_path: Path) -> None:
    pack = make_tiny_pack(tmp_path)
    clips, folder = tmp_path / "clips", tmp_path / "runs"
    clips.mkdir()
    folder.mkdir()
    make_clip(clips / "a.mp4", pts=range(30))
    make_clip(clips / "b.mp4", pts=[0, 1, 2, 5, 6, 7, 11, 12, 13, 14, 20, 21])
    words = [str(clips), "--smile", "1.5", "--pack", str(pack), "--no-cache", "--progress", "none", "--quiet", "-o"]
    tally = torment(lambda out: [*words, f"{out}/"], folder, kills=5, seed=1, run=scripted_command)
    assert tally.wrong == []
    assert tally.ended >= 1
    assert sum(len(lost) for lost in tally.lost.values()) == 5
    assert rows(tally)[-1]["kills"] == 5
