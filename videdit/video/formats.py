"""Which files we take: suffixes, containers and how a file is recognised. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["clip", "gif", "picture"]

# Suffix -> FFmpeg's name of the container it is written as.
CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
    ".mts": "mpegts",
    ".m2ts": "mpegts",
    ".flv": "flv",
    ".3gp": "3gp",
}
# Read, but not written: these can't hold the times or the streams.
READ_ONLY = frozenset({".mpg", ".mpeg", ".wmv", ".asf", ".ogv", ".vob", ".mxf"})
# Suffix -> Pillow's name of the format it is written as.
PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF"}
GIFS = (".gif",)

CLIP_SUFFIXES = frozenset(CONTAINERS)
PICTURE_SUFFIXES = frozenset(PICTURES)
SUFFIXES = CLIP_SUFFIXES | PICTURE_SUFFIXES | frozenset(GIFS)
READ_SUFFIXES = SUFFIXES | READ_ONLY

_PICTURE_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")


def kind_of_suffix(path: Path) -> Kind | None:
    """What a file of this name is written as; None for a suffix we don't write."""
    suffix = path.suffix.lower()
    if suffix in CONTAINERS:
        return "clip"
    if suffix in PICTURES:
        return "picture"
    return "gif" if suffix in GIFS else None


def kind_of_file(path: Path) -> Kind:
    """What a file is, by its first bytes; whatever is no picture and no GIF is left to FFmpeg as a clip. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(_PICTURE_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if head.startswith(b"BM") and path.suffix.lower() == ".bmp":
        return "picture"
    return "clip"
