"""`videdit models get` against a server on loopback that cuts, lies, refuses and dawdles."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.packs.server import Served, Server, serving
from videdit.errors import MissingError, OutputError, PackError, UsageError
from videdit.packs import download, fetch
from videdit.packs.download import Patience
from videdit.packs.registry import Entry
from videdit.packs.weights import read_record

DATA = bytes(range(256)) * 1200  # 300 kB
SHA = hashlib.sha256(DATA).hexdigest()
OTHER = bytes(reversed(DATA))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between tries, and no proxy of the machine's own."""
    monkeypatch.setattr(fetch, "PATIENCE", Patience(connect=5, silence=0.5, tries=3, pause=0, slowest=20_000, slow_for=0.3))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


def entry(*urls: str, sha256: str = SHA, size: int = 0, by_hand: str = "") -> Entry:
    licence = {"licence": "MIT", "licence_url": "https://example.org/licence", "commercial": "yes"}
    return Entry("thing", "for tests", "thing.bin", "https://example.org", urls=urls, sha256=sha256, bytes=size, by_hand=by_hand, **licence)


Get = Callable[..., fetch.Got]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def get(tmp_path: Path, said: list[str]) -> Get:
    def call(what: Entry, *, source: Path | None = None, folder: Path = tmp_path / "w") -> fetch.Got:
        return fetch.fetch(what, folder / what.file, source=source, say=said.append, progress=lambda done, total: None)

    return call


def leftovers(path: Path) -> list[str]:
    """Everything in a file's folder but the file, its note and the lock."""
    return sorted(p.name for p in path.parent.iterdir() if p.name not in (path.name, f"{path.name}.json", f".{path.name}.lock"))


def test_a_file_comes_whole_and_is_noted(server: Server, get: Get) -> None:
    server.files["/a"] = Served(DATA)
    got = get(entry(f"{server.url}/a", size=len(DATA)))
    assert got.path.read_bytes() == DATA
    assert (got.sha256, got.bytes, got.fresh, got.pinned) == (SHA, len(DATA), True, True)
    note = read_record(got.path)
    assert (note["sha256"], note["from"], note["accepted"], note["published"]) == (SHA, f"{server.url}/a", True, True)
    assert leftovers(got.path) == []
    assert get(entry(f"{server.url}/a")).fresh is False  # there already
    assert len(server.asked) == 1


def test_a_cut_download_goes_on_where_it_stopped(server: Server, get: Get) -> None:
    server.files["/a"] = Served(DATA, cuts=[100_000, 50_000])
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA
    assert server.asked == [("/a", ""), ("/a", "bytes=100000-"), ("/a", "bytes=150000-")]


def test_so_does_another_run(server: Server, get: Get) -> None:
    server.files["/a"] = Served(DATA, cuts=[100_000, 0, 0])
    with pytest.raises(MissingError, match="the connection") as error:
        get(entry(f"{server.url}/a"))
    assert "what came already is kept" in error.value.hint
    server.asked.clear()
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA
    assert server.asked == [("/a", "bytes=100000-")]


def test_a_server_that_refuses_ranges_sends_it_all_again(server: Server, get: Get) -> None:
    server.files["/a"] = Served(DATA, cuts=[100_000], ranges=False)
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA


@pytest.mark.parametrize("heeds", [True, False])
def test_a_file_that_changed_meanwhile_begins_anew(server: Server, get: Get, heeds: bool) -> None:
    server.files["/a"] = Served(OTHER, etag='"old"', cuts=[100_000, 0, 0])
    with pytest.raises(MissingError):
        get(entry(f"{server.url}/a"))
    server.files["/a"] = Served(DATA, etag='"new"', heeds_if_range=heeds)
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA


def test_halves_of_two_files_are_noticed_without_a_tag(server: Server, get: Get) -> None:
    server.files["/a"] = Served(OTHER, etag="", cuts=[100_000, 0, 0])
    with pytest.raises(MissingError):
        get(entry(f"{server.url}/a"))
    server.files["/a"] = Served(DATA, etag="")
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA
    assert server.asked[-2:] == [("/a", "bytes=100000-"), ("/a", "")]


