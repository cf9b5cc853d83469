"""docs/cli.md says what the code says."""

from __future__ import annotations

import pytest

from videdit.cli.docs import PAGE, page
from videdit.config import DEFAULT_PACK, OPTIONS
from videdit.packs.manifest import find_packs


def test_the_page_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDEDIT_PACKS", raising=False)
    if DEFAULT_PACK not in find_packs():
        pytest.skip(f"the pack {DEFAULT_PACK} is not here, and the page lists its attributes")
    assert PAGE.read_text("utf-8") == page(), "run: python -m videdit.cli.docs"


def test_every_option_is_on_the_page() -> None:
    text = page()
    for option in OPTIONS:
        assert option.flag in text or f"--no-{option.name}" in text
