"""quality.reconstruction"""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from videdit.quality.reconstruction import LpipsAlex, psnr, ssim

PICTURE = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (64, 64, 3)), (0, 0), 2)


def test_equal_pictures() -> None:
    assert psnr(PICTURE, PICTURE) == float("inf")
    assert ssim(PICTURE, PICTURE) == pytest.approx(1.0)


def test_known_values() -> None:
    assert psnr(np.zeros((4, 4, 3)), np.full((4, 4, 3), 25.5)) == pytest.approx(20.0)
    # constant pictures: only the luminance term is left
    a, b, c1 = 100.0, 120.0, (0.01 * 255) ** 2
    flat = ssim(np.full((32, 32, 3), a), np.full((32, 32, 3), b))
    assert flat == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1))


def test_more_noise_is_less_alike() -> None:
    noise = np.random.default_rng(1).normal(size=PICTURE.shape)
    scores = [ssim(PICTURE, PICTURE + s * noise) for s in (1, 5, 25)]
    assert scores == sorted(scores, reverse=True)


def state() -> dict[str, torch.Tensor]:
    """Random weights in the layout of the published ones, a few channels wide."""
    torch.manual_seed(0)
    sizes = [(3, 4, 11), (4, 6, 5), (6, 8, 3), (8, 6, 3), (6, 6, 3)]
    out = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1), "scaling_layer.scale": torch.ones(1, 3, 1, 1)}
    for i, (name, (before, after, side)) in enumerate(zip(LpipsAlex.CONVOLUTIONS, sizes, strict=True)):
        out[f"net.{name}.weight"] = torch.randn(after, before, side, side) * 0.1
        out[f"net.{name}.bias"] = torch.zeros(after)
        out[f"lin{i}.model.1.weight"] = torch.rand(1, after, 1, 1)
    return out


def test_lpips_is_a_distance() -> None:
    lpips = LpipsAlex(state())
    a, b = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(2, 3, 64, 64) * 2 - 1
    assert lpips(a, a).tolist() == [0.0, 0.0]
    torch.testing.assert_close(lpips(a, b), lpips(b, a))
    assert (lpips(a, b) > lpips(a, 0.9 * a + 0.1 * b)).all()


def test_lpips_hardly_minds_a_shift_of_one_pixel() -> None:
    lpips = LpipsAlex(state())
    noise = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(66, 66, 3)), (0, 0), 2)
    picture = torch.from_numpy(noise).permute(2, 0, 1)[None].float() * 3
    a, shifted, other = picture[..., :64, :64], picture[..., 1:65, 1:65], picture.flip(3)[..., :64, :64]
    assert lpips(a, shifted) < 0.5 * lpips(a, other)
