"""`videdit models get`: a public file into its place, from the first address that gives it whole, or from a file the user has.

Nothing is put in place before its size and sha256 are right. One process fetches a file at a time; others wait and find it there.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from videdit.errors import MissingError, OutputError, PackError, UsageError
from videdit.packs.download import CutError, Patience, RefusedError, Wanted, download, forget
from videdit.packs.registry import Entry
from videdit.packs.weights import digest, read_record, write_record

PATIENCE = Patience()
CHUNK = 1 << 20
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Got:
    """A file in its place. fresh: whether it came just now; pinned: whether its sha256 was known before."""

    path: Path
    sha256: str
    bytes: int
    fresh: bool
    pinned: bool


def already(entry: Entry, path: Path) -> Got | None:
    """The file, if it is in its place and whole. Raises OutputError for a file there that nothing is known of.

    What counts: the entry's sha256, else the one noted when it was fetched.
    """
    if not path.is_file():
        return None
    known = entry.sha256 or str(read_record(path).get("sha256", ""))
    if not known:
        hint = f"--sha256 HASH holds it against a hash; moved away, it is fetched anew. Its sha256 is {digest(path)}."
        raise OutputError(f"{path} is there, and nothing says what it should be", hint=hint)
    return Got(path, known, path.stat().st_size, fresh=False, pinned=bool(entry.sha256)) if digest(path) == known else None


def pinned(entry: Entry, sha256: str) -> Entry:
    """The entry with the user's sha256. Raises UsageError where the registry says another."""
    if entry.sha256 and sha256 and sha256 != entry.sha256:
        hint = "If the file was published anew, give it an entry of your own: --registry FILE."
        raise UsageError(f"--sha256 is not what the registry says of {entry.name}: {entry.sha256}", hint=hint)
    return replace(entry, sha256=entry.sha256 or sha256)


def fetch(entry: Entry, path: Path, *, source: Path | None, say: Callable[[str], None], progress: Progress) -> Got:
    """Put an entry's file at `path`, from its addresses or from the file `source`; what `already` finds is left.

    say hears what went wrong on the way; progress(bytes there, bytes in all or None). Raises MissingError where nothing gives the file,
    PackError for a source that is another file, OutputError where it can't be written.
    """
    if source is None and not entry.urls:
        raise MissingError(f"{entry.name} has to be fetched by hand", hint=f"Then: videdit models get {entry.name} --from FILE")
    with _locked(path, entry.name, say):
        if found := already(entry, path):
            return found
        part = path.with_name(f".{path.name}.part")
        if source is not None:
            _copy(source, part, progress)
            _verify(entry, part, str(source))
            return _install(entry, part, path, str(source))
        url = _from_mirrors(entry, part, say, progress)
        return _install(entry, part, path, url)


def _from_mirrors(entry: Entry, part: Path, say: Callable[[str], None], progress: Progress) -> str:
    """Fetch the .part; the address that gave it. Raises MissingError where none does."""
    failures, cut = [], False
    for url in entry.urls:
        host = urlsplit(url).hostname or "this machine"
        try:
            _from(url, entry, part, progress)
            return url
        except (RefusedError, CutError, PackError) as error:
            failures.append(f"{host}: {error}")
            cut = cut or isinstance(error, CutError)
            if url != entry.urls[-1]:
                say(f"{host}: {error}; trying the next address")
    hint = "Run it again later: what came already is kept." if cut else f"See {entry.homepage}"
    raise MissingError(
        f"{entry.name} could not be fetched: {'; '.join(failures)}",
        hint=f"{hint} A file you have: videdit models get {entry.name} --from FILE",
    )


def _from(url: str, entry: Entry, part: Path, progress: Progress) -> None:
    """The whole and right file from one address. Raises RefusedError, CutError, PackError, OutputError."""
    if urlsplit(url).scheme == "file":
        try:
            _copy(Path(url2pathname(urlsplit(url).path)), part, progress)
        except MissingError as error:
            raise RefusedError(str(error)) from None
        _verify(entry, part, url)
        return
    wanted = Wanted(url, part, bytes=entry.bytes, pinned=bool(entry.sha256))
    resumed = download(wanted, patience=PATIENCE, progress=progress)
    try:
        _verify(entry, part, urlsplit(url).hostname or url)
    except PackError:
        if not resumed:
            raise
        download(wanted, patience=PATIENCE, progress=progress)  # the two halves were of different files: once more, from the beginning
        _verify(entry, part, urlsplit(url).hostname or url)


def _verify(entry: Entry, part: Path, where: str) -> None:
    """Hold a .part against what is known; a wrong one is removed. Raises PackError."""
    size = part.stat().st_size
    found = digest(part)
    if entry.bytes and size != entry.bytes:
        why = f"it has {size} bytes, not {entry.bytes}"
    elif entry.sha256 and found != entry.sha256:
        why = f"its sha256 is {found}, not {entry.sha256}"
    elif not size:
        why = "it is empty"
    else:
        return
    forget(part)
    raise PackError(f"what {where} has is not {entry.file}: {why}")


def _copy(source: Path, part: Path, progress: Progress) -> None:
    """Raises MissingError where the source can't be read, OutputError where the .part can't be written."""
    forget(part)
    done = 0
    try:
        total = source.stat().st_size
        reader = source.open("rb")
    except OSError as error:
        raise MissingError(f"{source} can't be read: {error.strerror}") from None
    with reader:
        try:
            with part.open("wb") as writer:
                while chunk := reader.read(CHUNK):
                    writer.write(chunk)
                    done += len(chunk)
                    progress(done, total)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OutputError(f"{part} can't be written: {error.strerror}") from None


def _install(entry: Entry, part: Path, path: Path, origin: str) -> Got:
    """Move a verified .part into place. Raises OutputError."""
    found, size = digest(part), part.stat().st_size
    note = {
        "name": entry.name,
        "from": origin,
        "sha256": found,
        "published": bool(entry.sha256),
        "bytes": size,
        "got": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "licence": entry.licence,
        "licence_url": entry.licence_url,
        "accepted": True,
    }
    try:
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        write_record(path, note)  # first: a file without its note would be nobody's
        os.replace(part, path)
        forget(part)
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror}") from None
    return Got(path, found, size, fresh=True, pinned=bool(entry.sha256))


@contextlib.contextmanager
def _locked(path: Path, name: str, say: Callable[[str], None]) -> Iterator[None]:
    """Alone at a file, for as long as this process lives. Raises OutputError where its folder can't be written."""
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"another videdit is at {name}; waiting for it")
            lock.acquire()
    except OSError as error:
        raise OutputError(f"{path.parent} can't be written: {error.strerror}", hint="--to DIR or $VIDEDIT_WEIGHTS name another.") from None
    try:
        yield
    finally:
        lock.release()
