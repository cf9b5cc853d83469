"""--c2pa CERT KEY: whether outputs can be signed, before the work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videdit.cli.plan import Job


def add_credentials(group: Any) -> None:
    """The flag."""
    text = "sign what was edited into the output as Content Credentials: a certificate chain and its key, PEM; needs videdit[c2pa]"
    group.add_argument("--c2pa", nargs=2, metavar=("CERT.PEM", "KEY.PEM"), help=text)


def signing(jobs: Sequence[Job], asked: Sequence[str] | None) -> tuple[Path, Path] | None:
    """Certificate chain and key, tried; None where nothing is to be signed. Raises UsageError, MissingError."""
    if asked is None:
        return None
    from videdit.video.credentials import check_format, load_signer

    for job in jobs:
        check_format(job.target)
    certificate, key = Path(asked[0]), Path(asked[1])
    load_signer(certificate, key)
    return certificate, key
