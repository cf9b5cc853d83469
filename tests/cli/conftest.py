"""The command line, called in this process, with a tiny pack as the default one and a pipeline that only pretends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tinypack import make_tiny_pack
from videdit.cli.main import main
from videdit.config import DEFAULT_PACK, Settings
from videdit.pipeline.lowered import Lowered


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass
class FakePipeline:
    """Records what it is asked for, and does what `acts` says for an input's name."""

    calls: list[tuple[Path, Path, dict[str, float], Settings]] = field(default_factory=list)
    acts: dict[str, Callable[[], None]] = field(default_factory=dict)
    faceless: set[str] = field(default_factory=set)
    people: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    def edit_video(
        self,
        source: Path,
        target: Path,
        strengths: Mapping[str, float],
        settings: Settings,
        *,
        progress: Any = None,
        pack: Any = None,
        people: Any = None,
    ) -> Any:
        self.people = people or {}
        self.calls.append((Path(source), Path(target), dict(strengths), settings))
        if source.name in self.acts:
            self.acts[source.name]()
        for done in range(1, 4):
            progress("edit", done, 3)
        target.write_bytes(b"edited")
        status = "no face" if source.name in self.faceless else "edited"
        values = {"input": str(source), "output": str(target), "status": status}
        return SimpleNamespace(
            output=target,
            edits=dict(strengths),
            window=str(settings.window),
            frames=3,
            frames_with_face=3,
            faces=1,
            people={1: dict(strengths)} if strengths else {},
            status=status,
            wall=1.5,
            warnings=[],
            lowered=Lowered(),
            as_json=lambda: values,
        )


@pytest.fixture(scope="session")
def default_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_pack(tmp_path_factory.mktemp("packs"), name=DEFAULT_PACK)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    fake = FakePipeline()
    monkeypatch.setitem(sys.modules, "videdit.pipeline", SimpleNamespace(edit_video=fake.edit_video))
    monkeypatch.setattr("videdit.batch.inline.check_readable", lambda source: None)
    return fake


@pytest.fixture
def videdit(
    default_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Run a command line in an empty folder."""
    monkeypatch.setenv("VIDEDIT_PACKS", str(default_pack.parent))
    monkeypatch.setenv("VIDEDIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*argv: str) -> Result:
        code = main(argv)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def clip(videdit: Callable[..., Result]) -> Path:
    """in.mp4 in the working folder; nothing reads it but the fake pipeline."""
    path = Path("in.mp4")
    path.write_bytes(b"not really a clip")
    return path
