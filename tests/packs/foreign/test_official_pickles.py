"""The official .pkl: state is read, the source code in it is not run."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.packs.foreign import checkpoints, pickled
from tests.packs.foreign.test_stylegan2 import CLOSE, built, found, latents


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("clamp", [None, 0.7])
def test_it_draws_the_same_and_runs_nothing(clamp: float | None, protocol: int, tmp_path: Path) -> None:
    state = checkpoints.official([8, 8, 8, 8])
    source = f"open({str(tmp_path / 'canary')!r}, 'w').write('ran')"
    layer = {"conv_clamp": clamp, "activation": "lrelu", "use_fp16": True}
    pickled.write(tmp_path / "x.pkl", state, source=source, layer=layer, protocol=protocol)
    foreign = found(tmp_path / "x.pkl")
    assert not (tmp_path / "canary").exists()
    assert foreign.layout == "official" and not foreign.notes
    generator = built(foreign)
    assert torch.equal(generator.mean_w, state["mapping.w_avg"])
    w = latents(generator)
    drawn = checkpoints.draw_official(state, w, clamp=clamp)
    assert torch.allclose(generator(w), drawn, atol=CLOSE)
    assert clamp is None or not torch.allclose(drawn, checkpoints.draw_official(state, w), atol=CLOSE)


def test_gains_of_other_mapping_networks_are_heard(tmp_path: Path) -> None:
    state = checkpoints.official([8, 8, 8, 8], mapping=1)
    usual = {"weight_gain": 0.01 / 4, "bias_gain": 0.01}
    pickled.write(tmp_path / "usual.pkl", state, layer=usual)
    pickled.write(tmp_path / "twice.pkl", state, layer={name: 2 * gain for name, gain in usual.items()})
    z = torch.randn(2, 16)
    one, two = (built(found(tmp_path / f"{name}.pkl")).mapping(z) for name in ("usual", "twice"))
    assert torch.allclose(2 * one, two, atol=CLOSE)
