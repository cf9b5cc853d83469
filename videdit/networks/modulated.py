"""StyleGAN2's linear layers and modulated convolutions; the layers made of them stand in stylegan2."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.fir import FIR, fir_filter, fir_kernel


class EqualLinear(nn.Module):
    """Linear layer with equalised learning rate; `activate` adds a leaky ReLU of gain sqrt(2)."""

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, lr_mul: float = 1.0, activate: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_mul)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.gain, self.lr_mul, self.activate = lr_mul / math.sqrt(inputs), lr_mul, activate

    def forward(self, x: Tensor) -> Tensor:  # [N,inputs] -> [N,outputs]
        x = F.linear(x, self.weight * self.gain, self.bias * self.lr_mul)
        return F.leaky_relu(x, 0.2) * math.sqrt(2) if self.activate else x


def energy_of(weight: Tensor) -> Tensor:
    """Sums of squares of kernels [O,I,k,k]: [O,I] float32."""
    return weight.float().square().sum((2, 3))


class ModulatedConv(nn.Module):
    """Style-modulated convolution and its demodulation; `up` doubles the resolution.

    The style scales the input and the demodulation the output, which equals modulating the weights (stylegan2_reference.modulated_conv)
    and keeps one convolution for the whole batch. For a single picture the weights themselves are modulated where they are fewer than
    the samples (`folded`). Upsampling as published is a stride-2 transposed convolution
    followed by the FIR filter; `conv_first` convolves at the low resolution and interpolates after, linearly: the same FIR
    kernel with the border repeated, and several times faster on a CPU.
    """

    fir: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        style_dim: int,
        *,
        up: bool = False,
        conv_first: bool = False,
        fir: Sequence[float] = FIR,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.modulation = EqualLinear(style_dim, inputs, bias=1.0)
        self.gain = 1 / math.sqrt(inputs * kernel**2)
        self.up, self.conv_first, self.pad = up, conv_first, kernel // 2
        self.fir_pad = (len(fir) + 1) // 2 - 1, (len(fir) - 2) // 2
        self.register_buffer("fir", fir_kernel(fir), persistent=False)
        self._kept: tuple[tuple[object, ...], Tensor, Tensor] | None = None

    @property
    def transposed(self) -> bool:
        """Whether this is a transposed convolution, whose weights are [inputs,outputs,k,k]."""
        return self.up and not self.conv_first

    def _as_taken(self, weight: Tensor) -> Tensor:
        return weight.transpose(0, 1) if self.transposed else weight

    def frozen(self) -> tuple[Tensor, Tensor] | None:
        """Scaled weights as the convolution takes them, and their energy [outputs,inputs]; None while somebody trains them, or compiles.

        At low resolutions they are most of what has to be read, and scaling, squaring, casting and reordering them costs more than
        convolving.
        """
        if torch.compiler.is_compiling() or self.weight.requires_grad or self.weight.is_inference():
            return None
        kind = self.weight.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.weight.dtype
        key = (self.weight.data_ptr(), self.weight._version, self.weight.device, dtype)
        if self._kept is None or self._kept[0] != key:
            # tensors made in inference mode could serve nobody who needs gradients to the style
            with torch.inference_mode(False), torch.no_grad():
                scaled = self.weight * self.gain
                self._kept = key, self._as_taken(scaled).to(dtype).contiguous(memory_format=torch.channels_last), energy_of(scaled)
        return self._kept[1], self._kept[2]

    def forward(self, x: Tensor, style: Tensor) -> Tensor:  # [N,C,H,W], [N,D]
        scale = self.modulation(style)
        frozen = self.frozen()
        weight = frozen[0] if frozen else self._as_taken(self.weight) * self.gain
        return self._convolved(x * scale[:, :, None, None].to(x.dtype), weight)

    def folds(self, x: Tensor) -> bool:
        """Whether `folded` is the quicker way for x [N,C,H,W]: a single picture of more samples than there are weights."""
        return len(x) == 1 and x.shape[2] * x.shape[3] > 4 * self.weight.shape[0] * self.weight.shape[2] ** 2

    def folded(self, x: Tensor, style: Tensor, gain: float) -> Tensor:
        """The convolution of one picture x [1,C,H,W], demodulated, times `gain`: style and demodulation ride on the weights.

        High up these passes over the picture, not its convolutions, cost; for more than one picture this would take grouped
        convolutions, which are slow.
        """
        scale, factor = self.modulation(style)[0], self.demodulation(style)[0] * (gain * self.gain)
        weight = self.weight * scale[None, :, None, None] * factor[..., None]
        return self._convolved(x, self._as_taken(weight).to(x.dtype).contiguous(memory_format=torch.channels_last))

    def _convolved(self, x: Tensor, weight: Tensor) -> Tensor:
        if self.transposed:
            return fir_filter(F.conv_transpose2d(x, weight, stride=2), self.fir * 4, self.fir_pad)
        x = F.conv2d(x, weight, padding=self.pad)
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False) if self.up else x

    def demodulation(self, style: Tensor) -> Tensor:
        """What each output channel is multiplied with, [N,outputs,1,1] float32."""
        frozen = self.frozen()
        energy = frozen[1] if frozen else energy_of(self.weight * self.gain)
        return torch.rsqrt(F.linear(self.modulation(style).float().square(), energy) + 1e-8)[:, :, None, None]
