"""benchmarks.pixel: a row a transform, and the difference beyond the hull is nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import pixel
from tests.tinypack import add_pixel, add_prototype, make_tiny_pack
from tests.train.faces import make_work
from videdit.packs.load import load_pack
from videdit.packs.save import save_methods
from videdit.quality.judge import load_judge


class Faces:
    """In the place of dlib."""

    def align(self, rgb: np.ndarray, landmarks: np.ndarray) -> None:
        """Nothing to find."""

    def embed(self, rgb: np.ndarray, aligned: None) -> np.ndarray:
        return rgb.reshape(-1, 3).mean(0) + 1.0


def test_a_row_for_each_transform(tmp_path: Path) -> None:
    work = make_work(tmp_path / "work", people=24)
    np.save(work / "pictures.npy", np.random.default_rng(0).integers(0, 255, (96, 218, 178, 3)).astype(np.uint8))
    folder = add_prototype(add_pixel(make_tiny_pack(tmp_path)), "Young+")
    save_methods(folder, {"Young+": ["pixel", "prototype"], "Male-": "pixel"})
    pack = load_pack(folder)
    words = {"faces": 3, "strips": tmp_path / "strips"}
    rows = pixel.run(work, pack, *load_judge(), Faces(), **words)  # type: ignore[arg-type]
    alone = [("pixel", name) for name in pack.manifest.transforms("pixel")]
    assert [(row["method"], row["transform"]) for row in rows] == [*alone, ("prototype", "Young+"), ("pixel + prototype", "Young+")]
    assert [row["outside"] for row in rows] == [0.0] * len(rows)
    assert all(0.5 < float(row["identity"]) < 1.0001 for row in rows)  # type: ignore[arg-type]
    assert len(list((tmp_path / "strips").iterdir())) == 6
    some = pixel.run(work, pack, *load_judge(), Faces(), only=["Young+"], **words)  # type: ignore[arg-type]
    assert some == [row for row in rows if row["transform"] == "Young+"]
