"""Clips made on the spot and a tracker that knows where the face is, for tests of everything behind the detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from videdit import pipeline
from videdit.config import Settings
from videdit.faces.shape import MEAN_FACE
from videdit.faces.track import Observation
from videdit.packs.load import Pack
from videdit.types import Frame

WIDTH, HEIGHT = 160, 128


def face_points(time: float, *, eyes: float = 22.0) -> np.ndarray:
    """Landmarks [78,2] px of a face that drifts through a WIDTH x HEIGHT picture; eyes: px between them."""
    return MEAN_FACE * eyes + np.array([70 + 12 * time, 50 + 4 * np.sin(3 * time)])


class ScriptedTracker:
    """A FaceTracker by script: who is there at a time in seconds."""

    def __init__(self, there: Callable[[float], bool] = lambda time: True) -> None:
        self.there, self.calls, self.shots = there, 0, [0]

    def state(self) -> dict[str, int]:
        """A script knows the frames to come by heart."""
        return {"calls": self.calls}

    def restore(self, state: dict[str, int]) -> None:
        """Stand where another one stood."""
        self.calls = state["calls"]

    def update(self, frame: Frame) -> list[Observation]:
        """One face, where the script says so."""
        self.calls += 1
        return [Observation(0, face_points(frame.time), 0.99)] if self.there(frame.time) else []


def script(monkeypatch: pytest.MonkeyPatch, there: Callable[[float], bool] = lambda time: True) -> ScriptedTracker:
    """Put a scripted tracker in the place of the real one."""
    tracker = ScriptedTracker(there)
    monkeypatch.setattr("videdit.pipeline.watch.make_tracker", lambda models, settings: tracker)
    return tracker


def picture(index: int) -> np.ndarray:
    """A smooth, moving pattern uint8 [HEIGHT,WIDTH,3] RGB."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    red = 128 + 80 * np.sin((x + 2 * index) / 17)
    green = 128 + 80 * np.cos((y - index) / 13)
    return np.stack([red, green, (x + y) / 2], axis=-1).clip(0, 255).astype(np.uint8)


def make_clip(path: Path, *, pts: Sequence[int] = tuple(range(24)), rate: int = 24, audio: bool = True, keys: int = 250) -> Path:
    """A short H.264 clip; pts in frames of `rate` a second (uneven ones make a variable rate), with a tone where audio is wanted; a key
    frame every `keys` at least."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=rate, options={"crf": "16", "preset": "ultrafast", "g": str(keys)})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = video.codec_context.time_base = Fraction(1, rate)
        sound = container.add_stream("aac", rate=16000, layout="mono") if audio else None
        for index, stamp in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = stamp, Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            tone = (0.2 * np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000)).astype(np.float32)[None]
            wave = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            wave.sample_rate, wave.pts = 16000, 0
            container.mux(sound.encode(wave))
            container.mux(sound.encode(None))
    return path


def packets(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """Time in seconds and bytes of every packet of the streams of a kind."""
    with av.open(str(path)) as container:
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux([s for s in container.streams if s.type == kind])
            if packet.pts is not None
        ]


def same_planes(a: Frame, b: Frame) -> bool:
    """Whether two frames agree in every sample."""
    return all(np.array_equal(p, q) for p, q in zip(a.planes, b.planes, strict=True))


def same_outside(a: Frame, b: Frame, mask: np.ndarray) -> bool:
    """Whether two frames agree in every sample that no pixel with a mask above 0 falls on."""
    for p, q in zip(a.planes, b.planes, strict=True):
        sy, sx = -(-mask.shape[0] // p.shape[0]), -(-mask.shape[1] // p.shape[1])
        padded = np.zeros((p.shape[0] * sy, p.shape[1] * sx), bool)
        padded[: mask.shape[0], : mask.shape[1]] = mask > 0
        inside = padded.reshape(p.shape[0], sy, p.shape[1], sx).any((1, 3))
        if not np.array_equal(p[~inside], q[~inside]):
            return False
    return True


def watched(source: Path, target: Path, strengths: dict[str, float], settings: Settings, pack: Pack):  # type: ignore[no-untyped-def]
    """The report and (source, edited, mask) of every frame."""
    seen: list[tuple] = []  # type: ignore[type-arg]
    report = pipeline.edit_video(source, target, strengths, settings, pack=pack, on_frame=lambda *frame: seen.append(frame))
    return report, seen


def scripted_command(argv: Sequence[str]) -> int:
    """The command in a process of its own: a script says where faces are, and what is done is kept often."""
    from videdit.cli.main import main
    from videdit.pipeline import facelog, watch
    from videdit.video import segments

    watch.make_tracker = lambda models, settings: ScriptedTracker(lambda time: not 0.3 < time < 0.4)  # type: ignore[assignment]
    facelog.EVERY, segments.SEGMENT = 0.02, 8
    return main(argv)
