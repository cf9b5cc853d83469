"""Ctrl-C, and a request to terminate: the first ends cleanly, the second at once."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from videdit.cli.say import shown

INTERRUPTED = 130
SHOW_CURSOR = "\x1b[?25h"  # a bar hides it


def listen() -> None:
    """Raise KeyboardInterrupt at the first signal; the second ends the process there and then, and nothing is lost but what the first
    was still tidying up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _first)


def _first(number: int, frame: FrameType | None) -> None:
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, _second)
    raise KeyboardInterrupt


def _second(number: int, frame: FrameType | None) -> None:
    if sys.stderr.isatty():
        os.write(2, SHOW_CURSOR.encode())
    os._exit(INTERRUPTED)


def interrupted(argv: Sequence[str], *, edits: bool) -> str:
    """What to say in the end; an edit is gone on with by the same command."""
    if not edits:
        return "videdit: interrupted; no half-written output is left"
    return f"videdit: interrupted; what is done is kept, and this goes on:\n  {shown(shlex.join(['videdit', *argv]))}"
