"""A sentence about the file, such as what was edited in it, where each format has a place for one. What stands there already stays."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import av
import av.error
from PIL import ExifTags, Image, PngImagePlugin

from videdit.video.formats import kind_of_suffix

NO_PLACE = ("mpegts", "BMP")  # formats without one
MARK = "AI-edited"  # every note begins so
COMMENT = b"\x21\xfe"  # introduces a GIF's comment extension


def no_place(format_name: str) -> str:
    """The warning for a format that holds no words."""
    return f"{format_name} can't carry the note that the file was edited by AI"


def add_words(metadata: MutableMapping[str, str], note: str) -> None:
    """Put a note into a container's metadata: `comment`, the one word that mp4, mov, 3gp, mkv, webm, avi and flv all have."""
    key = next((known for known in metadata if known.lower() == "comment"), "comment")
    metadata[key] = joined(metadata.get(key, ""), note)


def joined(old: str, note: str) -> str:
    """A note behind what is there."""
    old = old.strip("\0 \n")
    return f"{old}; {note}" if old and note else old or note


def picture_words(kind: str, words: dict[str, str], exif: bytes, note: str) -> dict[str, Any]:
    """Options of Pillow's `save` that write a note into a picture of a kind, and the words that stood in the source.

    words: the source's text chunks (PNG) by name, its comment (JPEG) as "Comment". JPEG gets a comment, PNG text chunks, WebP
    and TIFF the EXIF description; BMP has no place.
    """
    words = {**words, **({"Comment": joined(words.get("Comment", ""), note)} if note else {})}
    match kind:
        case "JPEG":
            return {"comment": words["Comment"].encode()} if "Comment" in words else {}
        case "PNG":
            chunks = PngImagePlugin.PngInfo()
            for name, value in words.items():
                chunks.add_itxt(name, value)
            return {"pnginfo": chunks}
        case "WEBP" | "TIFF":
            known = Image.Exif()
            known.load(exif or b"")
            description = joined(str(known.get(ExifTags.Base.ImageDescription, "")), note)
            if kind == "TIFF":
                return {"description": description} if description else {}
            if note:
                known[ExifTags.Base.ImageDescription] = description
            return {"exif": known.tobytes() if note else exif}
    return {}


def read_words(image: Image.Image) -> dict[str, str]:
    """The words of an opened picture, as `picture_words` takes them."""
    words = {str(name): str(value) for name, value in getattr(image, "text", {}).items()} if image.format == "PNG" else {}
    comment = image.info.get("comment", b"")
    if comment and image.format in ("JPEG", "GIF"):
        words["Comment"] = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    return words


def gif_comment(path: Path) -> str:
    """The comment before a GIF's first picture; empty where there is none."""
    try:
        with Image.open(path) as image:
            return read_words(image).get("Comment", "")
    except Exception:  # Pillow raises anything on damaged files; what can't be read says nothing
        return ""


def add_gif_comment(path: Path, text: str) -> None:
    """Put a comment extension before the first picture of a GIF89a, in place. Raises OSError."""
    data = path.read_bytes()
    table = 3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0  # the palette that follows the 13 bytes of the header
    raw = text.encode()
    blocks = b"".join(bytes([len(part)]) + part for part in (raw[i : i + 255] for i in range(0, len(raw), 255)))
    path.write_bytes(data[: 13 + table] + COMMENT + blocks + b"\0" + data[13 + table :])


def note_in(path: Path) -> str:
    """The note in a written clip, GIF or picture, for what is made of it; empty where there is none."""
    if kind_of_suffix(path) != "clip":
        try:
            with Image.open(path) as image:
                said = read_words(image).get("Comment") or str(image.getexif().get(ExifTags.Base.ImageDescription, ""))
        except (OSError, SyntaxError, ValueError):
            return ""
    else:
        try:
            with av.open(f"file:{path}", metadata_errors="replace") as container:
                metadata = dict(container.metadata)
        except av.error.FFmpegError:
            return ""
        said = next((value for key, value in metadata.items() if key.lower() == "comment"), "")
    return said[said.find(MARK) :] if MARK in said else ""
