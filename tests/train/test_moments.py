"""Running regression: what belongs together moves together, the rest is held."""

import numpy as np
import torch

from videdit.train.moments import Moments


def test_slopes_find_what_labels_do_to_latents() -> None:
    """Cheeks follow smiles and have their own latent; a beard only happens to go along."""
    rng = np.random.default_rng(0)
    smile = rng.random(4000) < 0.5
    cheeks = np.where(rng.random(4000) < 0.9, smile, ~smile)
    male = np.where(rng.random(4000) < 0.7, smile, ~smile)
    labels = torch.from_numpy(np.stack([smile, cheeks, male], 1).astype(np.float32))
    latents = labels * torch.tensor([1.0, 2.0, 3.0]) + 0.01
    moments = Moments(["Smiling", "High_Cheekbones", "Male"], 3)
    for part in range(0, 4000, 16):
        moments.update(labels[part : part + 16], latents[part : part + 16], decay=0.999)
    slopes = moments.slopes()
    torch.testing.assert_close(slopes[2], torch.tensor([0.0, 0.0, 3.0]), atol=0.06, rtol=0)
    torch.testing.assert_close(slopes[1], torch.tensor([0.0, 2.0, 0.0]), atol=0.06, rtol=0)
    assert slopes[0, 0] > 0.95
    assert slopes[0, 1] > 1.4, "the cheeks of a smile were held"
    assert abs(slopes[0, 2]) < 0.1
