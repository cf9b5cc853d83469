"""videdit train: thin; each trainer is a module of videdit.train with train(data, out, ...)."""

from __future__ import annotations

import argparse
import importlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videdit.cli.parser import Parser
from videdit.cli.progress import reporter
from videdit.cli.say import say
from videdit.config import DEFAULT_PACK
from videdit.errors import MissingError, UsageError

STEPS = {
    "classifier": "tells the 40 attributes of a face; the first to train, others learn from it",
    "landmarks": "finds 78 points of a face",
    "identity": "tells people apart",
    "generator": "generator and encoder together",
    "axes": "the directions of the attributes; minutes. With --samples, no DATA: of an imported generator, on samples of it",
    "encoder": "an encoder for an imported generator that has none, on samples of it; no DATA",
    "attribute": "a new attribute and its flag out of a folder of labelled pictures, beside what a pack has; a minute",
    "transformer": "--method transformer: a map per attribute and style layer, into the pack",
    "mapper": "--method mapper: one network for all attributes at once, into the pack",
    "expression": "what --expression-from takes over: layers chosen by search, into the pack; minutes",
    "pixel": "--method pixel: a network that redraws one direction of one attribute, into the pack",
    "prototype": "--method prototype: what people with an attribute wear, or are coloured by, as a layer, into the pack; a minute",
    "folds": "--method prototype: folds of skin, drawn by a network, as a layer, into the pack",
    "occlusion": "what lies in front of a face (hands, things) and must stay there, into the pack",
}
# trained for a pack that is complete
EDITORS = ("attribute", "transformer", "mapper", "expression", "pixel", "prototype", "folds", "occlusion")
DESCRIPTION = (
    """Train a part of a model pack. DATA is the folder that `python -m videdit.train.data` prepares; OUT keeps checkpoints,
log, curve and samples, and a run that was interrupted goes on from there.

"""
    + "\n".join(f"  {name:<11} {text}" for name, text in STEPS.items())
    + """

For all but the first six DATA may be any folder of pictures, with a labels.csv (file, then a column of 1 and 0 per attribute) or without:
then the pack's classifier labels them. What they make goes into --pack; into a copy of it in your own
data folder, which is found before it, where the pack is asked for by name."""
)


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit train", "videdit train " + "|".join(STEPS) + " DATA OUT [OPTIONS]", DESCRIPTION)
    parser.add_argument("step", choices=tuple(STEPS), metavar="STEP", help="what to train")
    parser.add_argument("folders", type=Path, nargs="*", metavar="DATA OUT", help="faces, and the run's folder")
    parser.add_argument("--data", type=Path, metavar="DATA", help="another way to name DATA")
    parser.add_argument("--out", type=Path, metavar="OUT", help="another way to name OUT (default for what goes into a pack: runs/STEP)")
    parser.add_argument("--minutes", type=float, help="how long in all, an interrupted run's time included")
    parser.add_argument("--seed", type=int, help="of everything that is drawn (default 0)")
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:n (default auto)")
    parser.add_argument("--init", metavar="PATH", type=Path, help="begin with these weights instead of random ones")
    parser.add_argument("--classifier", metavar="DIR", type=Path, help="the run whose features serve as a loss (generator)")
    text = f"the pack whose networks are used (axes: default OUT, a pack folder; what goes into a pack: default {DEFAULT_PACK})"
    parser.add_argument("--pack", metavar="NAME|PATH", type=Path, help=text)
    parser.add_argument("--faces", type=int, metavar="N", help="faces to learn from, at most (axes, and what goes into a pack)")
    parser.add_argument(
        "--samples", type=int, metavar="N", help="draw so many faces from --pack instead of reading any (axes; 20000 are usual)"
    )
    parser.add_argument("--rank", type=int, metavar="R", help="of the matrices, 0 for full ones (transformer, mapper)")
    parser.add_argument("--depth", type=int, choices=(1, 2, 3, 4), help="layers (mapper)")
    parser.add_argument("--attribute", metavar="NAME", help="what to change (pixel, prototype, folds)")
    text = "which way, as a strength says it: eyeglasses -1 (pixel, prototype, folds; default 1)"
    parser.add_argument("--direction", type=int, choices=(1, -1), help=text)
    parser.add_argument(
        "--features", choices=("adaptive", "fixed"), help="whose features keep the face: the critic's or the classifier's (pixel)"
    )
    parser.add_argument("--teacher", metavar="DIR", type=Path, help="run of a hardened classifier that teaches (pixel, mapper)")
    parser.add_argument("--hard", action="store_true", help="on pictures made to mislead it; for --teacher (classifier)")
    parser.add_argument("--restart", action="store_true", help="forget the checkpoint")
    parser.add_argument("--progress", choices=("auto", "plain", "none"), default="auto", help="a bar, lines, or the log (default auto)")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command. Raises UsageError, MissingError."""
    space = build().parse(argv)
    drawn = space.step == "axes" and space.samples is not None and not space.data and len(space.folders) < 2
    if drawn or space.step == "encoder":
        return _on_samples(space)
    data, out = _folders(space)
    if not data.is_dir():
        raise UsageError(f"there is no folder {data}", hint="`python -m videdit.train.data FACES_DIR WORK_DIR` prepares it.")
    for name, least in (("minutes", 1e-9), ("faces", 1), ("rank", 0)):
        value = getattr(space, name)
        if value is not None and not value >= least:
            raise UsageError(f"--{name} can't be {value}", hint="A number above 0." if least else "0 or more.")
    module = importlib.import_module(f"videdit.train.{space.step}")
    options = _options(space, inspect.signature(module.train).parameters)
    try:
        with reporter(space.progress) as talk:
            talk.file(space.step)
            if "progress" in inspect.signature(module.train).parameters and space.progress != "none":
                options["progress"] = talk
            result = module.train(data, out, **options)
    except FileNotFoundError as error:
        raise MissingError(f"{error.filename or error} is not there", hint="`python -m videdit.train.data` prepares the data.") from None
    if result is not None:
        say(str(result))
    return 0


def _on_samples(space: argparse.Namespace) -> int:
    """A step that draws its faces from the pack's own generator. Raises UsageError."""
    if space.pack is None:
        raise UsageError(f"training {space.step} on samples needs --pack", hint="The pack whose generator is drawn from.")
    if space.data or len(space.folders) > 1:
        raise UsageError(f"training {space.step} on samples takes no DATA", hint=f"videdit train {space.step} --pack PACK [OUT]")
    if space.minutes is not None and not space.minutes > 0:
        raise UsageError(f"--minutes can't be {space.minutes}", hint="A number above 0.")
    module = importlib.import_module("videdit.train.sampled" if space.step == "axes" else "videdit.train.encoder")
    options = _options(space, inspect.signature(module.train).parameters)
    out = space.out or (space.folders[0] if space.folders else Path("runs") / f"{space.step}-{Path(space.pack).name}")
    with reporter(space.progress) as talk:
        talk.file(space.step)
        say(str(module.train(out, **options, progress=talk if space.progress != "none" else None)))
    return 0


