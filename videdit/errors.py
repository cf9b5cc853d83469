"""What can go wrong, and how it ends.

    VideditError                1  our bug, unless a subclass says otherwise
    ├── UsageError              2  a flag, a value, a path that does not exist
    │   └── NobodyError         2  the person asked for is not in this clip
    ├── SomeInputsFailedError   3  several inputs, at least one failed; or identity lost
    │   └── WorkFailedError     3  memory ran out, or whoever worked on a clip died, twice
    ├── NoFaceError             4  nobody in any input (the output is written, untouched)
    ├── MissingError            5  weights or a dependency are not there
    │   └── PackError           5  a model pack is damaged or of another layout
    ├── UnreadableError         6  the input can't be decoded
    └── OutputError             7  the output can't be written

Every error is one line plus a hint that says what to do. Ctrl-C ends with 130.
"""

from __future__ import annotations


class VideditError(Exception):
    """Base of all errors raised on purpose. `hint` says what the user can do; `exit_code` is what the command ends with.

    `usual_hint` stands in where an error has no hint of its own.
    """

    exit_code = 1
    usual_hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.usual_hint


class UsageError(VideditError):
    """The request makes no sense: unknown attribute, strength out of range, missing file."""

    exit_code = 2
    usual_hint = "docs/cli.md and `videdit --help` say what is allowed."


class NobodyError(UsageError):
    """The person asked for, by number or by a picture, is not in the clip; they may be in another one."""


class SomeInputsFailedError(VideditError):
    """At least one of several inputs failed; the others are done."""

    exit_code = 3


class WorkFailedError(SomeInputsFailedError):
    """A clip could not be finished though nothing is known to be wrong with it: memory ran out, or its worker died, twice."""


class NoFaceError(VideditError):
    """No input shows a face."""

    exit_code = 4


class MissingError(VideditError):
    """Weights or an optional dependency are not installed."""

    exit_code = 5
    usual_hint = "`videdit doctor` says what is not there."


class PackError(MissingError):
    """A model pack is incomplete, damaged or of an unknown layout."""

    usual_hint = "`videdit models verify` says more; docs/models.md describes packs."


class UnreadableError(VideditError):
    """The input can't be opened or decoded."""

    exit_code = 6
    usual_hint = "The file is damaged or incomplete."


class OutputError(VideditError):
    """The output can't be written."""

    exit_code = 7
    usual_hint = "Is the folder there, writable, and the disk not full?"
