"""videdit attributes: what a pack can change."""

from __future__ import annotations

import json
from collections.abc import Sequence

from videdit.checks import STRENGTH_HELP, STRENGTH_RANGE
from videdit.cli.edit import manifest_for
from videdit.cli.parser import Parser, add_options
from videdit.cli.say import say


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit attributes", "videdit attributes [--pack NAME|PATH] [--json]", "List the attributes a model pack can change.")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_options(parser, only=["pack"])
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    space = build().parse(argv)
    manifest = manifest_for(argv)
    if space.json:
        low, high = STRENGTH_RANGE
        rows = [
            {"name": a.name, "flag": f"--{a.name}", "help": a.help, "aliases": [*a.aliases, a.source], "source": a.source, "sign": a.sign}
            for a in manifest.attributes.values()
        ]
        say(json.dumps({"pack": manifest.id, "range": [low, high], "attributes": rows, "lockable": list(manifest.order)}, indent=2))
        return 0
    wide = max((len(name) for name in manifest.attributes), default=0) + 2
    for attribute in manifest.attributes.values():
        others = ", ".join([*attribute.aliases, *([attribute.source] if attribute.sign > 0 else [])])
        opposite = f"the opposite: {attribute.source}" if attribute.sign < 0 else ""
        said = "; ".join(filter(None, [f"also: {others}" if others else "", opposite]))
        say(f"--{attribute.name:<{wide}} {attribute.help}  ({said})")
    say(f"\nStrengths from {STRENGTH_RANGE[0]:g} to +{STRENGTH_RANGE[1]:g}; {STRENGTH_HELP}. Pack: {manifest.name}.")
    return 0
