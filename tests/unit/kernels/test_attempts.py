"""Attempts by shares, against set arithmetic in plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream, uniforms
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH
from sim.jit.sparse import VACANT, store
from sim.spread.exposure.attempts_kernels import BORDER, LEVELS, NOVELTY, TieShares, claim_shares
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
