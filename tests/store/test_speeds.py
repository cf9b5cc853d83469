"""Speeds are learnt, kept, and no reason to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from videdit.store.speeds import NAME, Speed, keep_speed, read_speed


def test_a_speed_is_learnt_frame_by_frame() -> None:
    start = Speed()
    slow = start.learn(100, 1280, 720, seconds=3 * start.seconds(100, 1280, 720), size=100 * 1280 * 720)
    assert (slow.factor, slow.bytes_per_pixel, slow.frames) == (pytest.approx(3), pytest.approx(1), 100)
    mixed = slow.learn(100, 640, 360, seconds=start.seconds(100, 640, 360), size=0)
    assert (mixed.factor, mixed.bytes_per_pixel) == (pytest.approx(2), pytest.approx(0.5))
    assert mixed.seconds(50, 640, 360) == pytest.approx(2 * start.seconds(50, 640, 360))
    assert start.learn(2, 640, 360, seconds=9, size=9) == start, "two frames say nothing"


def test_a_speed_is_kept_beside_others(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert read_speed(folder, "a") == read_speed(None, "a") == Speed()
    keep_speed(folder, "a", Speed(2.0, 0.5, 10))
    keep_speed(folder, "b", Speed(3.0, 0.5, 10))
    assert (read_speed(folder, "a"), read_speed(folder, "b").factor) == (Speed(2.0, 0.5, 10), 3.0)
    assert [path.name for path in folder.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": 1}', '{"a": {"factor": "x"}}', '{"a": {"factor": -1, "bytes_per_pixel": 1, "frames": 1}}']
)
def test_a_damaged_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert read_speed(tmp_path, "a") == Speed()
    keep_speed(tmp_path, "a", Speed(2.0, 0.5, 10))
    assert read_speed(tmp_path, "a").factor == 2.0
