"""Zero losses that are not announced, over the kinds of files there are; and the page that says so is current."""

from __future__ import annotations

import av
import pytest

from tests.video import matrix
from tests.video.pairs import covered


@pytest.fixture(scope="module")
def results() -> list[matrix.Result]:
    return matrix.all_results()


def test_nothing_is_lost_in_silence(results: list[matrix.Result]) -> None:
    lost = [f"{result.lost} of {result.row}: {result.warnings}" for result in results if result.lost]
    assert not lost, "\n".join(lost)


def test_refusals_are_the_known_ones(results: list[matrix.Result]) -> None:
    refused = [result for result in results if result.refused]
    assert all("avi can't carry the variable frame rate" in result.refused for result in refused)
    assert len(refused) < len(results) / 10


def test_the_page_is_current(results: list[matrix.Result]) -> None:
    text = matrix.PAGE.read_text("utf-8")
    if f"PyAV {av.__version__}." not in text:
        pytest.skip("docs/formats.md was made with another PyAV, whose FFmpeg may keep other things")
    head, _, _ = text.partition(matrix.MARK)
    assert text == head + matrix.page(results), "run: python -m tests.video.matrix"


def test_every_pair_that_can_be_made_occurs() -> None:
    rows = matrix.rows()
    found = {pair for row in rows for pair in covered(row)}
    assert all(matrix.allowed(row) for row in rows)
    for factor, values in matrix.FACTORS.items():
        assert {row[factor] for row in rows} == set(values)
    for container, codecs in matrix.CARRIES.items():
        assert all((("container", container), ("codec", codec)) in found for codec in codecs)
    for container, encoders in matrix.WRITES.items():
        assert all((("into", container), ("encoder", encoder)) in found for encoder in encoders)


def test_a_loss_without_a_word_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The matrix can fail: without the writer's check of its own file, tags that avi drops are lost in silence."""
    monkeypatch.setattr("videdit.video.container.losses", lambda *_, **__: [])
    row = {name: values[0] for name, values in matrix.FACTORS.items()} | {"tags": "709", "into": "avi", "encoder": "ffv1"}
    assert matrix.run(row, tmp_path).lost[:1] == ["tags"]
