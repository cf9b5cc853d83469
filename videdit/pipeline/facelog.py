"""What pass 1 has found so far, kept every few seconds, so that it can go on in the middle of a clip.

Each piece, `000003.npz`, holds the rows that came since the piece before, and the little that the next frame depends on: what the
tracker knows of the people, its last answers (landmarks are smoothed over a few frames), crops that wait for a batch. All of it is exact,
so pass 1 finds the same to the bit, wherever it was cut. See store.durable for the order in which things reach the disk.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videdit.faces.track import Observation, Tracker
from videdit.pipeline.people import Watcher
from videdit.store.plain import fields_of, load, save
from videdit.store.work import unwritable
from videdit.types import Frame
from videdit.video.marks import Mark
from videdit.video.reader import FrameReader

EVERY = 2.0  # seconds between two pieces
VERSION = 4  # raised when pieces hold other things


class Recalled:
    """A tracker that keeps its last answers, and for frames that it was asked about before gives the answers of then."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.recent: deque[tuple[int, float, list[Observation]]] = deque()
        self._known: dict[int, list[Observation]] = {}

    @property
    def shots(self) -> list[int]:
        """Numbers of the frames that begin one."""
        return self.tracker.shots

    def update(self, frame: Frame) -> list[Observation]:
        """The people in this frame."""
        found = self._known.pop(frame.index, None)
        if found is None:
            found = self.tracker.update(frame)
        self.recent.append((frame.index, frame.time, found))
        return found

    def forget(self, seen: float, seconds: float, frames: int) -> None:
        """A frame at `seen` s has been placed: of the answers before, those of so many seconds, and of so many frames before those, may
        be asked for again."""
        while len(self.recent) > frames and self.recent[frames][1] < seen - seconds - 1e-6:
            self.recent.popleft()

    def state(self) -> dict[str, Any]:
        """For `restore`."""
        answers = [[index, seconds, [fields_of(one) for one in found]] for index, seconds, found in self.recent]
        return {"tracker": self.tracker.state(), "answers": answers}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where another one stood."""
        self.tracker.restore(state["tracker"])
        self._known = {index: [Observation(**one) for one in found] for index, _, found in state["answers"]}


@dataclass(frozen=True, slots=True)
class Stand:
    """Where pass 1 was: behind the marked frame, all frames from `back_to` s on being needed again; finished: there is no other."""

    mark: Mark
    back_to: float
    finished: bool


class FaceLog:
    """The pieces in a folder that were made from the same: `key` says what from. target: for messages."""

    def __init__(self, folder: Path, parts: Sequence[object], target: Path) -> None:
        self._folder, self._target = folder, target
        self._key = hashlib.sha256(json.dumps([VERSION, *parts], default=str).encode()).hexdigest()[:40]
        self._news: list[Any] = []  # of the pieces that were there, until somebody restores them
        self._last: dict[str, Any] | None = None
        self._count = 0
        self._read()
        self._kept = time.monotonic()

    @property
    def stand(self) -> Stand | None:
        """Where to go on."""
        if self._last is None:
            return None
        return Stand(Mark.of_json(dict(self._last["mark"])), self._last["back_to"], self._last["finished"])

    def forget(self) -> None:
        """Begin again."""
        self._news, self._last, self._count = [], None, 0
        self._clean()

    def restore(self, watcher: Watcher, tracker: Recalled, inverter: Any) -> None:
        """Make them stand where they stood."""
        if self._last is None:
            return
        watcher.restore(self._news, self._last["watcher"])
        tracker.restore(self._last["faces"])
        if self._last["inverter"] is not None:
            inverter.restore(self._last["inverter"])
        self._news, self._last = [], None

    def note(self, frame: Frame, reader: FrameReader, watcher: Watcher, tracker: Recalled, inverter: Any) -> None:
        """A frame has been seen, by a reader; keep a piece if it is time. Raises OutputError."""
        if time.monotonic() - self._kept >= EVERY:
            self._keep(Mark.of(frame, reader), watcher, tracker, inverter, finished=False)

    def end(self, watcher: Watcher, tracker: Recalled, inverter: Any) -> None:
        """The last frame has been seen; a clip that took no longer than a piece leaves none. Raises OutputError."""
        if self._count or time.monotonic() - self._kept >= EVERY:
            self._keep(Mark.none(), watcher, tracker, inverter, finished=True)

    def _keep(self, mark: Mark, watcher: Watcher, tracker: Recalled, inverter: Any, *, finished: bool) -> None:
        times = [seconds for _, seconds, _ in tracker.recent]
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            return  # times that go back; a little later they don't
        piece = {
            "key": self._key,
            "mark": fields_of(mark),
            "back_to": times[0] if times else 0.0,
            "finished": finished,
            "faces": tracker.state(),
            "watcher": watcher.state(),
            "inverter": inverter.state() if hasattr(inverter, "state") else None,
            "news": watcher.news(),
        }
        try:
            save(self._place(self._count), piece)
        except OSError as error:
            raise unwritable(self._target, error) from error
        self._count += 1
        self._kept = time.monotonic()

    def _place(self, number: int) -> Path:
        return self._folder / f"{number:06d}.npz"

    def _read(self) -> None:
        """All pieces without a gap that are whole and of this key; others are removed."""
        while isinstance(piece := load(self._place(self._count)), dict) and piece.get("key") == self._key:
            self._news.append(piece.pop("news"))
            self._last, self._count = piece, self._count + 1
        self._clean(keep=self._count)

    def _clean(self, *, keep: int = 0) -> None:
        known = {self._place(number) for number in range(keep)}
        for path in self._folder.iterdir():
            if path not in known:
                path.unlink(missing_ok=True)
