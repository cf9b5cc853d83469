"""Face crops to latents, and the generator tuned to a person."""

from __future__ import annotations

from videdit.invert.encoder import encode, to_image, to_rgb

METHODS = {"encoder": encode}

__all__ = ["METHODS", "encode", "to_image", "to_rgb"]
