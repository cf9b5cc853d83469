"""All of an evaluation: who, what, in which order; results as one JSON that further runs add to."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from videdit.errors import UsageError
from videdit.evaluate import figures
from videdit.evaluate.baselines import load_or_train
from videdit.evaluate.bench import Bench
from videdit.evaluate.drift import mapper_errors, one_after_another, there_and_back, together
from videdit.evaluate.ladder import Codes, Trial, best_strength, curve, matched
from videdit.evaluate.leakage import leakage
from videdit.evaluate.likeness import Likeness, strangers_median
from videdit.evaluate.methods import BASELINES, BOTH, Editor, check_methods, editor
from videdit.evaluate.people import People, choose, open_data
from videdit.packs.load import load_pack
from videdit.packs.manifest import Attribute, Manifest
from videdit.quality.judge import load_judge
from videdit.quality.report import to_json

RESULTS = "evaluation.json"
ATTRIBUTES = ("smile", "mouth-open", "eyeglasses", "male", "age", "beard", "bushy-eyebrows", "lipstick")
TOGETHER = (("smile", "eyeglasses", "age"), ("mouth-open", "bushy-eyebrows", "lipstick"))
CHAIN = 4  # edits one after another
FEWEST = 2 * figures.STRIP  # faces that a method is measured on


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure. Empty methods or attributes: all methods the pack has and both baselines; ATTRIBUTES.

    faces: of shard 5; curve_faces: of them, for the curves and the rates beside 0.9; identities: of them, for identity, an attribute
    (0: leave it out); embedder: whose identity (likeness.EMBEDDERS); drift: of them, for drift and leakage (0: leave those out);
    baseline_faces: training faces the baselines are from.
    """

    methods: Sequence[str] = ()
    attributes: Sequence[str] = ()
    strengths: Sequence[float] = (0.5, 1.0, 1.5, 2.0, 3.0)
    rates: Sequence[float] = (0.8, 0.9, 0.97)
    faces: int = 500
    curve_faces: int = 120
    identities: int = 64
    embedder: str = "dlib"
    drift: int = 64
    baseline_faces: int = 6000
    seed: int = 0


@dataclass(slots=True)
class Session:
    """What all methods share while an evaluation runs."""

    bench: Bench
    people: People
    asked: dict[str, Attribute]
    options: Options
    likeness: Likeness | None
    codes: Codes
    say: Callable[[str], None]
    strips: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def few(self) -> int:
        """Faces whose identity is looked at after drift: dlib is slow."""
        return min(self.options.identities, 16)


def attributes_of(names: Sequence[str], manifest: Manifest, judged: Sequence[str]) -> dict[str, Attribute]:
    """The attributes by flag; without names, those of ATTRIBUTES that the pack has; `all`: every flag. Raises UsageError."""
    if list(names) == ["all"]:
        names = list(manifest.attributes)
    wanted = names or [name for name in ATTRIBUTES if name in manifest.attributes]
    found = {attribute.name: attribute for attribute, _ in map(manifest.resolve, wanted)}
    for attribute in found.values():
        if attribute.source not in judged:
            raise UsageError(f"the judge does not know {attribute.source}", hint=f"It knows: {', '.join(judged)}.")
    return found


