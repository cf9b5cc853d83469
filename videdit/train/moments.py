"""The regression of latents on labels, kept up to date while the encoder learns."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

# What belongs to an attribute, so that holding it would keep the attribute from showing.
TOGETHER = {
    "Smiling": ["Mouth_Slightly_Open", "High_Cheekbones", "Rosy_Cheeks", "Narrow_Eyes", "Bags_Under_Eyes", "Oval_Face", "Big_Lips"],
    "Young": ["Gray_Hair", "Receding_Hairline", "Bald", "Bags_Under_Eyes", "Double_Chin", "Chubby", "Attractive"],
    "No_Beard": ["Goatee", "Mustache", "5_o_Clock_Shadow", "Sideburns"],
}
# What is worn or lies on the skin. That people who have it have other faces too (beards other jaws, glasses other brows) is no part of
# it, and where an edit moves landmarks the composite shows no fine detail: so these move none.
ON_THE_SKIN = (
    "Eyeglasses", "Young", "No_Beard", "Goatee", "Mustache", "5_o_Clock_Shadow", "Sideburns", "Heavy_Makeup", "Wearing_Lipstick",
    "Bushy_Eyebrows", "Bags_Under_Eyes", "Pale_Skin", "Rosy_Cheeks",
)  # fmt: skip
# Over how many cells a side the mean colour of the face stays. Old people's pictures are redder and brighter, which is the camera's doing
# and the first thing a score rewards; make-up comes with studio light. (A beard does darken a part of the face.)
EVEN = {"Young": 4, "Eyeglasses": 2, "Wearing_Lipstick": 2, "Heavy_Makeup": 2, "Bags_Under_Eyes": 2}


class Moments:
    """Running moments of labels [A] and latents [F]; `slopes` is their multivariate regression.

    The slope of one attribute is the change of the latent when its label goes from 0 to 1 and the others stay, but for those that
    belong to it.
    """

    def __init__(self, attributes: Sequence[str], features: int) -> None:
        self.attributes = list(attributes)
        self.labels = torch.zeros(len(self.attributes) + 1, len(self.attributes) + 1)
        self.cross = torch.zeros(len(self.attributes) + 1, features)

    def belongs(self) -> Tensor:
        """bool [A,A]: in the row of an attribute, itself and what belongs to it."""
        rows = [[other == name or other in TOGETHER.get(name, ()) for other in self.attributes] for name in self.attributes]
        return torch.tensor(rows)

    def update(self, labels: Tensor, latents: Tensor, decay: float = 0.9993) -> None:
        """labels [N,A] in 0..1, latents [N,F]."""
        y = torch.cat([labels, torch.ones(len(labels), 1)], 1)
        self.labels = self.labels * decay + y.T @ y * (1 - decay)
        self.cross = self.cross * decay + y.T @ latents * (1 - decay)

    def slopes(self) -> Tensor:
        """[A,F]."""
        every = list(range(len(self.attributes)))
        found = self._solved(every)
        for name, parts in TOGETHER.items():
            if name in self.attributes:
                held = [i for i in every if self.attributes[i] not in parts]
                i = self.attributes.index(name)
                found[i] = self._solved(held)[held.index(i)]
        return found

    def _solved(self, held: list[int]) -> Tensor:
        """Slopes of these attributes [N,F] when each changes and the others of them stay."""
        rows = [*held, len(self.attributes)]
        ridge = 0.002 * self.labels[-1, -1].clamp_min(1e-6) * torch.eye(len(rows))
        return torch.linalg.solve(self.labels[rows][:, rows] + ridge, self.cross[rows])[:-1]
