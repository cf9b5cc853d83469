"""Moving latents. METHODS maps a method's name to its mapper."""

from __future__ import annotations

from videdit.edit.axes import Mapper, apply

METHODS: dict[str, Mapper] = {"axes": apply}

__all__ = ["METHODS", "Mapper", "apply"]
