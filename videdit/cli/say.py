"""Words for the terminal: results on stdout, notes and errors on stderr."""

from __future__ import annotations

import sys

from videdit.errors import VideditError


def say(text: str) -> None:
    """A result."""
    print(text, flush=True)


def note(text: str) -> None:
    """Something to know that is no error."""
    print(f"videdit: {text}", file=sys.stderr, flush=True)


def tell(error: VideditError, *, about: str = "") -> None:
    """An error in one line, and its hint in another."""
    message = " ".join(str(error).split())
    print(f"videdit: error: {about + ': ' if about and about not in message else ''}{message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
    sys.stderr.flush()
