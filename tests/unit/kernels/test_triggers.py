"""Places of sources, in plain Python."""

import numpy as np
import pytest

from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.spread.exposure.triggering_kernels import open_pairs, pair_draws, ranks, trigger
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, share


@pytest.mark.parametrize("trusted", [False, True])
def test_sources_are_numbered_by_id(trusted: bool) -> None:
    net = Net()
    trust = net.trust if trusted else net.trust[:0]
    seen, sums = np.zeros(80, np.int64), np.zeros(80, np.int64)
    rank, before = np.empty(len(net.arcs), np.uint32), np.empty(len(net.arcs), np.int64)
    call(ranks, *net.place(), trust, seen, sums, rank, before)
    weight = net.trust.astype(int) if trusted else np.ones(len(net.arcs), int)
    for e, (u, v) in enumerate(net.arcs):
        earlier = [f for f, (a, b) in enumerate(net.arcs) if b == v and a < u]
        assert rank[e] == len(earlier)
        assert before[e] == weight[earlier].sum()
    assert seen.tolist() == net.degree.tolist()
    assert sums.sum() == weight.sum()


def test_pairs_have_draws() -> None:
    key, out = key_of(1, Stream.COINS), np.empty(3)
    call(pair_draws, key, ids(1, 2, 3), ids(4, 5, 4), out)
    assert out.tolist() == [share(coin(key, u, v)) for u, v in ((1, 4), (2, 5), (3, 4))]


@pytest.mark.parametrize("room", [3, 7, 1000])
def test_chunks_hold_every_open_pair_once(room: int) -> None:
    net = Net()
    net.close(5, 64)
    who = ids(0, 3, 9, 10)
    viewer, source, tie = (np.empty(room + 1, t) for t in (np.uint32, np.uint32, np.int64))
    found: list[tuple[int, ...]] = []
    i = e = 0
    while i < who.size:
        filled, i, e = call(open_pairs, *net.place(), who, i, e, net.done, viewer, source, tie)
        assert filled <= room
        found += zip(
            source[:filled].tolist(), viewer[:filled].tolist(), tie[:filled].tolist(), strict=True
        )
    expected = [(int(u), v, at) for u in who for at, v in net.row(int(u)) if not net.is_closed(v)]
    assert found == expected


def test_of_several_triggers_the_lowest_draw_is_the_source() -> None:
    net, key = Net(), key_of(3, Stream.OUTCOMES)
    viewer, source = ids(1, 1, 2, 2, 4), ids(7, 8, 7, 9, 9)
    chosen = np.array([1, 1, 0, 1, 0], np.uint8)
    m = call(trigger, viewer, source, chosen, 5, key, net.claim, net.touched, 0)
    assert sorted(net.touched[:m].tolist()) == [1, 2]
    best = min(claimed(coin(key, u, 1), u) for u in (7, 8))
    assert net.claims() == {1: best, 2: claimed(coin(key, 9, 2), 9)}
