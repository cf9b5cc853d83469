"""Going on with a clip that was cut short: what its frames depend on, what is done of it, and the source from there on.

Nothing is guessed: what is kept carries a key of all that its bytes depend on (the source's contents, the pack, settings, versions of what
computes, threads, processor), and is used where the key is the same, else removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from videdit import __version__
from videdit.config import Settings
from videdit.curves import Strength, plain
from videdit.geometry import Floats
from videdit.pipeline.models import Models
from videdit.store.work import Work, unwritable
from videdit.types import Driver, Frame
from videdit.video.marks import Changed, read_behind
from videdit.video.probe import ClipInfo
from videdit.video.reader import FrameReader, read_frames
from videdit.video.segments import SEGMENT, Kept
from videdit.video.writer import keeps

VERSION = 7  # raised when pass 2 makes other frames of the same
IRRELEVANT = ("overwrite", "debug_dir", "cache", "cache_dir", "pack", "expression_from", "face")


def machine(models: Models) -> list[object]:
    """What may change the last bit of a result beside settings: versions, processor, threads."""
    versions = [__version__, torch.__version__, av.__version__, np.__version__, cv2.__version__]
    device = models.pack.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return [*versions, platform.machine(), name, torch.get_num_threads(), os.cpu_count(), str(models.dtype), models.compiled]


def edit_key(
    parts: Sequence[object],
    models: Models,
    settings: Settings,
    target: Path,
    *,
    strengths: Mapping[str, Strength],
    people: Mapping[int, Mapping[str, Strength]],
    driver: Driver | None,
    like: Floats | None,
) -> str:
    """Of all that the frames of an output depend on. parts: what pass 1 depends on."""
    asked = {name: str(value) for name, value in asdict(settings).items() if name not in IRRELEVANT}
    found = hashlib.sha256()
    for array in (*(() if driver is None else (driver.times, driver.w)), *(() if like is None else (like,))):
        found.update(np.ascontiguousarray(array).tobytes())
    whom = [settings.face if like is None else "picture", {number: plain(own) for number, own in people.items()}]
    facts = [VERSION, SEGMENT, *parts, machine(models), asked, plain(strengths), whom, target.suffix.lower(), found.hexdigest()]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:40]


def kept_of(work: Work, info: ClipInfo, settings: Settings, key: str, *, anew: bool) -> Kept | None:
    """What is done of the output, unless it has to be begun anew; None where nothing can be kept of what it is. Raises OutputError."""
    if not keeps(work.target, info, settings.video_encoder):
        return None
    try:
        return Kept.at(work.place("video"), "" if anew else key)
    except OSError as error:
        raise unwritable(work.target, error) from error


def source_behind(source: Path, kept: Kept | None) -> tuple[FrameReader, Iterator[Frame]]:
    """The source's frames that are left to do, and who reads them. Where the source does not give the same frames as before, all of
    them are. Raises UnreadableError."""
    if kept is not None and kept.mark is not None:
        try:
            return read_behind(source, kept.mark)
        except Changed:
            kept.forget()
    reader = read_frames(source)
    return reader, iter(()) if kept is not None and kept.whole else reader
