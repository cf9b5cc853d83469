"""Dispatch, and the only place that catches everything and picks the exit code."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from videdit.cli.interrupts import INTERRUPTED, interrupted, listen
from videdit.cli.say import note, tell
from videdit.errors import MissingError, OutputError, UnreadableError, UsageError, VideditError

# Each module has run(argv) -> exit code; anything else is the main command.
COMMANDS = {
    "preview": "videdit.cli.preview",
    "plan": "videdit.cli.timeline",
    "gif": "videdit.cli.gif",
    "inspect": "videdit.cli.inspect",
    "attributes": "videdit.cli.attributes",
    "models": "videdit.cli.models",
    "cache": "videdit.cli.cache",
    "sample": "videdit.cli.sample",
    "doctor": "videdit.cli.doctor",
    "train": "videdit.cli.train",
    "evaluate": "videdit.cli.evaluate",
}
EDIT = "videdit.cli.edit"


def main(argv: Sequence[str]) -> int:
    """Run a command line (without the program's name) and return its exit code."""
    argv = list(argv)
    _set_up_log(verbose="-v" in argv or "--verbose" in argv)
    command = COMMANDS.get(argv[0]) if argv else None
    try:
        code: int = importlib.import_module(command or EDIT).run(argv[1:] if command else argv)
        sys.stdout.flush()
        return code
    except VideditError as error:
        return _end(error)
    except KeyboardInterrupt:
        print(interrupted(argv, edits=command is None), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has gone; give the interpreter somewhere to flush to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "videdit":
            return _bug(error)
        return _end(
            MissingError(
                f"a dependency is missing: {error.name}", hint="Install it with pip; `videdit doctor` says what else is not there."
            )
        )
    except MemoryError as error:
        hint = "A smaller picture, fewer inputs at a time, or a machine with more memory."
        return _end(UnreadableError(f"there is not enough memory{f': {error}' if str(error) else ''}", hint=hint))
    except OSError as error:
        return _end(_system(error)) if error.strerror else _bug(error)
    except Exception as error:  # the last resort: nobody should see a traceback
        return _bug(error)


def _system(error: OSError) -> VideditError:
    """What the file system says and nobody foresaw: about an output where only writing fails so, else about a path."""
    what = f"{error.filename}: {str(error.strerror).lower()}" if error.filename else str(error.strerror).lower()
    if error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EFBIG):
        return OutputError(what, hint="Make room, or write elsewhere.")
    return UsageError(what, hint="Check the path and its permissions.")


def _end(error: VideditError) -> int:
    if _debug():
        logging.getLogger("videdit").warning("raised here", exc_info=error)
    tell(error)
    return error.exit_code


def _bug(error: Exception) -> int:
    if _debug():
        logging.getLogger("videdit").warning("raised here", exc_info=error)
    hint = "This is a bug in videdit. VIDEDIT_DEBUG=1 shows where it happened; please report it with that."
    tell(VideditError(f"{type(error).__name__}: {error}", hint=hint))
    return VideditError.exit_code


def _debug() -> bool:
    return os.environ.get("VIDEDIT_DEBUG", "") not in ("", "0")


def _set_up_log(*, verbose: bool) -> None:
    """Warnings of videdit's modules, with -v everything they say, to stderr."""
    log = logging.getLogger("videdit")
    log.setLevel(logging.INFO if verbose else logging.WARNING)
    if not log.handlers:
        log.addHandler(Notes())


class Notes(logging.Handler):
    """Log records as notes; a traceback, where there is one, as it is."""

    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())
        if record.exc_info:
            traceback.print_exception(record.exc_info[1])


def entry() -> None:
    """The console script. A request to terminate cleans up as Ctrl-C does."""
    listen()
    if not sys.warnoptions and not _debug():
        warnings.simplefilter("ignore")  # libraries' remarks on damaged files, with lines of their code
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that can't show a name gets it written out; stderr does so anyway
        sys.stdout.reconfigure(errors="backslashreplace")
    if not {"train", "evaluate"} & set(sys.argv[1:2]):  # in an edit the other half decodes, composites and encodes
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
    # PyTorch then takes large tensors in large pages, where the system has them: a third of a 1024 px render's time was page faults
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # a reader that has gone
            stream.flush()
    # every file is closed and every thread joined; taking PyTorch's modules apart would cost a quarter of a second more
    os._exit(code)
