"""videdit sample: faces drawn from a pack's generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from videdit.cli.parser import Parser, add_options, settings_of
from videdit.cli.pictures import check_target, write_picture
from videdit.cli.say import say, shown
from videdit.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from videdit.packs.load import Pack


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit sample", "videdit sample [-n N] -o GRID.PNG [OPTIONS]", "Draw faces of nobody from a model pack.")
    parser.add_argument("-n", "--number", type=int, default=16, metavar="N", help="how many (default 16)")
    parser.add_argument("-o", "--output", required=True, metavar="GRID.PNG", help="the picture to write")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same number, the same faces (default 0)")
    parser.add_argument(
        "--truncation", type=float, default=0.7, metavar="PSI", help="0 is the average face, 1 the whole variety (default 0.7)"
    )
    add_options(parser, only=["pack", "device", "overwrite"])
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    space = build().parse(argv)
    if not 1 <= space.number <= 1024:
        raise UsageError(f"-n can't be {space.number}", hint="From 1 to 1024 faces.")
    if not 0 <= space.truncation <= 2:
        raise UsageError(f"--truncation can't be {space.truncation}", hint="A number from 0 to 2.")
    settings = settings_of(space)
    target = check_target(Path(space.output), overwrite=settings.overwrite)
    from videdit.packs.load import load_pack

    pack = load_pack(settings.pack, device=settings.device)
    write_picture(target, grid(draw(pack, space.number, seed=space.seed, truncation=space.truncation)))
    say(shown(target))
    return 0


def draw(pack: Pack, number: int, *, seed: int, truncation: float) -> NDArray[np.uint8]:
    """Faces uint8 [N,S,S,3] RGB. Raises PackError."""
    import numpy as np
    import torch

    # drawn on the CPU, so that a seed means the same faces on every device
    z = torch.randn(number, pack.z_dim, generator=torch.Generator().manual_seed(seed)).numpy()
    pictures = []
    with torch.inference_mode():
        for w in torch.from_numpy(pack.sample(z, truncation=truncation)).to(pack.device).split(8):
            pictures.append(((pack.generator(w).clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(pictures)


def grid(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N,S,S,3] as one picture, as square as it gets; what is left over is white."""
    import numpy as np

    number, side = len(pictures), pictures.shape[1]
    columns = math.ceil(math.sqrt(number))
    rows = math.ceil(number / columns)
    out = np.full((rows * side, columns * side, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * side, i % columns * side
        out[y : y + side, x : x + side] = picture
    return out
