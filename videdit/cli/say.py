"""Words for the terminal: results on stdout, notes and errors on stderr. Names of files may hold anything; nothing of it acts here."""

from __future__ import annotations

import sys

from videdit.errors import VideditError

JOINERS = "\u200c\u200d"  # within words of some scripts, and emoji; they do nothing else


def say(text: str) -> None:
    """A result; it may have several lines (names in it go through `shown`)."""
    print("\n".join(shown(line) for line in text.split("\n")), flush=True)


def note(text: str) -> None:
    """Something to know that is no error."""
    print(f"videdit: {shown(text)}", file=sys.stderr, flush=True)


def tell(error: VideditError, *, about: str = "") -> None:
    """An error in one line, and its hint in another."""
    message = shown(str(error))
    about = shown(about)
    print(f"videdit: error: {about + ': ' if about and about not in message else ''}{message}", file=sys.stderr)
    if error.hint:
        print(f"  {shown(error.hint)}", file=sys.stderr)
    sys.stderr.flush()


def shown(text: object) -> str:
    r"""Text in one line with what a terminal would act on, or nobody can see, written out: \n, \x1b, \u202e (right to left), bytes of names
    that are no UTF-8 as \xff."""
    return "".join(c if c.isprintable() or c in JOINERS else _escaped(c) for c in str(text))


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else character.encode("unicode_escape").decode()
