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

    def put(self, pictures: Bytes, before: NDArray[np.float32], after: NDArray[np.float32], people: People, rows: Rows) -> Bytes:
        """Pictures uint8 [n,H,W,3] with the change between two renders [n,S,S,3] composited in, as the editor does for a still."""

        def one(item: tuple[Bytes, NDArray[np.float32], NDArray[np.float32], int]) -> Bytes:
            picture, first, second, row = item
            frame = frame_of(np.ascontiguousarray(picture))
            change = composite.analyse(first[None], second[None], people.marks[row][None])[0]
            composite.apply(frame, change, people.quads[row])
            return rgb_of(frame)

        items = zip(pictures, before, after, (int(row) for row in rows), strict=True)
        return np.stack(self._map(one, list(items)))

    def look(
        self,
        people: People,
        rows: Rows,
        after: Callable[[Rows], NDArray[np.float32]],
        *,
        views: Sequence[str] = VIEWS,
        keep: bool = False,
    ) -> Look:
        """Faces `rows` of the people with an edit; after(rows) gives the edited renders float32 [n,S,S,3] of some of them.

        views: what is judged; keep: the pictures of these views are kept.
        """
        found: dict[str, list[NDArray[np.generic]]] = {name: [] for name in ("seen", "drawn", "pictures", "renders")}
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            made = after(part)
            if "seen" in views:
                put = self.put(people.pictures[part], people.before[part], made, people, part)
                found["seen"].append(self.judged(self.crops(put, people, part)))
                found["pictures"] += [put] if keep else []
            if "drawn" in views:
                found["drawn"].append(self.judged(made))
                found["renders"] += [as_bytes(made)] if keep else []
        return Look(**{name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in found.items()})  # type: ignore[arg-type]

    def _map(self, work: Callable[[Any], Bytes], items: Sequence[Any]) -> list[Bytes]:
        if self.workers < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(self.workers) as pool:  # OpenCV lets go of the interpreter
            return list(pool.map(work, items))


def cores() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def as_bytes(pictures: NDArray[np.generic]) -> Bytes:
    """RGB 0..255 of any type as uint8."""
    whole = pictures if pictures.dtype == np.uint8 else np.clip(np.rint(pictures.astype(np.float32, copy=False)), 0, 255)
    return whole.astype(np.uint8, copy=False)
