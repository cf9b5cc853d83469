"""What lies in folders: clips and pictures, through all folders below, chosen by patterns."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from videdit.cli.say import note
from videdit.errors import UnreadableError, UsageError
from videdit.video.formats import SUFFIXES


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files of a folder are meant: those that match any of `include` (all where it is empty) and none of `exclude`.

    A pattern (*, ?, [...]; upper and lower case are the same) is held against the path below the folder and against the name alone.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def takes(self, path: str) -> bool:
        """Whether a path below the folder, with / between its parts, is meant."""
        return (not self.include or _matches(path, self.include)) and not _matches(path, self.exclude)


def _matches(path: str, patterns: Sequence[str]) -> bool:
    known = path.lower(), path.rpartition("/")[2].lower()
    return any(fnmatchcase(one, pattern.lower()) for pattern in patterns for one in known)


def clips_in(folder: Path, choice: Choice, *, without: Path | None = None, unread: list[OSError] | None = None) -> list[Path]:
    """Clips and pictures in a folder and all below it, by suffix, in order; hidden ones are left out, links to folders not followed.

    without: a folder that is left out, such as the one that results go to. unread: takes up why folders below can't be read; that is said
    in any case. Raises UsageError where nothing is found, UnreadableError where the folder itself can't be read.
    """
    if elsewhere(folder):
        return _none_is_wrong(_elsewhere(folder, choice, without), folder, choice)
    top = os.fspath(folder)
    barred = os.path.realpath(without) if without is not None else None
    found: list[Path] = []

    def missed(error: OSError) -> None:
        if os.fspath(error.filename) == top:
            raise unreadable(error) from None
        note(f"the folder {error.filename} can't be read and is left out: {(error.strerror or str(error)).lower()}")
        if unread is not None:
            unread.append(error)

    for where, folders, names in os.walk(top, onerror=missed):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not _same(os.path.join(where, name), barred))
        below = os.path.relpath(where, top).replace(os.sep, "/")
        start = "" if below == "." else f"{below}/"
        found += [Path(where, name) for name in sorted(names) if _known(name) and choice.takes(start + name) and _is_file(where, name)]
    return _none_is_wrong(found, folder, choice)


def _none_is_wrong(found: list[Path], folder: Path, choice: Choice) -> list[Path]:
    """Raises UsageError."""
    if not found:
        chosen = choice != Choice()
        hint = f"Known by suffix: {' '.join(sorted(SUFFIXES))}." + (" --include and --exclude choose among them." if chosen else "")
        raise UsageError(f"the folder {folder} holds no clip and no picture{' that was chosen' if chosen else ''}", hint=hint)
    return found


def _elsewhere(folder: Path, choice: Choice, without: Path | None) -> list[Path]:
    """The same in a bucket or the like."""
    from videdit.batch.places import files_in

    names = [name for name in files_in(folder) if not any(part.startswith(".") for part in name.split("/"))]
    found = [folder / name for name in names if _known(name.rpartition("/")[2]) and choice.takes(name)]
    return [file for file in found if without is None or without == folder or not file.is_relative_to(without)]


def elsewhere(path: Path) -> str:
    """The address of what is not a file here, such as s3://bucket/clip.mp4; else nothing."""
    if not path.parts or ":" not in path.parts[0]:
        return ""
    from videdit.batch.places import url_of

    return url_of(path)


def is_folder(path: Path) -> bool:
    """Whether it is a folder, here or elsewhere."""
    if not elsewhere(path):
        return path.is_dir()
    from videdit.batch import places

    return places.is_folder(path)


def there(path: Path) -> bool:
    """Whether it exists, here or elsewhere."""
    if not elsewhere(path):
        return path.exists()
    from videdit.batch import places

    return places.exists(path)


def _known(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def _is_file(where: str, name: str) -> bool:
    """A link that leads nowhere is none; what nobody lets us look at may be one, and is not passed over in silence."""
    try:
        return stat.S_ISREG(os.stat(os.path.join(where, name)).st_mode)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False


def _same(folder: str, other: str | None) -> bool:
    return other is not None and os.path.realpath(folder) == other


def unreadable(error: OSError) -> UnreadableError:
    """Of a folder."""
    reason = (error.strerror or str(error)).lower()
    return UnreadableError(f"the folder {error.filename} can't be read: {reason}", hint="Check its permissions: what is in it is not done.")


def below(folder: Path, files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with the folders between it and `folder`, "" where there are none."""
    for file in files:
        between = file.parent.relative_to(folder).as_posix()
        yield file, "" if between == "." else between
