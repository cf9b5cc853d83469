"""Pass 1 wired up: decode, faces, encoder; and its result kept in the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videdit.config import Settings
from videdit.faces.align import place_faces
from videdit.faces.landmarks import LANDMARKS
from videdit.faces.track import FaceTracker
from videdit.invert.optimize import FACTS as OPTIMIZE
from videdit.invert.optimize import features_for
from videdit.pipeline.covers import Covers, looker
from videdit.pipeline.facelog import FaceLog, Recalled
from videdit.pipeline.identity import embed_in_frames, number_people
from videdit.pipeline.models import Models
from videdit.pipeline.people import Person, Sight, Watcher
from videdit.pipeline.report import Progress, Stopwatch
from videdit.pipeline.resume import machine
from videdit.pipeline.steadiness import doubt, landmark_fit, steadiness_of
from videdit.pipeline.threads import ahead
from videdit.store import Cache, content_key, stage_key
from videdit.store.work import Work
from videdit.types import Frame, LatentTrack, Track
from videdit.video.formats import is_sequence, numbered
from videdit.video.marks import Changed, read_behind
from videdit.video.probe import probe
from videdit.video.reader import FrameReader, read_frames

DEPTH = 8  # frames that may wait between two stages


def watch(
    frames: Iterable[Frame],
    models: Models,
    settings: Settings,
    *,
    clock: Stopwatch,
    progress: Progress | None = None,
    total: int | None = None,
    invert: bool = True,
    log: FaceLog | None = None,
    reader: FrameReader | None = None,
) -> Sight:
    """Find, invert and number everybody in some frames; without inversion their latents are empty [T,0,0].

    log: where that is kept while it goes on; frames, that `reader` reads, then begin where it stands.
    """
    pack = models.pack
    inverted = models.inverter(settings.invert) if invert else None

    def encode(crops: NDArray[np.float32]) -> NDArray[np.float32]:
        with clock.stage("invert"):
            return inverted(crops) if inverted else np.zeros((len(crops), 0, 0), np.float32)

    watcher = Watcher(encode, pack.size, pack.id, look=looker(pack) if settings.occlusion else None)
    with clock.stage("load"):
        tracker = Recalled(make_tracker(models, settings))
    stand = log.stand if log else None
    if log:
        log.restore(watcher, tracker, inverted)
    fit = landmark_fit(steadiness_of(settings))
    for frame, people in clock.each("faces", place_faces(frames, tracker, pack.face_frame, fit=fit, doubt=doubt)):
        if stand and frame.index <= stand.mark.index:
            continue  # seen before; it says where faces were, for the frames behind
        watcher.see(frame, people)
        tracker.forget(frame.time, *fit.needs)
        if log and reader:
            log.note(frame, reader, watcher, tracker, inverted)
        if progress:
            progress("faces", watcher.count, total)
    if log and not (stand and stand.finished):
        log.end(watcher, tracker, inverted)
    sight = watcher.finish(tracker.shots)
    with clock.stage("faces"):
        sight.people = number_people(sight.people, pack)
    return sight


def watch_file(
    source: Path,
    models: Models,
    settings: Settings,
    cache: Cache,
    *,
    clock: Stopwatch,
    progress: Progress | None = None,
    invert: bool = True,
    work: Work | None = None,
) -> tuple[Sight, list[Any], bool]:
    """Everybody in a file, out of the cache where it is known; what that depends on; and whether it was known. invert: see `watch`.

    work: where what is found is kept until all is, and gone on with. Raises UnreadableError, OutputError.
    """
    info = probe(source)
    parts = watch_parts(models, settings, content_of(source) + info.color.curve, invert=invert)
    key = stage_key("tracks", *parts)
    stored = cache.load("tracks", key)
    if stored is None and not invert and settings.invert == "encoder":  # with latents it is the same and more
        stored = cache.load("tracks", stage_key("tracks", *watch_parts(models, settings, parts[0])))
    if stored is not None:
        return from_arrays(stored, models.pack.id), parts, True
    log = FaceLog(work.place("faces"), [*parts, machine(models)], work.target) if work else None
    reader, left = _source(source, log)
    with closing(ahead(clock.each("decode", left), DEPTH)) as frames:
        sight = watch(frames, models, settings, clock=clock, progress=progress, total=info.frames, invert=invert, log=log, reader=reader)
    cache.save("tracks", key, to_arrays(sight))
    return sight, parts, False


def _source(source: Path, log: FaceLog | None) -> tuple[FrameReader, Iterator[Frame]]:
    """Who reads the frames, and those that are left. Raises UnreadableError."""
    stand = log.stand if log else None
    if log and stand and not stand.finished:
        try:
            return read_behind(source, stand.mark, back_to=stand.back_to)
        except Changed:
            log.forget()
    reader = read_frames(source)
    return reader, iter(()) if stand and stand.finished else reader


def content_of(source: Path) -> str:
    """What names the bytes of a file, or of all pictures in a row. Raises OSError."""
    return "".join(content_key(file) for file in (numbered(source).values() if is_sequence(source) else [source]))


def make_tracker(models: Models, settings: Settings) -> FaceTracker:
    """The tracker the settings ask for."""
    name = "mesh" if settings.landmarks == "auto" else settings.landmarks
    landmarks = LANDMARKS[name](models.pack.landmarker, device=models.pack.device)
    return FaceTracker(landmarks, which=followed(settings), embed=embed_in_frames(models.pack))


def followed(settings: Settings) -> str:
    """Whom the tracker follows: all who may be the largest, or, where anybody else is asked for, everybody."""
    return "largest" if settings.face == "largest" else "all"


def watch_parts(models: Models, settings: Settings, content: str, *, invert: bool = True) -> list[Any]:
    """What the result of pass 1 depends on, as JSON values."""
    steady = steadiness_of(settings)
    parts = [content, models.pack.id, followed(settings), settings.landmarks, steady.method, steady.geometry]
    parts += [str(models.dtype), models.pack.device.type, settings.occlusion]
    if settings.batch != Settings.__dataclass_fields__["batch"].default:  # other batches may round otherwise
        parts.append(["batch", settings.batch])
    if models.compiled:  # so may fused steps
        parts.append("compiled")
    if not invert:
        return [*parts, "no latents"]
    if settings.invert == "optimize":
        parts += [settings.invert, *OPTIMIZE, features_for(models.pack.classifier, models.pack.device)[0]]
    return parts


def to_arrays(sight: Sight) -> dict[str, NDArray[np.generic]]:
    """What was seen, as named arrays for the cache."""
    arrays: dict[str, NDArray[np.generic]] = {
        "frames": np.array(sight.frames),
        "shots": np.asarray(sight.shots, np.int64),
        "people": np.array(len(sight.people)),
    }
    for i, person in enumerate(sight.people):
        track = person.track
        values: dict[str, NDArray[np.generic]] = {
            "frames": track.frames,
            "times": track.times,
            "quads": track.quads,
            "landmarks": track.landmarks,
            "confidence": track.confidence,
        }
        values |= {"who": np.array([person.track_id, person.number]), "looks": person.looks}
        if track.blur is not None:
            values["blur"] = track.blur
        values |= {"w": person.latents.w, "valid": person.latents.valid, "samples": person.samples, "sampled": person.sampled}
        values |= {"covered": person.covers.rows, "covers": person.covers.masks}
        if person.moved is not None:
            values["moved"] = person.moved
        arrays |= {f"{i}.{name}": value for name, value in values.items()}
    return arrays


def from_arrays(arrays: dict[str, NDArray[Any]], pack: str) -> Sight:
    """The reverse. Raises KeyError for arrays of another make."""
    people = []
    for i in range(int(arrays["people"])):
        track = Track(*(arrays[f"{i}.{name}"] for name in ("frames", "times", "quads", "landmarks", "confidence")))
        track.blur = arrays.get(f"{i}.blur")
        latents = LatentTrack(arrays[f"{i}.w"], arrays[f"{i}.valid"], pack)
        covers, (track_id, number) = Covers(arrays[f"{i}.covered"], arrays[f"{i}.covers"]), arrays[f"{i}.who"].tolist()
        samples, sampled, looks = (arrays[f"{i}.{name}"] for name in ("samples", "sampled", "looks"))
        people.append(Person(track, latents, samples, sampled, covers, track_id, number, looks, arrays.get(f"{i}.moved")))
    return Sight(people, int(arrays["frames"]), arrays["shots"].tolist())
