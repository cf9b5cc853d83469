"""Small networks on W+ latents: a classifier, the Latent Transformer (Yao et al. 2021), the Latent-to-Latent mapper (Khodadadeh et
al. 2022), which work in standardised latents (w - mean) / scale, because a small generator's latents are neither centred nor unit; and the
transfer of an expression from one latent to another (after Yang and Lim 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

JOINT = 0.1  # how firmly several wishes stay what they were
WEIGHED = (0.85, 1.5)  # how far each may be taken back or raised; further back, what renders add (rims) is not seen in the picture


class Standardised(nn.Module):
    """Holds mean and scale [L,D] of the latents a network was trained on."""

    mean: Tensor
    scale: Tensor

    def __init__(self, num_layers: int, style_dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_layers, style_dim))
        self.register_buffer("scale", torch.ones(num_layers, style_dim))

    def standard(self, w: Tensor) -> Tensor:
        """w [N,L,D] with zero mean and unit deviation."""
        return (w - self.mean) / self.scale

    def measure(self, w: Tensor) -> None:
        """Take mean and scale from latents [N,L,D]."""
        self.mean.copy_(w.mean(0))
        self.scale.copy_(w.std(0).clamp_min(1e-3))


class LatentClassifier(Standardised):
    """Three fully connected layers with ReLU between: latents w_plus [N,L,D] -> logits [N,attributes]."""

    def __init__(self, *, num_layers: int, style_dim: int, attributes: int, widths: Sequence[int] = (384, 192)) -> None:
        super().__init__(num_layers, style_dim)
        first, second = widths
        self.net = nn.Sequential(
            nn.Linear(num_layers * style_dim, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, attributes)
        )

    def forward(self, w: Tensor) -> Tensor:
        return self.net(self.standard(w).flatten(1))


class LatentTransformer(Standardised):
    """T_k(w) for each attribute k: an independent linear layer per style layer, here of rank `rank` (0: full, as published).

    attributes: source names, one per T_k; layers: the style layers that take the edit. `distance` [A] is how far +1.0 goes.
    """

    distance: Tensor

    def __init__(self, *, attributes: Sequence[str], num_layers: int, style_dim: int, layers: Sequence[int] = (), rank: int = 16) -> None:
        super().__init__(num_layers, style_dim)
        self.attributes, self.layers = tuple(attributes), tuple(layers) or tuple(range(num_layers))
        if not set(self.layers) <= set(range(num_layers)):
            raise ValueError(f"layers {list(self.layers)} of a generator with {num_layers}")
        count, kept = len(self.attributes), len(self.layers)
        if rank:
            self.down = nn.Parameter(torch.randn(count, kept, rank, style_dim) * style_dim**-0.5)
            self.up = nn.Parameter(torch.randn(count, kept, style_dim, rank) * 0.1 * rank**-0.5)
        else:
            self.weight = nn.Parameter(torch.randn(count, kept, style_dim, style_dim) * 0.1 * style_dim**-0.5)
        self.bias = nn.Parameter(torch.zeros(count, kept, style_dim))
        self.rank = rank
        self.register_buffer("distance", torch.ones(count))

    def forward(self, w: Tensor, rows: Sequence[int] | None = None) -> Tensor:
        """w_plus [N,L,D] -> the moves T_k(w) [N,K,L,D] of attributes `rows` (default all); zero on layers that take no edit."""
        chosen = slice(None) if rows is None else list(rows)
        kept = self.standard(w)[:, self.layers]
        if self.rank:
            moves = torch.einsum("nalr,aldr->nald", torch.einsum("nld,alrd->nalr", kept, self.down[chosen]), self.up[chosen])
        else:
            moves = torch.einsum("nle,alde->nald", kept, self.weight[chosen])
        moves = (moves + self.bias[chosen]) * self.scale[list(self.layers)]
        if len(self.layers) == w.shape[1]:
            return moves
        out = moves.new_zeros(*moves.shape[:2], *w.shape[1:])
        out[:, :, list(self.layers)] = moves
        return out


class Thin(nn.Module):
    """A linear layer, as the product of two when `rank` is not 0."""

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Linear(inputs, rank, bias=False) if rank else None
        self.up = nn.Linear(rank or inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(x if self.down is None else self.down(x))


class LatentMapper(Standardised):
    """One network for all attributes at once: f(w, da) -> w', `depth` tanh layers as wide as the latent, then a linear one, added to w.

    straight: da also goes past the tanh layers, through a linear map of its own (`path` [A,L*D], in standardised latents), and what the
    layers do unasked is taken off: f(w, da) = w + scale (path da + layers(w, da) - layers(w, 0)), so that f(w, 0) is w. That is ours, not
    the paper's: tanh layers alone saturate, so wishes beyond those of training moved little more than these, and a network that starts
    at the pack's axes has only to learn what is not linear. False: as published.
    joint: what several wishes do for one another is taken into account (`weighed`), ours again; `response` [A,A] holds it: how much of its
    own +1.0 attribute j gets from +1.0 of attribute i.

    attributes: source names of da's columns; rank: of every wide matrix (0: full). da is in strengths: 1 takes the attribute's score
    from typical without to typical with. `distance` [A] calibrates that; `covariance` [A,A] of real faces' attributes, in the same units,
    serves the target correction, `freedom` being how far (in the same units) other attributes may go along of their own accord (0: not).
    """

    distance: Tensor
    covariance: Tensor
    response: Tensor

    def __init__(
        self,
        *,
        attributes: Sequence[str],
        num_layers: int,
        style_dim: int,
        depth: int = 1,
        rank: int = 128,
        freedom: float = 0.25,
        straight: bool = False,
        joint: bool = False,
    ) -> None:
        super().__init__(num_layers, style_dim)
        wide = num_layers * style_dim
        self.attributes, self.freedom = tuple(attributes), freedom
        self.asked = nn.Linear(len(self.attributes), wide, bias=False)
        self.hidden = nn.ModuleList(Thin(wide, wide, rank) for _ in range(depth))
        self.out = Thin(wide, wide, rank)
        nn.init.normal_(self.asked.weight, std=0.3)
        self.path = nn.Parameter(torch.zeros(len(self.attributes), wide)) if straight else None
        self.register_buffer("distance", torch.ones(len(self.attributes)))
        self.register_buffer("covariance", torch.eye(len(self.attributes)))
        self.register_buffer("response", torch.eye(len(self.attributes)), persistent=joint)

    def forward(self, w: Tensor, change: Tensor) -> Tensor:
        """w_plus [N,L,D], change da [N,A] (corrected, calibrated) -> w_plus'."""
        x = self.hidden[0](self.standard(w).flatten(1))
        moved = self._layers(x + self.asked(change))
        if self.path is not None:
            moved = moved - self._layers(x) + change @ self.path
        return w + moved.unflatten(1, w.shape[1:]) * self.scale

    def _layers(self, x: Tensor) -> Tensor:
        """What comes after the first matrix, [N,L*D] -> [N,L*D]."""
        for layer in list(self.hidden)[1:]:
            x = layer(torch.tanh(x))
        moved: Tensor = self.out(torch.tanh(x))
        return moved

    def start(self, moves: Tensor) -> None:
        """Begin as a straight line: da of 1 in an attribute moves latents by its row of moves [A,L,D], and the tanh layers by nothing."""
        if self.path is None:
            raise ValueError("a mapper without a straight path can't start along one")
        self.path.data.copy_((moves / self.scale).flatten(1))
        nn.init.zeros_(self.out.up.weight)
        nn.init.zeros_(self.out.up.bias)

    def weighed(self, strengths: Tensor, rows: Sequence[int]) -> Tensor:
        """What to ask for [N,K] of attributes `rows`, so that each comes as far as its strength [N,K] takes it alone: glasses make older,
        so glasses and years together ask for fewer of both.

        argmin over x of |x R - strengths|^2 + JOINT |x - strengths|^2, R the `response` among them; no less and no more than WEIGHED of
        each strength.
        """
        if len(rows) < 2:
            return strengths
        among = self.response[list(rows)][:, list(rows)].double()
        ridge = JOINT * torch.eye(len(among), dtype=among.dtype, device=among.device)
        wished = strengths.double() @ (among.T + ridge) @ torch.linalg.inv(among @ among.T + ridge)
        least, most = (share * strengths.abs() for share in WEIGHED)
        return (strengths.sign() * (wished * strengths.sign()).clamp(least, most)).to(strengths.dtype)

    def correct(self, change: Tensor, asked: Sequence[int]) -> Tensor:
        """da [N,A] with the other attributes gone along to where they are plausible; columns `asked` stay as they are.

        The mean of a Gaussian of real attribute vectors given the asked ones, shrunk towards no change: argmin over the others of
        their Mahalanobis distance plus |change|^2 / freedom^2.
        """
        others = [i for i in range(len(self.attributes)) if i not in set(asked)]
        if not self.freedom or not others or not len(asked):
            return change
        ridge = 0.02 * self.covariance.diagonal().mean() * torch.eye(len(self.covariance), device=change.device)
        precision = torch.linalg.inv(self.covariance + ridge)
        inner = precision[others][:, others] + torch.eye(len(others), device=change.device) / self.freedom**2
        along = -torch.linalg.solve(inner, precision[others][:, list(asked)] @ change[:, list(asked)].T).T
        out = change.clone()
        out[:, others] = along.to(change.dtype)
        return out


