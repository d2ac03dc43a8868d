"""Trust moved by outcomes, reputation that flows along it."""

from typing import Any

import numpy as np
import pytest

from sim.network.analysis import reputation_kernels as kernels
from tests.unit.kernels.networks import lent

ROWS = lent(np.array([[0, 2], [2, 1], [3, 0]], np.uint32))
IDS = lent(np.array([1, 2, 0], np.uint32))
NO_SIGN = np.empty(0, np.int8)


def moved(trust: int, outcomes: list[int], gain: int = 6554, loss: int = 13107) -> int:
    column = np.array([0, trust, 0], np.uint16)
    k = len(outcomes)
    pairs = np.zeros(k, np.uint32), np.full(k, 2, np.uint32)
    found = np.zeros(k, np.uint8)
    kernels.learn(ROWS, IDS, column, *pairs, np.array(outcomes, np.uint8), gain, loss, found)
    assert found.all()
    assert column[0] == column[2] == 0
    return int(column[1])


@pytest.mark.parametrize(
    ("trust", "outcomes", "left"),
    [(0, [1], 6554), (65535, [0], 52428), (65535, [1], 65535), (0, [0], 0), (30000, [1, 0], 26843)],
)
def test_an_outcome_moves_trust_a_share_of_the_way(
    trust: int, outcomes: list[int], left: int
) -> None:
    assert moved(trust, outcomes) == left


def test_trust_never_leaves_its_range_and_what_is_no_tie_is_left_out() -> None:
    assert moved(65500, [1] * 40, gain=1) == 65535
    assert moved(40, [0] * 50, loss=1) == 0
    assert moved(0, [1], gain=65535) == 65535
    found, column = np.ones(1, np.uint8), np.zeros(3, np.uint16)
    pair = np.array([2], np.uint32), np.array([1], np.uint32)
    kernels.learn(ROWS, IDS, column, *pair, np.ones(1, np.uint8), 9, 9, found)
    assert (found.tolist(), column.tolist()) == ([0], [0, 0, 0])


def test_trust_given_is_counted_by_listener_and_none_against_a_source() -> None:
    trust, sign = np.array([5, 7, 9], np.uint16), np.array([1, -1, 1], np.int8)
    total = np.zeros(3, np.int64)
    kernels.given_trust(ROWS, IDS, trust, sign, total)
    assert total.tolist() == [9, 5, 0]
    total[:] = 0
    kernels.given_trust(ROWS, IDS, trust[:0], NO_SIGN, total)
    assert total.tolist() == [65535, 65535, 65535]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_reputation_comes_from_what_listeners_passed_on_before(kind: Any) -> None:
    base, passed = np.array([0.5, 0.0, 0.0]), np.array([0.1, 0.2, 0.4])
    rank, share = base.copy(), np.array([0.5, 1.0, 2.0], kind)
    after = np.zeros_like(share)
    trust, sign = np.array([2, 3, 1], np.uint16), np.array([1, 1, 1], np.int8)
    change = kernels.flow(ROWS, IDS, trust, sign, base, passed, 0, 3, rank, share, after)
    assert rank.tolist() == [8.5, 0.5, 0.0]
    assert after.tolist() == pytest.approx([0.85, 0.1, 0.0])
    assert share.tolist() == [0.5, 1.0, 2.0]
    assert change == pytest.approx(8.5)
    kernels.flow(ROWS, IDS, trust, -sign, base, passed, 0, 3, rank, share, after)
    assert rank.tolist() == base.tolist()


def test_outcomes_are_foretold_from_those_before() -> None:
    raters, rated = np.array([0, 0, 1, 0], np.uint32), np.array([2, 2, 2, 1], np.uint32)
    good, out = np.array([1, 0, 1, 1], np.uint8), np.zeros(4)
    received, given = np.zeros((3, 2)), np.zeros((3, 2))
    kernels.foretell(raters, rated, good, received, given, out)
    assert out.tolist() == [0.5, 0.8, 0.5, 0.5]
    assert received.tolist() == [[0, 0], [0, 1], [1, 2]]
    assert given.tolist() == [[1, 2], [0, 1], [0, 0]]
