"""videdit train hands on what it was given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videdit.config import DEFAULT_PACK
from videdit.train import transformer

Run = Callable[..., Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the trainer was called with."""
    made: list[dict[str, Any]] = []

    def train(
        data: Path, out: Path, *, pack: Path, minutes: float = 1.0, rank: int = 16, resume: bool = True, progress: Any = None
    ) -> Path:
        made.append({"data": data, "out": out, "pack": str(pack), "minutes": minutes, "rank": rank, "resume": resume})
        if progress:
            progress("train", 30, 60)
        return Path("done.safetensors")

    monkeypatch.setattr(transformer, "train", train)
    return made


def test_data_and_run_folder_may_be_named_either_way(videdit: Run, calls: list[dict[str, Any]]) -> None:
    Path("faces").mkdir()
    for words in (["faces"], ["--data", "faces"], ["--data", "faces", "--out", "other"], ["faces", "other"], ["faces", "--out", "other"]):
        result = videdit("train", "transformer", *words)
        assert (result.code, result.out) == (0, "done.safetensors\n"), result.err
    assert {str(call["data"]) for call in calls} == {"faces"}
    assert [str(call["out"]) for call in calls] == ["runs/transformer"] * 2 + ["other"] * 3
    assert calls[0]["pack"] == DEFAULT_PACK
    assert "transformer: training 30/60" in result.err


def test_options_reach_the_trainer(videdit: Run, calls: list[dict[str, Any]]) -> None:
    words = "--pack p --minutes 2.5 --rank 0 --restart --progress none".split()
    result = videdit("train", "transformer", "--data", ".", *words)
    assert result.code == 0, result.err
    assert calls == [{"data": Path("."), "out": Path("runs/transformer"), "pack": "p", "minutes": 2.5, "rank": 0, "resume": False}]
    assert result.err == ""
    assert videdit("train", "transformer", "--data", ".", "--faces", "9").code == 2  # this trainer takes none


def test_pixel_needs_an_attribute(videdit: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from videdit.train import pixel

    made = []

    def train(data: Path, out: Path, *, pack: Path, attribute: str, direction: int = 1, features: str = "adaptive") -> None:
        made.append((str(out), str(pack), attribute, direction, features))

    monkeypatch.setattr(pixel, "train", train)
    result = videdit("train", "pixel", "--data", ".", "--direction", "-1")
    assert (result.code, made) == (2, [])
    assert "needs --attribute" in result.err
    assert videdit("train", "pixel", "--data", ".", "--attribute", "eyeglasses", "--direction", "-1", "--features", "fixed").code == 0
    assert made == [("runs/pixel", DEFAULT_PACK, "eyeglasses", -1, "fixed")]
    assert videdit("train", "pixel", "--data", ".", "--attribute", "eyeglasses", "--direction", "2").code == 2
