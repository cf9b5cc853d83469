"""One file from one address into a .part file that a later try, or a later run, goes on with.

What is there already is asked for no more (Range), unless the file has changed meanwhile (If-Range with the ETag or date noted beside
the .part). A server that refuses ranges sends all, and the .part begins anew. requests does the talking: certificates from
certifi, the proxies of http_proxy, https_proxy and no_proxy, redirects, time-outs, and short answers noticed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from videdit.errors import OutputError
from videdit.packs.registry import refused

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
LIMIT = 16 << 30  # bytes taken where nobody says how many there are
WORTH = 1 << 20  # bytes: a try that brought as much is not counted against an address
LATER = (408, 425, 429, 500, 502, 503, 504)  # answers that may be better in a moment


@dataclass(frozen=True, slots=True)
class Patience:
    """connect: s until an address answers; silence: s between two bytes; tries without success; pause: s before the second try, doubled
    each time up to longest; a connection that brings less than slowest bytes/s over slow_for s counts as cut."""

    connect: float = 10.0
    silence: float = 30.0
    tries: int = 5
    pause: float = 0.5
    longest: float = 30.0
    slowest: float = 1024.0
    slow_for: float = 60.0


class RefusedError(Exception):
    """This address does not give the file, now or later."""


class CutError(Exception):
    """The connection failed; another try may do. after: s the server asks to wait."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file at an address. bytes: its size, 0 where unknown; pinned: whether a sha256 is known that it will be held against."""

    url: str
    part: Path
    bytes: int = 0
    pinned: bool = False


def download(wanted: Wanted, *, patience: Patience, progress: Callable[[int, int | None], None]) -> bool:
    """Fetch a file into its .part, in as many tries as patience allows; True where some of it was there before.

    progress(bytes there, bytes in all or None). Raises RefusedError or CutError where this address does not do, OutputError where the
    disk does not.
    """
    import requests

    failed, pause, resumed = 0, patience.pause, _start(wanted)[0] > 0
    with requests.Session() as session:
        session.headers.update({"User-Agent": "videdit", "Accept-Encoding": "identity"})
        session.max_redirects = 10
        while True:
            before = _size(wanted.part)
            try:
                _attempt(session, wanted, patience, progress)
                return resumed
            except CutError as error:
                resumed = True
                failed = 0 if _size(wanted.part) - before >= WORTH else failed + 1
                if failed >= patience.tries:
                    raise
                time.sleep(min(max(pause, error.after), patience.longest))
                pause = pause * 2 if failed else patience.pause


def forget(part: Path) -> None:
    """Remove a .part and its note. Raises OutputError."""
    try:
        part.unlink(missing_ok=True)
        _note_of(part).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{part} can't be removed: {error.strerror}") from None


def _attempt(session: requests.Session, wanted: Wanted, patience: Patience, progress: Callable[[int, int | None], None]) -> None:
    """One connection. Raises CutError, RefusedError, OutputError."""
    import requests
    from urllib3.exceptions import HTTPError

    have, validator = _start(wanted)
    if have and have == wanted.bytes:  # a run that was stopped after the last byte
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and validator:
        headers["If-Range"] = validator
    try:
        with session.get(wanted.url, headers=headers, stream=True, timeout=(patience.connect, patience.silence)) as answer:
            if have and answer.status_code == 416 and _range(answer.headers.get("Content-Range", ""))[1] == have:
                return  # nothing is left to send
            have, total = _begin(answer, wanted, have, validator)
            _note(wanted, answer)
            with _opened(wanted.part, "ab" if have else "wb") as file:
                for chunk in _chunks(answer, patience):
                    have += len(chunk)
                    if have > (total or LIMIT):
                        raise RefusedError(f"it sends more than {total or LIMIT} bytes")
                    _put(file, chunk)
                    progress(have, total or None)
    except (requests.RequestException, HTTPError) as error:
        raise _explained(error, patience) from None
    if total and have < total:
        raise CutError(f"the connection ended after {have} of {total} bytes")


