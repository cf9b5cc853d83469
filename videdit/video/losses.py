"""What a written file says, held against its source: whatever was lost and nobody has announced, is announced here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from videdit.video.color import coarse_chroma
from videdit.video.copying import stale
from videdit.video.probe import ClipInfo, StreamInfo

TAGS = {"primaries": "colour primaries", "transfer": "transfer", "space": "colour matrix", "range": "range"}
UNSAID = {"primaries": (0, 2), "transfer": (0, 2), "space": (2,), "range": (0, 1)}  # limited range is what no tag means
# Words a muxer makes up or drops as it likes, and that say nothing of the clip.
OWN_WORDS = re.compile(
    r"(handler_name|vendor_id|language|alpha_mode|stereo_mode|filename|mimetype|timecode|comment_language)$", re.IGNORECASE
)


def losses(before: ClipInfo, after: ClipInfo, *, copied: Mapping[int, int], format_name: str) -> Iterator[str]:
    """What `after` does not say any more, a line each. copied: stream numbers of the source and of the output."""
    yield from _colour(before, after, format_name)
    if before.fields and before.fields != after.fields and not (before.fields == "unknown" and after.fields):
        yield f"the order of fields is not kept: {before.fields} became {after.fields or 'whole frames'}"
    if before.aspect != after.aspect:
        yield f"{format_name} does not keep the shape of pixels {before.aspect}: {after.aspect} is written"
    if before.timecode and before.timecode != after.timecode:
        yield f"{format_name} does not keep the timecode {before.timecode}"
    for key in _lost(before.metadata, after.metadata, after.metadata):
        yield f"{format_name} does not keep the metadata {key!r}"
    yield from _streams(before, after, copied, format_name)


def _colour(before: ClipInfo, after: ClipInfo, format_name: str) -> Iterator[str]:
    """Tags and HDR; RGB that became YUV has tags of its own."""
    codec = after.codec.replace("libdav1d", "av1")
    for name, words in TAGS.items():
        was, now = before.color.tags.get(name, 2), after.color.tags.get(name, 2)
        own = before.color.matrix == "rgb" and name in ("space", "range")
        same = was == now or (name == "space" and {was, now} == {5, 6})  # two names of one matrix
        if not same and not own and was not in UNSAID[name]:
            yield f"{format_name} with {codec} does not keep the {words} {was}: {now if now not in UNSAID[name] else 'nothing'} is written"
    if before.mastering and not before.mastering.same(after.mastering):
        yield f"{format_name} with {codec} does not keep the mastering display"
    if before.light and any(before.light) and before.light != after.light:
        yield f"{format_name} with {codec} does not keep the content light levels"
    said = before.chroma_place not in ("", "left") and coarse_chroma(after.pix_fmt)  # left is what no tag means
    if said and before.chroma_place != after.chroma_place:
        yield f"{format_name} with {codec} does not keep where chroma stands ({before.chroma_place})"


def _streams(before: ClipInfo, after: ClipInfo, copied: Mapping[int, int], format_name: str) -> Iterator[str]:
    """Words, languages and dispositions of what was copied."""
    there = {stream.index: stream for stream in after.streams}
    for stream in before.streams:
        if stream.index not in copied:
            continue  # it was announced that it is left out
        found = there.get(copied[stream.index])
        name = f"{stream.type} stream {stream.index}"
        if found is None:
            yield f"{format_name} does not show {name} any more"
            continue
        yield from _words(stream, found, after, name, format_name)


def _words(stream: StreamInfo, found: StreamInfo, after: ClipInfo, name: str, format_name: str) -> Iterator[str]:
    if stream.language not in ("", "und") and stream.language != found.language:
        yield f"{format_name} does not keep the language of {name} ({stream.language})"
    for key in _lost(stream.metadata, found.metadata, after.metadata):
        yield f"{format_name} does not keep the metadata {key!r} of {name}"
    if stream.disposition & ~found.disposition:
        yield f"{format_name} does not keep every flag of {name}, such as default or forced"


def _lost(before: Mapping[str, str], after: Mapping[str, str], elsewhere: Mapping[str, str]) -> list[str]:
    """Keys whose words are not in the written file; formats spell keys in capitals or small letters as they like."""
    there = {(key.lower(), value) for words in (after, elsewhere) for key, value in words.items()}
    wanted = [key for key in before if not stale(key) and not OWN_WORDS.match(key) and before[key]]
    return [key for key in wanted if (key.lower(), before[key]) not in there]
