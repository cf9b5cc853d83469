from __future__ import annotations

import numpy as np

from videdit.faces.assign import FORBIDDEN, assign, costs
from videdit.faces.cluster import cluster

ALICE, BOB = np.eye(4)[0], np.eye(4)[1]


def frames(start: int, stop: int) -> np.ndarray:
    return np.arange(start, stop)


def test_who_looks_alike_is_one_person_across_cuts() -> None:
    looks = np.stack([ALICE, BOB, ALICE + 0.3 * BOB, BOB + 0.2 * ALICE])
    spans = [frames(0, 10), frames(0, 10), frames(10, 20), frames(10, 20)]
    assert cluster(looks, spans, [0, 1, 2, 3]) == [0, 1, 0, 1]


def test_twins_seen_together_stay_two() -> None:
    looks = np.stack([ALICE, ALICE, ALICE])
    assert cluster(looks, [frames(0, 10), frames(9, 20), frames(30, 40)], [0, 1, 2]) in ([0, 1, 0], [0, 1, 1])
    assert cluster(looks[:2], [frames(0, 10), frames(10, 20)], [0, 1]) == [0, 0]


def test_average_not_nearest_decides() -> None:
    chain = np.stack([[np.cos(a), np.sin(a)] for a in (0.0, 0.7, 1.4)])  # each like the next one, the ends not
    spans = [frames(0, 5), frames(5, 10), frames(10, 15)]
    assert cluster(chain, spans, [0, 1, 2], alike=0.6) == [0, 0, 1]


def test_a_number_of_the_tracker_is_believed_over_looks() -> None:
    looks = np.stack([ALICE, BOB])
    assert cluster(looks, [frames(0, 5), frames(20, 25)], [7, 7]) == [0, 0]
    assert cluster(looks, [frames(0, 5), frames(4, 25)], [7, 7]) == [0, 1]


def test_without_looks_who_does_not_overlap_is_one() -> None:
    spans = [frames(0, 10), frames(0, 10), frames(10, 20)]
    assert cluster(np.zeros((3, 0)), spans, [0, 1, 2]) == [0, 1, 0]
    assert cluster(np.zeros((0, 4)), [], []) == []


def test_the_cheapest_pairs_together_not_one_by_one() -> None:
    assert assign(np.array([[1.0, 2.0], [1.1, 9.0]])) == [(0, 1), (1, 0)]
    assert assign(np.array([[FORBIDDEN, 2.0]])) == [(0, 1)]
    assert assign(np.array([[FORBIDDEN, 3.0], [FORBIDDEN, 4.0]])) == [(0, 1)]
    assert assign(np.zeros((0, 2))) == assign(np.full((2, 2), FORBIDDEN)) == []


def test_a_lost_face_costs_by_place_and_looks() -> None:
    box, beside = np.array([0.0, 0, 10, 10]), np.array([5.0, 0, 15, 10])
    nan = np.full((1, 2), np.nan)
    cost = costs(box[None], np.stack([box, beside]), np.stack([box, beside]), nan)
    assert cost[0, 0] < cost[0, 1] < FORBIDDEN
    assert costs(box[None], box[None] + 50, box[None], nan[:, :1])[0, 0] < FORBIDDEN, "they were due here"
    assert costs(box[None], box[None] + 50, box[None] + 50, nan[:, :1])[0, 0] == FORBIDDEN
    assert costs(box[None], box[None], box[None], np.array([[-0.2]]))[0, 0] == FORBIDDEN
