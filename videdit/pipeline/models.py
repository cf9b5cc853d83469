"""The networks of a run, on its device and at its precision, and the generator tuned to a person."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from videdit import edit
from videdit.config import Settings
from videdit.errors import PackError
from videdit.invert import encode
from videdit.invert.encoder import BATCH, in_batches, to_rgb
from videdit.invert.optimize import FROM_THE_MEAN, Optimizer, features_for
from videdit.invert.pivotal import tune
from videdit.networks.compiled import compiled, compiles
from videdit.networks.copies import onto
from videdit.packs.load import Pack, load_pack
from videdit.pipeline.people import Person
from videdit.pipeline.report import Progress
from videdit.pipeline.steadiness import Steadiness, smooth_latents, weights_of
from videdit.store import Cache, stage_key

Drawn = tuple[NDArray[np.float32], NDArray[np.float32]]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
PASSES = 64  # renders that a step of tuning costs
DEAR = 60.0  # seconds from which on the cost is said before it starts
log = logging.getLogger(__name__)
AUTO_STEPS = 0  # of --tune auto; what pays for its seconds is said in docs/models.md


def duration(seconds: float) -> str:
    """Roughly, in words."""
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.0f} minutes"


def steps_for(tuning: str) -> int:
    """--tune in steps."""
    return {"auto": AUTO_STEPS, "off": 0}[tuning] if tuning in ("auto", "off") else int(tuning)


def fastest(device: torch.device) -> str:
    """--precision auto: the fastest arithmetic that looks the same; bf16 moves a change of 5 levels by 0.15 in the mean, 1.3 at most."""
    if device.type == "cuda":
        return "fp16"
    known: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # not in every PyTorch
    return "bf16" if known.get("amx_bf16") or known.get("avx512_bf16") else "fp32"


def rows_for(size: int, batch: int, device: str, dtype: torch.dtype | None) -> int:
    """Pictures of `size` px that are rendered at once: both renders of `batch` faces, if memory is not short; on a CPU no more than take
    the memory of 8 of 256 px, and in float32 those of one kind, for in one pass of 16 the shipped pack's take 4 to 7 % longer than in two
    of 8 there (in bf16 10 % less)."""
    if device != "cpu":
        return 2 * batch if batch >= BATCH else batch
    wanted = 2 * batch if dtype is not None and batch >= BATCH else batch
    return max(1, min(wanted, BATCH * 256**2 // size**2))


@dataclass(slots=True)
class Models:
    """A pack and the arithmetic to run it with. dtype None is float32; batch: faces that a network sees at once; compiled: whether
    encoder and generator are run by torch.compile."""

    pack: Pack
    dtype: torch.dtype | None = None
    batch: int = BATCH
    compiled: bool = False

    @classmethod
    def load(cls, settings: Settings, pack: Pack | None = None) -> Models:
        """The pack of the settings, or one loaded before; its networks are loaded when they are used. Raises MissingError, PackError."""
        pack = pack or load_pack(settings.pack, device=settings.device)
        wanted = fastest(pack.device) if settings.precision == "auto" else settings.precision
        return cls(pack, DTYPES.get(wanted), settings.batch, settings.compile and compiles(pack.device.type))

    def _run(self, network: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        return compiled(network) if self.compiled else network

    def _arithmetic(self) -> AbstractContextManager[object]:
        return torch.autocast(self.pack.device.type, self.dtype) if self.dtype else nullcontext()

    @property
    def rows(self) -> int:
        """Pictures that are rendered at once."""
        return rows_for(self.pack.size, self.batch, self.pack.device.type, self.dtype)

    def encode(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        """Crops [N,S,S,3] RGB in 0..255 to latents [N,L,D], in batches of one size."""
        with self._arithmetic():
            return encode(self._run(self.pack.encoder), crops, batch=self.batch, device=self.pack.device)

    def inverter(self, name: str) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """--invert: crops to latents as `encode` does, for the crops of one file in their order."""
        encodes = self.pack.has("encoder")
        if name == "encoder":
            if not encodes:
                hint = "`videdit train encoder --pack PACK` makes one; --invert optimize does without, slowly."
                raise PackError(f"the pack {self.pack.manifest.name} has no encoder", hint=hint)
            return self.encode
        features = features_for(self.pack.classifier, self.pack.device)[1]
        if encodes:
            return Optimizer(self.pack.generator, self.encode, features)
        return Optimizer(self.pack.generator, self.mean_latents, features, steps=FROM_THE_MEAN)

    def mean_latents(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        """The generator's mean latent [N,L,D] for every one of crops [N,S,S,3]: where to begin without an encoder."""
        return np.tile(self.pack.mean_w.cpu().numpy(), (len(crops), self.pack.manifest.num_layers, 1)).astype(np.float32)

    def render(self, generator: torch.nn.Module | None, w: NDArray[np.float32]) -> NDArray[np.float32]:
        """Latents [N,L,D] to pictures [N,S,S,3] RGB in 0..255, in batches of one size; by the pack's generator where none is given."""
        generator = generator or self.pack.generator
        with self._arithmetic():
            return to_rgb(in_batches(self._run(generator), onto(np.ascontiguousarray(w), self.pack.device), batch=self.rows))

    def draw(self, crops: NDArray[np.float32], landmarks: NDArray[np.floating], times: NDArray[np.floating], moves: edit.Moves) -> Drawn:
        """Crops [N,S,S,3] RGB in 0..255 of times [N] s, redrawn, and where they may differ [N,S,S]; see edit.draw."""
        with self._arithmetic():
            rows = [slice(start, start + self.batch) for start in range(0, len(crops), self.batch)]
            parts = [edit.draw(crops[part], landmarks[part], moves, self.pack, times=times[part]) for part in rows]
        return parts[0] if len(parts) == 1 else (np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts]))

    def tuning_takes(self, steps: int, w: NDArray[np.float32]) -> float:
        """Seconds that tuning should take, from those of one render: a step draws 16 pictures twice, and once goes back through them."""
        self.render(None, w)
        start = time.perf_counter()
        self.render(None, w)
        return steps * PASSES * (time.perf_counter() - start) / self.rows

    def tuned(
        self, person: Person, steps: int, steady: Steadiness, *, cache: Cache, parts: Sequence[object], progress: Progress | None
    ) -> torch.nn.Module | None:
        """The pack's generator, tuned to a person for `steps` steps, out of the cache where it is there; None without steps.

        steady: smoothing of the latents that serve as pivots; parts: what the person's samples depend on.
        """
        if steps <= 0:
            return None
        generator = self.pack.network("generator")
        key = stage_key("tuned", steps, steady.method, steady.latents, int(person.track.frames[0]), person.track_id, *parts)
        known = cache.load("tuned", key)
        if known is None:
            axes, weights = self.pack.axes(), weights_of(person)
            pivots = np.concatenate([smooth_latents(person, steady, weights, row, row + 1) for row in person.sampled])
            if (seconds_needed := self.tuning_takes(steps, pivots[:1])) > DEAR:
                log.warning("tuning takes %d steps, here about %s", steps, duration(seconds_needed))
            report: Callable[[int, int], None] | None = (lambda done, total: progress("tune", done, total)) if progress else None
            features: Callable[[torch.Tensor], Sequence[torch.Tensor]] = self.pack.classifier.features  # type: ignore[assignment]
            state = tune(
                self.pack.generator,
                person.samples,
                pivots,
                axes.directions * axes.distance[:, None, None],
                features,
                steps=steps,
                progress=report,
            )
            known = {name: value.cpu().numpy() for name, value in state.items()}
            cache.save("tuned", key, known)
        generator.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in known.items()})
        return generator.eval().requires_grad_(False)
