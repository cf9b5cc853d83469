"""Clips, GIFs and pictures for tests, made on the spot: small, deterministic, each odd in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
from numpy.typing import NDArray
from PIL import Image

SAMPLE_RATE = 44100
UNEVEN = (0, 3, 4, 9, 10, 11, 20, 21, 30, 47, 48, 49)  # times of a variable-rate clip, in frames at 30 a second


def picture(index: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A frame's pixels uint8 [h,w,3] RGB: ramps with a bright square that moves with `index`."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x + y + 8 * index) % 256], axis=2).astype(np.uint8)
    left, top = 3 * index % max(1, width - 8), height // 3
    rgb[top : top + 8, left : left + 8] = (250, 240, 20)
    return rgb


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (96, 64),
    times: Sequence[int] = tuple(range(12)),
    time_base: Fraction = Fraction(1, 30),
    rate: Fraction | int = 30,
    encoder: str = "libx264",
    pix_fmt: str = "yuv420p",
    tags: tuple[int, int, int, int] | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    audio: int = 0,
    audio_start: int = 0,
    subtitles: Sequence[tuple[float, float, str]] = (),
    chapters: Sequence[tuple[float, float, str]] = (),
    attachment: bytes = b"",
    metadata: dict[str, str] | None = None,
    last_duration: int = 1,
    options: dict[str, str] | None = None,
    fields: str = "",
    aspect: Fraction | None = None,
    sound: str = "aac",
    text: str = "subrip",
) -> Path:
    """A clip in the container of the suffix.

    times: of the frames, in ticks of time_base. tags: FFmpeg's primaries, transfer, space, range; None leaves it untagged. rotation:
    degrees counter-clockwise, in the display matrix only. audio: how many AAC tracks, each of another pitch, from audio_start samples.
    subtitles and chapters: start and end in seconds, text. options: of the encoder; fields: tff or bff marks frames as interlaced;
    aspect: of a pixel; sound, text: codecs of tracks and subtitles.
    """
    with av.open(str(path), "w") as out:
        video = _video_stream(out, encoder, size, pix_fmt, rate, time_base, tags, options)
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation or mirrored:
            video.set_display_rotation(rotation, hflip=mirrored)
        tracks = [out.add_stream(sound, rate=SAMPLE_RATE if sound != "libopus" else 48000, layout="mono") for _ in range(audio)]
        text = out.add_mux_stream(text) if subtitles else None
        if attachment:
            out.add_attachment("font.ttf", "font/ttf", attachment)
        out.metadata.update(metadata or {})
        out.set_chapters([_chapter(i, *chapter) for i, chapter in enumerate(chapters)])
        packets = _video_packets(video, size, times, time_base, last_duration, fields)
        seconds = float((times[-1] + last_duration) * time_base)
        for number, track in enumerate(tracks):
            packets += _audio_packets(track, 220.0 * (number + 1), audio_start, int(seconds * SAMPLE_RATE))
        for start, end, words in subtitles:
            packet = av.Packet((len(words).to_bytes(2, "big") if text == "mov_text" else b"") + words.encode())
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = round(start * 1000)
            packet.duration = round((end - start) * 1000)
            packets.append(packet)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    return path


def _video_stream(out, encoder, size, pix_fmt, rate, time_base, tags, options=None):  # type: ignore[no-untyped-def]
    quality = {"crf": "20", "preset": "ultrafast", "bf": "2", "threads": "1"} if encoder == "libx264" else {}
    video = out.add_stream(encoder, rate=rate, options=quality if options is None else options)
    video.width, video.height, video.pix_fmt = *size, pix_fmt
    context = video.codec_context
    context.time_base = video.time_base = time_base
    context.flags |= av.codec.context.Flags.frame_duration
    if tags is not None:
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
    return video


def _video_packets(video, size, times, time_base, last_duration, fields=""):  # type: ignore[no-untyped-def]
    packets = []
    marked = _field_graph(video, time_base, fields) if fields else None
    for index, time in enumerate(times):
        frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24").reformat(format=video.pix_fmt)
        frame.pts, frame.time_base = time, time_base
        frame.duration = times[index + 1] - time if index + 1 < len(times) else last_duration
        context = video.codec_context
        frame.color_primaries, frame.color_trc = context.color_primaries, context.color_trc  # ProRes takes them from frames
        frame.colorspace, frame.color_range = context.colorspace, context.color_range
        if marked:
            marked.push(frame)
            frame = marked.pull()
        packets += video.encode(frame)
    return packets + video.encode(None)


def _field_graph(video, time_base, fields):  # type: ignore[no-untyped-def]
    graph = av.filter.Graph()
    shape = f"video_size={video.width}x{video.height}:pix_fmt={video.pix_fmt}:time_base={time_base}:pixel_aspect=1/1"
    nodes = graph.add("buffer", shape), graph.add("setparams", f"field_mode={fields}"), graph.add("buffersink")
    nodes[0].link_to(nodes[1])
    nodes[1].link_to(nodes[2])
    graph.configure()
    return graph


def _audio_packets(track, pitch, start, samples):  # type: ignore[no-untyped-def]
    rate, size = track.rate, track.codec_context.frame_size or 1024
    samples = samples * rate // SAMPLE_RATE
    sound = (0.1 * np.sin(2 * np.pi * pitch * np.arange(samples) / rate)).astype(np.float32)[None]
    kind = track.codec_context.format.name
    packets = []
    for at in range(0, samples, size):
        part = np.ascontiguousarray(sound[:, at : at + size])
        scale = {"s16": (32767, np.int16), "s32": (2147483520, np.int32)}.get(kind[:3])
        part = (part * scale[0]).astype(scale[1]) if scale else part
        frame = av.AudioFrame.from_ndarray(part, format=kind, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start + at, Fraction(1, rate)
        packets += track.encode(frame)
    return packets + track.encode(None)


def _chapter(number: int, start: float, end: float, title: str) -> dict:  # type: ignore[type-arg]
    start, end = round(start * 1000), round(end * 1000)
    return {"id": number, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}


def make_gif(path: Path, *, delays: Sequence[int] = (8, 9, 3, 50, 8, 10), size: tuple[int, int] = (60, 44), loop: int | None = 0) -> Path:
    """A GIF whose frames stand for `delays` hundredths of a second each."""
    pictures = [Image.fromarray(picture(index, size)).quantize(64) for index in range(len(delays))]
    extra = {} if loop is None else {"loop": loop}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[10 * delay for delay in delays], **extra)
    return path


def make_transparent_gif(path: Path, *, size: tuple[int, int] = (40, 30)) -> Path:
    """Two frames with a see-through corner."""
    pictures = []
    for index in range(2):
        rgba = np.dstack([picture(index, size) // 64 * 64, np.full(size[::-1], 255, np.uint8)])
        rgba[:10, :10, 3] = 0
        pictures.append(Image.fromarray(rgba))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, loop=3, disposal=2)
    return path


def make_sound(path: Path) -> Path:
    """A file without pictures."""
    with av.open(str(path), "w") as out:
        track = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        for packet in _audio_packets(track, 220.0, 0, SAMPLE_RATE // 4):
            out.mux(packet)
    return path


def truncate(source: Path, path: Path, share: float) -> Path:
    """The first part of a file."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def damage(source: Path, path: Path, *, start: float = 0.5, length: int = 400) -> Path:
    """A file with some bytes in the middle overwritten."""
    data = bytearray(source.read_bytes())
    at = int(len(data) * start)
    data[at : at + length] = bytes(range(256)) * (length // 256 + 1)
    path.write_bytes(bytes(data[: len(source.read_bytes())]))
    return path
