"""What is kept between runs."""

from __future__ import annotations

from videdit.store.cache import Cache, Entry, content_key, default_folder, stage_key
from videdit.store.rows import Rows

__all__ = ["Cache", "Entry", "Rows", "content_key", "default_folder", "stage_key"]