def evaluate(
    pack: str | Path,
    data: Path,
    out: Path,
    options: Options = Options(),
    *,
    judge: Path | None = None,
    device: str = "auto",
    curves: bool = True,
    strips: Path | None = None,
    workers: int | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Measure and write OUT/evaluation.json (also after each method), curves.png and leakage-METHOD.png; returns what the JSON holds.

    Methods that the JSON holds already, from a run with the same pack's generator, faces and settings, are kept beside the new ones.
    strips: a folder for pictures of the faces. Raises UsageError, PackError, MissingError (judge, dlib or FaceNet, scikit-learn,
    matplotlib, data).
    """
    if curves:
        figures.pyplot()  # rather now than after the work
    known = open_data(data)
    loaded = load_pack(pack, device=device)
    network, judged = load_judge(judge)
    methods = check_methods(options.methods, loaded)
    asked = attributes_of(options.attributes, loaded.manifest, judged)
    bench = Bench(loaded, network, judged, workers=workers)
    with ExitStack() as stack:
        likeness = stack.enter_context(Likeness(bench.workers, embedder=options.embedder)) if options.identities else None
        people = choose(known, bench, count=options.faces, seed=options.seed)
        say(f"{len(people)} faces inverted and judged")
        session = Session(bench, people, asked, options, likeness, Codes(people), say)
        found = kept(Path(out) / RESULTS, _head(session, judge))
        sources = sorted(a.source for a in asked.values())
        named = [m for m in methods if m in BASELINES]
        baselines = load_or_train(named, bench.studio, known, sources, Path(out), faces=options.baseline_faces, seed=options.seed)
        if likeness:
            codes = session.codes.of("seen", np.arange(len(people)), likeness)
            found["strangers"] = strangers_median(codes, people.identity)
        for method in methods:
            trials = trials_of(editor(method, loaded, baselines), session)
            found["methods"][method] = _method(method, trials, session)
            _write(Path(out) / RESULTS, found)
    return _finish(found, session, Path(out), curves=curves, strips=strips)


def _head(session: Session, judge: Path | None) -> dict[str, Any]:
    """What results have to share to stand in one table."""
    options, pack = session.options, session.bench.pack
    return {
        "pack": pack.id,
        "networks": [pack.manifest.networks[name].sha256[:16] for name in ("encoder", "generator")],
        "judge": str(judge or "benchmarks/judge"),
        "attributes": list(session.asked),
        "faces": len(session.people),
        "people": hashlib.sha256(session.people.identity.tobytes()).hexdigest()[:16],
        "curve_faces": min(options.curve_faces, len(session.people)),
        "identities": options.identities,
        "embedder": options.embedder,
        "drift": options.drift,
        "strengths": list(options.strengths),
        "rates": list(options.rates),
        "seed": options.seed,
    }


def kept(path: Path, head: Mapping[str, Any]) -> dict[str, Any]:
    """The results so far, where they belong to the same measurement."""
    try:
        old = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        old = {}
    old = {"embedder": "dlib", **old}  # the only one when nothing was said
    same = all(old.get(key) == value for key, value in head.items() if key != "pack")
    return {**head, "strangers": None, "methods": old["methods"] if same else {}}


def trials_of(editor: Editor, session: Session) -> dict[str, Trial]:
    """By flag, a method on each attribute it can edit, on those people whom it can give what they lack, or take what they have."""
    bench, people, found = session.bench, session.people, {}
    for number, (flag, attribute) in enumerate(session.asked.items()):
        flips = people.flips(bench.names.index(attribute.source), np.arange(len(people)))
        able = np.flatnonzero(np.isin(flips, editor.signs(attribute.source)))
        everybody = len(able) == len(people)
        if everybody or len(able) >= FEWEST:
            among = people if everybody else people.only(able)
            found[flag] = Trial(bench, among, editor, attribute.source, number)
    return found


def _method(name: str, trials: Mapping[str, Trial], session: Session) -> dict[str, Any]:
    """Everything about one method."""
    sizes: dict[str, float] = {}
    results: dict[str, Any] = {"pack": session.bench.pack.id, "attributes": {}}
    started = time.monotonic()
    for flag, trial in trials.items():
        others = [attribute.source for attribute in session.asked.values() if attribute.source != trial.source]
        found = _attribute(name, flag, trial, others, session)
        sizes[trial.source] = found["strength"]
        results["attributes"][flag] = found
    if session.options.drift and all(trial.people is session.people for trial in trials.values()):
        rows = np.arange(min(session.options.drift, len(session.people)))
        chain = list(trials.values())[:CHAIN]
        results["one_after_another"] = one_after_another(chain, sizes, rows, session.likeness, session.codes, session.few)
        groups = [[trials[flag] for flag in group] for group in TOGETHER if all(flag in trials for flag in group)]
        results["together"] = [together(group, sizes, rows, session.likeness, session.codes, session.few) for group in groups]
        results["mapper_errors"] = mapper_errors(session.bench.pack, session.people.w) if name == "mapper" else None
    results["seconds"] = round(time.monotonic() - started, 1)
    session.say(f"{name}: done in {results['seconds']:.0f} s")
    return results


def _attribute(name: str, flag: str, trial: Trial, others: Sequence[str], session: Session) -> dict[str, Any]:
    """A method on an attribute: curve, matched figures, leakage, there and back."""
    options, people = session.options, trial.people
    codes = session.codes if people is session.people else Codes(people)
    some = np.arange(min(options.curve_faces, len(people)))
    points = curve(trial, options.strengths, some)
    entries, look = matched(trial, points, options.rates, some, session.likeness, codes, options.identities)
    size = best_strength(points)
    found: dict[str, Any] = {"source": trial.source, "strength": size, "curve": points, "matched": entries}
    if options.drift:
        rows = np.arange(min(options.drift, len(people)))
        found["leakage"] = leakage(trial, look, size, others, rows)
        if trial.editor.signs(trial.source) == BOTH:
            found["there_and_back"] = there_and_back(trial, size, rows, session.likeness, codes, session.few)
    rows = np.arange(min(figures.STRIP, len(people)))
    strip = session.strips.setdefault(flag, {})
    whose = "source" if people is session.people else f"source of {name}"
    strip.setdefault(whose, figures.strip_row(people, people.pictures[rows], rows.tolist()))
    strip[f"{name} {size:.2f}"] = figures.strip_row(people, look.pictures[rows], rows.tolist())
    whole = trial.rates(look, np.arange(len(people)))["seen"]
    session.say(f"{name} {flag}: strength {size:.2f}, changed {whole['changed']:.3f}, kept {whole['kept']:.3f}")
    return found


def _finish(found: dict[str, Any], session: Session, out: Path, *, curves: bool, strips: Path | None) -> dict[str, Any]:
    """The files; what is returned is what a reader of the JSON gets."""
    plain: dict[str, Any] = json.loads(to_json(found))
    _write(out / RESULTS, found)
    if curves:
        figures.draw_curves(plain["methods"], out / "curves.png")
        for method, results in plain["methods"].items():
            if any(a.get("leakage") for a in results["attributes"].values()):
                figures.draw_leakage(method, results, out / f"leakage-{method}.png")
    if strips:
        for flag, rows in session.strips.items():
            figures.write_strip(strips / f"{flag}.png", rows)
    return plain


def _write(path: Path, found: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(found) + "\n", "utf-8")
