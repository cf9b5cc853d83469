"""Real hands: which count, where they are in a picture, and how they are cut out of it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.train.faces import make_work
from videdit.train import data, hands

SPREAD = np.deg2rad([-60, -25, 0, 20, 40])


def drawn(wrist: tuple[float, float], length: float) -> np.ndarray:
    """Points [21,2] of an open hand that points up, px."""
    points = [np.array(wrist)]
    for angle in SPREAD:
        way = np.array([np.sin(angle), -np.cos(angle)])
        points += [np.array(wrist) + way * length * far for far in (1.0, 1.35, 1.6, 1.8)]
    return np.array(points)


def picture_of(points: np.ndarray, size: tuple[int, int] = (218, 178)) -> tuple[np.ndarray, np.ndarray]:
    """A light hand on a dark ground, and where it is."""
    inside = np.zeros(size, np.uint8)
    for finger in hands.FINGERS:
        cv2.polylines(inside, [np.rint(points[list(finger)]).astype(np.int32)], False, (1,), 9)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(points[list(hands.PALM)]).astype(np.int32)), (1,))
    picture = np.where(inside[..., None] > 0, (220, 180, 150), (40, 60, 90)).astype(np.float32)
    picture += np.random.default_rng(0).normal(0, 3, picture.shape)
    return picture.clip(0, 255).astype(np.uint8), inside


def test_a_mask_follows_the_hand() -> None:
    points = drawn((90, 170), 45)
    picture, inside = picture_of(points)
    hand, known = hands.mask_of(picture, points)
    truth = cv2.resize(inside, None, fx=hands.DETAIL, fy=hands.DETAIL, interpolation=cv2.INTER_NEAREST)
    assert hand.shape == known.shape == truth.shape
    assert (hand & truth).sum() > 0.85 * (hand | truth).sum()
    assert not known[hands.DETAIL * 200, hands.DETAIL * 90]  # the arm: nobody looked
    assert known[hands.DETAIL * 20, hands.DETAIL * 20]
    assert not hand[hands.DETAIL * 20, hands.DETAIL * 20]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work directory with a hand before the faces in rows 0 and 1, of which the second was not found again."""
    work = make_work(tmp_path / "work", people=24)
    pictures = np.load(work / "pictures.npy")
    points = drawn((90, 170), 45)
    for row in (0, 1):
        pictures[row] = picture_of(points)[0]
    np.save(work / "pictures.npy", pictures)
    near, far = [0.05, 0.1, 9.0], [0.05, 0.6, 9.0]
    np.savez(work / "hands.npz", rows=[0, 1], points=np.stack([points] * 2).astype(np.float32), apart=np.array([near, far], np.float32))
    return work


def test_a_hand_counts_that_is_found_again(work: Path) -> None:
    found = hands.load(work)
    assert found is not None
    assert found.sure.tolist() == [True, False]
    assert hands.load(work.parent) is None


def test_examples_are_crops_with_masks(work: Path) -> None:
    found, faces = hands.load(work), data.load(work)
    assert found is not None
    crops, masks = hands.beside(found, faces, np.arange(10), 64)
    assert crops.shape == (1, 64, 64, 3)
    assert masks.shape == (1, 2, 64, 64)
    assert 0.02 < (masks[0, 0] > 127).mean() < 0.9
    assert 0.3 < (masks[0, 1] > 127).mean() < 1
    assert len(hands.beside(found, faces, np.arange(1, 10), 64)[0]) == 0


def test_a_hand_is_cut_out_fingers_up(work: Path) -> None:
    found, faces = hands.load(work), data.load(work)
    assert found is not None
    sprites = hands.cut_out(found, faces, np.arange(10), 128)
    assert sprites.shape == (1, 4, 128, 128)
    opaque = sprites[0, 3] > 127
    rows = np.flatnonzero(opaque.any(1))
    assert 20 < rows[0] < 64 < rows[-1] < 115
    widths = opaque.sum(1)
    assert widths[rows[0] + 3] < widths[rows].max() / 2  # fingertips above, palm below
    assert np.abs(sprites[0, :3][:, opaque].mean(1) - (220, 180, 150)).max() < 15
