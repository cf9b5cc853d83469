"""pipeline.drawn.on_skin: where something drawn lies on a face that moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from videdit.composite.motion import still
from videdit.config import Settings
from videdit.pipeline.changes import Motion
from videdit.pipeline.drawn import on_skin
from videdit.pipeline.people import Person
from videdit.pipeline.steadiness import steadiness_of, there, weights_of
from videdit.types import LatentTrack, Track

ROWS, SIZE, STEP = 60, 128, 0.1  # STEP: px that the skin goes right each row
DICE = np.random.default_rng(0)
SKIN = DICE.uniform(30, 90, (78, 2)) + np.arange(ROWS)[:, None, None] * (STEP, 0.0)
CORNERS = np.array([(0, 0), (0, SIZE), (SIZE, SIZE), (SIZE, 0)], float) + (40, 20)


def person(landmarks: np.ndarray) -> Person:
    """Landmarks in px of crops that stay at CORNERS, on skin that moves as SKIN does."""
    valid = np.ones(ROWS, bool)
    quads = np.tile(CORNERS, (ROWS, 1, 1))
    track = Track(np.arange(ROWS), np.arange(ROWS) / 30, quads, landmarks + CORNERS[0], valid.astype(np.float32))
    moved = still(ROWS)
    moved[1:, ..., 0] = -STEP / SIZE
    latents = LatentTrack(np.zeros((ROWS, 0, 0), np.float32), valid, "")
    return Person(track, latents, np.zeros((0, 8, 8, 3), np.uint8), np.zeros(0, int), moved=moved)


def placed(someone: Person, settings: Settings = Settings(), rows: slice = slice(0, ROWS)) -> np.ndarray:
    share, weights = np.ones(ROWS, np.float32), weights_of(someone)
    motion = Motion(someone, there(someone), share, share, weights, steadiness_of(settings), lambda w, times: w, lambda w: w)
    return on_skin(motion, SIZE, rows)


def test_it_stays_on_the_skin_while_landmarks_shake() -> None:
    shaking = SKIN + DICE.normal(0, 0.3, SKIN.shape)
    lies = placed(person(shaking))
    assert np.diff(lies - SKIN, axis=0).std() < 0.1 * np.diff(shaking - SKIN, axis=0).std()
    assert np.abs(lies - SKIN).max() < 0.4
    assert placed(person(shaking), rows=slice(16, 24)) == pytest.approx(lies[16:24], abs=1e-9), "some rows are as all of them say"
    assert placed(person(SKIN)) == pytest.approx(SKIN, abs=0.01), "and does not lag behind"


def test_a_mouth_that_opens_is_followed() -> None:
    opens = SKIN.copy()
    opens[26:34, 57, 1] += 6  # the skin about it does not show that
    lies = placed(person(opens))
    assert lies[26:34, 57] == pytest.approx(opens[26:34, 57], abs=0.01)
    assert lies[:, 0] == pytest.approx(SKIN[:, 0], abs=0.01)


def test_without_smoothing_or_flow_landmarks_are_the_place() -> None:
    shaking = SKIN + DICE.normal(0, 0.3, SKIN.shape)
    for lies in (placed(person(shaking), Settings(smooth=0)), placed(replace(person(shaking), moved=None))):
        assert lies == pytest.approx(shaking)
