"""Fixtures for every test: errors that were logged fail the test, and every device there is takes part."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

# The tests' tensors are tiny: threads would only wait for each other, for minutes where the machine is shared.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def no_logged_errors(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which an error was logged; mark a test `logs_errors` when that is what it tries."""
    yield
    if request.node.get_closest_marker("logs_errors"):
        return
    errors = [record.getMessage() for when in ("setup", "call") for record in caplog.get_records(when) if record.levelno >= logging.ERROR]
    if errors:
        pytest.fail("an error was logged: " + "; ".join(errors))


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """cpu, and cuda where there is one."""
    import torch

    name: str = request.param
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine: not tried on a GPU")
    return name
