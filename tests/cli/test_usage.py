"""What is asked for wrongly ends with 2, says what is allowed, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

WRONG = [
    (["--smiel", "1"], "Did you mean --smile"),
    (["--smile", "4"], "from -3 to +3"),
    (["--smile", "-3.01"], "from -3 to +3"),
    (["--smile", "nan"], "from -3 to +3"),
    (["--smile", "-inf"], "from -3 to +3"),
    (["--smile", "much"], "from -3 to +3"),
    (["--smile"], "expected one argument"),
    (["--device", "tpu"], "auto|cpu|cuda"),
    (["--smooth", "-1"], "0..5"),
    (["--smooth", "nan"], "0..5"),
    (["--tune", "much"], "auto|off|STEPS"),
    (["--crf", "99"], "0..63"),
    (["--composite", "magic"], "transfer|render"),
    (["--method", "magic"], "auto|axes|transformer|mapper"),
    (["--blend", "magic"], "laplacian|poisson|alpha"),
    (["--lock", "tail"], "no attribute 'tail'"),
    (["--smile", "1", "--lock", "Smiling"], "both edited and locked"),
    (["--overwrite", "--skip-existing"], "exclude each other"),
    (["--config", "nowhere"], "no preset nowhere"),
    (["--smil", "1"], "no option --smil"),  # no abbreviations: a new attribute must not change what a script means
    (["--frobnicate"], "no option --frobnicate"),
    (["--workers", "0"], "--workers can't be '0'"),
    (["--batch", "65"], "1..64"),
    (["--address", "host:6379"], "--address is that of a Ray cluster"),
    (["--engine", "ray", "--workers", "2"], "--engine ray has its own"),
    (["--progress", "xml"], "invalid choice"),
]


@pytest.mark.parametrize(("more", "words"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_a_wrong_value_is_a_usage_error(videdit: Run, clip: Path, pipeline: Any, more: list[str], words: str) -> None:
    result = videdit(str(clip), "-o", "out.mp4", *more)
    assert result.code == 2
    assert words in result.err
    assert result.err.startswith("videdit: error: ")
    assert len(result.err.splitlines()) <= 2
    assert not pipeline.calls
    assert not Path("out.mp4").exists()


def test_pictures_in_a_row_are_one_input(videdit: Run, clip: Path, pipeline: Any) -> None:
    for name in ("f01.png", "f02.png", "o1.png"):
        Path(name).write_bytes(b"x")
    assert videdit("f%02d.png", "--smile", "1", "-o", "out.mp4").code == 0
    assert pipeline.calls[0][0] == Path("f%02d.png")
    result = videdit("f%02d.png", "--smile", "1", "-o", "o%d.png")
    assert (result.code, "exists already" in result.err) == (7, True)
    assert videdit("f%03d.png", "--smile", "1", "-o", "out2.mp4").code == 2
    assert videdit("in.mp4", "--smile", "1", "-o", "p%d.png").code == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "no input"),
        (["in.mp4"], "no output"),
        (["missing.mp4", "-o", "out.mp4"], "there is no file missing.mp4"),
        (["empty", "-o", "out"], "holds no clip"),
        (["in.mp4", "-o", "in.mp4"], "is an input itself"),
        (["in.mp4", "-o", "out"], "no suffix"),
        (["in.mp4", "-o", "out.xyz"], "unknown suffix .xyz"),
        (["in.mp4", "-o", "out.png"], "is a clip and out.png a picture"),
        (["face.png", "-o", "out.mp4"], "is a picture and out.mp4 a clip"),
        (["in.mp4", "face.png", "-o", "out.mp4"], "looks like a file"),
        (["in.mp4", "a/in.mp4", "-o", "out"], "would both become"),
        (["in.mp4", "face.png", "-o", "file"], "is a file"),
        (["in.mp4", "a", "-o", "."], "is an input itself"),
        (["in.mp4", "preview"], "there is no file preview"),
    ],
)
def test_paths_that_make_no_sense(videdit: Run, clip: Path, pipeline: Any, argv: list[str], words: str) -> None:
    Path("empty").mkdir()
    Path("a").mkdir()
    for name in ("face.png", "a/in.mp4", "file"):
        Path(name).write_bytes(b"x")
    result = videdit(*argv, *(["-o", "out/"] if "preview" in argv else []))
    assert (result.code, words in result.err) == (2, True), result.err
    assert not pipeline.calls


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["preview"], 2),
        (["preview", "in.mp4", "-o", "p.png"], 2),
        (["preview", "in.mp4", "--smile", "1", "-t", "3x", "-o", "p.png"], 2),
        (["preview", "in.mp4", "--smile", "1", "-o", "p.mp4"], 2),
        (["preview", "in.mp4", "--grid", "smile=-1..", "-o", "p.png"], 2),
        (["preview", "in.mp4", "--grid", "smile=-9..1:3", "-o", "p.png"], 2),
        (["preview", "in.mp4", "--smile", "1", "-o", "nowhere/p.png"], 7),
        (["inspect"], 2),
        (["inspect", "missing.mp4"], 2),
        (["inspect", "in.mp4"], 6),
        (["models", "frob"], 2),
        (["models", "show", "nix"], 5),
        (["attributes", "--pack", "nix"], 5),
        (["sample", "-n", "0", "-o", "s.png"], 2),
        (["train", "everything", "a", "b"], 2),
        (["train", "axes", "missing", "out"], 2),
        (["train", "mapper"], 2),
        (["train", "axes", "."], 2),
        (["train", "axes", ".", "out", "more"], 2),
        (["train", "axes", ".", "out", "--depth", "2"], 2),
        (["train", "transformer", "--data", ".", "--rank", "-1"], 2),
        (["train", "transformer", "--data", ".", "--pack", "nix"], 5),
        (["train", "transformer", "--data", "."], 2),  # no faces there
        (["in.mp4", "-o", "out.mp4", "--smile", "1", "--method", "mapper"], 5),
        (["in.mp4", "-o", "out.mp4", "--pack", "nix"], 5),
        (["in.mp4", "-o", "out.mp4", "--device", "cuda:77"], 5),
        (["in.mp4", "-o", "nowhere/out.mp4"], 7),
    ],
)
def test_other_ends(videdit: Run, clip: Path, pipeline: Any, argv: list[str], code: int) -> None:
    result = videdit(*argv)
    assert result.code == code, result.err
    assert result.err.startswith("videdit: ")
    assert "Traceback" not in result.err
