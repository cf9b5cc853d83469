"""Directions: every shape and file, and how far +1.0 goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from videdit.errors import VideditError
from videdit.packs.foreign.directions import Direction, asked, read

L, D, SPREAD = 8, 6, 3.0
MEAN = np.full(D, 0.5, np.float32)


def taken(text: str) -> Direction:
    return read(asked(text), mean=MEAN, num_layers=L, spread=SPREAD)


def unit(*shape: int) -> np.ndarray[Any, Any]:
    found = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


@pytest.mark.parametrize("shape", [(D,), (1, D), (L, D), (1, L, D)])
@pytest.mark.parametrize("kind", ["npy", "pt", "npz", "safetensors"])
def test_every_shape_and_file(shape: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    values = unit(*shape)
    file = tmp_path / f"smile.{kind}"
    if kind == "npy":
        np.save(file, values)
    elif kind == "npz":
        np.savez(file, boundary=values)
    elif kind == "pt":
        torch.save(torch.from_numpy(values), file)
    else:
        from safetensors.numpy import save_file

        save_file({"x": values}, file)
    found = taken(f"smile={file}")
    whole = np.broadcast_to(values.reshape(-1, D), (L, D))
    assert np.allclose(found.axis, whole / np.linalg.norm(whole), atol=1e-6)
    # +1.0 moves every layer by a quarter of the spread
    assert np.allclose(np.linalg.norm(found.axis * found.distance, axis=1), 0.25 * SPREAD, atol=1e-5)


def test_a_length_of_its_own_is_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", 5 * unit(L, D))
    found = taken(f"x={tmp_path / 'x.npy'}")
    assert np.allclose(found.axis * found.distance, 5 * unit(L, D), atol=1e-5)


def test_layers_confine_it(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", unit(1, D))
    found = taken(f"x={tmp_path / 'x.npy'}@2-3")
    assert np.flatnonzero(found.axis.any(1)).tolist() == [2, 3]
    assert np.allclose(np.linalg.norm(found.axis * found.distance, axis=1)[2:4], 0.25 * SPREAD, atol=1e-5)


def test_gan_space_components(tmp_path: Path) -> None:
    components, deviations = unit(5, 1, D), np.arange(1, 6, dtype=np.float32)
    np.savez(tmp_path / "x.npz", act_comp=components, act_stdev=deviations, lat_comp=unit(5, 1, 3), lat_stdev=deviations)
    found = taken(f"x={tmp_path / 'x.npz'}#3@0-1")
    assert np.allclose((found.axis * found.distance)[0], 2 * 4 * components[3, 0], atol=1e-5)
    with pytest.raises(VideditError, match="no component 5"):
        taken(f"x={tmp_path / 'x.npz'}#5")


def test_latents_are_seen_from_the_mean_or_from_others(tmp_path: Path) -> None:
    some, others = np.random.default_rng(1).normal(size=(2, 5, L, D)).astype(np.float32)
    np.save(tmp_path / "some.npy", some)
    torch.save({"latents": torch.from_numpy(others)}, tmp_path / "others.pt")
    found = taken(f"x={tmp_path / 'some.npy'}")
    assert np.allclose(found.axis * found.distance, some.mean(0) - MEAN, atol=1e-5)
    found = taken(f"x={tmp_path / 'some.npy'},{tmp_path / 'others.pt'}")
    assert np.allclose(found.axis * found.distance, some.mean(0) - others.mean(0), atol=1e-5)


def test_one_of_several(tmp_path: Path) -> None:
    torch.save({"smile": torch.from_numpy(unit(1, D)), "age": torch.from_numpy(3 * unit(L, D))}, tmp_path / "x.pt")
    assert np.allclose(taken(f"age={tmp_path / 'x.pt'}").distance, taken(f"old={tmp_path / 'x.pt'}#age").distance)
    with pytest.raises(VideditError, match="2 arrays"):
        taken(f"old={tmp_path / 'x.pt'}")


@pytest.mark.parametrize("values", [np.zeros((1, D)), np.ones((1, D + 1)), np.ones((3, 4, D)), np.full((1, D), np.nan)])
def test_what_makes_no_sense_is_refused(values: np.ndarray[Any, Any], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", values.astype(np.float32))
    with pytest.raises(VideditError):
        taken(f"x={tmp_path / 'x.npy'}")


@pytest.mark.parametrize("text", ["smile", "=x.npy", "smile=", "a/b=x.npy"])
def test_a_direction_needs_name_and_file(text: str) -> None:
    with pytest.raises(VideditError):
        asked(text)
