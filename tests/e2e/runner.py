"""The command with a tracker by script; as a program it then says what memory it took."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import scripted
from videdit.cli.main import main


def run(clips: Sequence[Path], out: Path, pack: Path, *options: str) -> int:
    """`videdit CLIPS --smile 1 -o OUT`, nothing cached."""
    with pytest.MonkeyPatch.context() as patch:
        scripted.script(patch)
        return main([*map(str, clips), "-o", str(out), "--pack", str(pack), "--smile", "1", "--no-cache", "-q", *options])


if __name__ == "__main__":
    import resource

    code = run([Path(sys.argv[1])], Path(sys.argv[2]), Path(sys.argv[3]))
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}", file=sys.stderr)
    sys.exit(code)
