"""What is kept between runs."""

from __future__ import annotations

from videdit.store.cache import Cache, Entry, content_key, default_folder, stage_key

__all__ = ["Cache", "Entry", "content_key", "default_folder", "stage_key"]
