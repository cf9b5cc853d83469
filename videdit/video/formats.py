"""Which files we take: suffixes, containers and how a file is recognised. Imports nothing heavy."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Literal

# animation: APNG and animated WebP; sequence: numbered pictures
Kind = Literal["clip", "gif", "animation", "picture", "sequence"]

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
# Suffix -> FFmpeg's name of the muxer of a picture that moves. A .png or .webp is one when its source moves.
ANIMATIONS = {".apng": "apng", ".png": "apng", ".webp": "webp"}

CLIP_SUFFIXES = frozenset(CONTAINERS)
PICTURE_SUFFIXES = frozenset(PICTURES)
SUFFIXES = CLIP_SUFFIXES | PICTURE_SUFFIXES | frozenset(GIFS) | frozenset(ANIMATIONS)
READ_SUFFIXES = SUFFIXES | READ_ONLY

_PICTURE_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")


LONGEST_NAME = 255  # bytes, on nearly every file system

_NUMBER = re.compile(r"%(0?\d*)d")


def kind_of_suffix(path: Path, source: Kind | None = None) -> Kind | None:
    """What a file of this name is written as, from a source of a kind; None for a suffix we don't write."""
    suffix = path.suffix.lower()
    if is_sequence(path):
        return "sequence" if suffix in PICTURES else None
    if suffix in CONTAINERS:
        return "clip"
    if suffix == ".apng" or (suffix == ".webp" and source not in (None, "picture")) or (suffix == ".png" and source == "animation"):
        return "animation"
    if suffix in PICTURES:
        return "picture"
    return "gif" if suffix in GIFS else None


def kind_of_file(path: Path) -> Kind:
    """What a file is, by its first bytes; whatever is no picture and no GIF is left to FFmpeg as a clip. Raises OSError."""
    if is_sequence(path):
        return "sequence"
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if _moves(head):
        return "animation"
    if head.startswith(_PICTURE_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if head.startswith(b"BM") and path.suffix.lower() == ".bmp":
        return "picture"
    return "clip"


def _moves(head: bytes) -> bool:
    """Whether a PNG announces frames before its first picture, or a WebP carries the flag of an animation."""
    if head.startswith(_PICTURE_MAGIC[0]):
        return b"acTL" in head[: head.find(b"IDAT") if b"IDAT" in head else None]
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def part_of(target: Path) -> Path:
    """Where a file is written until it is whole: beside it, `.part` behind its name; a name too long for that becomes a short one."""
    name = os.fsencode(target.name)
    if len(name) + len(".part") > LONGEST_NAME:
        return target.with_name(f"{hashlib.sha256(name).hexdigest()[:16]}.part")
    return target.with_name(target.name + ".part")


def is_sequence(path: Path) -> bool:
    """Whether a name stands for numbered pictures, such as frames/%04d.png; a file that is called so is itself."""
    return _NUMBER.search(path.name) is not None and not path.is_file()


def numbered(path: Path) -> dict[int, Path]:
    """The files of a sequence that are there, by number, in order."""
    match = _NUMBER.search(path.name)
    if match is None or not path.parent.is_dir():
        return {}
    digits = int(match[1] or 0)
    wanted = re.compile(re.escape(path.name[: match.start()]) + r"(\d+)" + re.escape(path.name[match.end() :]))
    found = {}
    for file in path.parent.iterdir():
        number = wanted.fullmatch(file.name)
        if number and len(number[1]) >= digits and (len(number[1]) == digits or not number[1].startswith("0") or number[1] == "0"):
            found[int(number[1])] = file
    return dict(sorted(found.items()))


def at_number(path: Path, number: int) -> Path:
    """The file of a sequence with a number."""
    return path.with_name(_NUMBER.sub(lambda match: f"%{match[1]}d" % number, path.name, count=1))
