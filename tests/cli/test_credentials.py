"""--c2pa: refused before the work, or the output validates."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import media
from tests.video.test_credentials import COMPOSITE, actions, make_chain, read

Run = Callable[..., Any]
needs_c2pa = pytest.mark.skipif(importlib.util.find_spec("c2pa") is None, reason="c2pa-python is not installed: pip install .[c2pa]")


@needs_c2pa
def test_the_output_is_signed(videdit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.scripted import script

    script(monkeypatch)
    source = media.make_clip(Path("in.mp4"), size=(160, 128), times=range(6))
    chain, key, root = make_chain(tmp_path)
    result = videdit(str(source), "--smile", "1", "-o", "out.mp4", "--no-cache", "--c2pa", str(chain), str(key))
    assert result.code == 0, result.err
    state, manifest, _ = read(Path("out.mp4"), root)
    assert state == "Trusted"
    assert actions(manifest)[-1]["digitalSourceType"] == COMPOSITE
    assert actions(manifest)[-1]["parameters"]["description"].endswith("smile +1")


@needs_c2pa
@pytest.mark.parametrize(
    ("output", "files", "said"),
    [("out.mkv", ("chain.pem", "key.pem"), "can't hold Content Credentials"), ("out.mp4", ("no.pem", "key.pem"), "no.pem can't be read")],
)
def test_refused_before_the_work(
    videdit: Run, clip: Path, pipeline: Any, tmp_path: Path, output: str, files: tuple[str, str], said: str
) -> None:
    make_chain(tmp_path)
    result = videdit(str(clip), "--smile", "1", "-o", output, "--c2pa", *(str(tmp_path / name) for name in files))
    assert (result.code, said in result.err) == (2, True), result.err
    assert pipeline.calls == []


def test_without_the_extra(videdit: Run, clip: Path, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4", "--c2pa", "a.pem", "b.pem")
    assert (result.code, "pip install" in result.err) == (5, True)
    assert pipeline.calls == []
