"""What lies in front of a face stays as it is."""

from pathlib import Path

import numpy as np
import torch

from tests.tinypack import SIZE, make_tiny_pack
from videdit.composite import Change
from videdit.networks.occluder import Occluder
from videdit.packs.load import load_pack
from videdit.packs.save import save_network
from videdit.pipeline.covers import Covers, covers, covers_of, looker, uncovered


def masks(rows: list[int], *, left: int = 0) -> Covers:
    """The left half (or more) of a crop is covered in these rows."""
    mask = np.zeros((16, 16), np.uint8)
    mask[:, left:8] = 255
    return covers_of(dict.fromkeys(rows, mask))


def changes(count: int) -> list[Change]:
    zero = np.zeros((32, 32), np.float32)
    return [
        Change(np.zeros((32, 32, 2), np.float32), np.ones((32, 32, 3), np.float32), zero, zero, zero + 1, zero, zero) for _ in range(count)
    ]


def test_a_change_gives_way_where_something_lies_in_front() -> None:
    given = changes(7)
    out = list(uncovered(iter(given), masks([2, 3, 4]), 32))
    for change in out[1:6]:  # a frame before it and behind it too
        assert not change.mask[:, :14].any()
        assert (change.mask[:, 20:] == 1).all()
    assert all((change.mask == 1).all() for change in given)  # they may still serve their neighbours
    assert (out[0] is given[0], out[6] is given[6]) == (True, True)


def test_what_is_seen_once_only_does_not_count() -> None:
    found = masks([2])
    assert all(found.at(row, 32) is None for row in range(5))
    two = masks([2, 3])
    assert two.at(2, 32) is not None
    assert two.at(0, 32) is None


def test_a_stripe_between_covered_places_is_covered_and_a_wide_gap_is_not() -> None:
    mask = np.full((64, 64), 255, np.uint8)
    mask[20:26] = mask[40:60] = 0
    found = covers_of(dict.fromkeys((1, 2, 3), mask)).at(2, 64)
    assert found is not None
    assert (found[:36] == 1).all()
    assert not found[46:54].any()


def test_next_to_nothing_is_nothing() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:4, :4] = 255
    assert not covers(mask)
    mask[:16, :16] = 255
    assert covers(mask)
    assert Covers().at(0, 8) is None


def test_a_pack_without_the_network_looks_for_nothing(tmp_path: Path) -> None:
    pack = make_tiny_pack(tmp_path)
    assert looker(load_pack(pack)) is None
    config = {"size": 16, "widths": [4, 8, 8, 8, 8]}
    torch.manual_seed(0)
    network = Occluder(**config).eval()
    save_network(pack, "occluder", network, config, license="MIT", trained_on="nothing")
    look = looker(load_pack(pack))
    assert look is not None
    crops = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    found = look(crops)
    assert found.shape == (3, 16, 16)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(look(crops[:1])[0], found[0])  # how frames are batched does not show
