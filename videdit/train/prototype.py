"""Find what people with an attribute have in common on their faces, and put it into a pack: `--method prototype` (edit.prototype).

    videdit train prototype --pack PACK --data DATA --attribute eyeglasses

Every face that has it is brought to the same landmarks, and what it is darker by there than faces without it (as a logarithm, beside its
own blur, so that light does not count) is a picture of what it wears. People wear different things (WORN); the mean of all is a smudge. So
mean-shift (Fukunaga and Hostetler, 1975) goes from many of them to the PEOPLE that are most alike, and the mean of those that
agree most, and show it most, is the prototype: sharp, and nobody's. What lies on the same place of every face, such as lipstick, is
the mean of all, in colour (train.tints); beards are drawn hair by hair where the fullest lie (train.hair).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videdit.edit.pixel import LOCAL, but_own, hull, inside
from videdit.edit.prototype import warped
from videdit.errors import UsageError
from videdit.networks.prototype import Prototypes
from videdit.packs.load import Pack, load_pack
from videdit.packs.manifest import direction as named
from videdit.packs.save import add_attributes, save_network
from videdit.train import hair, pixel_faces, tints
from videdit.train.augment import to_batch
from videdit.train.editors import writable
from videdit.train.pictures import Faces, gather
from videdit.train.pixel import wanted
from videdit.train.run import Progress, write_sheet

NAME = "prototype"
HAIR = ("No_Beard-", "Mustache+", "Goatee+")  # is as dark as people's, whatever the classifier sees (train.hair)
WORN = ("Eyeglasses", "Wearing_Hat")  # everybody's is another
PEOPLE = 12  # whose pictures, with their mirror images, make a prototype
AGREEING = 4  # power of how far they agree in what is best: rims of several shapes make smudged ones
FEWEST, STARTS, STEPS = 3 * PEOPLE, 400, 12
OTHERS = 600  # faces without it, of the same sex, age and smile, that others are compared with
COARSE = 0.0625  # of the side: darkness that is spread wider is light, or skin
SOFT = 0.6 / 128  # of the side: where many rims end, the mean of them is ragged, and what is sharper than landmarks are right shakes
FAINT, PLAIN = 0.1, 0.15  # logarithm: less dark than this is nothing, and by this much more it counts in full
ASKEW = 0.045  # of the side, how far landmarks lie from where most have them on faces that look aside
BROWS, BROW = (range(17, 22), range(22, 27)), 1.2  # their landmarks, and how much larger than those's hull a brow is
AROUND = 0.06  # of the side, how much wider than the prototype a face may differ: frames are blended by pyramids, which need room
UNSEEN, ENOUGH = 96, 0.8  # faces that a strength of 1 is found on, and the share of them that is to be seen with it (what is worn is worn)
SCALES = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4)
PALE = (2.8, 3.2)  # beyond these, of the mean of many in a small area, which is paler than each
Floats = NDArray[np.float32]


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    attribute: str,
    direction: int = 1,
    seed: int = 0,
    device: str = "auto",
    faces: int = 36000,
    progress: Progress | None = None,
) -> Path:
    """Find a prototype and put it into the pack beside those it has; returns the file of them all.

    attribute, direction, data, faces: as for `train.pixel.train`; out: for a sheet of unseen faces, before above after, and what was
    measured. Raises MissingError, PackError, UsageError.
    """
    loaded = load_pack(pack, device=device)
    known = gather(Path(data), loaded, count=faces, seed=seed, progress=progress)
    source, column, sign = wanted(loaded, known, attribute, direction)
    name = named(source, sign)
    without, has = pixel_faces.sides(known, loaded, column, sign)
    points = np.median(known.points, axis=0)
    straight = np.abs(known.points - points).mean((1, 2)) < ASKEW * loaded.size
    having, lacking = (np.flatnonzero(kind & ~known.held & straight) for kind in (has, without))
    if len(having) < FEWEST or not len(lacking):
        raise UsageError(f"{data} shows {len(having)} faces to learn from", hint=f"{FEWEST} that look into the camera are needed.")
    unseen: NDArray[np.integer]
    scales: Sequence[float]
    if source in WORN:
        layer, facts = _worn_alike(known, having, lacking, column, points, LOCAL.get(source, ""), seed=seed, progress=progress)
        unseen, asked, scales = np.flatnonzero(without & known.held)[:UNSEEN], ENOUGH, SCALES
    else:
        where = tints.area(points, loaded.size, source)
        grows = name in HAIR
        find, most = (hair.beard, hair.FULL) if grows else (tints.tint, tints.PAIRS)
        colours = find(known, having, lacking, column, points, where, seed=seed, progress=progress)
        layer, facts = np.concatenate([colours, [around(where > tints.PLAIN)]]), {"of": min(len(having), most)}
        unseen = alike_unseen(known, having, np.flatnonzero(without & known.held), column, seed)
        scales = SCALES[:1] if grows else (*SCALES, *PALE) if source in tints.AREAS else SCALES
        asked = recognised(known, np.flatnonzero(has & known.held), loaded, column, sign)
    scale, seen = enough(known, unseen, layer, points, loaded, column, sign, asked=asked, scales=scales)
    folder = writable(loaded, pack)
    path = put(folder, name, layer, points, scale)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    facts = {"prototype": name, "faces": len(having)} | facts | {"scale": scale, "seen": seen, "asked": round(asked, 4)}
    (out / f"{NAME}.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    if len(unseen):
        pictures = [*known.faces[unseen[:8]], *(worn(known.faces[row], scale * layer, points, known.points[row]) for row in unseen[:8])]
        write_sheet(out / "samples.png", np.stack(pictures), [""] * len(pictures), columns=len(pictures) // 2)
    return path


def _worn_alike(
    faces: Faces,
    having: NDArray[np.integer],
    lacking: NDArray[np.integer],
    column: int,
    points: Floats,
    region: str,
    *,
    seed: int,
    progress: Progress | None,
) -> tuple[Floats, dict[str, Any]]:
    """The layer [2,S,S] of what those of these faces wear that agree most."""
    size = faces.faces.shape[1]
    where = belt(points, size, region) * but_own(points, size)
    lighter = light(faces, having, lacking, column, points, seed=seed, progress=progress)
    bare = np.prod([1 - hull(points, size, brow, BROW) for brow in BROWS], axis=0)  # brows differ, whatever is worn
    chosen, agreement = alike(np.minimum(lighter, 0) * where * bare, seed=seed)
    return layer_of(lighter[chosen], where), {"of": len(chosen), "agreement": round(agreement, 4)}


def belt(points: Floats, size: int, region: str) -> Floats:
    """[size,size] in 0..1: all of the face as far down and up as a region reaches: glasses are wider than the eyes' hull."""
    rows = inside(points, size, region).max(1, keepdims=True)
    return np.asarray(inside(points, size, "") * rows, np.float32)


