"""Smoothing over time. One function serves geometry and latents; METHODS names those that `--smooth` can use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.fade import bridge, fade
from videdit.smooth.gaussian import gaussian, reach

Smoother = Callable[[NDArray[np.floating], NDArray[np.floating], NDArray[np.bool_], float], NDArray[np.floating]]

METHODS: dict[str, Smoother] = {"gaussian": gaussian}

__all__ = ["METHODS", "Smoother", "bridge", "fade", "gaussian", "reach"]
