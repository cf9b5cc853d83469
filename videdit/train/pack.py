"""A pack from the folders of the training runs: networks as fp16, pack.toml, then the axes.

    python -m videdit.train.pack RUNS_DIR PACK_DIR

RUNS_DIR holds one folder a run: classifier, landmarks, identity, generator. A part whose run is not there keeps what the pack has.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from videdit.packs.load import build_network
from videdit.packs.manifest import Part
from videdit.packs.save import save_network, start_pack
from videdit.train.data import FACE_FRAME, SIZE
from videdit.train.generator import GENERATOR

# network -> the run's folder and the file's stem there
RUNS = {
    "generator": ("generator", "generator"),
    "encoder": ("generator", "encoder"),
    "classifier": ("classifier", "classifier"),
    "landmarker": ("landmarks", "landmarker"),
    "recognizer": ("identity", "recognizer"),
}
LICENCE = "non-commercial-research"
TRAINED_ON = {
    "landmarker": "CelebA faces, shards 0-3; points by MediaPipe FaceMesh (Apache-2.0) as teacher",
}
NOTE = "Trained on CelebA, whose terms allow non-commercial research only; so do these weights."


def assemble(runs: Path, pack: Path) -> Path:
    """Write every finished run's network into the pack folder; returns it."""
    start_pack(
        pack,
        size=SIZE,
        style_dim=int(GENERATOR["style_dim"]),  # type: ignore[call-overload]
        num_layers=2 * len(GENERATOR["channels"]),  # type: ignore[arg-type]
        frame_scale=FACE_FRAME.scale,
        frame_shift=FACE_FRAME.shift,
        license=LICENCE,
        licence_note=NOTE,
    )
    for name, (folder, stem) in RUNS.items():
        weights = Path(runs) / folder / f"{stem}.safetensors"
        if not weights.exists():
            print(f"{name}: no run, kept as it was")
            continue
        config = read_config(weights)
        part = Part(name=name, file=weights.name, sha256="", license=LICENCE, trained_on="", config=config)
        module = build_network(part)
        module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in load_file(weights).items()})
        save_network(pack, name, module, config, license=LICENCE, trained_on=TRAINED_ON.get(name, "CelebA faces, shards 0-3"))
        print(f"{name}: {sum(p.numel() for p in module.parameters()) / 1e6:.2f} M parameters")
    return pack


def read_config(weights: Path) -> dict[str, Any]:
    """The keyword arguments a run wrote beside its weights."""
    beside = [weights.with_suffix(".json"), weights.with_name("config.json")]
    tables = json.loads(next(p for p in beside if p.exists()).read_text())
    return tables.get("config", tables)


if __name__ == "__main__":
    assemble(Path(sys.argv[1]), Path(sys.argv[2]))
