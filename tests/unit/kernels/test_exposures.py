"""Chunks of exposures against plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH
from sim.jit.sparse import VACANT
from sim.network.graph.ties_kernels import tie_between
from sim.spread.exposure.exposures_kernels import count_heard, fill, settle, shared_interests
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, share

SPEAKERS = [0, 3, 9, 10, 44]


def exposures(net: Net, speakers: list[int]) -> list[tuple[int, int, int]]:
    """(viewer, source, place of the tie) of every open listener."""
    return [(v, u, e) for u in speakers for e, v in net.row(u) if not net.is_closed(v)]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 10_000])
def test_chunks_of_any_size_hold_every_exposure_once_in_order(size: int) -> None:
    net = Net()
    net.close(5, 63, 64)
    chunk = tuple(np.empty(size + 1, kind) for kind in (np.uint32, np.uint32, np.int64))
    found, i, e = [], 0, 0
    while i < len(SPEAKERS):
        filled, i, e = call(fill, *net.place(), ids(*SPEAKERS), i, e, net.done, *chunk, 0)
        assert filled <= size
        found += list(zip(*(column[:filled].tolist() for column in chunk), strict=True))
    assert found == exposures(net, SPEAKERS)


def test_exposures_convince_by_their_own_coin() -> None:
    net, key = Net(agents=60, ties=9000), key_of(1, Stream.COINS)
    speakers = list(range(60))
    viewer, source, _ = (np.array(c) for c in zip(*exposures(net, speakers), strict=True))
    chance = np.random.default_rng(1).uniform(-0.1, 1.1, viewer.size)
    given: Any = viewer.astype(np.uint32), source.astype(np.uint32), chance, viewer.size
    touched = call(settle, *given, key, net.claim, net.touched, 0)
    best: dict[int, int] = {}
    for v, u, p in zip(viewer.tolist(), source.tolist(), chance.tolist(), strict=True):
        bits = coin(key, u, v)
        if share(bits) < p:
            best[v] = min(best.get(v, 2**64), claimed(bits, u))
    assert viewer.size > BATCH
    assert net.claims() == best
    assert sorted(net.touched[:touched].tolist()) == sorted(best)


@pytest.mark.parametrize("sparse", [False, True])
def test_hearings_of_open_listeners_are_counted_up_to_a_ceiling(sparse: bool) -> None:
    net = Net()
    net.close(5)
    keys = np.full(512, VACANT) if sparse else np.empty(0, np.uint32)
    heard = np.zeros(512 if sparse else net.agents, np.uint8)
    for _ in range(3):
        call(count_heard, *net.place(), ids(*SPEAKERS), net.done, 4, keys, heard)
    met = np.bincount([v for v, _, _ in exposures(net, SPEAKERS)], minlength=net.agents)
    expected = {v: min(3 * int(n), 4) for v, n in enumerate(met) if n}
    found = heard[heard > 0] if sparse else heard
    assert sorted(found[found > 0].tolist()) == sorted(expected.values())
    if not sparse:
        assert {v: int(n) for v, n in enumerate(heard) if n} == expected


def test_the_share_of_a_message_s_interests() -> None:
    tags = 0b1011 | 1 << 63
    interests = np.array([0, 1, 0b11, tags, 2**64 - 1, 1 << 63], np.uint64)
    out = np.empty(6)
    shared_interests(interests, np.arange(6, dtype=np.uint32), 6, np.uint64(tags), out)
    expected = [(int(mask) & tags).bit_count() / 4 for mask in interests]
    assert out.tolist() == expected
    shared_interests(interests, ids(0), 1, np.uint64(0), out)
    assert out[0] == 1.0


def test_ties_are_found_by_their_ends() -> None:
    net = Net()
    pairs = [*net.arcs, (0, 0), (79, 79), (3, 3)]
    places = {arc: place for place, arc in enumerate(net.arcs)}
    out = np.empty(len(pairs), np.int64)
    call(tie_between, *net.place(), ids(*(a for a, _ in pairs)), ids(*(b for _, b in pairs)), out)
    assert out.tolist() == [places.get(pair, -1) for pair in pairs]