def _folders(space: argparse.Namespace) -> tuple[Path, Path]:
    """DATA and OUT, however they were named. Raises UsageError."""
    left = list(space.folders)
    data = space.data or (left.pop(0) if left else None)
    out = space.out or (left.pop(0) if left else Path("runs") / space.step if space.step in EDITORS else None)
    if data is None or out is None:
        raise UsageError(
            f"training {space.step} needs {'faces' if data is None else 'a folder for the run'}", hint="videdit train STEP DATA OUT"
        )
    if left:
        raise UsageError(f"unexpected {str(left[0])!r}", hint="videdit train STEP DATA OUT")
    return data, out


def _options(space: argparse.Namespace, known: Any) -> dict[str, Any]:
    """What was given, checked against what the trainer takes. Raises UsageError."""
    names: tuple[str, ...] = ("minutes", "seed", "device", "init", "classifier", "pack", "faces", "rank", "depth", "attribute")
    names += ("direction", "features", "samples", "teacher")
    options = {name: getattr(space, name) for name in names if getattr(space, name) is not None}
    if space.restart:
        options["resume"] = False
    if space.hard:
        options["hard"] = True
    if space.step in EDITORS:
        options.setdefault("pack", DEFAULT_PACK)
    if "attribute" in known and "attribute" not in options:
        raise UsageError(f"training {space.step} needs --attribute", hint="And --direction: `--attribute eyeglasses --direction -1`.")
    if "minutes" in known and known["minutes"].default is inspect.Parameter.empty and "minutes" not in options:
        raise UsageError(f"training {space.step} needs --minutes", hint="The more, the better; it can be interrupted and gone on with.")
    for name in options:
        if name not in known:
            raise UsageError(f"training {space.step} has no --{'restart' if name == 'resume' else name}")
    return options
