"""videdit cache list|size|clear: what is kept of clips between runs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from videdit.cli.parser import Parser, add_options, settings_of
from videdit.cli.say import say

if TYPE_CHECKING:
    from videdit.store import Entry

DESCRIPTION = """What is kept of clips, so that another strength starts at once: tracks and latents, renders, tuned generators.

list: each entry, the latest used first. size: how much it is, and of how much. clear: remove all of it.
An entry is known by the clip's content, the pack and the settings it depends on; what was not used for longest goes first when it gets too
much. Nothing is lost by clearing but time."""
KINDS = {"tracks": "faces and latents", "renders": "renders of unedited faces", "tuned": "a generator tuned to a person"}


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit cache", "videdit cache list|size|clear [--cache-dir DIR] [--json]", DESCRIPTION)
    parser.add_argument("action", choices=("list", "size", "clear"), help="what to do")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_options(parser, only=["cache_dir"])
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    space = build().parse(argv)
    from videdit.cli.estimate import in_bytes
    from videdit.store import Cache, default_folder

    cache = Cache(settings_of(space).cache_dir or default_folder())
    if space.action == "clear":
        freed = cache.clear()
        say(json.dumps({"folder": str(cache.folder), "freed": freed}) if space.json else f"{in_bytes(freed)} freed in {cache.folder}")
    elif space.action == "size":
        entries, size = len(cache.entries()), cache.size()
        values = {"folder": str(cache.folder), "entries": entries, "bytes": size, "limit": cache.limit}
        words = f"{in_bytes(size)} of at most {in_bytes(cache.limit)}, {entries} entr{'y' if entries == 1 else 'ies'} in {cache.folder}"
        say(json.dumps(values) if space.json else words)
    else:
        _list(cache.entries(), as_json=space.json)
    return 0


def _list(entries: Sequence[Entry], *, as_json: bool) -> None:
    """The latest used first."""
    from videdit.cli.estimate import in_bytes

    found = sorted(entries, key=lambda entry: -entry.used)
    if as_json:
        rows = [{"kind": entry.stage, "file": str(entry.path), "bytes": entry.size, "used": entry.used} for entry in found]
        say(json.dumps(rows, indent=2))
        return
    for entry in found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        say(f"{when}  {in_bytes(entry.size):>9}  {KINDS.get(entry.stage, entry.stage):<30} {entry.path.name}")
