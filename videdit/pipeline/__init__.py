"""Wires the stages; nothing else does.

watch    pass 1: decode -> faces -> crops -> latents          people.py holds the streaming part
changes  latents -> edited latents -> renders -> changes
scene    what pass 2 is made from: people, edits, a key of all that it depends on
clip     edit_video: both passes, cache, tuning, files
parts    a long clip in parts, by several processes at once
roster   the people of a clip: a list, and a picture of them
stills   edit_frame(s), preview, sheet, ladder
"""

from __future__ import annotations

from videdit.pipeline.clip import OnFrame, edit_video
from videdit.pipeline.report import ClipReport, Progress
from videdit.pipeline.roster import find_people, known, people_picture
from videdit.pipeline.stills import edit_frame, edit_frames, ladder, preview, sheet

__all__ = [
    "ClipReport",
    "OnFrame",
    "Progress",
    "edit_frame",
    "edit_frames",
    "edit_video",
    "find_people",
    "known",
    "ladder",
    "people_picture",
    "preview",
    "sheet",
]
