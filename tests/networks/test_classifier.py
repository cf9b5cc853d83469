"""networks.classifier and networks.recognizer"""

from __future__ import annotations

import torch

from videdit.networks.classifier import Classifier
from videdit.networks.recognizer import Recognizer


def test_classifier_takes_any_size() -> None:
    net = Classifier(size=64, width=4).eval()
    assert net(torch.zeros(2, 3, 128, 128)).shape == (2, 40)
    assert [m.shape[-1] for m in net.features(torch.zeros(1, 3, 100, 100))] == [64, 32, 16, 8, 4]


def test_classifier_features_pass_gradients() -> None:
    net = Classifier(size=32, width=4).eval().requires_grad_(False)
    image = torch.randn(1, 3, 48, 48, requires_grad=True)
    sum(m.square().mean() for m in net.features(image)).backward()
    assert image.grad is not None
    assert image.grad.abs().sum() > 0


def test_recognizer_gives_unit_vectors() -> None:
    torch.manual_seed(0)
    codes = Recognizer(size=64, width=4, dim=16).eval()(torch.randn(3, 3, 128, 128))
    assert codes.shape == (3, 16)
    torch.testing.assert_close(codes.norm(dim=1), torch.ones(3))


def test_size_of_the_standard_networks() -> None:
    assert sum(p.numel() for p in Classifier().parameters()) < 1_300_000
    assert sum(p.numel() for p in Recognizer().parameters()) < 1_500_000
