"""Writing the pictures that commands make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from videdit.errors import OutputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def check_target(path: Path, *, overwrite: bool) -> Path:
    """Whether a picture can be written here, before the work. Raises UsageError, OutputError."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is not named like a picture", hint=f"It is written as one of {' '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", hint=f"mkdir -p '{path.parent}' makes it.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", hint="--overwrite replaces it.")
    return path


def write_picture(path: Path, rgb: NDArray[np.uint8]) -> None:
    """uint8 [H,W,3] RGB to a file, moved into place when complete. Raises OutputError."""
    from PIL import Image

    part = path.with_name(path.name + ".part")
    kind = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(path.suffix.lower(), "PNG")
    try:
        Image.fromarray(rgb).save(part, kind, **({} if kind == "PNG" else {"quality": 95}))
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{path} can't be written: {error.strerror or error}") from None
