"""Pictures encoded in segments that stand on their own, each kept once it is whole, and joined at the end without encoding again.

Every SEGMENT frames a new encoder begins, with the same settings. What it makes depends on the frames of its segment alone, so
a clip that is gone on with after a segment gives the bytes that it would have given in one go; there the segments are the same. The
encoders' headers are the same too, so packets behind one another are a stream; only the decoding times are counted anew over all of
it. A clip of one segment is what one encoder makes.

On disk: `000003.part` while a segment is written, then `000003.seg` (see store.durable for the order, packets.py for what is in it).
There is no list of segments beside them that could disagree: those that are whole, from 0 without a gap, are what is done.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from videdit.store.durable import commit
from videdit.types import Frame
from videdit.video.color import has_alpha
from videdit.video.container import CopiesRefusedError, Muxer, ticks_of
from videdit.video.encoders import add_video
from videdit.video.encoding import Encoding, Times
from videdit.video.marks import Mark
from videdit.video.packets import PacketFile, PacketsDamagedError, Times3, read_facts, read_packets
from videdit.video.patience import blocked
from videdit.video.probe import ClipInfo

SEGMENT = 48  # frames
# Encoders whose segments were joined and decoded in tests; with others, an edit that is cut short begins again with its first frame.
JOINED = ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "libvpx", "prores_ks", "ffv1", "mpeg4", "mpeg2video", "qtrle")


@dataclass(frozen=True, slots=True)
class Segment:
    """One that is whole: its file, frames, the mark of the source's last frame in it, and the encoder's times behind it.

    behind: what whoever made it took for the mark and the times of the segment before; None for the first.
    """

    path: Path
    frames: int
    mark: Mark
    times: Times
    packets: list[Times3]
    behind: tuple[Mark, Times] | None = None


def segments_in(folder: Path, key: str) -> list[Segment]:
    """What is done of an edit; segments of another key, damaged ones and all behind them are removed, and so are those that were made by
    who took another frame for the one before (see `pipeline.parts`)."""
    found: list[Segment] = []
    for number in range(len(list(folder.glob("*.seg")))):
        segment = segment_at(folder, number, key)
        if segment is None or (found and segment.behind != (found[-1].mark, found[-1].times)):
            break
        found.append(segment)
    known = {segment.path for segment in found}
    for path in folder.glob("*"):
        if path not in known:
            path.unlink(missing_ok=True)
    return found


def _place(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.seg"


def segment_at(folder: Path, number: int, key: str) -> Segment | None:
    """A segment that is whole and of this key."""
    path = _place(folder, number)
    try:
        facts, packets = read_facts(path)
        if facts["key"] != key:
            return None
        behind = facts["behind"] and (Mark.of_json(facts["behind"]["mark"]), _times(facts["behind"]["times"]))
        return Segment(path, int(facts["frames"]), Mark.of_json(facts["mark"]), _times(facts["times"]), packets, behind)
    except (OSError, PacketsDamagedError, ValueError, KeyError, TypeError):
        return None


def _times(values: dict[str, Any]) -> Times:
    """From plain values. Raises KeyError, ValueError, TypeError."""
    return Times(Fraction(values["first"]), Fraction(values["end"]), int(values["last"]), bool(values["moved"]))


def _plain(times: Times) -> dict[str, Any]:
    return {"first": str(times.first), "end": str(times.end), "last": times.last, "moved": times.moved}


@dataclass(slots=True)
class Kept:
    """Where the segments of an edit are kept: a folder, a key of all that its frames depend on, and those that are done."""

    folder: Path
    key: str
    done: list[Segment]

    @classmethod
    def at(cls, folder: Path, key: str) -> Kept:
        """What there is of an edit in a folder, which is made where it is missing. Raises OSError."""
        folder.mkdir(exist_ok=True)
        return cls(folder, key, segments_in(folder, key))

    def forget(self) -> None:
        """Begin again. Raises OSError."""
        for segment in self.done:
            segment.path.unlink(missing_ok=True)
        self.done = []

    @property
    def frames(self) -> int:
        """How many frames are done."""
        return sum(segment.frames for segment in self.done)

    @property
    def mark(self) -> Mark | None:
        """Behind which frame of the source to go on; None at the start, and where all is done but the joining."""
        return self.done[-1].mark if self.done and self.done[-1].mark.index >= 0 else None

    @property
    def whole(self) -> bool:
        """Whether there is nothing left to do but to join: the last segment, which nobody goes on behind, is there."""
        return bool(self.done) and self.mark is None


class SegmentSink:
    """A ContainerSink that keeps what is done, and goes on behind it. first: the clip's first frame, where some is done already."""

    def __init__(
        self,
        part: Path,
        container: str,
        info: ClipInfo,
        *,
        crf: float | None,
        encoder: str,
        note: str = "",
        kept: Kept,
        first: Frame | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self._part, self._container, self._info, self._note = part, container, info, note
        self._crf, self._encoder, self._kept, self._first = crf, encoder, kept, first
        self._now: _Part | None = None
        self._muxer: Muxer | None = None
        self.left = False  # nobody waits for us any more: another process may be at work on this output

    @property
    def steps(self) -> int:
        """Grows while a call of this sink gets on."""
        return (self._now.encoding.steps if self._now else 0) + (self._muxer.steps if self._muxer else 0)

    def write(self, frame: Frame, mark: Mark | None = None) -> None:
        """Encode a frame; mark: of the source's frame where it is the last of a segment (see `ends`). Raises OSError."""
        if self._first is None:
            self._first = frame
        if self._now is None:
            self._now = self._begin(self._first)
        self._now.add(frame)
        if self._now.frames == SEGMENT:
            self._keep(self._now, mark or Mark.none())

    def finish(self) -> None:
        """Keep what is left, join all segments, close the file; alone where nothing whole comes of what would be copied beside them."""
        self.keep()
        try:
            self._join(copies=True)
        except CopiesRefusedError:
            self._join(copies=False)
            self.warnings.append(f"{self._container} does not take the other streams of {self._info.path.name}: left out")

    def _join(self, *, copies: bool) -> None:
        assert self._first is not None
        done, crf, encoder = self._kept.done, self._crf, self._encoder
        self._muxer = Muxer(self._part, self._container, self._info, crf=crf, encoder=encoder, note=self._note, copies=copies)
        stream, ticks = self._muxer.open(self._first)
        self._muxer.mux(joined(done, stream, ticks))
        self._muxer.finish(done[-1].times)
        self.warnings += self._muxer.warnings

    def keep(self) -> None:
        """Keep what is left as the clip's last segment. Raises OSError."""
        if self._now is not None:
            self._keep(self._now, Mark.none())

    def abort(self) -> None:
        """Let go of what is not whole."""
        if self._now is not None:
            self._now.close()
        if self._muxer is not None:
            self._muxer.abort()

    def _begin(self, first: Frame) -> _Part:
        """A segment with a new encoder, in a container that nothing is written to: it says what encoders do in that format."""
        done, time_base = self._kept.done, ticks_of(self._info, first, self._container)
        times = replace(done[-1].times) if done else Times()
        scratch = av.open(io.BytesIO(), "w", format=self._container)
        stream, _ = add_video(scratch, self._encoder, first, self._info, crf=self._crf, time_base=time_base)
        encoding = Encoding(stream, self._info, first, container=self._container, time_base=time_base, times=times)
        return _Part(scratch, encoding, PacketFile(_place(self._kept.folder, len(done)).with_suffix(".part")))

    def _keep(self, part: _Part, mark: Mark) -> None:
        """The segment at work becomes one that is done."""
        part.end()
        done, times, place = self._kept.done, part.encoding.times, _place(self._kept.folder, len(self._kept.done))
        behind = {"mark": asdict(done[-1].mark), "times": _plain(done[-1].times)} if done else None
        facts = {"key": self._kept.key, "frames": part.frames, "mark": asdict(mark), "times": _plain(times), "behind": behind}
        part.file.close(facts)
        part.close()
        if self.left:
            raise blocked(self._part)
        commit(place.with_suffix(".part"), place)
        done.append(Segment(place, part.frames, mark, times, part.packets))
        self._now = None


def ends(number: int) -> bool:
    """Whether frame `number`, counted from 0, is the last of its segment."""
    return (number + 1) % SEGMENT == 0


def joins(container: str, encoder: str, pix_fmt: str) -> bool:
    """Whether segments of an encoder can be joined; packets of VP8 and VP9 with transparency have a second half that we can't keep."""
    if has_alpha(pix_fmt) and (container == "webm" or encoder.startswith("libvpx")):
        return False
    return encoder in JOINED


@dataclass(slots=True)
class _Part:
    """A segment being written; scratch: the container that its encoder belongs to."""

    scratch: av.container.OutputContainer
    encoding: Encoding
    file: PacketFile
    packets: list[Times3] = field(default_factory=list)
    frames: int = 0

    def add(self, frame: Frame) -> None:
        """Encode a frame."""
        self._write(self.encoding.encode(frame))
        self.frames += 1

    def end(self) -> None:
        """Empty the encoder."""
        self._write(self.encoding.rest())

    def close(self) -> None:
        """Let go of the file and the encoder, which would wait for the garbage collector with all the pictures it holds."""
        self.file.abort()
        self.scratch.close()

    def _write(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            self.file.write(packet)
            self.packets.append(Times3(packet.pts, packet.dts, int(packet.duration or 0)))


def joined(segments: list[Segment], stream: av.VideoStream, ticks: Fraction) -> Iterator[av.Packet]:
    """The packets of all segments, counted in `ticks` s, as packets of one stream. Raises OSError, PacketsDamagedError."""
    dts = decoding_times([segment.packets for segment in segments])
    for segment in segments:
        for packet in read_packets(segment.path, ticks):
            packet.dts = next(dts)
            packet.stream = stream
            yield packet


def decoding_times(segments: list[list[Times3]]) -> Iterator[int | None]:
    """The dts of packets of segments that follow each other, in decoding order.

    One encoder counts from below its first pts; where frames are unevenly spaced, one behind another would begin below the last dts
    of the one before. Over all packets it is what x264 does over its own: the pts in order, `late` packets later, `late` being how
    many packets may come before one that is shown earlier.
    """
    if len(segments) < 2 or any(times.pts is None or times.dts is None for segment in segments for times in segment):
        yield from (times.dts for segment in segments for times in segment)
        return
    shown = [pts for segment in segments for pts in sorted(times.pts for times in segment if times.pts is not None)]
    late = max(_late(segment) for segment in segments)
    late = min(late, len(shown) - 1)
    for number in range(len(shown)):
        yield shown[number - late] if number >= late else shown[number] - (shown[late] - shown[0])


def _late(packets: list[Times3]) -> int:
    """How many packets have a dts before anything is shown."""
    first = min((times.pts for times in packets if times.pts is not None), default=0)
    return sum(times.dts is not None and times.dts < first for times in packets)