def light(
    faces: Faces,
    having: NDArray[np.integer],
    lacking: NDArray[np.integer],
    column: int,
    points: Floats,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Floats:
    """[len(having),S,S]: the logarithm of how much lighter each of these faces is than the mean of faces that lack it, at landmarks
    `points` [78,2]."""
    _, others = pixel_faces.compared(faces, having, lacking, column, count=OTHERS, seed=seed)
    mean = np.mean([_common(faces, row, points) for row in others], axis=0)
    out = np.empty((len(having), *mean.shape), np.float32)
    for i, row in enumerate(having):
        out[i] = _common(faces, row, points) - mean
        if progress and i % 50 == 0:
            progress("faces", i, len(having))
    return out


def alike(pictures: Floats, *, seed: int = 0) -> tuple[NDArray[np.integer], float]:
    """Of pictures [N,S,S] rows of the PEOPLE [PEOPLE] that, mirror images included, agree best on what they show most of; and how far
    they agree, 0..1."""
    small = np.stack([cv2.resize(tints.blur(picture, 0.8), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for picture in pictures])
    flat, mirrored = (side.reshape(len(small), -1) for side in (small, small[:, :, ::-1]))
    lengths = np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
    unit = flat / lengths
    best: tuple[float, float, NDArray[np.integer]] | None = None
    for start in np.random.default_rng(seed).permutation(len(flat))[:STARTS]:
        centre = flat[start] + mirrored[start]
        top = np.zeros(0, int)
        for _ in range(STEPS):
            last, top = top, np.sort(np.argsort(-unit @ centre, kind="stable")[:PEOPLE])
            if np.array_equal(last, top):
                break
            mean = ((flat[top] + mirrored[top]) / lengths[top]).mean(0)
            centre = (mean + mean.reshape(small.shape[1:])[:, ::-1].ravel()) / 2
        centre = centre / max(1e-9, float(np.linalg.norm(centre)))
        agreement = float((unit[top] @ centre).mean())
        merit = agreement**AGREEING * float(np.linalg.norm((flat[top] + mirrored[top]).mean(0)))
        if best is None or merit > best[0]:
            best = merit, agreement, top
    assert best is not None
    return best[2], best[1]


def layer_of(lighter: Floats, region: Floats) -> Floats:
    """The layer [2,S,S] (networks.prototype) of pictures [K,S,S] that are alike, in a region [S,S] in 0..1."""
    mean = lighter.mean(0)
    mean = np.minimum(tints.even(mean), 0)
    plain = np.clip((-mean - FAINT) / PLAIN, 0, 1) * region
    light: Floats = np.asarray(mean * plain, np.float32)
    share = around(plain > 0.05)
    light = tints.blur(light, SOFT * len(mean))
    light[share < 1] = 0
    return np.stack([light, share]).astype(np.float32)


def around(changed: NDArray[np.bool_]) -> Floats:
    """[S,S] in 0..1: AROUND what is changed a face may differ, and fades."""
    wide = 2 * int(np.ceil(AROUND * len(changed))) + 1
    share = cv2.dilate(changed.astype(np.float32), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide)))
    return np.asarray(np.maximum(share, tints.blur(share, AROUND * len(changed))), np.float32)


