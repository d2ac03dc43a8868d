"""Attempts by shares, against set arithmetic in plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream, uniforms
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH
from sim.jit.sparse import VACANT, store
from sim.spread.exposure.attempts_kernels import BORDER, LEVELS, NOVELTY, TieShares, claim_shares
from sim.spread.exposure.triggering_kernels import open_pairs, pair_draws, ranks, trigger
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, lent, share

KEY, TIES = key_of(3, Stream.COINS), key_of(3, Stream.MODEL)
COINS, DENSE = np.empty(0, np.uint64), np.empty(0, np.uint32)
LABELS = lent((np.arange(80) % 3 - 1).astype(np.int32))
TABLE = np.array([1.0, 0.5, 0.1])
SPEAKERS = [0, 3, 9, 10, 44, 63]


def run(net: Net, rule: int, p: float, across: float = 0.3, heard: Any = None) -> dict[int, int]:
    keys, times = (DENSE, np.zeros(net.agents, np.uint8)) if heard is None else heard
    who = lent(ids(*SPEAKERS))
    m = call(
        claim_shares, *net.place(), who, 0, who.size, KEY, COINS, p,
        TieShares(rule, TIES, TABLE, keys, times, LABELS, across), net.done, net.claim,
        net.touched, 0,
    )  # fmt: skip
    assert sorted(net.touched[:m].tolist()) == sorted(net.claims())
    return net.claims()


def expected(net: Net, chance: Any) -> dict[int, int]:
    found: dict[int, int] = {}
    for u in SPEAKERS:
        for _, v in net.row(u):
            bits = coin(KEY, u, v)
            if not net.is_closed(v) and share(bits) < chance(u, v):
                found[v] = min(found.get(v, 2**64), claimed(bits, u))
    return found


def level_of(u: int, v: int) -> float:
    return float(TABLE[int(3 * uniforms(TIES, u, v)[0])])


def inside(u: int, v: int) -> bool:
    return bool(LABELS[u] == LABELS[v] >= 0)


def test_levels_are_drawn_for_each_tie_and_borders_let_a_share_through() -> None:
    net = Net()
    net.close(5, 7)
    found = run(net, LEVELS, 0.9)
    assert found == expected(net, lambda u, v: 0.9 * level_of(u, v))
    net = Net()
    found = run(net, BORDER, 0.7)
    assert found == expected(net, lambda u, v: 0.7 if inside(u, v) else 0.7 * 0.3)


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_what_was_heard_before_is_less_new(kind: str) -> None:
    net = Net()
    times = (np.arange(80) % 5).astype(np.uint8)
    keys, column = DENSE, times
    if kind == "hash":
        keys, column = np.full(256, VACANT), np.zeros(256, np.uint8)
        call(store, keys, column, ids(*range(80)), times)
    found = run(net, NOVELTY, 0.8, heard=(keys, column))
    assert found == expected(net, lambda u, v: 0.8 * float(TABLE[min(int(times[v]), 2)]))


def test_a_hub_with_more_listeners_than_a_batch() -> None:
    net = Net(agents=3 * BATCH, ties=10)
    labels = lent(np.zeros(net.agents, np.int32))
    call(
        claim_shares, *net.place(), ids(3), 0, 1, KEY, COINS, 0.5,
        TieShares(BORDER, TIES, TABLE, DENSE, np.zeros(1, np.uint8), labels, 0.0),
        net.done, net.claim, net.touched, 0,
    )  # fmt: skip
    alone = {v for _, v in net.row(3) if share(coin(KEY, 3, v)) < 0.5}
    assert set(net.claims()) == alone


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
