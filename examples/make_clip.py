"""Make examples/astronaut.mp4: a camera that pans, zooms and rolls over a portrait, with a quiet tone.

    pip install -c constraints.txt scikit-image
    python examples/make_clip.py [TARGET]

The portrait is `skimage.data.astronaut()`: Eileen Collins, NASA, public domain (see examples/README.md).
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE, SECONDS = 640, 360, 30, 4
SAMPLE_RATE, TONE_HZ, LOUDNESS = 48000, 220.0, 0.03


def camera(time: float) -> NDArray[np.float64]:
    """Affine [2,3] from the portrait to the view at a time in seconds; pixel centres, as OpenCV takes it."""
    turn = 2 * np.pi * time / SECONDS
    zoom = 1.46 - 0.08 * np.cos(turn)
    roll = np.deg2rad(4.0) * np.sin(turn)
    centre = np.array([250.0 + 14.0 * np.sin(turn + 0.8), 147.0 + 4.0 * np.cos(turn)])
    linear = zoom * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    shift = np.array([WIDTH / 2, HEIGHT / 2]) - linear @ centre
    return np.concatenate([linear, shift[:, None]], axis=1)


def pictures(portrait: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Every frame, uint8 RGB [HEIGHT,WIDTH,3]."""
    size = (WIDTH, HEIGHT)
    return [
        cv2.warpAffine(portrait, camera(index / RATE), size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)  # type: ignore[misc]
        for index in range(RATE * SECONDS)
    ]


def tone() -> NDArray[np.float32]:
    """The sound, float32 [1,samples], rising and falling slowly."""
    time = np.arange(SAMPLE_RATE * SECONDS) / SAMPLE_RATE
    envelope = LOUDNESS * np.sin(np.pi * time / SECONDS) ** 2
    return (envelope * np.sin(2 * np.pi * TONE_HZ * time)).astype(np.float32)[None]


def write(target: Path, frames: list[NDArray[np.uint8]], sound: NDArray[np.float32]) -> None:
    """H.264 and AAC in the container of the target's suffix, tagged BT.709."""
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=RATE, options={"crf": "19", "preset": "slow", "threads": "1"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = video.codec_context
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono", options={"b": "48k"})
        assert isinstance(audio, av.AudioStream)
        packets = []
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            packets += video.encode(frame)
        packets += video.encode(None)
        for start in range(0, sound.shape[1], 1024):
            piece = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, start : start + 1024]), format="fltp", layout="mono")
            piece.sample_rate, piece.pts, piece.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            packets += audio.encode(piece)
        packets += audio.encode(None)
        for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            out.mux(packet)


def main() -> None:
    import skimage.data

    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("astronaut.mp4")
    write(target, pictures(skimage.data.astronaut()), tone())
    print(f"{target}: {RATE * SECONDS} frames, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