def _begin(answer: requests.Response, wanted: Wanted, have: int, validator: str) -> tuple[int, int]:
    """Where the answer's bytes belong and how many there are in all, 0 where it does not say. Raises CutError or RefusedError."""
    for step in [*answer.history, answer]:
        if why := refused(step.url, pinned=wanted.pinned):
            raise RefusedError(f"it leads to {step.url[:80]}: {why}")
    status = answer.status_code
    if status == 416 and have:  # our .part is no beginning of what is there now
        forget(wanted.part)
        raise CutError("the file there has changed")
    if status in LATER:
        raise CutError(f"it answers {status}", _seconds(answer.headers.get("Retry-After", "")))
    if status not in (200, 206):
        raise RefusedError(f"it answers {status}")
    if answer.headers.get("Content-Encoding", "identity") not in ("", "identity"):
        raise RefusedError("it sends the file in another coding")
    if answer.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise RefusedError("it sends a web page instead of the file")
    if status == 206:
        first, total = _range(answer.headers.get("Content-Range", ""))
        if first != have or (validator and _validator(answer) not in ("", validator)):
            forget(wanted.part)
            raise CutError("the file there has changed")
    else:
        have, total = 0, _number(answer.headers.get("Content-Length", ""))
    if wanted.bytes and total and total != wanted.bytes:
        raise RefusedError(f"the file there has {total} bytes, not {wanted.bytes}")
    total = total or wanted.bytes
    if not total and not wanted.pinned and answer.headers.get("Transfer-Encoding", "").lower() != "chunked":
        raise RefusedError("it does not say how long the file is, and no sha256 is known to tell")
    _room(wanted.part, total - have)
    return have, total


def _chunks(answer: requests.Response, patience: Patience) -> Iterator[bytes]:
    """The body as it arrives; requests' own iterator waits for whole chunks, and a slow server would hide behind that."""
    began, got = time.monotonic(), 0
    while chunk := answer.raw.read1(CHUNK, decode_content=False):
        yield chunk
        got += len(chunk)
        spent = time.monotonic() - began
        if spent >= patience.slow_for:
            if got < patience.slowest * spent:
                raise CutError(f"it sends only {got / spent:.0f} bytes/s")
            began, got = time.monotonic(), 0


def _explained(error: Exception, patience: Patience) -> RefusedError | CutError:
    """What a library's exception means, in a few words."""
    import requests

    kinds = requests.exceptions
    if isinstance(error, kinds.SSLError):
        return RefusedError("its certificate can't be checked")
    if "SOCKS" in str(error):
        return RefusedError("a SOCKS proxy needs `pip install pysocks`")
    if isinstance(error, kinds.InvalidURL | kinds.InvalidSchema | kinds.MissingSchema | kinds.TooManyRedirects):
        return RefusedError("it leads nowhere")
    if isinstance(error, kinds.ProxyError):
        return CutError("the proxy does not answer")
    if isinstance(error, kinds.ConnectTimeout):
        return CutError(f"no answer within {patience.connect:g} s")
    if isinstance(error, kinds.Timeout) or "timed out" in str(error):
        return CutError(f"silent for {patience.silence:g} s")
    if isinstance(error, kinds.ConnectionError) and "Max retries" in str(error):
        return CutError("it can't be reached")
    return CutError("the connection was cut")


def _start(wanted: Wanted) -> tuple[int, str]:
    """How many bytes are there to go on from, and what tells whether the file is still the same one.

    Without such a sign only a file whose sha256 is known is gone on with: what does not fit together shows in the end.
    """
    have = _size(wanted.part)
    try:
        note: Any = json.loads(_note_of(wanted.part).read_text("utf-8"))
        url, validator = str(note["url"]), str(note["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
    if url != wanted.url or not (validator or wanted.pinned) or (wanted.bytes and have > wanted.bytes):
        return 0, ""
    return have, validator


def _note(wanted: Wanted, answer: requests.Response) -> None:
    try:
        _note_of(wanted.part).write_text(json.dumps({"url": wanted.url, "validator": _validator(answer)}), "utf-8")
    except OSError as error:
        raise OutputError(f"{wanted.part.parent} can't be written: {error.strerror}") from None


def _note_of(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _validator(answer: requests.Response) -> str:
    """A strong ETag, or the date of the last change (RFC 9110, 13.1.5)."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except OSError:
        return 0


def _range(text: str) -> tuple[int, int]:
    """`bytes 100-199/200` -> 100, 200; -1 where it can't be read."""
    span, _, total = text.removeprefix("bytes").strip().partition("/")
    return _number(span.partition("-")[0], -1), _number(total)


def _number(text: str, otherwise: int = 0) -> int:
    return int(text) if text.isascii() and text.isdigit() else otherwise


def _seconds(text: str) -> float:
    return float(_number(text.strip()))


def _room(part: Path, more: int) -> None:
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(part.parent).free
        if more > free:
            raise OutputError(f"{part.parent} has no room: {more / 1e6:.0f} MB are wanted, {free / 1e6:.0f} MB free")


def _opened(part: Path, mode: str) -> IO[bytes]:
    try:
        return open(part, mode)
    except OSError as error:
        raise OutputError(f"{part} can't be written: {error.strerror}") from None


def _put(file: IO[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:  # the disk is full
        raise OutputError(
            f"{file.name} can't be written: {error.strerror}", hint="What is there stays, and the next run goes on."
        ) from None
