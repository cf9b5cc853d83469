"""The registry of public files: what `videdit models get` knows. Reads TOML only, so it is quick.

An entry is a table [name] with file, purpose, homepage, licence, licence_url, commercial (yes, no or unclear) and urls or by_hand;
sha256 (with sha256_from: where it is published), bytes and licence_note where they are known. A registry file may come from
anybody, so names and addresses are checked before anything is done with them: no entry writes outside its folder.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from videdit.errors import PackError, UsageError

SHIPPED = Path(__file__).with_name("registry.toml")
FIELDS = {
    **dict.fromkeys(("purpose", "file", "homepage", "licence", "licence_url", "commercial"), True),
    **dict.fromkeys(("urls", "by_hand", "sha256", "sha256_from", "bytes", "licence_note"), False),
}
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}[A-Za-z0-9]")
SHA256 = re.compile(r"[0-9a-f]{64}")
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for itself
OURS = (".part", ".json", ".lock")  # what is laid beside a file


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the registry. sha256 is empty and bytes 0 where nobody publishes them; by_hand says how a person gets it."""

    name: str
    purpose: str
    file: str
    homepage: str
    licence: str
    licence_url: str
    commercial: str
    urls: tuple[str, ...] = ()
    by_hand: str = ""
    sha256: str = ""
    sha256_from: str = ""
    bytes: int = 0
    licence_note: str = ""


def read_registry(more: Sequence[Path] = ()) -> dict[str, Entry]:
    """Entries by name: videdit's own, those of $VIDEDIT_REGISTRY and of the files `more`; a later one replaces one of the same name.

    Raises PackError for a file that is not a registry.
    """
    named = [Path(part) for part in os.environ.get("VIDEDIT_REGISTRY", "").split(os.pathsep) if part]
    out: dict[str, Entry] = {}
    for path in (SHIPPED, *named, *more):
        out.update(_read(path))
    return out


def find_entry(registry: Mapping[str, Entry], name: str) -> Entry:
    """The entry of a name. Raises UsageError naming the nearest."""
    if name in registry:
        return registry[name]
    near = difflib.get_close_matches(name, registry, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"the registry has no '{name}'", hint=f"{hint}`videdit models get --list` shows what there is.")


def _read(path: Path) -> dict[str, Entry]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PackError(f"the registry {path} can't be read", hint=error.strerror or str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"the registry {path} is not valid TOML: {error}") from None
    out = {}
    for name, table in tables.items():
        try:
            out[name] = _entry(name, table)
        except (ValueError, TypeError) as error:
            hint = "docs/models.md describes the fields."
            raise PackError(f"the registry {path}, entry {name!r}: {error}", hint=hint) from None
    return out


def _entry(name: str, table: Any) -> Entry:
    """Raises ValueError for anything that is missing, unknown, or of the wrong kind."""
    if not NAME.fullmatch(name) or DEVICES.fullmatch(name):
        raise ValueError("a name is small letters, digits, . _ and -, and begins with a letter or digit")
    if not isinstance(table, dict):
        raise ValueError("it is not a table")
    if wrong := [key for key in table if key not in FIELDS]:
        raise ValueError(f"unknown field {wrong[0]!r}")
    if lacking := [key for key, needed in FIELDS.items() if needed and not table.get(key)]:
        raise ValueError(f"it lacks {lacking[0]}")
    for key, value in table.items():
        kind = {"urls": list, "bytes": int}.get(key, str)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{key} is not {'a list' if kind is list else 'a number' if kind is int else 'text'}")
        _printable(key, value)
    entry = Entry(name, **{**table, "urls": tuple(table.get("urls", ())), "sha256": table.get("sha256", "").lower()})
    _check(entry)
    return entry


def _check(entry: Entry) -> None:
    if not FILE.fullmatch(entry.file) or DEVICES.fullmatch(entry.file) or entry.file.endswith(OURS):
        raise ValueError(f"{entry.file!r} is no plain file name")
    if entry.commercial not in ("yes", "no", "unclear"):
        raise ValueError(f"commercial is {entry.commercial!r}, not yes, no or unclear")
    if entry.sha256 and not SHA256.fullmatch(entry.sha256):
        raise ValueError("sha256 is not 64 hexadecimal digits")
    if entry.bytes < 0:
        raise ValueError("bytes is below 0")
    if not entry.urls and not entry.by_hand.strip():
        raise ValueError("it has neither urls nor by_hand")
    for url in entry.urls:
        if why := refused(url, pinned=bool(entry.sha256)) if isinstance(url, str) else "it is no text":
            raise ValueError(f"{url!r} is not taken: {why}")


def _printable(key: str, value: Any) -> None:
    """Nothing that would steer a terminal."""
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and not all(line.isprintable() for line in text.split("\n")):
            raise ValueError(f"{key} has signs that can't be shown")


def refused(url: str, *, pinned: bool) -> str:
    """Why nothing is fetched from an address; empty where it may be. pinned: a sha256 is known, so that nobody on the way can forge it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme == "file":
        return "" if parts.path and host in ("", "localhost") else "it names no file of this machine"
    if parts.scheme not in ("https", "http") or not host:
        return "addresses begin with https://, http:// or file://"
    if parts.username or parts.password:
        return "it has a password in it"
    if parts.scheme == "http" and not pinned and not is_loopback(host):
        return "plain http without a sha256 could be forged on the way"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host's name or number is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
