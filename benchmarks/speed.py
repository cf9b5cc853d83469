"""How fast, and in how much memory: each run in a process of its own, on clips scaled and repeated from one."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av

from videdit.quality.report import Value

HEIGHTS = {360: 120, 720: 90, 1080: 60}  # frames of each
EDITS = ({"smile": -1.0}, {"smile": 0.7})
STAGES = ("decode", "faces", "invert", "generate", "composite", "encode")


def make_clip(source: Path, target: Path, height: int, frames: int) -> None:
    """A clip of `frames` frames and this height (even width, square pixels), back and forth over the source's frames, H.264 crf 18."""
    with av.open(str(source)) as video:
        pictures = [frame.to_image() for frame in video.decode(video=0)]
        rate = video.streams.video[0].average_rate or Fraction(30)
    order = list(range(len(pictures))) + list(range(len(pictures) - 2, 0, -1))
    width = round(pictures[0].width * height / pictures[0].height / 2) * 2
    with av.open(str(target), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            picture = pictures[order[i % len(order)]].resize((width, height), 3)
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def edit_once(
    clip: str, target: str, strengths: dict[str, float], cache: str, pack: str, device: str
) -> dict[str, Value | dict[str, float]]:
    """In the child: one edit."""
    from videdit.config import Settings
    from videdit.pipeline import edit_video

    settings = Settings(pack=pack, device=device, cache_dir=Path(cache), overwrite=True)
    report = edit_video(clip, target, strengths, settings)
    return {"frames": report.frames, "wall": report.wall, "memory": report.peak_memory, "cached": report.cached, "seconds": report.seconds}


def copy_once(clip: str, target: str) -> dict[str, Value | dict[str, float]]:
    """In the child: decoding and encoding alone."""
    from videdit.config import Settings
    from videdit.pipeline.report import Stopwatch, peak_memory
    from videdit.video.probe import probe
    from videdit.video.reader import read_frames
    from videdit.video.writer import ClipWriter

    clock, settings, frames = Stopwatch(), Settings(), 0
    with ClipWriter(Path(target), probe(Path(clip)), crf=settings.crf, encoder=settings.video_encoder) as writer:
        for frame in read_frames(clip):
            writer.write(frame)
            frames += 1
    return {"frames": frames, "wall": clock.wall, "memory": peak_memory(), "seconds": {}}


def child(job: dict) -> dict:
    """Run a job in a fresh Python; its peak memory is its own."""
    code = "import json,sys;from benchmarks.speed import work;print(json.dumps(work(json.loads(sys.argv[1]))))"
    done = subprocess.run([sys.executable, "-c", code, json.dumps(job)], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        raise RuntimeError(f"{job}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def work(job: dict) -> dict:
    """What a child does with its job."""
    return copy_once(**job["copy"]) if "copy" in job else edit_once(**job["edit"])


def row(name: str, run: str, found: dict) -> dict[str, Value]:
    """One line of the table; milliseconds a frame by stage (stages overlap)."""
    frames, wall = found["frames"], found["wall"]
    load = found["seconds"].get("load", 0.0)
    out: dict[str, Value] = {"clip": name, "run": run, "frames": frames, "frames/s": round(frames / wall, 2)}
    out["without start"] = round(frames / max(wall - load, 1e-6), 2)
    out["peak MB"] = round(found["memory"] / 2**20)
    known = found["seconds"]
    out |= {f"{stage} ms": round(1000 * known[stage] / frames, 1) if stage in known else None for stage in STAGES}
    return out


def run(source: Path, *, pack: str, device: str, heights: dict[int, int] | None = None, long: bool = False) -> list[dict[str, Value]]:
    """Each height: copying alone, a first edit, a second one with another strength; long: ten times the 360p clip as well."""
    rows = []
    jobs = [(f"{h}p", h, n) for h, n in (heights or HEIGHTS).items()]
    if long:
        jobs.append(("360p, 10 times as long", 360, 10 * HEIGHTS[360]))
    for name, height, frames in jobs:
        with tempfile.TemporaryDirectory() as folder:
            clip, target = str(Path(folder) / "in.mp4"), str(Path(folder) / "out.mp4")
            make_clip(source, Path(clip), height, frames)
            rows.append(row(name, "decode + encode", child({"copy": {"clip": clip, "target": target}})))
            for label, strengths in zip(("first", "second"), EDITS, strict=True):
                job = {"clip": clip, "target": target, "strengths": strengths, "cache": folder, "pack": pack, "device": device}
                rows.append(row(name, label, child({"edit": job})))
    return rows
