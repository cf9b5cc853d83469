from __future__ import annotations

import pytest
import torch

from videdit.errors import MissingError
from videdit.faces.detect import weights_folder
from videdit.networks.mtcnn import ONet, PNet, RNet


def test_shapes() -> None:
    move, score = PNet()(torch.zeros(1, 3, 40, 60))
    assert move.shape == (1, 4, 15, 25)
    assert score.shape == (1, 15, 25)
    move, score = RNet()(torch.zeros(5, 3, 24, 24))
    assert (move.shape, score.shape) == ((5, 4), (5,))
    move, points, score = ONet()(torch.zeros(5, 3, 48, 48))
    assert (move.shape, points.shape, score.shape) == ((5, 4), (5, 5, 2), (5,))


@pytest.mark.parametrize(("name", "network"), [("pnet", PNet), ("rnet", RNet), ("onet", ONet)])
def test_published_weights_fit(name: str, network: type[torch.nn.Module]) -> None:
    try:
        folder = weights_folder()
    except MissingError:
        pytest.skip("facenet-pytorch is not installed: its weights are not tried")
    network().load_state_dict(torch.load(folder / f"{name}.pt", weights_only=True))
