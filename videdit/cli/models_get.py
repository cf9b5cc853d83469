"""videdit models get: public files, each with its licence asked for, checked, and put where videdit looks for it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from videdit.cli.parser import Parser
from videdit.cli.progress import reporter
from videdit.cli.say import note, say
from videdit.errors import MissingError, UsageError
from videdit.packs.fetch import already, fetch, pinned
from videdit.packs.registry import SHA256, Entry, find_entry, read_registry
from videdit.packs.weights import place


def build() -> Parser:
    """The parser."""
    text = (
        "Fetch public files by name, or take a file that you have (--from). The licence is shown and has to be accepted. A download\n"
        "that was cut goes on where it stopped, the next address is tried where one fails, and nothing is put in place before its size\n"
        "and sha256 are right. http_proxy, https_proxy and no_proxy are heeded."
    )
    parser = Parser("videdit models get", "videdit models get NAME ... [--accept-license] [OPTIONS]", text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to fetch")
    parser.add_argument("--list", action="store_true", help="show what there is to get, and what is here")
    parser.add_argument("--json", action="store_true", help="the list as JSON")
    parser.add_argument("--accept-license", action="store_true", help="accept the licence without being asked, for scripts")
    parser.add_argument("--from", dest="source", metavar="FILE", help="take this file, a path or file://, instead of fetching it")
    parser.add_argument("--to", type=Path, metavar="DIR", help="put it here, not where videdit looks for it")
    parser.add_argument("--sha256", metavar="HASH", default="", help="what the file's sha256 has to be, where the registry gives none")
    parser.add_argument("--offline", action="store_true", help="use no network: say whether the file is here and whole")
    parser.add_argument("--registry", type=Path, action="append", default=[], metavar="FILE", help="entries of your own, in TOML")
    parser.add_argument("--progress", choices=("auto", "plain", "none"), default="auto", help="a bar or lines (default auto)")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    space = build().parse(argv)
    registry = read_registry(space.registry)
    _check(space)
    if space.list:
        return _list(registry, as_json=space.json)
    for entry in [pinned(find_entry(registry, name), space.sha256) for name in space.names]:
        _get(entry, space)
    return 0


def _check(space: Namespace) -> None:
    """Raises UsageError."""
    if not space.names and not space.list:
        raise UsageError("nothing is asked for", hint="`videdit models get --list` shows what there is.")
    if len(space.names) > 1 and (space.source or space.sha256):
        raise UsageError("--from and --sha256 are for one NAME at a time")
    space.sha256 = space.sha256.lower().removeprefix("sha256:")
    if space.sha256 and not SHA256.fullmatch(space.sha256):
        raise UsageError("--sha256 takes 64 hexadecimal digits")


def _get(entry: Entry, space: Namespace) -> None:
    path = place(entry, space.to)
    if found := already(entry, path):
        say(f"{entry.name}: already here and whole, sha256 {found.sha256}, {found.path}")
        return
    source = _source(space.source)
    _describe(entry, path)
    if space.offline and source is None:
        where = entry.urls[0] if entry.urls else entry.homepage
        hint = f"It comes from {where}; with a copy: videdit models get {entry.name} --from FILE"
        raise MissingError(f"{entry.name} is not here, and --offline forbids fetching it", hint=hint)
    if source is None and not entry.urls:
        say(f"  by hand  {entry.by_hand.strip()}")
    else:
        _ask(entry, accepted=space.accept_license)
    with reporter(space.progress) as progress:
        progress.file(entry.name)
        got = fetch(entry, path, source=source, say=note, progress=_in_megabytes(progress))
    say(f"{entry.name}: {_size(got.bytes)} in {got.path}")
    say(f"  sha256 {got.sha256}{', as it should be' if got.pinned else ''}")
    if not got.pinned:
        note("no sha256 is published for it; this one is kept beside the file, and --sha256 demands it on other machines")


def _source(text: str | None) -> Path | None:
    """A file given as a path or as file://. Raises UsageError."""
    if text is None:
        return None
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    path = Path(url2pathname(urlsplit(text).path)) if text.startswith("file:") else Path(text)
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="--from takes a file that you have.")
    return path


def _describe(entry: Entry, path: Path) -> None:
    """What it is, where it comes from, and under which licence."""
    say(f"{entry.name}: {entry.purpose}")
    for label, url in zip(["from", *["or"] * len(entry.urls)], entry.urls or (entry.homepage,), strict=False):
        say(f"  {label:<8} {url}")
    say(f"  to       {path}")
    say(f"  size     {_size(entry.bytes) if entry.bytes else 'not published'}")
    say(f"  sha256   {entry.sha256 or 'not published: the file that comes shows it'}")
    say(f"  licence  {entry.licence}, {entry.licence_url}")
    say(f"           commercial use: {entry.commercial}. {entry.licence_note}".rstrip())


def _ask(entry: Entry, *, accepted: bool) -> None:
    """Raises UsageError unless the licence is accepted."""
    if not accepted and sys.stdin.isatty():
        try:
            accepted = input(f"Do you accept the licence of {entry.name}? [y/N] ").strip().lower() in ("y", "yes")
        except EOFError:
            accepted = False
    if not accepted:
        hint = f"Read {entry.licence_url}; --accept-license accepts it."
        raise UsageError(f"the licence of {entry.name} was not accepted", hint=hint)


def _size(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def _in_megabytes(progress: Callable[[str, int, int | None], None]) -> Callable[[int, int | None], None]:
    """Bytes as whole megabytes, as people count them."""

    def report(done: int, total: int | None) -> None:
        progress("download", -(-done // 1_000_000), None if total is None else -(-total // 1_000_000))

    return report


def _list(registry: dict[str, Entry], *, as_json: bool) -> int:
    rows = []
    for entry in registry.values():
        path = place(entry)
        state = "here" if path.is_file() else "to fetch" if entry.urls else "by hand"
        rows.append((entry, path, state))
    if as_json:
        keys = ("name", "purpose", "file", "homepage", "urls", "by_hand", "sha256", "bytes", "licence", "licence_url", "commercial")
        say(json.dumps([{**{key: getattr(e, key) for key in keys}, "path": str(p), "state": s} for e, p, s in rows], indent=2))
        return 0
    for entry, _path, state in rows:
        size = _size(entry.bytes) if entry.bytes else ""
        say(f"{entry.name:<24} {state:<8} {size:>9}  commercial use: {entry.commercial:<7}  {entry.purpose}")
    return 0
