"""pipeline.calm: what a picture's expression asks of a face that changes its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tinypack import LAYERS, STYLE, make_tiny_pack
from videdit.config import Settings
from videdit.edit import Moves, move
from videdit.networks.latents import LatentExpression
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_network
from videdit.pipeline.calm import calmed, slow
from videdit.pipeline.people import Person
from videdit.pipeline.steadiness import steadiness_of, weights_of
from videdit.types import Driver, LatentTrack, Track

FPS = 20
RNG = np.random.default_rng(0)


def smiles(seconds: float, begins: float) -> tuple[np.ndarray, np.ndarray]:
    """What a face [T,1] lacks of a smile, which it has from some second on; times [T]."""
    times = np.arange(round(seconds * FPS)) / FPS
    return np.where(times < begins, 1.0, 0.0)[:, None], times


def test_a_smile_that_begins_takes_nothing_from_the_face_before() -> None:
    lacks, times = smiles(8.0, 3.0)
    amounts = slow(lacks, times, np.ones(len(times), bool), 0.75)
    assert amounts[times < 3].min() > 0.97
    assert np.abs(np.diff(amounts, axis=0)).max() < 0.03  # a frame; the face itself goes all the way in one
    assert amounts[-1] < 0.01
    back = slow(-lacks[::-1], times, np.ones(len(times), bool), 0.75)
    np.testing.assert_allclose(back, -amounts[::-1], atol=1e-6)  # what a face has too much, and backwards


def test_a_face_that_holds_still_gets_what_it_lacks() -> None:
    lacks, times = np.full((40, 2), (0.4, -0.3)), np.arange(40) / FPS
    np.testing.assert_allclose(slow(lacks, times, np.ones(40, bool), 0.75), lacks, atol=1e-6)


def test_nothing_reaches_across_a_gap() -> None:
    lacks, times = smiles(4.0, 2.0)
    valid = np.abs(times - 2.0) > 0.06
    amounts = slow(lacks, times, valid, 0.75)
    np.testing.assert_allclose(amounts[valid], lacks[valid], atol=1e-6)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """One that reads a measure of expression."""
    folder = make_tiny_pack(tmp_path)
    config = {"num_layers": LAYERS, "style_dim": STYLE, "rank": 1}
    network = LatentExpression(**config)
    torch.manual_seed(0)
    network.read.normal_()
    network.write.normal_()
    save_network(folder, "expression", network, config, license="MIT", trained_on="nothing")
    return load_pack(folder)


def face(pack: Pack, frames: int = 80) -> Person:
    """Somebody whose latent is another from half the time on; it reads as one that smiles then, if the pack measures."""
    w = np.repeat((RNG.normal(size=(1, LAYERS, STYLE)) * 0.1).astype(np.float32), frames, axis=0)
    w[frames // 2 :] += 0.1 * pack.loaded("expression").read.numpy()[0] if pack.has("expression") else 0.1  # type: ignore[union-attr, operator]
    track = Track(
        frames=np.arange(frames),
        times=np.arange(frames) / FPS,
        quads=np.zeros((frames, 4, 2)),
        landmarks=np.zeros((frames, 78, 2)),
        confidence=np.ones(frames),
    )
    return Person(track, LatentTrack(w, np.ones(frames, bool), pack.id), np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, int))


def test_a_picture_asks_steadily_and_a_clip_is_followed(pack: Pack) -> None:
    person, steady = face(pack), steadiness_of(Settings())
    w, times = person.latents.w, person.track.times
    still = Moves({}, (), Driver(np.zeros(1), w[-1:]))
    moved = calmed(still, person, steady, weights_of(person), pack)
    near = slice(30, 50)
    steps = [np.abs(np.diff(move(w[near], moves, pack, times=times[near]) - w[near], axis=0)).max() for moves in (still, moved)]
    assert steps[1] < 0.1 * steps[0]
    np.testing.assert_allclose(move(w[:1], moved, pack, times=times[:1]), move(w[:1], still, pack, times=times[:1]), atol=0.03)
    driven = Moves({}, (), Driver(times, w))
    assert calmed(driven, person, steady, weights_of(person), pack) is driven
    nothing = Moves({"axes": {"Smiling": 1.0}})
    assert calmed(nothing, person, steady, weights_of(person), pack) is nothing
    loose = steadiness_of(Settings(stabilise=0.0))
    assert calmed(still, person, loose, weights_of(person), pack) is still


def test_packs_that_mix_layers_do_as_they_did(tmp_path: Path) -> None:
    pack = load_pack(make_tiny_pack(tmp_path))
    person, steady = face(pack), steadiness_of(Settings())
    moves = Moves({}, (), Driver(np.zeros(1), person.latents.w[:1]))
    assert calmed(moves, person, steady, weights_of(person), pack) is moves
