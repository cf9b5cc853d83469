"""What HDR and unusual clips say beside their samples: mastering display, content light, where chroma stands, what goes with frames."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

import av
import av.logging
import numpy as np
from av.container import InputContainer

from videdit.video.color import side_data

XY, NITS = 50000, 10000  # units of SMPTE ST 2086 as H.265 writes them

# Side data of frames that the encoders are not given, in words.
NOT_KEPT = {
    "A53_CC": "closed captions inside the video",
    "DYNAMIC_HDR_PLUS": "HDR10+ dynamic metadata",
    "DYNAMIC_HDR_VIVID": "HDR Vivid dynamic metadata",
    "DOVI_RPU_BUFFER": "Dolby Vision metadata",
    "DOVI_METADATA": "Dolby Vision metadata",
    "STEREO3D": "the note that the picture is stereoscopic",
    "SPHERICAL": "the note that the picture is spherical",
    "AFD": "the active format description",
    "PANSCAN": "pan and scan",
    "ICC_PROFILE": "the ICC profile of the video",
    "S12M_TIMECODE": "timecodes inside the video",
    "GOP_TIMECODE": "timecodes inside the video",
    "AMBIENT_VIEWING_ENVIRONMENT": "the ambient viewing environment",
    "FILM_GRAIN_PARAMS": "film grain parameters (the grain is in the picture)",
}
# FFmpeg's names of where chroma stands: x, y in luma samples, 0 the left or top one, 1 the right or bottom one.
PLACES = {
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "topleft": (0.0, 0.0),
    "top": (0.5, 0.0),
    "bottomleft": (0.0, 1.0),
    "bottom": (0.5, 1.0),
}
_PLACE = re.compile(rf"Video:[^\n]*?\((?:[^()]*, )?({'|'.join(PLACES)})\)")
_dumping = threading.Lock()


@dataclass(frozen=True, slots=True)
class Mastering:
    """The display a clip was mastered on: x, y of red, green, blue and white in 1/50000; darkest and brightest in 1/10000 cd/m2."""

    red: tuple[int, int]
    green: tuple[int, int]
    blue: tuple[int, int]
    white: tuple[int, int]
    darkest: int
    brightest: int

    def same(self, other: Mastering | None) -> bool:
        """Equal to within a unit, which AV1's binary fractions may cost."""
        return other is not None and all(abs(a - b) <= 1 for a, b in zip(self.values(), other.values(), strict=True))

    def values(self) -> tuple[int, ...]:
        """All ten."""
        return (*self.red, *self.green, *self.blue, *self.white, self.darkest, self.brightest)

    def as_text(self, *, units: bool) -> str:
        """As x264 and x265 take it, in units, or as SVT-AV1 does, in numbers."""
        xy, nits = (1, 1) if units else (XY, NITS)
        pairs = {"G": self.green, "B": self.blue, "R": self.red, "WP": self.white}
        points = "".join(f"{name}({x / xy:.10g},{y / xy:.10g})" for name, (x, y) in pairs.items())
        return f"{points}L({self.brightest / nits:.10g},{self.darkest / nits:.10g})"


def mastering_of(frame: av.VideoFrame) -> Mastering | None:
    """FFmpeg's AVMasteringDisplayMetadata of a frame: ten fractions, then whether colours and light are known."""
    data = side_data(frame, "MASTERING_DISPLAY_METADATA")
    if data is None or data.buffer_size < 88:
        return None
    numbers = np.frombuffer(memoryview(data), "<i4")[:22].astype(np.int64)
    if not numbers[20] or not numbers[21]:
        return None
    values = numbers[:20:2] / np.maximum(numbers[1:20:2], 1)
    red, green, blue, white = ((round(x * XY), round(y * XY)) for x, y in values[:8].reshape(4, 2).tolist())
    return Mastering(red, green, blue, white, round(float(values[8]) * NITS), round(float(values[9]) * NITS))


def light_of(frame: av.VideoFrame) -> tuple[int, int] | None:
    """The brightest pixel and the brightest average of a frame, cd/m2."""
    data = side_data(frame, "CONTENT_LIGHT_LEVEL")
    if data is None or data.buffer_size < 8:
        return None
    most, average = np.frombuffer(memoryview(data), "<u4")[:2].tolist()
    return int(most), int(average)


def kinds_not_kept(frame: av.VideoFrame) -> set[str]:
    """What goes with a frame and can't be written again."""
    try:
        everything: Any = frame.side_data  # a sequence too, which its stub does not say
        kinds = [everything[number].type.name for number in range(len(everything))]
    except ValueError:  # a kind that PyAV does not know
        return set()
    return {NOT_KEPT[kind] for kind in kinds if kind in NOT_KEPT}


def chroma_place(container: InputContainer, index: int) -> str:
    """Where a stream's chroma samples stand, by FFmpeg's name; "" where nobody says.

    PyAV shows it nowhere but in FFmpeg's own description of a file, which names it when asked to be verbose.
    """
    with _dumping:
        before = av.logging.get_level()
        av.logging.set_libav_level(av.logging.VERBOSE)
        av.logging.set_level(av.logging.VERBOSE)
        try:
            text = str(container.dumps_format())  # type: ignore[attr-defined]  # its stub forgot it
        finally:
            av.logging.set_level(before)
            av.logging.set_libav_level(av.logging.INFO)
    for line in text.splitlines():
        if re.match(rf"\s*Stream #\d+:{index}\D", line):
            found = _PLACE.search(line)
            return found[1] if found else ""
    return ""


def turned_place(place: str, matrix: tuple[int, ...] | None) -> str | None:
    """Where chroma stands once the picture is upright (see color.orient); None where no name says it."""
    if matrix is None or place not in PLACES:
        return place
    x, y = PLACES[place]
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    turned = abs(b) + abs(c) > abs(a) + abs(d)
    mirror_x, mirror_y = (c < 0, b < 0) if turned else (a < 0, d < 0)
    x, y = (y, x) if turned else (x, y)
    spot = (1 - x if mirror_x else x, 1 - y if mirror_y else y)
    return next((name for name, where in PLACES.items() if where == spot), None)
