"""What becomes of a face that is edited again: one edit after the other, there and back, several in one pass.

Between two edits the composited picture is encoded anew, in the quad of the source, as a second run of the editor would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from videdit.evaluate.ladder import Codes, Trial, rates_of
from videdit.evaluate.likeness import Likeness
from videdit.evaluate.people import People
from videdit.packs.load import Pack
from videdit.quality.attributes import preservation
from videdit.quality.identity import cosines

Floats = NDArray[np.floating]
Rows = NDArray[np.integer]
LITTLE = 1e-6  # a strength that asks for nothing


def relative(moved: Floats, w: Floats) -> float:
    """Mean over faces of |moved - w| / |w|, latents [n,L,D]."""
    lengths = np.linalg.norm((np.asarray(moved, np.float64) - w).reshape(len(w), -1), axis=1)
    return float((lengths / np.linalg.norm(w.reshape(len(w), -1), axis=1)).mean())


def there_and_back(trial: Trial, size: float, rows: Rows, likeness: Likeness | None, codes: Codes, count: int) -> dict[str, float]:
    """+a, then -a, on `rows`.

    latent: |w'' - w| / |w| without any picture in between, move: |w' - w| / |w|, nothing: the same for a strength of nothing (NaN where
    not all is done in latents);
    levels: mean |difference| of the crops after both edits in the pictures, of 255; back: share of faces judged as before again;
    kept: share of all the other attributes with |dp| < 0.25; identity against the source, on `count` faces of the rows.
    """
    bench, people = trial.bench, trial.people
    w, asked = people.w[rows], trial.strengths(size, rows)
    there = trial.editor(w, {trial.source: asked})
    back = trial.editor(there, {trial.source: -asked})
    first, _ = bench.edited(trial.editor, people.pictures[rows], people, rows, {trial.source: asked})
    second = _edit_again(trial, first, rows, -asked)
    crops, before = bench.crops(second, people, rows), bench.crops(people.pictures[rows], people, rows)
    judged = bench.judged(crops)
    found = {
        "strength": size,
        "latent": float("nan") if trial.editor.draws else relative(back, w),
        "move": float("nan") if trial.editor.draws else relative(there, w),
        "nothing": float("nan") if trial.editor.draws else relative(trial.editor(w, {trial.source: np.full(len(w), LITTLE)}), w),
        "levels": float(np.abs(crops.astype(np.float32) - before).mean()),
        "back": float(((judged[:, trial.column] >= 0.5) == (people.seen[rows, trial.column] >= 0.5)).mean()),
        "kept": preservation(people.seen[rows], judged, [trial.column]),
    }
    return found | _identity(second, people, rows, likeness, codes, count)


def _edit_again(trial: Trial, pictures: NDArray[np.uint8], rows: Rows, asked: Floats) -> NDArray[np.uint8]:
    """Pictures of these people, encoded and edited."""
    bench = trial.bench
    w = bench.encode(bench.crops(pictures, trial.people, rows))
    return bench.edited(trial.editor, pictures, trial.people, rows, {trial.source: asked}, w=w)[0]


def _identity(
    pictures: NDArray[np.uint8], people: People, rows: Rows, likeness: Likeness | None, codes: Codes, count: int
) -> dict[str, float]:
    if likeness is None:
        return {}
    some = rows[:count]
    same = cosines(codes.of("seen", some, likeness), likeness.codes(pictures[: len(some)], people.points[some]))
    return {"identity": float(same.mean())}


def one_after_another(
    trials: Sequence[Trial], sizes: Mapping[str, float], rows: Rows, likeness: Likeness | None, codes: Codes, count: int
) -> list[dict[str, object]]:
    """Each attribute's edit in turn, on what the edit before left; a line after each.

    done: share of the edits asked so far (of faces and attributes) that the judge sees; kept: of the attributes not asked for.
    """
    people, bench = trials[0].people, trials[0].bench
    pictures, lines = people.pictures[rows], []
    for step, trial in enumerate(trials, 1):
        pictures = _edit_again(trial, pictures, rows, trial.strengths(sizes[trial.source], rows))
        judged = bench.judged(bench.crops(pictures, people, rows))
        so_far = trials[:step]
        lines.append({"edit": trial.source, **_all_done(so_far, judged, rows), **_identity(pictures, people, rows, likeness, codes, count)})
    return lines


def _all_done(trials: Sequence[Trial], judged: Floats, rows: Rows) -> dict[str, float]:
    people = trials[0].people
    rates = [rates_of(people.seen[rows], judged, t.column, people.flips(t.column, rows) > 0)["changed"] for t in trials]
    return {"done": float(np.nanmean(rates)), "kept": preservation(people.seen[rows], judged, [t.column for t in trials])}


def together(
    trials: Sequence[Trial], sizes: Mapping[str, float], rows: Rows, likeness: Likeness | None, codes: Codes, count: int
) -> dict[str, object]:
    """Several attributes in one pass, each at its own strength, against each alone: alone, at once: change rates by attribute."""
    bench, people, editor = trials[0].bench, trials[0].people, trials[0].editor
    alone, at_once = {}, {}
    for trial in trials:
        alone[trial.source] = trial.rates(trial.look(sizes[trial.source], rows, views=["seen"]), rows)["seen"]["changed"]

    def asked(part: Rows) -> dict[str, NDArray[np.float64]]:
        return {t.source: t.strengths(sizes[t.source], part) for t in trials}

    look = bench.look(editor, people, rows, asked, views=["seen"], keep=True)
    for trial in trials:
        at_once[trial.source] = trial.rates(look, rows)["seen"]["changed"]
    done = _all_done(trials, look.seen, rows)
    return {"alone": alone, "at_once": at_once, **done, **_identity(look.pictures, people, rows, likeness, codes, count)}


def mapper_errors(pack: Pack, w: Floats) -> dict[str, float] | None:
    """Of Latent-to-Latent's network itself, as trained: |f(w, 0) - w| / |w|; None where the pack has none.

    The editor takes this error off, so there_and_back does not show it.
    """
    if "mapper" not in pack.manifest.networks:
        return None
    import torch

    network = pack.loaded("mapper")
    latents = torch.from_numpy(np.asarray(w, np.float32)).to(pack.device)
    with torch.inference_mode():
        still = network(latents, latents.new_zeros(len(latents), len(network.attributes))).cpu().numpy()  # type: ignore[arg-type]
    return {"identity_map": relative(still, w)}
