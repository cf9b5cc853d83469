"""python -m benchmarks quality|speed|card|pixel|smoothing|occlusion|large|scaling|soak|kill|fuzz: see --help of each."""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path
from typing import Any

from videdit.config import DEFAULT_PACK, Settings
from videdit.errors import MissingError, UsageError, VideditError
from videdit.quality.report import markdown, replace_section, to_json

ROOT = Path(__file__).parents[1]
CLIPS = ROOT.parent / "shared" / "clips"
OWN_CLIP = ROOT / "examples" / "astronaut.mp4"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the editor does and how fast.")
    commands = top.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--pack", default=DEFAULT_PACK)
    common.add_argument("--device", default="auto")
    common.add_argument("--json", metavar="FILE", nargs="?", const="-", help="write the figures as JSON (- or nothing: to the terminal)")
    common.add_argument("--docs", metavar="FILE", type=Path, help="put the table into this page, such as docs/quality.md")
    quality = commands.add_parser(
        "quality", parents=[common], help="change, identity, steadiness and seams of edits, by independent judges"
    )
    quality.add_argument("--clips", type=Path, default=CLIPS, help="folder with the clips of the standard cases")
    quality.add_argument("--clip", type=Path, help="judge edits of this clip instead")
    quality.add_argument("--edit", action="append", metavar="NAME=STRENGTH", help="an edit to judge; may be repeated (one row each)")
    quality.add_argument("--strips", type=Path, metavar="DIR", help="write six frames of each edit, before above after")
    quality.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, such as composite=render")
    speed = commands.add_parser("speed", parents=[common], help="frames per second and peak memory")
    speed.add_argument("--clip", type=Path, default=OWN_CLIP, help="scaled to every height")
    speed.add_argument("--heights", default="360,720,1080", help="such as 360,720")
    speed.add_argument("--frames", type=int, default=0, help="of each clip, back and forth over the source (default: its own)")
    speed.add_argument("--long", action="store_true", help="a ten times longer clip too: memory must not grow")
    card = commands.add_parser("card", parents=[common], help="held-out quality of a pack, by sex, age and skin labels")
    card.add_argument("--data", type=Path, required=True, help="work directory of videdit.train.data")
    card.add_argument("--faces", type=int, default=600, help="how many faces of shard 5")
    card.add_argument("--edited", type=int, default=120, help="how many of them go through the whole editor and dlib")
    pixel = commands.add_parser("pixel", parents=[common], help="what the pack redraws crops with, on held-out faces")
    pixel.add_argument("--data", type=Path, required=True, help="work directory of videdit.train.data")
    pixel.add_argument("--faces", type=int, default=500, help="how many faces of shard 5 a transform, at most")
    pixel.add_argument("--only", action="append", metavar="NAME", help="only this direction, such as Young-; may be repeated")
    pixel.add_argument("--strips", type=Path, metavar="DIR", help="write twelve faces of each, before above after")
    smoothing = commands.add_parser("smoothing", parents=[common], help="jitter and lag of each smoother")
    smoothing.add_argument("--clip", type=Path, default=CLIPS / "neutral_to_smile.mp4", help="a face that begins to smile")
    smoothing.add_argument("--plot", type=Path, metavar="PNG", help="draw the tracks")
    occlusion = commands.add_parser(
        "occlusion", parents=[common], help="what is changed under things that pass before a face, and kept beside"
    )
    occlusion.add_argument("--clips", type=Path, default=CLIPS, help="folder with the clip of the standard cases")
    occlusion.add_argument("--clip", type=Path, help="put things before the face of this clip instead")
    occlusion.add_argument("--edit", action="append", metavar="NAME=STRENGTH", help="an edit to make; may be repeated")
    occlusion.add_argument("--frames", type=int, default=48, help="of each clip, from its start")
    occlusion.add_argument("--strips", type=Path, metavar="DIR", help="write six frames of each, before above after")
    large = commands.add_parser(
        "large", parents=[common], help="a 1024 px generator and e4e of random weights: import, edit, rate by layer"
    )
    large.add_argument("--clip", type=Path, default=OWN_CLIP, help="what is edited")
    large.add_argument("--frames", type=int, default=10, help="of it (default 10)")
    large.add_argument("--size", type=int, default=1024, help="of the generator (default 1024)")
    large.add_argument("--widest", type=int, default=512, help="channels of its widest layers (default 512; small ones try the script)")
    large.add_argument("--threads", type=int, default=1, help="of PyTorch (default 1)")
    large.add_argument("--precisions", default="", help="such as fp32,bf16 (the default; on a GPU fp32,fp16)")
    kill = commands.add_parser("kill", parents=[common], help="SIGKILL at random moments, the same command again: same bytes, seconds lost")
    kill.add_argument("--clips", type=Path, default=CLIPS, help="folder with the clips")
    kill.add_argument("--kills", type=int, default=50)
    kill.add_argument("--seed", type=int, default=0)
    kill.add_argument("--work", type=Path, metavar="DIR", help="where the runs' folder is made (default: the system's place for such)")
    add_many(commands, common)
    return top


