"""An edit seen through to its end: latents rendered, composited into the pictures, judged. Batches, and threads where they help."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from videdit import composite
from videdit.geometry import crop_quad
from videdit.packs.load import Pack
from videdit.pipeline.stills import frame_of, rgb_of
from videdit.quality.judge import Judge
from videdit.train.measure import Studio

if TYPE_CHECKING:
    from videdit.evaluate.methods import Editor, Strengths
    from videdit.evaluate.people import People

BATCH = 32
VIEWS = ("seen", "drawn")  # the composited pictures, the renders
Bytes = NDArray[np.uint8]
Rows = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Look:
    """What came out of an edit of n faces.

    seen, drawn float32 [n,A]: the judge's probabilities on the composited pictures and on the renders; pictures uint8 [n,H,W,3]
    and renders uint8 [n,S,S,3]. Empty where not asked for.
    """

    seen: NDArray[np.float32]
    drawn: NDArray[np.float32]
    pictures: Bytes
    renders: Bytes


class Bench:
    """A pack, the judge with its attributes' names, and the machine to run them on; networks in bfloat16."""

    def __init__(self, pack: Pack, judge: Judge, names: Sequence[str], *, workers: int | None = None) -> None:
        self.pack, self.names = pack, list(names)
        self.studio = Studio(pack)
        self.workers = workers or cores()
        self._judge = judge.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, crops: Bytes) -> NDArray[np.float32]:
        """Faces uint8 [N,S,S,3] RGB in the pack's frame to latents [N,L,D]."""
        return self.studio.encode(crops)

    def render(self, w: NDArray[np.floating]) -> NDArray[np.float32]:
        """Latents [N,L,D] to pictures float32 [N,S,S,3] RGB in 0..255."""
        parts = []
        for start in range(0, len(w), BATCH):
            batch = torch.from_numpy(np.asarray(w[start : start + BATCH], np.float32)).to(self.pack.device)
            with torch.inference_mode(), torch.autocast(self.pack.device.type, torch.bfloat16):
                image = self.pack.generator(batch).float().clamp(-1, 1)
            parts.append(((image + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy())
        return np.ascontiguousarray(np.concatenate(parts))

    def judged(self, crops: NDArray[np.generic]) -> NDArray[np.float32]:
        """The judge's probabilities [N,A] of faces [N,S,S,3] RGB 0..255 in the pack's frame."""
        with torch.autocast("cpu", torch.bfloat16):
            return self._judge.judge(as_bytes(crops))

    def crops(self, pictures: Bytes, people: People, rows: Rows) -> Bytes:
        """The faces uint8 [n,S,S,3] of pictures of these people."""
        return np.stack([crop_quad(p, people.quads[i], self.pack.size, cubic=True) for p, i in zip(pictures, rows, strict=True)])

    def edited(
        self,
        editor: Editor,
        pictures: Bytes,
        people: People,
        rows: Rows,
        strengths: Strengths,
        *,
        locks: Sequence[str] = (),
        w: NDArray[np.floating] | None = None,
    ) -> tuple[Bytes, Bytes]:
        """Pictures uint8 [n,H,W,3] of faces `rows`, edited as the editor does a still, and renders uint8 [n,S,S,3] of the edited latents
        (none where the method draws). w: the pictures' latents, where they are not the people's."""
        before = people.before[rows] if w is None else self.render(w)
        w = people.w[rows] if w is None else w
        if editor.draws:
            pictures = self._drawn(editor, pictures, people, rows, strengths, locks)
        moved, after = editor(w, strengths, locks), before
        if moved is not w:
            after = self.render(moved)
            pictures = self._moved(pictures, w, moved, before, after, people, rows)
        return pictures, as_bytes(after[:0] if editor.draws else after)

    def _moved(
        self,
        pictures: Bytes,
        w: NDArray[np.floating],
        moved: NDArray[np.floating],
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        people: People,
        rows: Rows,
    ) -> Bytes:
        """Pictures with the change between renders of latents w and moved composited in, where these differ."""
        moves = composite.moves_of(moved - w, self.pack.shape(), self.pack.size)

        def one(i: int) -> Bytes:
            if np.array_equal(w[i], moved[i]):
                return pictures[i]
            lies = None if moves is None else moves[i : i + 1]
            change = composite.analyse(before[i : i + 1], after[i : i + 1], people.marks[rows[i]][None], moves=lies)[0]
            return _with(change, pictures[i], people.quads[rows[i]])

        return np.stack(self._map(one, range(len(pictures))))

    def _drawn(self, editor: Editor, pictures: Bytes, people: People, rows: Rows, strengths: Strengths, locks: Sequence[str]) -> Bytes:
        """Pictures with what a method draws into their crops."""
        crops = np.stack([crop_quad(p.astype(np.float32), people.quads[i], self.pack.size) for p, i in zip(pictures, rows, strict=True)])
        marks = people.marks[rows]
        after, within = editor.draw(crops, marks, strengths, locks)
        changes = composite.analyse(crops, after, marks, within=within)
        return np.stack([_with(change, p, people.quads[i]) for change, p, i in zip(changes, pictures, rows, strict=True)])

    def look(
        self,
        editor: Editor,
        people: People,
        rows: Rows,
        strengths: Callable[[Rows], Strengths],
        *,
        locks: Sequence[str] = (),
        views: Sequence[str] = VIEWS,
        keep: bool = False,
    ) -> Look:
        """Faces `rows` of the people with an edit; strengths(rows): what is asked of some of them.

        views: what is judged (renders never of a method that draws); keep: the pictures of these views are kept.
        """
        found: dict[str, list[NDArray[np.generic]]] = {name: [] for name in ("seen", "drawn", "pictures", "renders")}
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            if "seen" in views:
                put, made = self.edited(editor, people.pictures[part], people, part, strengths(part), locks=locks)
                found["seen"].append(self.judged(self.crops(put, people, part)))
                found["pictures"] += [put] if keep else []
            else:
                made = as_bytes(self.render(editor(people.w[part], strengths(part), locks)))
            if "drawn" in views and len(made):
                found["drawn"].append(self.judged(made))
                found["renders"] += [made] if keep else []
        return Look(**{name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in found.items()})  # type: ignore[arg-type]

    def _map(self, work: Callable[[Any], Bytes], items: Sequence[Any]) -> list[Bytes]:
        if self.workers < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self.workers) as pool:  # OpenCV lets go of the interpreter
            return list(pool.map(work, items))


def _with(change: composite.Change, picture: Bytes, quad: NDArray[np.floating]) -> Bytes:
    """A picture with a change in it."""
    frame = frame_of(np.ascontiguousarray(picture))
    composite.apply(frame, change, quad)
    return rgb_of(frame)


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def as_bytes(pictures: NDArray[np.generic]) -> Bytes:
    """RGB 0..255 of any type as uint8."""
    whole = pictures if pictures.dtype == np.uint8 else np.clip(np.rint(pictures.astype(np.float32, copy=False)), 0, 255)
    return whole.astype(np.uint8, copy=False)
