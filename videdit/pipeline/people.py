"""Pass 1: frames with placed faces in, people out: for each, geometry and a latent per frame.

Frames stream by and are not kept; only crops of a batch wait, and of each person some crops stay for tuning.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videdit.composite.motion import Moved, grey_of, moved_from, still
from videdit.faces.align import Placed
from videdit.faces.pose import blur
from videdit.geometry import crop_quad
from videdit.invert.pivotal import SAMPLES, pick
from videdit.pipeline.covers import Covers, Look, covers, covers_of
from videdit.store.plain import fields_of
from videdit.types import Frame, LatentTrack, Region, Track

GAP = 1.0  # seconds after which a person who comes back is a new track
Encode = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # crops [N,S,S,3] RGB 0..255 -> latents [N,L,D]


@dataclass(slots=True)
class Person:
    """One track, its latents and some of its crops: samples uint8 [K,S,S,3] RGB at rows `sampled` [K] of the track.

    number: who it is, counted from 1 over the clip, the same in every track that shows them (see identity); 0 while nobody has said.
    looks float32 [D]: how they look, [0] where the pack can't say; track_id: the tracker's number; covers: what is in front of them;
    moved: how the face moves in its crops, None where nobody looked.
    """

    track: Track
    latents: LatentTrack
    samples: NDArray[np.uint8]
    sampled: NDArray[np.integer]
    covers: Covers = field(default_factory=Covers)
    track_id: int = 0
    number: int = 0
    looks: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    moved: Moved | None = None


@dataclass(slots=True)
class Sight:
    """What one pass saw: people, number of frames, and the numbers of frames that begin a shot (the first one among them)."""

    people: list[Person] = field(default_factory=list)
    frames: int = 0
    shots: list[int] = field(default_factory=list)

    @property
    def frames_with_face(self) -> int:
        """Frames in which anybody is there."""
        seen: set[int] = set()
        for person in self.people:
            seen.update(person.track.frames[person.latents.valid].tolist())
        return len(seen)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the people in it: 1, 2, ..."""
        return sorted({person.number for person in self.people})


@dataclass(slots=True)
class _Growing:
    """A track being built: one row per frame since the first sight; rows without latent in `w` are gaps."""

    frames: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    placed: dict[int, Placed] = field(default_factory=dict)
    w: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    blur: dict[int, float] = field(default_factory=dict)
    moved: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    grey: NDArray[np.uint8] | None = None
    samples: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    covers: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    every: int = 1
    track_id: int = 0

    def sample(self, row: int, crop: NDArray[np.float32]) -> None:
        """Keep some crops, evenly spread however long the track gets: when there are too many, every second one goes."""
        if row % self.every == 0:
            self.samples[row] = np.clip(np.rint(crop), 0, 255).astype(np.uint8)
        if len(self.samples) > 2 * SAMPLES:
            self.every *= 2
            self.samples = {r: c for r, c in self.samples.items() if r % self.every == 0}

    def follow(self, row: int, crop: NDArray[np.float32]) -> None:
        """Note how the face has moved in its crop since it was last seen."""
        grey = grey_of(crop)
        self.moved[row] = still(1)[0] if self.grey is None else moved_from(grey, self.grey)
        self.grey = grey

    def since(self, rows: int, latents: int, covered: int) -> dict[str, Any]:
        """What came after so many rows, latents and covers, as arrays."""
        placed = {row: self.placed[row] for row in range(rows, len(self.frames)) if row in self.placed}
        return {
            "frames": np.asarray(self.frames[rows:], np.int64),
            "times": np.asarray(self.times[rows:], np.float64),
            "placed": {"rows": list(placed), "fields": _columns([fields_of(one) for one in placed.values()])},
            "blur": [self.blur[row] for row in placed],
            "moved": np.stack([self.moved[row] for row in placed]) if placed else [],
            "w": _pairs(itertools.islice(self.w.items(), latents, None)),
            "samples": _pairs((row, crop) for row, crop in self.samples.items() if row >= rows),
            "covers": _pairs(itertools.islice(self.covers.items(), covered, None)),
        }

    def add(self, news: dict[str, Any]) -> None:
        """The reverse."""
        self.frames += news["frames"].tolist()
        self.times += news["times"].tolist()
        columns = news["placed"]["fields"]
        for i, row in enumerate(news["placed"]["rows"]):
            values = {name: column[i] for name, column in columns.items()}
            self.blur[row] = news["blur"][i]
            self.moved[row] = news["moved"][i]
            self.placed[row] = Placed(**{name: value.item() if np.ndim(value) == 0 else value for name, value in values.items()})
        tables: dict[str, dict[int, Any]] = {"w": self.w, "samples": self.samples, "covers": self.covers}
        for name, table in tables.items():
            table.update(zip(news[name]["rows"], news[name]["values"], strict=True))
        self.samples = {row: crop for row, crop in self.samples.items() if row % self.every == 0}


