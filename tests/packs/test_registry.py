"""Registry files: videdit's own is well-formed, and a hostile one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from videdit.errors import PackError, UsageError
from videdit.packs.registry import find_entry, read_registry, refused
from videdit.packs.weights import place

GOOD = {
    "purpose": '"p"',
    "file": '"a.bin"',
    "homepage": '"https://example.org"',
    "licence": '"MIT"',
    "licence_url": '"https://example.org/l"',
    "commercial": '"yes"',
    "urls": '["https://example.org/a.bin"]',
}


def write(folder: Path, name: str = "thing", **changes: str) -> Path:
    path = folder / "more.toml"
    lines = [f"{key} = {value}" for key, value in {**GOOD, **changes}.items() if value]
    path.write_text(f'["{name}"]\n' + "\n".join(lines), "utf-8")
    return path


@pytest.fixture(autouse=True)
def no_other_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDEDIT_REGISTRY", raising=False)


def test_the_shipped_registry() -> None:
    registry = read_registry()
    assert {"fan", "facenet", "e4e-ffhq", "psp-ffhq", "stylegan2-ffhq-config-f", "stylegan2-ada-ffhq"} <= set(registry)
    for entry in registry.values():
        assert bool(entry.sha256) == bool(entry.sha256_from), f"{entry.name}: a hash needs its source"
        assert all(url.startswith("https://") for url in (*entry.urls, entry.homepage, entry.licence_url))
    # face-alignment names its files by the first digits of their sha256
    assert registry["fan"].sha256.startswith(registry["fan"].file.split("-")[1].split(".")[0])


def test_entries_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = write(tmp_path, sha256=f'"{"AB" * 32}"')
    assert read_registry([mine])["thing"].sha256 == "ab" * 32
    monkeypatch.setenv("VIDEDIT_REGISTRY", str(mine))
    assert "thing" in read_registry()
    with pytest.raises(UsageError) as error:
        find_entry(read_registry(), "thnig")
    assert "thing" in error.value.hint
    assert read_registry([write(tmp_path, name="fan")])["fan"].file == "a.bin"  # one's own goes before


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "a\\\\b", "", ".hidden", "A", "con", "nul.txt", "x" * 65, "a b", "-rf", "é"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(PackError, match="a name is small letters"):
        read_registry([write(tmp_path, name=name)])


@pytest.mark.parametrize(
    "file",
    [
        "../a",
        "..",
        "/etc/passwd",
        "a/b",
        "a\\\\b",
        "C:\\\\a",
        "C:a",
        ".bashrc",
        "aux.bin",
        "a.",
        "a\\u0000b",
        "a.part",
        "a.json",
        "x" * 200,
    ],
)
def test_files_that_lead_elsewhere(tmp_path: Path, file: str) -> None:
    with pytest.raises(PackError):
        read_registry([write(tmp_path, file=f'"{file}"')])


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": ""},
        {"urls": ""},
        {"urls": "[3]"},
        {"urls": '["ftp://example.org/a"]'},
        {"urls": '["http://example.org/a"]'},
        {"urls": '["https://user:word@example.org/a"]'},
        {"urls": '["https:///a"]'},
        {"urls": '["https://[::1/a"]'},
        {"urls": '["file://otherhost/a"]'},
        {"urls": '"https://example.org/a"'},
        {"sha256": '"abc"'},
        {"bytes": "-1"},
        {"bytes": "true"},
        {"bytes": '"12"'},
        {"commercial": '"maybe"'},
        {"run": '"rm"'},
        {"licence_note": '"\\u001b[2J"'},
    ],
)
def test_entries_that_are_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(PackError, match="thing") as error:
        read_registry([write(tmp_path, **changes)])
    assert "\x1b" not in str(error.value)


def test_files_that_are_no_registry(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "a.toml", tmp_path / "none.toml", tmp_path):
        with pytest.raises(PackError):
            read_registry([path])


def test_plain_http_needs_a_hash() -> None:
    assert refused("http://example.org/a", pinned=False)
    assert not refused("http://example.org/a", pinned=True)
    assert not refused("http://127.0.0.1:8000/a", pinned=False)
    assert refused("http://localhost.example.org/a", pinned=False)


def test_places_stay_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEDIT_WEIGHTS", str(tmp_path))
    for entry in read_registry().values():
        assert place(entry).resolve().is_relative_to(tmp_path.resolve())
    assert place(read_registry()["fan"], tmp_path / "other").parent == tmp_path / "other"
