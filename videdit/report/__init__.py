"""What was done to files, measured and shown: an observer for `edit_video`, and pages of HTML that need nothing else.

observe   looks at every frame before and after, person by person
page      a list of clip reports -> a page
index     a list of clip reports that have pages -> a page that links them
plots     lines as SVG

Only the observer needs torch, so it is imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videdit.report.index import index
from videdit.report.page import figures_of, page

if TYPE_CHECKING:
    from videdit.report.observe import Observer

__all__ = ["Observer", "figures_of", "index", "page"]


def __getattr__(name: str) -> Any:
    if name != "Observer":
        raise AttributeError(f"module 'videdit.report' has no attribute {name!r}")
    from videdit.report.observe import Observer

    return Observer
