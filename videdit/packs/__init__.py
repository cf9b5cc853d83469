"""Model packs: a folder with pack.toml and safetensors files. Checkpoint formats stop here.

The manifest is read without torch; `load_pack` and `Pack` import it on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from videdit.packs.manifest import Manifest, find_pack, find_packs, read_manifest

if TYPE_CHECKING:
    from videdit.packs.load import Axes, Pack, load_pack, pick_device

__all__ = ["Axes", "Manifest", "Pack", "find_pack", "find_packs", "load_pack", "pick_device", "read_manifest"]


def __getattr__(name: str) -> Any:
    if name in {"Axes", "Pack", "load_pack", "pick_device"}:
        from videdit.packs import load

        return getattr(load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
