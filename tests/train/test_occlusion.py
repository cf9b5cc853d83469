"""Things put before faces: where they are is known, and the rest of the picture stays."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tinypack import make_tiny_pack
from tests.train.faces import make_work
from tests.train.test_hands import drawn
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import occlusion
from videdit.train.occluders import SIDE, cover, sprites


def test_sprites_are_drawn_the_same_every_time() -> None:
    first = sprites(12, 3)
    assert torch.equal(first.drawn, sprites(12, 3).drawn)
    assert 0 < int(first.hands.sum()) < 12
    inside = first.drawn[:, 1] > 127
    assert inside.flatten(1).any(1).all()
    assert not inside.flatten(1).all(1).any()


def test_only_what_is_covered_changes_much() -> None:
    kinds = sprites(20, 0)
    faces = torch.rand(24, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.5
    out, where = cover(faces, kinds, torch.Generator().manual_seed(1), bare=0.4)
    bare = ~where.flatten(1).any(1)
    assert 3 < int(bare.sum()) < 20
    assert float((out[bare] - faces[bare]).abs().mean()) < 0.06  # grain
    assert float(where.min()) >= 0
    assert float(where.max()) == 1
    free = (where == 0)[:, None].expand_as(faces) & (~bare)[:, None, None, None]
    assert float((out[free] - faces[free]).mean()) < 0.02  # a shadow may fall there
    inside = (where == 1)[:, None].expand_as(faces)
    assert float((out[inside] - faces[inside]).abs().mean()) > 0.2


def test_the_network_goes_into_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "SPRITES", 20)
    monkeypatch.setattr(occlusion, "JUDGED", 16)
    monkeypatch.setattr(occlusion, "EVERY", 0.2)
    pack, out = make_tiny_pack(tmp_path / "packs"), tmp_path / "run"
    path = occlusion.train(make_work(tmp_path / "work", people=24), out, pack=pack, minutes=0.01, device="cpu")
    assert path == pack / "occluder.safetensors"
    loaded = load_pack(pack)
    assert [check.problem for check in verify(loaded) if check.problem] == []
    with torch.inference_mode():
        assert loaded.loaded("occluder")(torch.zeros(2, 3, 32, 32)).shape == (2, 64, 64)
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert {"iou", "marked"} <= set(lines[-1])
    assert (out / "samples.png").is_file()
    assert np.isfinite([line["held_out"] for line in lines if "held_out" in line]).all()


def test_real_hands_are_learnt_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "SPRITES", 20)
    monkeypatch.setattr(occlusion, "JUDGED", 16)
    monkeypatch.setattr(occlusion, "EVERY", 0.2)
    work, pack, out = make_work(tmp_path / "work", people=24), make_tiny_pack(tmp_path / "packs"), tmp_path / "run"
    points = np.stack([drawn((90, 170), 45)] * 6).astype(np.float32)
    np.savez(work / "hands.npz", rows=np.arange(6), points=points, apart=np.full((6, 3), 0.05, np.float32))
    occlusion.train(work, out, pack=pack, minutes=0.01, device="cpu")
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert (lines[-1]["hands"], lines[-1]["cut_out"]) == (6, 6)
    assert "and hands" in load_pack(pack).manifest.networks["occluder"].trained_on


def test_photographed_hands_keep_their_texture() -> None:
    things = sprites(20, 0)
    things.photographed = torch.full((3, 4, SIDE, SIDE), 255, dtype=torch.uint8)
    things.photographed[:, 1] = 0  # no skin is of this colour
    faces = torch.zeros(64, 3, 64, 64)
    out, where = cover(faces, things, torch.Generator().manual_seed(1), bare=0.0)
    inside = where == 1
    magenta = ((out[:, 0] - out[:, 1] > 0.5) & inside).flatten(1).sum(1) > 0.9 * inside.flatten(1).sum(1)
    assert 10 < int(magenta.sum()) < 40
