"""videdit models import: a pack out of a public checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from videdit.cli.parser import Parser
from videdit.cli.say import note, say

USAGE = "videdit models import GENERATOR [--encoder E] [--direction NAME=FILE ...] --as PACK"
DESCRIPTION = """Make a pack of a StyleGAN2 generator (.pt, .pkl, .npz or .safetensors), its e4e or pSp encoder and directions. Nothing in a
file is run: tensors are read, everything else is refused. Weights are kept in float32, the files' hashes in pack.toml.

  NAME=FILE           an array (D,), (1,D), (L,D) or (1,L,D); or latents (N,D), (N,L,D): their mean less the generator's
  NAME=FILE#3         a GANSpace component; or, of a file of several arrays, the one of this name
  NAME=FILE@0-5       on these style layers only
  NAME=WITH,WITHOUT   the mean of the latents in one file less that of another"""


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit models import", USAGE, DESCRIPTION)
    parser.add_argument("generator", metavar="GENERATOR", type=Path, help="a checkpoint; one that holds an encoder too gives both")
    parser.add_argument("--as", dest="name", required=True, metavar="PACK", help="what the pack is called")
    parser.add_argument("--encoder", metavar="FILE", type=Path, help="a checkpoint of e4e or pSp")
    parser.add_argument("--encoder-type", choices=("e4e", "psp"), help="which of them, where the checkpoint does not say")
    parser.add_argument("--direction", action="append", default=[], metavar="NAME=FILE", help="an attribute and its flag; may be repeated")
    parser.add_argument("--license", metavar="TEXT", help="the terms you have the weights under; asked for at a terminal")
    parser.add_argument("--overwrite", action="store_true", help="replace the pack of this name")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command. Raises UsageError, UnreadableError, OutputError."""
    space = build().parse(argv)
    from videdit.packs.foreign.directions import asked
    from videdit.packs.foreign.importing import UNSTATED, Order, make, place

    order = Order(
        generator=space.generator,
        name=space.name,
        encoder=space.encoder,
        encoder_kind=space.encoder_type,
        directions=tuple(asked(text) for text in space.direction),
        overwrite=space.overwrite,
    )
    place(order)  # before anybody is asked anything
    folder, notes = make(replace(order, license=space.license or ask() or UNSTATED))
    for text in notes:
        note(text)
    say(str(folder))
    return 0


def ask() -> str:
    """The licence, in the user's words; nothing where nobody sits at a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        note("no --license: the pack says that its licence is not stated")
        return ""
    print("Under which licence do you have these weights? (Enter: not stated) ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()
