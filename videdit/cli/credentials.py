"""--c2pa CERT KEY: whether outputs can be signed, before the work, and the signing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videdit.cli.plan import Job


def add_credentials(group: Any) -> None:
    """The flag."""
    text = "sign what was edited into the output as Content Credentials: a certificate chain and its key, PEM; needs videdit[c2pa]"
    group.add_argument("--c2pa", nargs=2, metavar=("CERT.PEM", "KEY.PEM"), help=text)


def make_signer(jobs: Sequence[Job], asked: Sequence[str] | None) -> Any:
    """What signs, None where nothing is asked for. Raises UsageError, MissingError."""
    if asked is None:
        return None
    from videdit.video.credentials import check_format, load_signer

    for job in jobs:
        check_format(job.target)
    return load_signer(Path(asked[0]), Path(asked[1]))


def sign_output(job: Job, signer: Any, statement: str) -> None:
    """Sign a written file. Raises OutputError."""
    from videdit import __version__
    from videdit.video.credentials import sign

    sign(job.source, job.target, signer, statement, __version__)
