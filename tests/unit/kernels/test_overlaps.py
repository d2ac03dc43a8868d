"""Overlaps of neighbourhoods and the coins that fall below them, against sets."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.spread.exposure.attempts_kernels import EMBEDDED, TieShares, claim_shares, in_both
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, share

KEY = key_of(3, Stream.COINS)
NO_COINS, DENSE, NO_LEVELS = np.empty(0, np.uint64), np.empty(0, np.uint32), np.empty(0)


def embedded(labels: Any, across: float) -> TieShares:
    none = NO_LEVELS, DENSE, np.empty(0, np.uint8)
    return TieShares(EMBEDDED, KEY, *none, labels, across)


@pytest.mark.parametrize("sizes", [(3, 60), (60, 3), (20, 25), (0, 9), (9, 0), (1, 1)])
def test_in_both_counts_as_sets_do(sizes: tuple[int, int]) -> None:
    draws = np.random.default_rng(sum(sizes))
    for _ in range(8):
        one, other = (np.sort(draws.choice(90, size, replace=False)) for size in sizes)
        beside = [ids(95, 96, *half.tolist(), 2, 3) for half in (one, other)]
        found = call(in_both, beside[0], 2, 2 + one.size, beside[1], 2, 2 + other.size)
        assert found == len(set(one.tolist()) & set(other.tolist()))


@pytest.mark.parametrize("across", [0.0, 0.2, -1.0])
@pytest.mark.parametrize("kinds", [1, 2, 5])
@pytest.mark.parametrize(("ties", "hub"), [(150, 3), (600, 79), (3000, 0)])
def test_coins_below_the_overlap_fall(across: float, kinds: int, ties: int, hub: int) -> None:
    net = Net(ties=ties, hub=hub)
    net.close(2, 7, 50)
    labels = (np.arange(80) * 7 % 11 % kinds).astype(np.int32)
    labels[[5, 41, 66]] = -1
    listeners = [{v for _, v in net.row(u)} for u in range(80)]

    def overlap(u: int, v: int) -> float:
        both = sum(labels[w] == labels[u] for w in listeners[u] & listeners[v])
        return float(both / (len(listeners[u]) + len(listeners[v]) - both))

    expected: dict[int, int] = {}
    for u in range(80):
        least = min((overlap(u, v) for v in listeners[u]), default=1.0)
        for v in listeners[u]:
            beyond = across if across >= 0 else least
            chance = overlap(u, v) if labels[u] == labels[v] >= 0 else beyond
            bits = coin(KEY, u, v)
            if not net.is_closed(v) and share(bits) < 0.9 * chance:
                expected[v] = min(expected.get(v, 2**64), claimed(bits, u))
    m = call(
        claim_shares, *net.place(), ids(*range(80)), 0, 80, KEY, NO_COINS, 0.9,
        embedded(labels, across), net.done, net.claim, net.touched, 0,
    )  # fmt: skip
    assert net.claims() == expected
    assert sorted(net.touched[:m].tolist()) == sorted(expected)


def test_given_coins_of_a_hub_with_more_listeners_than_a_batch() -> None:
    net = Net(agents=1300, ties=10)
    coins = np.zeros(len(net.arcs), np.uint64)
    m = call(
        claim_shares, *net.place(), ids(3), 0, 1, KEY, coins, 1.0,
        embedded(np.full(net.agents, -1, np.int32), 0.5), net.done, net.claim,
        net.touched, 0,
    )  # fmt: skip
    assert m == net.agents - 1
