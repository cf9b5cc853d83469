"""quality.identity"""

from __future__ import annotations

import numpy as np
import pytest

from videdit.quality.identity import cosines, strangers, temporal_identity


def embeddings(seed: int = 0, frames: int = 6) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return 1.0 + 0.2 * draw.normal(size=(frames, 16))


def test_doing_nothing_scores_one() -> None:
    e = embeddings()
    np.testing.assert_allclose(temporal_identity(e, e), (1.0, 1.0))
    np.testing.assert_allclose(cosines(e, 3 * e), 1.0)


def test_a_steadier_person_scores_above_one_and_a_wobbling_one_below() -> None:
    e = embeddings()
    still = np.repeat(e[:1], len(e), 0)
    assert min(temporal_identity(e, still)) > 1
    assert max(temporal_identity(still, e)) < 1


def test_local_and_global_differ_by_drift() -> None:
    angles = np.linspace(0, 1, 10)
    drift = np.stack([np.cos(angles), np.sin(angles)], 1)
    local, everywhere = temporal_identity(np.repeat(drift[:1], 10, 0), drift)
    np.testing.assert_allclose(local, np.cos(1 / 9))
    assert everywhere < local


def test_a_single_frame_has_no_consistency() -> None:
    assert np.isnan(temporal_identity(embeddings(frames=1), embeddings(frames=1))).all()


def test_strangers() -> None:
    assert strangers([np.eye(4)[:1], np.eye(4)[1:2], np.eye(4)[:1]]) == pytest.approx(1 / 3)
    assert np.isnan(strangers([np.eye(4)]))
