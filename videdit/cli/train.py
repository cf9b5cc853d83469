"""videdit train: thin; each trainer is a module of videdit.train with train(data, out, ...)."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path

from videdit.cli.parser import Parser
from videdit.cli.say import say
from videdit.errors import MissingError, UsageError

STEPS = {
    "classifier": "tells the 40 attributes of a face; the first to train, others learn from it",
    "landmarks": "finds 78 points of a face",
    "identity": "tells people apart",
    "generator": "generator and encoder together",
    "axes": "the directions of the attributes; the last, minutes",
}
DESCRIPTION = """Train a part of a model pack. DATA is the folder that `python -m videdit.train.data` prepares; OUT keeps checkpoints,
log and samples, and a run that was interrupted goes on from there.

""" + "\n".join(f"  {name:<11} {text}" for name, text in STEPS.items())


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit train", "videdit train " + "|".join(STEPS) + " DATA OUT [OPTIONS]", DESCRIPTION)
    parser.add_argument("step", choices=tuple(STEPS), metavar="STEP", help="what to train")
    parser.add_argument("data", type=Path, metavar="DATA", help="prepared faces")
    parser.add_argument("out", type=Path, metavar="OUT", help="the run's folder")
    parser.add_argument("--minutes", type=float, help="how long in all, an interrupted run's time included")
    parser.add_argument("--seed", type=int, help="of everything that is drawn (default 0)")
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:n (default auto)")
    parser.add_argument("--init", metavar="PATH", type=Path, help="begin with these weights instead of random ones")
    parser.add_argument("--classifier", metavar="DIR", type=Path, help="the run whose features serve as a loss (generator)")
    parser.add_argument("--pack", metavar="DIR", type=Path, help="the pack whose networks are used (axes; default OUT, a pack folder)")
    parser.add_argument("--restart", action="store_true", help="forget the checkpoint")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command. Raises UsageError, MissingError."""
    space = build().parse(argv)
    if not space.data.is_dir():
        raise UsageError(f"there is no folder {space.data}", hint="`python -m videdit.train.data FACES_DIR WORK_DIR` prepares it.")
    if space.minutes is not None and not space.minutes > 0:
        raise UsageError(f"--minutes can't be {space.minutes}", hint="A number above 0.")
    module = importlib.import_module(f"videdit.train.{space.step}")
    names = ("minutes", "seed", "device", "init", "classifier", "pack")
    options = {name: getattr(space, name) for name in names if getattr(space, name) is not None}
    if space.restart:
        options["resume"] = False
    known = inspect.signature(module.train).parameters
    if "minutes" in known and known["minutes"].default is inspect.Parameter.empty and "minutes" not in options:
        raise UsageError(f"training {space.step} needs --minutes", hint="The more, the better; it can be interrupted and gone on with.")
    for name in options:
        if name not in known:
            raise UsageError(f"training {space.step} has no --{'restart' if name == 'resume' else name}")
    try:
        result = module.train(space.data, space.out, **options)
    except FileNotFoundError as error:
        raise MissingError(f"{error.filename or error} is not there", hint="`python -m videdit.train.data` prepares the data.") from None
    if result is not None:
        say(str(result))
    return 0
