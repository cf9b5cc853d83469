"""Edit faces in video: a smile, years, glasses, and nothing else in the file changes.

    from videdit import edit_video, edit_frame, edit_frames, load_pack
    edit_video("in.mp4", "out.mp4", {"smile": 0.5})

Importing this imports neither torch nor OpenCV; the first use does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from videdit.config import Settings
    from videdit.curves import Curve
    from videdit.packs.load import Pack, load_pack
    from videdit.pipeline import ClipReport, edit_frame, edit_frames, edit_video, preview

__version__ = "0.1.0"
__all__ = ["ClipReport", "Curve", "Pack", "Settings", "__version__", "edit_frame", "edit_frames", "edit_video", "load_pack", "preview"]

_HOMES = {
    "Curve": "videdit.curves",
    "Settings": "videdit.config",
    "Pack": "videdit.packs.load",
    "load_pack": "videdit.packs.load",
    "ClipReport": "videdit.pipeline",
    "edit_frame": "videdit.pipeline",
    "edit_frames": "videdit.pipeline",
    "edit_video": "videdit.pipeline",
    "preview": "videdit.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'videdit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