def _columns(rows: list[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Dicts of the same keys as one of arrays."""
    return {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]} if rows else {}


def _pairs(items: Iterable[tuple[int, NDArray[Any]]]) -> dict[str, Any]:
    """Rows and their arrays."""
    found = list(items)
    return {"rows": [row for row, _ in found], "values": np.stack([value for _, value in found]) if found else []}


class Watcher:
    """Collects placed faces frame by frame; `finish` returns what was seen."""

    def __init__(self, encode: Encode, size: int, pack: str, *, look: Look | None = None, batch: int = 8) -> None:
        self._encode, self._size, self._pack, self._look, self._batch = encode, size, pack, look, batch
        self._open: dict[int, _Growing] = {}
        self._all: list[_Growing] = []
        self._pending: list[tuple[_Growing, int, NDArray[np.float32]]] = []
        self._recent: deque[tuple[int, float]] = deque()  # frames a person may have been missed in
        self._count = 0
        self._told: list[tuple[int, int, int]] = []  # of each track: rows, latents and covers that `news` has told of

    def see(self, frame: Frame, people: Iterable[Placed]) -> None:
        """One frame and everybody in it."""
        self._count += 1
        self._recent.append((frame.index, frame.time))
        while self._recent[0][1] < frame.time - GAP:
            self._recent.popleft()
        for placed in people:
            track = self._row(frame, placed)
            crop = crop_frame(frame, placed.quad, self._size)
            row = len(track.frames) - 1
            track.sample(row, crop)
            track.blur[row] = blur(crop)
            track.follow(row, crop)
            self._pending.append((track, row, crop))
            if len(self._pending) == self._batch:
                self._flush()

    def _row(self, frame: Frame, placed: Placed) -> _Growing:
        """The person's track with one more row, and rows for the frames since the last."""
        track = self._open.get(placed.track_id)
        if track is None or frame.time - track.times[-1] > GAP:
            track = self._open[placed.track_id] = _Growing(track_id=placed.track_id)
            self._all.append(track)
        missed = [known for known in self._recent if track.frames and track.frames[-1] < known[0] < frame.index]
        for index, time in [*missed, (frame.index, frame.time)]:
            track.frames.append(index)
            track.times.append(time)
        track.placed[len(track.frames) - 1] = placed
        return track

    def _flush(self) -> None:
        """Encode what waits."""
        if self._pending:
            crops = np.stack([crop for _, _, crop in self._pending])
            for (track, row, _), w in zip(self._pending, self._encode(crops), strict=True):
                track.w[row] = w
            for (track, row, _), mask in zip(self._pending, self._look(crops) if self._look else (), strict=False):
                if covers(mask):
                    track.covers[row] = mask
            self._pending.clear()

    @property
    def count(self) -> int:
        """How many frames it has seen."""
        return self._count

    def state(self) -> dict[str, Any]:
        """What the next frame depends on, in plain values and arrays, beside the rows; for `restore`."""
        number = {id(track): i for i, track in enumerate(self._all)}
        seen = {id(track) for track in self._open.values()}
        return {
            "count": self._count,
            "recent": self._recent,
            "open": {person: number[id(track)] for person, track in self._open.items()},
            "tracks": [[track.track_id, track.every, track.grey if id(track) in seen else None] for track in self._all],
            "pending": [[number[id(track)], row, crop] for track, row, crop in self._pending],
        }

    def news(self) -> list[dict[str, Any]]:
        """The rows of all tracks that came since it was last asked, likewise; all news, in order, are all rows."""
        self._told += [(0, 0, 0)] * (len(self._all) - len(self._told))
        found = []
        for number, track in enumerate(self._all):
            rows, latents, covered = self._told[number]
            self._told[number] = told = (len(track.frames), len(track.w), len(track.covers))
            if told != (rows, latents, covered):
                found.append({"track": number, **track.since(rows, latents, covered)})
        return found

    def restore(self, news: Iterable[list[dict[str, Any]]], state: dict[str, Any]) -> None:
        """Stand where another one stood."""
        self._all = [_Growing(track_id=track_id, every=every, grey=grey) for track_id, every, grey in state["tracks"]]
        for one in itertools.chain.from_iterable(news):
            self._all[one["track"]].add(one)
        self._told = [(len(track.frames), len(track.w), len(track.covers)) for track in self._all]
        self._open = {person: self._all[number] for person, number in state["open"].items()}
        self._pending = [(self._all[number], row, crop) for number, row, crop in state["pending"]]
        self._recent = deque((index, time) for index, time in state["recent"])
        self._count = state["count"]

    def finish(self, shots: list[int]) -> Sight:
        """Everything seen, given the frames that begin a shot; the watcher is spent."""
        self._flush()
        return Sight([_person(track, self._pack) for track in self._all], self._count, shots)


def crop_frame(frame: Frame, quad: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    """The quad [4,2] px of a frame as a crop float32 [size,size,3] RGB in 0..255; only the quad's region becomes RGB."""
    margin = 2
    low = np.floor(quad.min(0)).astype(int) - margin
    high = np.ceil(quad.max(0)).astype(int) + margin
    x0, x1 = np.clip([low[0], high[0]], 0, frame.width)
    y0, y1 = np.clip([low[1], high[1]], 0, frame.height)
    if x1 - x0 < 2 or y1 - y0 < 2:  # wholly outside: repeat the nearest edge
        x0, x1 = (0, 2) if x1 < 2 else (frame.width - 2, frame.width) if x0 > frame.width - 2 else (x0, x1)
        y0, y1 = (0, 2) if y1 < 2 else (frame.height - 2, frame.height) if y0 > frame.height - 2 else (y0, y1)
    region = frame.align(Region(int(x0), int(y0), int(x1 - x0), int(y1 - y0)))
    picture = frame.rgb(region)
    crop = crop_quad(picture, np.asarray(quad) - (region.x, region.y), size)
    return np.clip(crop, 0, 255).astype(np.float32, copy=False)


def _person(track: _Growing, pack: str) -> Person:
    """Freeze a track; in a gap straight lines lead on from the last row that has geometry and a latent to the next one."""
    known = sorted(track.w)
    valid = np.zeros(len(track.frames), bool)
    valid[known] = True
    times = np.asarray(track.times)
    rows = sorted(track.samples)
    rows = [rows[i] for i in pick(len(rows))]
    return Person(
        Track(
            np.asarray(track.frames, np.int64),
            times,
            fill(np.stack([track.placed[row].quad for row in known]), times, valid),
            fill(np.stack([track.placed[row].landmarks for row in known]), times, valid),
            np.array([track.placed[row].presence if row in track.placed else 0.0 for row in range(len(valid))], np.float32),
            fill(np.array([track.blur[row] for row in known], np.float32), times, valid),
        ),
        LatentTrack(fill(np.stack([track.w[row] for row in known]), times, valid), valid, pack),
        np.stack([track.samples[row] for row in rows]),
        np.asarray(rows, np.int64),
        covers_of(track.covers),
        track.track_id,
        moved=_moved(track),
    )


def _moved(track: _Growing) -> Moved:
    """By row; in a gap nothing moves, and after it everything at once."""
    out = still(len(track.frames))
    for row, cells in track.moved.items():
        out[row] = cells
    return out


def fill(values: NDArray[np.floating], times: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """values [K,...] of the K >= 1 valid rows -> [T,...]: straight lines over gaps, the first and the last held beyond them.

    times float [T] s, increasing; valid bool [T]. Valid rows come back to the bit, in values' dtype.
    """
    if valid.all():
        return values
    known = np.flatnonzero(valid)
    out = np.empty((len(valid), *values.shape[1:]), values.dtype)
    out[known] = values
    for row in np.flatnonzero(~valid):
        after = int(np.searchsorted(known, row))
        a, b = max(after - 1, 0), min(after, len(known) - 1)
        share = 0.0 if times[known[a]] == times[known[b]] else (times[row] - times[known[a]]) / (times[known[b]] - times[known[a]])
        out[row] = values[a] + share * (values[b].astype(np.float64) - values[a])
    return out
