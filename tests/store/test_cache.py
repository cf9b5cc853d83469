"""The cache keeps arrays, survives damage and never unpickles."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from videdit.store import Cache, content_key, default_folder, stage_key
from videdit.store.cache import ABANDONED
from videdit.store.plain import load


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    assert cache.load("tracks", "k") is None
    cache.save("tracks", "k", {"w": np.arange(6.0).reshape(2, 3), "valid": np.array([True, False])})
    found = cache.load("tracks", "k")
    assert found is not None
    assert np.array_equal(found["w"], np.arange(6.0).reshape(2, 3))
    assert found["valid"].dtype == bool
    assert [e.stage for e in cache.entries()] == ["tracks"]
    assert cache.size() > 0
    assert not list(tmp_path.rglob("*.part"))
    assert cache.clear() > 0
    assert cache.size() == 0


@pytest.mark.parametrize("damage", [b"", b"not a zip", None])
def test_a_damaged_entry_reads_as_absent(tmp_path: Path, damage: bytes | None) -> None:
    cache = Cache(tmp_path)
    cache.save("tracks", "k", {"w": np.zeros(1000)})
    path = cache.path("tracks", "k")
    path.write_bytes(path.read_bytes()[:200] if damage is None else damage)
    assert cache.load("tracks", "k") is None


@pytest.mark.parametrize("field", [b"\x01\x00\x00\x00", b"\x20\x00\x00\x00", b"\x00\x00\x08\x00", b"\x00\x00\x63\x00"])
def test_an_entry_whose_list_is_damaged_reads_as_absent(tmp_path: Path, field: bytes) -> None:
    """It says that it is encrypted, patched, deflated, or compressed as nobody knows: errors of other kinds than of a file cut off."""
    cache = Cache(tmp_path)
    cache.save("tracks", "k", {"w": np.arange(40.0)})
    whole = cache.path("tracks", "k").read_bytes()
    at = whole.index(b"PK\x01\x02") + 8
    cache.path("tracks", "k").write_bytes(whole[:at] + field + whole[at + 4 :])
    assert cache.load("tracks", "k") is None
    assert load(cache.path("tracks", "k")) is None


def test_what_killed_runs_have_left_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.save("tracks", "k", {"w": np.zeros(10)})
    old, new = tmp_path / "renders/a.part", tmp_path / "renders/b.part"
    old.parent.mkdir()
    for path in (old, new):
        path.write_bytes(bytes(1000))
    os.utime(old, (time.time() - 2 * ABANDONED,) * 2)
    cache.save("tracks", "other", {"w": np.zeros(10)})
    assert not old.exists() and new.exists()  # somebody may be writing it
    assert cache.clear() > 1000
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_entries_that_another_process_removes_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    for key in "ab":
        cache.save("tracks", key, {"w": np.zeros(10)})
    gone = tmp_path / "tracks/gone.npz"
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter([gone, cache.path("tracks", "a")]))
    assert [entry.path.stem for entry in cache.entries()] == ["a"]


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    path = cache.path("tracks", "k")
    path.parent.mkdir(parents=True)
    np.savez(path, w=np.array([{"a": 1}], dtype=object))
    assert cache.load("tracks", "k") is None


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    cache = Cache(None)
    cache.save("tracks", "k", {"w": np.zeros(1)})
    assert cache.load("tracks", "k") is None
    assert cache.entries() == []
    assert cache.size() == 0


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Cache(tmp_path / "file").save("tracks", "k", {"w": np.zeros(1)})


def test_keys_depend_on_content_stage_and_settings(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"1")
    b.write_bytes(b"2")
    assert content_key(a) != content_key(b)
    keys = {stage_key("tracks", content_key(a), 1), stage_key("tracks", content_key(b), 1), stage_key("tracks", content_key(a), 2)}
    keys.add(stage_key("tuned", content_key(a), 1))
    assert len(keys) == 4


def test_the_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEDIT_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("VIDEDIT_CACHE")
    assert default_folder().name in ("videdit", "cache")


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=3500)
    for age, key in enumerate("abc"):
        cache.save("tracks", key, {"w": np.zeros(100)})
        os.utime(cache.path("tracks", key), (age, age))
    assert cache.load("tracks", "a") is not None  # used again
    cache.save("tracks", "d", {"w": np.zeros(100)})
    assert cache.load("tracks", "b") is None
    assert cache.load("tracks", "a") is not None
    assert cache.load("tracks", "d") is not None
    assert cache.size() <= 3500


def test_another_pack_under_the_same_name_has_another_key(tmp_path: Path) -> None:
    from tests.tinypack import make_tiny_pack
    from videdit.packs.manifest import read_manifest

    pack = make_tiny_pack(tmp_path)
    before = read_manifest(pack).id
    text = (pack / "pack.toml").read_text("utf-8")
    digest = next(line for line in text.splitlines() if "sha256" in line)
    (pack / "pack.toml").write_text(text.replace(digest, digest.replace(digest.split('"')[1], "0" * 64)), "utf-8")
    assert stage_key("tracks", before) != stage_key("tracks", read_manifest(pack).id), "other weights, but the same key"