class LatentExpression(nn.Module):
    """What a face takes from another's latent: `gain` x the difference of the two, in the style layers `layers` only.

    rank 0: the difference itself, so that gain 1 mixes layers as published (Yang and Lim 2019). Else only what the difference holds of
    `rank` measures of expression: `read` [rank,L,D] finds them in a latent, `write` [rank,L,D] is what a latent typically has of each;
    what is found counts for no less than `least` and no more than `most` [rank], in either face.
    """

    read: Tensor
    write: Tensor
    least: Tensor
    most: Tensor

    def __init__(self, *, num_layers: int, style_dim: int, layers: Sequence[int] = (), rank: int = 0, gain: float = 1.0) -> None:
        super().__init__()
        self.layers, self.rank, self.gain = tuple(layers) or tuple(range(num_layers)), rank, gain
        if not set(self.layers) <= set(range(num_layers)):
            raise ValueError(f"layers {list(self.layers)} of a generator with {num_layers}")
        self.register_buffer("read", torch.zeros(rank, num_layers, style_dim))
        self.register_buffer("write", torch.zeros(rank, num_layers, style_dim))
        self.register_buffer("least", torch.full((rank,), -1e4))
        self.register_buffer("most", torch.full((rank,), 1e4))

    def reading(self, w: Tensor) -> Tensor:
        """w_plus [N,L,D] -> what its face shows of each measure [N,rank], within the ends that count."""
        return torch.einsum("nld,kld->nk", w, self.read).clamp(self.least, self.most)

    def forward(self, w: Tensor, driver: Tensor, asked: Tensor | None = None) -> Tensor:
        """w, driver w_plus [N,L,D] -> the move [N,L,D] that gives w the driver's expression; asked [N,rank]: how much of each measure
        is to come over, instead of the difference of the two readings."""
        difference = driver - w
        if self.rank:
            amounts = self.reading(driver) - self.reading(w) if asked is None else asked
            difference = torch.einsum("nk,kld->nld", amounts, self.write)
        out = torch.zeros_like(w)
        out[:, list(self.layers)] = self.gain * difference[:, list(self.layers)]
        return out
