"""Between FFmpeg's frames and ours: planes, sample formats, colour tags, orientation.

Planar YUV, RGB and gray keep their samples to the bit. Packed formats go to the planar format that holds the same samples
(nv12 -> yuv420p, rgb24 -> gbrp, a palette -> gbrap), so that conversion loses nothing either.
"""

from __future__ import annotations

import re
from fractions import Fraction

import av
import numpy as np
from av.buffer import Buffer
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from videdit.types import Color, Frame

Planes = tuple[NDArray[np.integer], ...]

# FFmpeg's AVColorSpace -> ours. 4 (FCC) and 7 (SMPTE 240M) differ from their neighbours by less than a level or two.
SPACES = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt2020", 10: "bt2020"}
UNSPECIFIED, FULL_RANGE = 2, 2
SPACE_OF = {"bt709": 1, "bt601": 6, "bt2020": 9}
# Display matrices of quarter turns counter-clockwise.
QUARTERS = {
    1: (0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30),
    2: (-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30),
    3: (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
}
SEMI_PLANAR = ("nv12", "p010le", "p016le", "nv16", "p210le", "p216le", "nv24")

_PLANAR = re.compile(r"(yuva?(420|422|444|440|411|410)p(9|10|12|14|16)?(le)?|gbrap?(9|10|12|14|16)?(le)?|gray(9|10|12|14|16)?(le)?)$")
_SAME_SAMPLES = {
    **{"nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "nv24": "yuv444p", "nv42": "yuv444p", "nv20le": "yuv422p10le"},
    **{f"p0{depth}{end}": f"yuv420p{depth}le" for depth in (10, 12, 16) for end in ("le", "be")},
    **{f"p2{depth}{end}": f"yuv422p{depth}le" for depth in (10, 12, 16) for end in ("le", "be")},
    **{f"p4{depth}{end}": f"yuv444p{depth}le" for depth in (10, 12, 16) for end in ("le", "be")},
    **dict.fromkeys(("yuyv422", "uyvy422", "yvyu422"), "yuv422p"),
    "uyyvyy411": "yuv411p",
    "vuyx": "yuv444p",
    **dict.fromkeys(("vuya", "ayuv", "uyva"), "yuva444p"),
    "y210le": "yuv422p10le",
    **dict.fromkeys(("rgba", "bgra", "argb", "abgr", "pal8", "ya8"), "gbrap"),
    **dict.fromkeys(("rgb48le", "rgb48be", "bgr48le", "bgr48be"), "gbrp16le"),
    **dict.fromkeys(("rgba64le", "rgba64be", "bgra64le", "bgra64be", "ya16le", "ya16be"), "gbrap16le"),
    **dict.fromkeys(("x2rgb10le", "x2bgr10le"), "gbrp10le"),
    **dict.fromkeys(("monow", "monob"), "gray"),
}


def planar_format(name: str) -> str:
    """The planar, little-endian format that holds the samples of FFmpeg's format `name`."""
    name = re.sub(r"^yuvj", "yuv", name)
    if _PLANAR.match(name):
        return name
    if name in _SAME_SAMPLES:
        return _SAME_SAMPLES[name]
    little = re.sub(r"be$", "le", name)
    if _PLANAR.match(little):
        return little
    return "gbrp" if av.VideoFormat(name).is_rgb else "yuv444p"


def depth_of(name: str) -> int:
    """Bits of a sample."""
    return max(component.bits for component in av.VideoFormat(name).components)


def coarse_chroma(name: str) -> bool:
    """Whether a chroma sample stands for several of luma."""
    return not is_rgb(name) and not name.startswith("gray") and _chroma(name) != (1, 1)


def is_rgb(name: str) -> bool:
    """True for formats of red, green and blue."""
    return av.VideoFormat(name).is_rgb


def color_of(frame: av.VideoFrame) -> Color:
    """The colour of a decoded frame: its tags where it has some; untagged is BT.709 from 720 lines up, else BT.601."""
    name = planar_format(frame.format.name)
    space = int(frame.colorspace)
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    if is_rgb(name):
        matrix, full = "rgb", True
    else:
        matrix = SPACES.get(space) or ("bt709" if frame.height >= 720 else "bt601")
        full = full or (name.startswith("gray") and frame.format.name.startswith("mono"))
    tags = {
        "primaries": int(frame.color_primaries),
        "transfer": int(frame.color_trc),
        "space": space,
        "range": FULL_RANGE if full and matrix != "rgb" else int(frame.color_range),
    }
    return Color(matrix, full, depth_of(name), tags)


def planes_of(frame: av.VideoFrame) -> Planes:
    """Copies of a decoded frame's planes, uint8 or uint16; the decoder may still read its own."""
    name = planar_format(frame.format.name)
    source = re.sub(r"^yuvj", "yuv", frame.format.name)
    if source != name:
        frame = frame.reformat(format=name)
    return tuple(np.array(_view(plane, name)) for plane in frame.planes)


def _view(plane: VideoPlane, name: str) -> NDArray[np.integer]:
    """A plane's samples [h,w] without its padding."""
    dtype: type[np.integer] = np.uint8 if depth_of(name) == 8 else np.uint16
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)[:, : plane.width]
    return rows[::-1] if plane.line_size < 0 else rows


def orient(planes: Planes, matrix: tuple[int, ...] | None) -> Planes:
    """The planes upright: FFmpeg's display matrix (9 integers), of which multiples of 90 degrees and mirrors count."""
    if matrix is None:
        return planes
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    turned = abs(b) + abs(c) > abs(a) + abs(d)
    mirror_x, mirror_y = (c < 0, b < 0) if turned else (a < 0, d < 0)
    if not (turned or mirror_x or mirror_y):
        return planes
    out = []
    for plane in planes:
        upright = plane.T if turned else plane
        upright = upright[:, ::-1] if mirror_x else upright
        upright = upright[::-1] if mirror_y else upright
        out.append(np.ascontiguousarray(upright))
    return tuple(out)


def turns(matrix: tuple[int, ...] | None) -> bool:
    """True when the display matrix swaps width and height."""
    return matrix is not None and abs(matrix[1]) + abs(matrix[3]) > abs(matrix[0]) + abs(matrix[4])


def turned_format(name: str) -> str:
    """The format of planes whose rows became columns: 4:2:2 halves rows then (4:4:0), and back."""
    if "422" in name:
        return name.replace("422", "440")
    return name.replace("440", "422")


def side_data(frame: av.VideoFrame, name: str) -> Buffer | None:
    """What goes with a frame under FFmpeg's name; None where it has none.

    PyAV can't list a frame's at all when one is of a kind it does not know, such as EXIF.
    """
    try:
        data = frame.side_data.get(name)
    except ValueError:
        return None
    return data if isinstance(data, Buffer) else None


def display_matrix(frame: av.VideoFrame) -> tuple[int, ...] | None:
    """The frame's display matrix as 9 integers."""
    data = side_data(frame, "DISPLAYMATRIX")
    if data is None:
        return QUARTERS.get(round(frame.rotation / 90) % 4)
    return tuple(int(value) for value in np.frombuffer(memoryview(data), "<i4")[:9])


def to_video_frame(frame: Frame) -> av.VideoFrame:
    """FFmpeg's frame with the same samples, tags and time."""
    out = av.VideoFrame(frame.width, frame.height, frame.pix_fmt)
    for plane, samples in zip(out.planes, frame.planes, strict=True):
        _view(plane, frame.pix_fmt)[...] = samples
    tags = frame.color.tags
    out.colorspace = SPACE_OF.get(frame.color.matrix, tags.get("space", UNSPECIFIED))
    out.color_range = FULL_RANGE if frame.color.full_range else 1
    out.color_primaries, out.color_trc = tags.get("primaries", UNSPECIFIED), tags.get("transfer", UNSPECIFIED)
    out.pts, out.time_base = frame.pts, Fraction(frame.time_base)
    out.duration = frame.duration
    return out


def closest_format(name: str, supported: tuple[str, ...], *, odd: bool) -> str:
    """The encoder's format nearest to `name`.

    What is lost counts before what is gained; RGB becomes 4:2:0, which is what players take. odd: the picture has an odd side, which
    4:2:0 and 4:2:2 encoders refuse.
    """
    if is_rgb(name) and name not in supported:
        name = "yuva420p" if has_alpha(name) else "yuv420p"
    usable = [other for other in supported if _plain(other) and not (odd and _chroma(other) != (1, 1))]
    if name in usable:
        return name
    return min(usable or list(supported), key=lambda other: _distance(name, other))


def _distance(name: str, other: str) -> tuple[int, ...]:
    """How far an encoder's format is from the wanted one."""
    chroma, wanted = _chroma(other), _chroma(name)
    lost = sum(max(0, mine - want) for mine, want in zip(chroma, wanted, strict=True))
    gained = sum(max(0, want - mine) for mine, want in zip(chroma, wanted, strict=True))
    depth = depth_of(other) - depth_of(name)
    gray = other.startswith("gray") and not name.startswith("gray")
    clear, wanted_clear = has_alpha(other), has_alpha(name)
    kind = (int(gray), int(is_rgb(other) != is_rgb(name)), int(wanted_clear and not clear))
    return (*kind, max(0, -depth), lost, max(0, depth), gained, int(clear))


def _plain(name: str) -> bool:
    """Whether frames can be converted to it: planar, or with the two chromas in one plane, as hardware has them."""
    return planar_format(name) == name or name in SEMI_PLANAR


def has_alpha(name: str) -> bool:
    """Whether the format carries transparency."""
    return any(component.is_alpha for component in av.VideoFormat(name).components)


def _chroma(name: str) -> tuple[int, int]:
    """Luma samples per chroma sample, across and down."""
    layout = av.VideoFormat(name, 64, 64)
    return (1, 1) if name.startswith("gray") else (64 // layout.chroma_width(64), 64 // layout.chroma_height(64))
