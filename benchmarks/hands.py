"""What an edit changes on a real hand before a face: outlines drawn by hand in some frames of a clip of ../shared (hands.json)."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from benchmarks.occlusion import around, differences, edits, mean, moment_of, outlines
from benchmarks.quality import write_strip
from videdit.config import Settings
from videdit.packs.load import Pack
from videdit.pipeline.models import Models
from videdit.quality.report import Value
from videdit.video.reader import read_frames

OUTLINES = Path(__file__).with_name("hands.json")
BEFORE, AFTER = 24, 12  # frames read around those with an outline
EDITS = ({"smile": 1.0}, {"smile": -1.0}, {"mouth-open": 1.0})


def drawn(path: Path = OUTLINES) -> tuple[str, dict[int, np.ndarray]]:
    """The clip's name, and by frame where the hand is in it: bool [H,W]."""
    known = json.loads(path.read_text("utf-8"))
    wide, high = known["size"]
    masks = {}
    for frame, points in known["frames"].items():
        mask = np.zeros((high, wide), np.uint8)
        cv2.fillPoly(mask, [np.array(points, np.int32)], (1,))
        masks[int(frame)] = cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0  # a line drawn by hand is two pixels off at times
    return known["clip"], masks


def run(clips: Path, pack: Pack, settings: Settings, *, strips: Path | None = None) -> list[dict[str, Value]]:
    """A row per edit, with the pack's network and without; none where the clip is not there."""
    name, masks = drawn()
    if not (clips / name).exists():
        return []
    first, last = max(0, min(masks) - BEFORE), max(masks) + AFTER
    read = list(islice(read_frames(clips / name), first, last))
    pictures = [np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8) for frame in read]
    fps = (len(read) - 1) / (read[-1].time - read[0].time)
    moment = moment_of(pictures, fps, Models.load(settings, pack), settings)
    track = max((person.track for person in moment.sight.people), key=len)
    face, rows = outlines(track, len(pictures), pictures[0].shape), []
    modes = [True, False] if pack.has("occluder") else [False]
    for strengths in EDITS:
        for mode, after in edits(moment, strengths, modes):
            levels = np.abs(differences(pictures, after)).mean(-1)
            under = {i - first: levels[i - first][mask & face[i - first]] for i, mask in masks.items()}
            edit = ",".join(f"{what} {value:+g}" for what, value in strengths.items())
            row: dict[str, Value] = {"clip": Path(name).stem, "edit": edit, "thing": "her hand", "network": "yes" if mode else "no"}
            row |= {"under": mean(np.concatenate(list(under.values()))), "under, worst": max(mean(u) for u in under.values() if len(u))}
            rows.append(row | {"bare": None, "kept": None, "alike": None})
            if strips is not None:
                near = around(face)
                pairs = [(pictures[i][near], after[i][near]) for i in under]
                path = strips / f"{Path(name).stem}_{edit.replace(' ', '')}_{'with' if mode else 'without'}.png"
                write_strip(path, pairs, np.ones(len(pairs), bool), count=len(pairs))
    return rows
