"""The first nine convolutions of VGG16 (Simonyan and Zisserman 2014), under the names of torchvision's weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    17: (256, 512),
    19: (512, 512),
}
POOL_BEFORE = (5, 10, 17)


class Vgg16Features(nn.Module):
    """image [N,3,S,S] in [-1,1] -> the ninth convolution's map, after its ReLU, as a list of one."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict({str(i): nn.Conv2d(a, b, 3, padding=1) for i, (a, b) in LAYERS.items()})
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = ((image + 1) / 2 - self.mean) / self.deviation
        for index in LAYERS:
            x = F.max_pool2d(x, 2) if index in POOL_BEFORE else x
            x = self.features[str(index)](x).relu()
        return [x]
