"""Packs load what was saved, and refuse what is not a pack."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tinypack import LAYERS, SIZE, STYLE, make_tiny_pack
from videdit.errors import MissingError, PackError
from videdit.packs import load_pack
from videdit.packs.load import Pack
from videdit.packs.save import digest, read_tables, save_axes, save_network, write_tables
from videdit.packs.verify import verify


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_pack(tmp_path_factory.mktemp("packs"))


@pytest.fixture
def pack(made: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(made, tmp_path / "tiny"))


def put(pack: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Other tensors in generator.safetensors, with a hash that agrees."""
    save_file(tensors, pack / "generator.safetensors")
    rehash(pack)


def rehash(pack: Path) -> None:
    tables = read_tables(pack)
    tables["networks"]["generator"]["sha256"] = digest(pack / "generator.safetensors")
    write_tables(pack, tables)


def test_networks_do_what_the_manifest_says(made: Path) -> None:
    pack = load_pack(made)
    w = pack.encoder(torch.zeros(2, 3, SIZE, SIZE))
    assert w.shape == (2, LAYERS, STYLE)
    image = pack.generator(w)
    assert image.shape == (2, 3, SIZE, SIZE)
    assert image.dtype == torch.float32
    assert not pack.generator.training
    assert not any(p.requires_grad for p in pack.generator.parameters())
    assert pack.generator is pack.generator
    assert pack.network("generator") is not pack.generator
    assert (pack.size, pack.face_frame.scale) == (SIZE, 0.77)
    assert [check.problem for check in verify(pack)] == [""] * 6


def test_axes_are_unit_vectors(made: Path) -> None:
    axes = load_pack(made).axes()
    assert axes.directions.shape == (40, LAYERS, STYLE)
    assert axes.distance.tolist() == [2.0] * 40
    np.testing.assert_allclose(np.linalg.norm(axes.directions.reshape(40, -1), axis=1), 1, atol=1e-3)
    assert axes.order[31] == "Smiling"


def test_the_id_follows_the_contents(made: Path, pack: Path) -> None:
    before = load_pack(pack).id
    assert before == load_pack(made).id
    tensors = load_file(pack / "generator.safetensors")
    put(pack, {k: v * 2 for k, v in tensors.items()})
    assert load_pack(pack).id != before


def test_a_damaged_file_is_refused(pack: Path) -> None:
    path = pack / "generator.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(PackError, match="sha256"):
        _ = load_pack(pack).generator
    assert "sha256" in next(iter(verify(load_pack(pack)))).problem


def test_a_missing_file_is_refused(pack: Path) -> None:
    (pack / "encoder.safetensors").unlink()
    with pytest.raises(PackError, match="missing"):
        _ = load_pack(pack).encoder


def test_a_pickle_is_refused_and_never_run(pack: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return Path.touch, (tmp_path / "ran",)

    (pack / "generator.safetensors").write_bytes(pickle.dumps(Bomb()))
    rehash(pack)
    with pytest.raises(PackError, match="not a safetensors"):
        _ = load_pack(pack).generator
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("use", [lambda pack: pack.axes(), lambda pack: pack.shape(), lambda pack: pack.sample(np.zeros((1, STYLE)))])
def test_axes_that_are_cut_off_are_refused_wherever_they_are_used(pack: Path, use: Callable[[Pack], object]) -> None:
    path = pack / "axes.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    tables = read_tables(pack)
    tables["axes"]["sha256"] = digest(path)
    write_tables(pack, tables)
    with pytest.raises(PackError, match="not a safetensors file") as caught:
        use(load_pack(pack))
    assert caught.value.hint


@pytest.mark.parametrize("damage", ["missing", "extra", "shape"])
def test_weights_have_to_fit(pack: Path, damage: str) -> None:
    tensors = load_file(pack / "generator.safetensors")
    if damage == "missing":
        del tensors["input"]
    elif damage == "extra":
        tensors["more"] = torch.zeros(1)
    else:
        tensors["input"] = torch.zeros(1, 3, 4, 4)
    put(pack, tensors)
    with pytest.raises(PackError, match="does not fit"):
        _ = load_pack(pack).generator


def test_a_config_of_another_version_is_refused(pack: Path) -> None:
    tables = read_tables(pack)
    tables["networks"]["generator"]["config"]["turbo"] = True
    write_tables(pack, tables)
    with pytest.raises(PackError, match="turbo"):
        _ = load_pack(pack).generator


def test_an_unknown_or_absent_network_is_refused(pack: Path) -> None:
    with pytest.raises(PackError, match="no recognizer"):
        _ = load_pack(pack).recognizer
    tables = read_tables(pack)
    tables["networks"]["oracle"] = tables["networks"]["generator"]
    write_tables(pack, tables)
    with pytest.raises(PackError, match="oracle"):
        load_pack(pack).network("oracle")


def test_axes_of_another_shape_are_refused(pack: Path) -> None:
    save_axes(pack, np.ones((1, 2, 3)), np.ones(1), ["Smiling"], license="MIT", trained_on="nothing")
    with pytest.raises(PackError, match=r"axes \[1, 2, 3\]"):
        load_pack(pack).axes()
    assert any("axes" in check.problem for check in verify(load_pack(pack)))


def test_what_does_not_fit_into_half_is_not_saved(pack: Path) -> None:
    module = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(module.weight, 1e6)
    with pytest.raises(PackError, match="fp16"):
        save_network(pack, "encoder", module, {}, license="MIT", trained_on="nothing")
    assert [check.problem for check in verify(load_pack(pack))] == [""] * 6


def test_a_gpu_that_is_not_there_is_said(made: Path) -> None:
    with pytest.raises(MissingError, match="cuda:77"):
        load_pack(made, device="cuda:77")