def test_what_a_stopped_run_had_whole_is_not_fetched_again(server: Server, get: Get, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    part = tmp_path / "w" / ".thing.bin.part"
    for size in (0, len(DATA)):
        part.write_bytes(DATA)
        part.with_name(part.name + ".json").write_text(json.dumps({"url": f"{server.url}/a", "validator": '"1"'}))
        server.files["/a"] = Served(DATA)
        got = get(entry(f"{server.url}/a", size=size))
        assert got.path.read_bytes() == DATA
        got.path.unlink()
    assert server.asked == [("/a", f"bytes={len(DATA)}-")]  # where the size is not known the server is asked


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Served(b"", status=404), "it answers 404"),
        (Served(OTHER), "its sha256 is"),
        (Served(DATA[:-1]), "bytes, not 307200"),
        (Served(DATA, says={"Content-Type": "text/html; charset=utf-8"}), "a web page"),
        (Served(DATA, says={"Content-Encoding": "gzip"}), "another coding"),
        (Served(b"", status=503), "it answers 503"),
        (Served(b"", status=302, says={"Location": "ftp://example.org/a"}), "nowhere"),
        (Served(b"", status=302, says={"Location": "file:///etc/hostname"}), "nowhere"),
        (Served(DATA, pause=5), "silent for 0.5 s"),
        (Served(DATA, pause=0.05, step=50), "it sends only"),
    ],
    ids=["404", "hash", "size", "page", "gzip", "503", "ftp", "file", "silent", "slow"],
)
def test_where_one_address_fails_the_next_is_tried(server: Server, get: Get, said: list[str], bad: Served, why: str) -> None:
    server.files.update({"/bad": bad, "/good": Served(DATA)})
    got = get(entry(f"{server.url}/bad", f"{server.url}/good", size=len(DATA)))
    assert got.path.read_bytes() == DATA
    assert read_record(got.path)["from"] == f"{server.url}/good"
    assert len(said) == 1
    assert why in said[0]


def test_an_address_that_nobody_answers_at(server: Server, get: Get, said: list[str]) -> None:
    server.files["/a"] = Served(DATA)
    get(entry("http://127.0.0.1:9/a", f"{server.url}/a"))
    assert "can't be reached" in said[0]


def test_a_wrong_file_is_never_put_in_place(server: Server, get: Get, tmp_path: Path) -> None:
    server.files["/a"] = Served(OTHER)
    with pytest.raises(MissingError, match=f"not {SHA}"):
        get(entry(f"{server.url}/a"))
    assert not (tmp_path / "w" / "thing.bin").exists()
    assert leftovers(tmp_path / "w" / "thing.bin") == []