def large_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import large
    from videdit.packs.load import pick_device

    device = pick_device(args.device).type
    precisions = tuple((args.precisions or ("fp32,bf16" if device == "cpu" else "fp32,fp16")).split(","))
    facts = {"size": args.size, "widest": args.widest, "frames": args.frames, "threads": args.threads}
    return large.run(large.Plan(args.clip, device=device, precisions=precisions, **facts))


def add_many(commands: Any, common: argparse.ArgumentParser) -> None:
    """What measures runs of many clips."""
    text = "seconds against frames, --workers against one process, and the planning of ten thousand files"
    scaling = commands.add_parser("scaling", parents=[common], help=text)
    scaling.add_argument("--clips", type=int, default=6, help="how many for --workers")
    scaling.add_argument("--frames", type=int, default=48, help="of each")
    scaling.add_argument("--workers", default="1,2", help="such as 1,2,4")
    scaling.add_argument("--files", type=int, default=10_000, help="to plan; 0 leaves it out")
    text = "nodes of a Ray cluster on this machine, whose overhead is measured; 0 leaves it out (default 3 where Ray is installed)"
    scaling.add_argument("--ray", type=int, metavar="NODES", help=text)
    soak = commands.add_parser("soak", parents=[common], help="many short clips, some bad, and a worker killed every so often")
    soak.add_argument("--clips", type=int, default=200)
    soak.add_argument("--bad", type=int, default=10, metavar="N", help="every N-th clip is bad")
    soak.add_argument("--kill", type=int, default=20, metavar="N", help="a worker is killed every N clips")
    soak.add_argument("--workers", type=int, default=2)
    soak.add_argument("--plot", type=Path, metavar="FILE.SVG", help="memory over time")
    fuzz = commands.add_parser("fuzz", parents=[common], help="mutated files through the whole command")
    fuzz.add_argument("--cases", type=int, default=2000, help="how many in one process, with a pack of random weights")
    fuzz.add_argument("--commands", type=int, default=100, help="how many of them as commands of their own too, with --pack")
    fuzz.add_argument("--seed", type=int, default=1)


def scaling_rows(args: argparse.Namespace) -> tuple[list, str]:
    import tempfile

    from benchmarks import scaling
    from benchmarks.ray_overhead import installed

    counts = [int(count) for count in args.workers.split(",")]
    shape = {"clips": args.clips, "frames": args.frames, "files": args.files}
    shape["ray"] = args.ray if args.ray is not None else 3 if installed() else 0
    options = ["--pack", args.pack, "--device", args.device]
    with tempfile.TemporaryDirectory() as folder:
        rows = scaling.run(OWN_CLIP, Path(folder), **shape, counts=counts, options=options)
    return (
        rows,
        f"{OWN_CLIP.name} at {scaling.HEIGHT} lines; {cores()} CPU cores ({platform.machine()}), Python {platform.python_version()}.",
    )


def soak_rows(args: argparse.Namespace) -> tuple[list, str]:
    import tempfile

    from benchmarks import soak

    options = ["--pack", args.pack, "--device", args.device]
    shape = {"clips": args.clips, "bad": args.bad, "kill_every": args.kill, "workers": args.workers}
    with tempfile.TemporaryDirectory() as folder:
        rows = soak.run(OWN_CLIP, Path(folder), **shape, options=options, drawing=args.plot)
    return rows, f"{soak.FRAMES} frames of {soak.HEIGHT} lines each, --workers {args.workers}; {cores()} CPU cores."


def quality_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import quality
    from videdit.packs.load import load_pack
    from videdit.quality.embedder import Embedder
    from videdit.quality.judge import load_judge

    pack = load_pack(args.pack, device=args.device)
    judges = quality.Judges(*load_judge(), Embedder())
    edits = [edit_of(text) for text in args.edit or []]
    if args.clip:
        cases = [(args.clip, edit) for edit in edits or [{"smile": 1.0}, {"smile": -1.0}]]
    else:
        names = dict.fromkeys(name for name, _ in quality.CASES)
        standard = [(name, edit) for name in names for edit in edits] if edits else quality.CASES
        cases = [(args.clips / name, edit) for name, edit in standard]
        cases += [(OWN_CLIP, edit) for edit in edits or [{"smile": -1.0}]]
    missing = sorted({str(clip) for clip, _ in cases if not clip.exists()})
    for clip in missing:
        print(f"left out, not there: {clip}", file=sys.stderr)
    settings = Settings(pack=args.pack, device=args.device, overwrite=True, **dict(setting_of(text) for text in args.set))
    rows = quality.run([c for c in cases if c[0].exists()], judges, pack=pack, settings=settings, strips=args.strips)
    others = quality.strangers_figure(args.clips, pack, judges.identity)
    note = f"Identity by dlib's embedding; strangers on the same clips score {others:.3f}. Pack {pack.id}."
    return rows, note


