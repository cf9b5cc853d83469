"""Runs of `videdit train pixel` into a pack: the networks of all directions lie in one file.

python -m videdit.train.pixel_pack PACK RUN...
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from videdit.errors import PackError, UsageError
from videdit.networks.transform import PixelEditors, Redraw
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import add_attributes, save_network

NAME = "pixel"


def write_run(out: Path, transform: str, region: str, network: Redraw, notes: Mapping[str, Any]) -> None:
    """A trained direction and what was measured of it, into its run's folder."""
    save_file({key: value.cpu().contiguous() for key, value in network.state_dict().items()}, out / f"{NAME}.safetensors")
    facts = {"transform": transform, "region": region, "width": network.transform.up[1].out_channels, "measured": dict(notes)}
    (out / f"{NAME}.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def add(folder: str | Path, runs: Sequence[Path]) -> Path:
    """Put finished runs into a pack folder, beside the directions it has or in their place; returns the networks' file.

    Raises UsageError for a folder that is no finished run, PackError for networks of different width.
    """
    pack = load_pack(folder)
    networks, regions, scales, width, trained = {}, {}, {}, 0, ""
    if NAME in pack.manifest.networks:
        old, part = pack.network(NAME), pack.manifest.networks[NAME]
        assert isinstance(old, PixelEditors)
        networks = {name: network.state_dict() for name, network in zip(old.transforms, old.networks, strict=True)}
        regions, width, trained = dict(zip(old.transforms, old.regions, strict=True)), old.width, part.trained_on
        scales = dict(zip(old.transforms, old.scales, strict=True))
    for run in runs:
        if not (run / f"{NAME}.json").is_file():
            raise UsageError(f"{run} is no finished run of `videdit train pixel`", hint=f"It lacks {NAME}.json.")
        facts = json.loads((run / f"{NAME}.json").read_text("utf-8"))
        if width not in (0, facts["width"]):
            raise PackError(f"{run} is {facts['width']} channels wide, the pack's networks {width}", hint="One file holds one width.")
        width, name = facts["width"], facts["transform"]
        networks[name], regions[name], scales[name] = load_file(run / f"{NAME}.safetensors"), facts["region"], 1.0
    config: dict[str, Any] = {"transforms": list(networks), "regions": [regions[name] for name in networks], "width": width}
    if any(scale != 1 for scale in scales.values()):
        config["scales"] = [scales[name] for name in networks]
    together = PixelEditors(**config)
    for network, state in zip(together.networks, networks.values(), strict=True):
        network.load_state_dict(state)
    sources = dict.fromkeys(name[:-1] for name in networks)
    flags = {attribute.source for attribute in pack.manifest.attributes.values()}
    add_attributes(folder, [source for source in sources if source not in flags], NAME)
    encoder = pack.manifest.networks["encoder"]
    return save_network(folder, NAME, together, config, license=encoder.license, trained_on=trained or encoder.trained_on)


def transform(pack: Pack, name: str) -> dict[str, Tensor]:
    """The weights of one direction's network in a pack. Raises UsageError naming those there are."""
    networks = pack.loaded(NAME) if NAME in pack.manifest.networks else None
    if not isinstance(networks, PixelEditors) or name not in networks.transforms:
        there = ", ".join(pack.manifest.transforms(NAME)) or "none"
        raise UsageError(f"{pack.manifest.name} has no pixel transform {name}", hint=f"It has: {there}")
    return networks.networks[networks.transforms.index(name)].state_dict()


if __name__ == "__main__":
    print(add(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]]))