def alike_unseen(faces: Faces, having: NDArray[np.integer], unseen: NDArray[np.integer], column: int, seed: int) -> NDArray[np.integer]:
    """Up to UNSEEN of the unseen faces, of sex, age and smile as those are that have it: nobody calls a woman bearded."""
    if not len(unseen):
        return unseen
    dice = np.random.default_rng(seed)
    kinds, partners = pixel_faces.partners(faces, unseen, column)
    rows = [partners[kinds[row], dice.integers(partners.shape[1])] for row in dice.choice(having, 4 * UNSEEN)]
    return np.unique(rows)[:UNSEEN]


@torch.no_grad()
def recognised(faces: Faces, rows: NDArray[np.integer], pack: Pack, column: int, sign: int) -> float:
    """Of photographs that have it, on how many the pack's classifier sees it; never more than ENOUGH."""
    if not len(rows) or column >= pack.manifest.networks["classifier"].config.get("attributes", 40):
        return ENOUGH
    logits = pack.classifier(to_batch(faces.faces[rows[: 4 * UNSEEN]], pack.device))[:, column]
    return min(ENOUGH, float((logits * sign > 0).float().mean()))


@torch.no_grad()
def enough(
    faces: Faces,
    rows: NDArray[np.integer],
    layer: Floats,
    points: Floats,
    pack: Pack,
    column: int,
    sign: int,
    *,
    asked: float = ENOUGH,
    scales: Sequence[float] = SCALES,
) -> tuple[float, float | None]:
    """How much of a layer it takes until the pack's classifier sees it on `asked` of the faces of these rows, and on how many it does. All
    of it, and nobody knows, where there are no faces or the classifier does not know the attribute."""
    known = column < pack.manifest.networks["classifier"].config.get("attributes", 40)
    if not len(rows) or not known:
        return 1.0, None
    for scale in scales:
        pictures = np.stack([worn(faces.faces[row], scale * layer, points, faces.points[row]) for row in rows])
        seen = float((pack.classifier(to_batch(pictures, pack.device))[:, column] * sign > 0).float().mean())
        if seen >= asked:
            break
    return scale, round(seen, 4)


def worn(face: NDArray[np.uint8], layer: Floats, points: Floats, to: Floats) -> NDArray[np.uint8]:
    """A face [S,S,3] with landmarks `to` and the layer on it."""
    on = warped(np.ascontiguousarray(layer.transpose(1, 2, 0)), points, to, len(face))
    return np.clip(np.rint(face * np.exp(on[..., :-1])), 0, 255).astype(np.uint8)


def _common(faces: Faces, row: int, points: Floats) -> Floats:
    """The logarithm of a face [S,S] over its blur, brought to landmarks `points`."""
    face = faces.faces[row].astype(np.float32).mean(-1) + 8
    return warped(np.log(face / tints.blur(face, COARSE * len(face))), faces.points[row], points, len(face))


def put(folder: Path, name: str, layer: Floats, points: Floats, scale: float, *, limit: float = 0.0) -> Path:
    """Beside the prototypes a pack has, or in the place of one. scale, limit: see networks.prototype."""
    pack = load_pack(folder)
    layers: dict[str, Tensor] = {}
    scales: dict[str, float] = {}
    limits: dict[str, float] = {}
    if NAME in pack.manifest.networks:
        old = pack.network(NAME)
        assert isinstance(old, Prototypes)
        if not torch.allclose(old.points, torch.from_numpy(points), atol=0.5):
            raise UsageError(f"the prototypes of {pack.manifest.name} lie on another face", hint="Train them all on the same faces.")
        layers = dict(zip(old.transforms, old.layers, strict=True))
        points, scales = old.points.numpy(), dict(zip(old.transforms, old.scales, strict=True))
        limits = dict(zip(old.transforms, old.limits, strict=True))
    layers[name], scales[name], limits[name] = torch.from_numpy(layer), scale, limit
    planes = max(map(len, layers.values()))
    layers = {key: _planes(value, planes) for key, value in layers.items()}
    config: dict[str, Any] = {
        "transforms": list(layers),
        "size": layer.shape[1],
        "scales": [scales[key] for key in layers],
        "limits": [limits[key] for key in layers],
        "planes": planes,
    }
    together = Prototypes(**config)
    together.layers.copy_(torch.stack(list(layers.values())))
    together.points.copy_(torch.from_numpy(points))
    flags = {attribute.source for attribute in pack.manifest.attributes.values()}
    add_attributes(folder, [source for source in dict.fromkeys(name[:-1] for name in layers) if source not in flags], NAME)
    encoder = pack.manifest.networks["encoder"]
    return save_network(folder, NAME, together, config, license=encoder.license, trained_on=encoder.trained_on)


def _planes(layer: Tensor, count: int) -> Tensor:
    """A grey layer [2,S,S] as one in colour, where others are."""
    return layer if len(layer) == count else torch.cat([layer[:1].expand(count - 1, -1, -1), layer[1:]])