def edit_of(text: str) -> dict[str, float]:
    """`smile=-1` or `smile=0.5,age=1`. Raises UsageError."""
    try:
        return {name: float(value) for name, value in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise UsageError(f"--edit can't be {text!r}", hint="NAME=STRENGTH, such as smile=-1") from None


def setting_of(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.replace("-", "_"), value


def speed_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import speed

    heights = [int(height) for height in args.heights.split(",")]
    rows = speed.run(args.clip, pack=args.pack, device=args.device, heights=heights, frames=args.frames, long=args.long)
    machine = f"{cores()} CPU cores ({platform.machine()}), Python {platform.python_version()}, device {args.device}"
    return rows, f"{args.clip.name}, whole processes; {machine}."


def cores() -> int:
    """CPU cores this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def card_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import pack_card
    from videdit.packs.load import load_pack
    from videdit.quality.embedder import Embedder
    from videdit.quality.judge import load_judge

    judge, names = load_judge()
    pack = load_pack(args.pack, device=args.device)
    rows = pack_card.run(args.data, pack, judge, names, Embedder(), faces=args.faces, edited=args.edited)
    return rows, pack_card.NOTE.format(pack=pack.id, faces=args.faces, edited=args.edited)


def pixel_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import pixel
    from videdit.packs.load import load_pack
    from videdit.quality.embedder import Embedder
    from videdit.quality.judge import load_judge

    pack = load_pack(args.pack, device=args.device)
    rows = pixel.run(args.data, pack, *load_judge(), Embedder(), faces=args.faces, strips=args.strips, only=args.only)
    return rows, pixel.NOTE.format(pack=pack.id, faces=args.faces)


def smoothing_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import smoothing
    from videdit.packs.load import load_pack

    return smoothing.run(args.clip, load_pack(args.pack, device=args.device), args.plot)


def occlusion_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import hands, occlusion
    from videdit.packs.load import load_pack

    edits = [edit_of(text) for text in args.edit or []]
    if args.clip:
        cases = [(args.clip, edit) for edit in edits or [{"smile": 1.0}]]
    else:
        standard = {OWN_CLIP: {"smile": -1.0}, args.clips / "neutral_to_smile.mp4": {"smile": 1.0}}
        cases = [(clip, edit) for clip, own in standard.items() for edit in edits or [own]]
    for clip in sorted({str(clip) for clip, _ in cases if not clip.exists()}):
        print(f"left out, not there: {clip}", file=sys.stderr)
    settings = Settings(pack=args.pack, device=args.device, cache=False)
    there = [case for case in cases if case[0].exists()]
    pack = load_pack(args.pack, device=args.device)
    rows, note = occlusion.run(there, pack, settings, frames=args.frames, strips=args.strips)
    if not args.clip and not args.edit:
        rows += hands.run(args.clips, pack, settings, strips=args.strips)
    return rows, note


def kill_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import kill

    return kill.run(args.clips, args.work, pack=args.pack, device=args.device, kills=args.kills, seed=args.seed)


def fuzz_rows(args: argparse.Namespace) -> tuple[list, str]:
    from benchmarks import fuzz

    return fuzz.run(args.cases, args.seed, args.commands, pack=args.pack, say=lambda text: print(text, file=sys.stderr, flush=True))


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        makers = {"quality": quality_rows, "speed": speed_rows, "card": card_rows, "pixel": pixel_rows}
        makers |= {"smoothing": smoothing_rows, "occlusion": occlusion_rows, "large": large_rows}
        makers |= {"scaling": scaling_rows, "soak": soak_rows, "kill": kill_rows, "fuzz": fuzz_rows}
        rows, note = makers[args.command](args)
    except VideditError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return error.exit_code
    table = markdown(rows, digits=1 if args.command == "speed" else 3) + "\n\n" + note
    if args.json == "-":
        print(to_json({"rows": rows, "note": note}))
    else:
        print(table)
        if args.json:
            Path(args.json).write_text(to_json({"rows": rows, "note": note}) + "\n")
    if args.docs:
        text = args.docs.read_text() if args.docs.exists() else ""
        args.docs.parent.mkdir(parents=True, exist_ok=True)
        args.docs.write_text(replace_section(text, args.command, table))
    if not rows:
        raise SystemExit(MissingError("nothing to measure").exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
