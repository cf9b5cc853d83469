"""torch.compile where it can be had: it fuses a network's passes over memory, and costs seconds to minutes at the first call."""

from __future__ import annotations

import logging
from functools import lru_cache

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)


@lru_cache(maxsize=4)
def compiles(kind: str) -> bool:
    """Whether torch.compile works on a kind of device, tried on a line; where it does not, that is said, once."""
    try:
        tried = torch.compile(lambda x: torch.relu(2 * x + 1))(torch.zeros(8, device=kind))
        return bool((tried == 1).all())
    except Exception as error:  # whatever is missing: a C++ compiler, Triton, Python's headers
        log.warning("--compile: %s; networks run as they are", reason_of(error))
        return False


@lru_cache(maxsize=4)
def compiled(network: nn.Module) -> Compiled:
    """The same at every call, so that a network is compiled once however many clips it serves."""
    return Compiled(network)


class Compiled:
    """A network that is compiled at its first call, for each size of batch; where that fails, it says so and runs as it is."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._fast = torch.compile(network, dynamic=False)
        self._tried = self._failed = False

    def __call__(self, rows: Tensor) -> Tensor:
        if not self._failed:
            try:
                made: Tensor = self._fast(rows)
                self._tried = True
                return made
            except Exception as error:
                if self._tried or isinstance(error, (torch.OutOfMemoryError, MemoryError)):
                    raise  # no fault of the compiler's
                self._failed = True
                log.warning("--compile: %s; %s runs as it is", reason_of(error), type(self._network).__name__.lower())
        plain: Tensor = self._network(rows)
        return plain


def reason_of(error: Exception) -> str:
    """The first line of what went wrong, without the names of PyTorch's classes."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    words = first.removeprefix("InvalidCxxCompiler: ").removeprefix("backend='inductor' raised:").strip()
    return f"torch.compile does not work here ({words.rstrip('.:') or type(error).__name__})"