def test_tries_that_bring_much_are_not_counted(server: Server, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WORTH", 20_000)
    server.files["/a"] = Served(DATA, cuts=[30_000] * 9)
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA
    assert len(server.asked) == 10


def test_a_server_is_waited_for_as_it_asks(server: Server, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(download, "time", SimpleNamespace(sleep=waits.append, monotonic=time.monotonic))
    monkeypatch.setattr(fetch, "PATIENCE", Patience(tries=4, pause=0.5))
    server.files["/a"] = Served(b"", status=429, says={"Retry-After": "7"})
    with pytest.raises(MissingError):
        get(entry(f"{server.url}/a"))
    server.files["/a"] = Served(b"", status=503)
    with pytest.raises(MissingError):
        get(entry(f"{server.url}/a"))
    assert waits == [7, 7, 7, 0.5, 1, 2]


def test_without_a_published_hash_the_first_one_is_kept(server: Server, get: Get) -> None:
    server.files["/a"] = Served(DATA)
    unpinned = entry(f"{server.url}/a", sha256="")
    got = get(unpinned)
    assert (got.sha256, got.pinned) == (SHA, False)
    assert fetch.already(unpinned, got.path).sha256 == SHA  # type: ignore[union-attr]
    got.path.write_bytes(OTHER)
    assert fetch.already(unpinned, got.path) is None
    assert get(unpinned).path.read_bytes() == DATA  # fetched again
    with pytest.raises(UsageError, match="not what the registry says"):
        fetch.pinned(entry("https://example.org/a"), "0" * 64)


def test_an_unknown_file_in_the_place_is_left_alone(server: Server, get: Get, tmp_path: Path) -> None:
    (tmp_path / "thing.bin").write_bytes(OTHER)
    with pytest.raises(OutputError, match="nothing says what it should be"):
        get(entry(f"{server.url}/a", sha256=""), folder=tmp_path)
    assert (tmp_path / "thing.bin").read_bytes() == OTHER


def test_without_size_and_hash_a_short_file_would_pass_for_whole(server: Server, get: Get) -> None:
    server.files["/a"] = Served(DATA, says={"Content-Length": ""})
    with pytest.raises(MissingError, match="does not say how long"):
        get(entry(f"{server.url}/a", sha256=""))
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA  # the hash would tell


def test_a_file_of_this_machine(get: Get, tmp_path: Path) -> None:
    mine = tmp_path / "mine.bin"
    mine.write_bytes(DATA)
    assert get(entry(by_hand="ask"), source=mine).path.read_bytes() == DATA
    assert get(entry("file:///nowhere/a", mine.as_uri()), folder=tmp_path / "b").path.read_bytes() == DATA
    assert mine.exists()
    mine.write_bytes(OTHER)
    with pytest.raises(PackError, match=r"not thing\.bin"):
        get(entry(by_hand="ask"), source=mine, folder=tmp_path / "c")
    with pytest.raises(MissingError, match="by hand"):
        get(entry(by_hand="ask"), folder=tmp_path / "d")


def test_a_proxy_is_asked(server: Server, get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    server.files["/a"] = Served(DATA)
    assert get(entry("http://weights.invalid/a")).path.read_bytes() == DATA
    assert server.asked[-1][0] == "http://weights.invalid/a"
    get(entry(f"{server.url}/a"), folder=tmp_path / "b")  # requests leaves no host out of itself
    assert server.asked[-1][0] == f"{server.url}/a"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    get(entry(f"{server.url}/a"), folder=tmp_path / "c")
    assert server.asked[-1][0] == "/a"


def test_a_folder_that_can_not_be_written(server: Server, get: Get, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OutputError, match="can't be written") as error:
        get(entry(f"{server.url}/a"), folder=tmp_path / "taken")
    assert "--to" in error.value.hint


def test_a_disk_that_is_full_or_read_only(server: Server, get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server.files["/a"] = Served(DATA)

    class Full:
        name = "thing"

        def write(self, chunk: bytes) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        download._put(Full(), b"x")  # type: ignore[arg-type]

    def read_only(path: Path, mode: str) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(download, "open", read_only, raising=False)
        with pytest.raises(OutputError, match="Read-only"):
            get(entry(f"{server.url}/a"))
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match="no room"):
        get(entry(f"{server.url}/a"))
    assert not (tmp_path / "w" / "thing.bin").exists()


def _fetch_elsewhere(url: str, folder: Path, results: multiprocessing.Queue[bool]) -> None:
    results.put(fetch.fetch(entry(url), folder / "thing.bin", source=None, say=print, progress=lambda done, total: None).fresh)


def test_two_at_once_fetch_it_once(server: Server, get: Get, tmp_path: Path, said: list[str]) -> None:
    server.files["/a"] = Served(DATA, pause=0.15, step=100_000)
    results: list[bool] = []
    others = [threading.Thread(target=lambda: results.append(get(entry(f"{server.url}/a")).fresh)) for _ in range(2)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(30)
    assert sorted(results) == [False, True]
    assert len(server.asked) == 1
    assert said == ["another videdit is at thing; waiting for it"]
    assert (tmp_path / "w" / "thing.bin").read_bytes() == DATA


def test_a_run_that_was_killed_leaves_no_lock(server: Server, get: Get, tmp_path: Path) -> None:
    server.files["/a"] = Served(DATA, pause=0.1, step=10_000)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_fetch_elsewhere, args=(f"{server.url}/a", tmp_path / "w", context.Queue()))
    process.start()
    part = tmp_path / "w" / ".thing.bin.part"
    until = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size) and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.join()
    server.files["/a"].pause = 0
    server.asked.clear()
    assert get(entry(f"{server.url}/a")).path.read_bytes() == DATA
    assert server.asked[0][1].startswith("bytes=")  # and what it had is gone on with
