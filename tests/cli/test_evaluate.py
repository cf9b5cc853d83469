"""videdit evaluate: what it takes and what it writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Result
from tests.evaluate.faces import make_people
from videdit.cli.evaluate import numbers
from videdit.errors import UsageError


def test_tables_go_to_stdout_and_into_the_page(videdit: Callable[..., Result], tmp_path: Path) -> None:
    work = make_people(tmp_path / "faces")
    page = tmp_path / "page.md"
    page.write_text("# Before\n\n<!-- evaluate -->\nold\n<!-- /evaluate -->\n\nafter\n")
    argv = "--methods axes --attributes smile --faces 3 --curve-faces 2 --drift 0 --identities 0 --strengths 1 --no-curves".split()
    done = videdit("evaluate", "--data", str(work), "-o", "out", "--docs", str(page), *argv)
    assert done.code == 0, done.err
    assert "| axes |" in done.out
    assert Path("out/evaluation.json").exists()
    text = page.read_text()
    assert "| axes |" in text and "old" not in text and text.endswith("after\n")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--data", "nowhere", "-o", "out"], 2),
        (["--data", ".", "-o", "out", "--no-curves"], 5),
        (["--data", ".", "-o", "out", "--faces", "1"], 2),
        (["--data", ".", "-o", "out", "--rates", "0.9,0.8"], 2),
        (["-o", "out"], 2),
    ],
)
def test_errors_are_a_line_and_a_hint(videdit: Callable[..., Result], argv: list[str], code: int) -> None:
    done = videdit("evaluate", *argv)
    assert done.code == code
    assert len(done.err.strip().splitlines()) == 2
    assert not Path("out").exists()


def test_lists_of_numbers() -> None:
    assert numbers("0.8,0.9", "--rates", 0, 1) == [0.8, 0.9]
    assert numbers(None, "--rates", 0, 1) is None
    for text in ("", "x", "0", "1.1", "0.5,0.5"):
        with pytest.raises(UsageError):
            numbers(text, "--rates", 0, 1)
