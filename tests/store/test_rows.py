"""Rows are kept whole or not at all, and come back to the bit."""

from pathlib import Path

import numpy as np
import pytest

from videdit.store import Cache, Rows

SHAPE = (5, 2, 3)
VALUES = np.arange(30, dtype=np.uint8).reshape(SHAPE)


def fill(rows: Rows, upto: int = 5) -> None:
    with rows:
        for start in range(0, upto, 2):
            rows.write(start, VALUES[start : min(start + 2, upto)])


def test_what_one_run_writes_the_next_one_reads(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    fill(cache.rows("renders", "k", SHAPE))
    with cache.rows("renders", "k", SHAPE) as again:
        found = again.read(1, 4)
    assert found is not None
    assert np.array_equal(found, VALUES[1:4])
    assert [e.stage for e in cache.entries()] == ["renders"]
    assert cache.clear() > 30


def test_a_run_that_stops_halfway_leaves_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    fill(cache.rows("renders", "k", SHAPE), upto=4)
    assert cache.rows("renders", "k", SHAPE).read(0, 1) is None
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    fill(Cache(tmp_path).rows("renders", "k", SHAPE))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_rows_out_of_order_are_not_kept(tmp_path: Path) -> None:
    with Cache(tmp_path).rows("renders", "k", SHAPE) as rows:
        rows.write(2, VALUES[2:])
        rows.write(0, VALUES[:2])
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_another_shape_or_a_damaged_file_reads_as_absent(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    fill(cache.rows("renders", "k", SHAPE))
    assert cache.rows("renders", "k", (5, 3, 2)).read(0, 1) is None
    path = cache.path("renders", "k").with_suffix(".npy")
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.rows("renders", "k", SHAPE).read(0, 1) is None


def test_what_is_too_big_or_has_no_place_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for cache in (Cache(None), Cache(tmp_path, limit=239), Cache(tmp_path / "file")):
        fill(cache.rows("renders", "k", SHAPE))
        assert cache.rows("renders", "k", SHAPE).read(0, 1) is None
