"""What was done to files, measured and shown: an observer for `edit_video`, and one page of HTML that needs nothing else.

observe   looks at every frame before and after, person by person
page      a list of clip reports -> a page
plots     lines as SVG
"""

from __future__ import annotations

from videdit.report.observe import Observer
from videdit.report.page import page

__all__ = ["Observer", "page"]
