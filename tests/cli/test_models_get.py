"""videdit models get, from the command line to a server on loopback."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.packs.server import Served, Server, serving
from videdit.packs import fetch
from videdit.packs.download import Patience
from videdit.packs.weights import find_weights

Run = Callable[..., Any]
DATA = b"weights" * 40_000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """With a registry of two entries: pinned, and one without a published hash."""
    monkeypatch.setattr(fetch, "PATIENCE", Patience(connect=5, silence=1, tries=2, pause=0))
    monkeypatch.setenv("VIDEDIT_WEIGHTS", str(tmp_path / "weights"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving() as state:
        text = ""
        for name, sha256 in (("pinned", SHA), ("open", "")):
            text += f'[{name}]\npurpose = "tests"\nfile = "{name}.bin"\nhomepage = "https://example.org"\nlicence = "MIT"\n'
            text += f'licence_url = "https://example.org/licence"\ncommercial = "no"\nurls = ["{state.url}/{name}"]\nsha256 = "{sha256}"\n'
            text += 'sha256_from = "here"\n' if sha256 else ""
            state.files[f"/{name}"] = Served(DATA)
        (tmp_path / "registry.toml").write_text(text, "utf-8")
        monkeypatch.setenv("VIDEDIT_REGISTRY", str(tmp_path / "registry.toml"))
        yield state


def test_a_file_is_fetched_and_found(videdit: Run, server: Server) -> None:
    result = videdit("models", "get", "pinned", "--accept-license")
    assert result.code == 0
    assert "licence  MIT, https://example.org/licence" in result.out
    assert "commercial use: no" in result.out
    assert f"sha256 {SHA}, as it should be" in result.out
    assert find_weights("pinned").read_bytes() == DATA  # type: ignore[union-attr]
    again = videdit("models", "get", "pinned")
    assert again.code == 0
    assert "already here and whole" in again.out
    assert len(server.asked) == 1


@pytest.mark.parametrize(("answer", "code"), [("n\n", 2), ("", 2), ("y\n", 0)])
def test_consent_in_a_terminal(videdit: Run, server: Server, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    stream = io.StringIO(answer)
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", stream)
    result = videdit("models", "get", "pinned")
    assert result.code == code
    assert bool(server.asked) == (code == 0)
    assert code == 0 or "was not accepted" in result.err


def test_without_a_terminal_nothing_is_accepted(videdit: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    result = videdit("models", "get", "pinned")
    assert result.code == 2
    assert "--accept-license" in result.err
    assert server.asked == []


def test_offline(videdit: Run, server: Server, tmp_path: Path) -> None:
    result = videdit("models", "get", "pinned", "--offline", "--accept-license")
    assert result.code == 5
    assert f"{server.url}/pinned" in result.err
    (tmp_path / "mine.bin").write_bytes(DATA)
    assert videdit("models", "get", "pinned", "--offline", "--accept-license", "--from", str(tmp_path / "mine.bin")).code == 0
    assert videdit("models", "get", "pinned", "--offline").code == 0
    assert server.asked == []


def test_a_file_without_a_published_hash(videdit: Run, server: Server) -> None:
    result = videdit("models", "get", "open", "--accept-license", "--to", "here")
    assert result.code == 0
    assert f"sha256 {SHA}\n" in result.out
    assert "no sha256 is published" in result.err
    assert json.loads(Path("here/open.bin.json").read_text())["sha256"] == SHA
    assert videdit("models", "get", "open", "--accept-license", "--to", "there", "--sha256", "0" * 64).code == 5
    assert not Path("there/open.bin").exists()
    assert videdit("models", "get", "open", "--accept-license", "--to", "there", "--sha256", SHA.upper()).code == 0


def test_a_damaged_file_is_named_and_fetched_again(videdit: Run, server: Server) -> None:
    videdit("models", "get", "pinned", "--accept-license")
    path = find_weights("pinned")
    assert path is not None
    path.write_bytes(b"broken")
    from videdit.errors import PackError

    with pytest.raises(PackError) as error:
        find_weights("pinned")
    assert "videdit models get pinned" in error.value.hint
    assert videdit("models", "get", "pinned", "--accept-license").code == 0
    assert path.read_bytes() == DATA


def test_by_hand(videdit: Run, server: Server) -> None:
    result = videdit("models", "get", "e4e-ffhq")
    assert result.code == 5
    assert "drive.google.com/file/d/1cUv_reLE6k3604or78EranS7XzuVMWeO" in result.out
    assert "videdit models get e4e-ffhq --from FILE" in result.err
    Path("other.pt").write_bytes(b"something else")
    assert videdit("models", "get", "e4e-ffhq", "--accept-license", "--from", "other.pt").code == 5


def test_the_list(videdit: Run, server: Server) -> None:
    videdit("models", "get", "pinned", "--accept-license")
    lines = {line.split()[0]: line for line in videdit("models", "get", "--list").out.splitlines()}
    assert " here " in lines["pinned"]
    assert " to fetch " in lines["fan"]
    assert " by hand " in lines["psp-ffhq"]
    rows = json.loads(videdit("models", "get", "--list", "--json").out)
    assert {"name", "urls", "sha256", "licence_url", "path", "state"} <= set(rows[0])


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ([], 2),
        (["nix"], 2),
        (["fan", "facenet", "--sha256", SHA], 2),
        (["fan", "--sha256", "abc"], 2),
        (["fan", "--sha256", SHA], 2),
        (["fan", "--from", "none.bin"], 2),
        (["fan", "--registry", "none.toml"], 5),
        (["fan", "--frob"], 2),
    ],
)
def test_requests_that_make_no_sense(videdit: Run, server: Server, argv: list[str], code: int) -> None:
    result = videdit("models", "get", *argv)
    assert result.code == code
    assert len(result.err.strip().splitlines()) <= 2


def test_it_imports_nothing_heavy(videdit: Run) -> None:
    import subprocess
    import sys

    code = "import sys, videdit.cli.models_get; print(sorted({'torch', 'cv2', 'av', 'scipy', 'requests'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
