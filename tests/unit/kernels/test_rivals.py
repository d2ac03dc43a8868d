"""Ballots and sums of rivals, in plain Python."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream, words
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH, FREE, NOBODY
from sim.jit.sparse import VACANT
from sim.spread.rivals.rivals_kernels import (
    BY_ATTEMPT,
    BY_DRAW,
    crossed,
    elect,
    enter,
    listen,
    told_by,
)  # fmt: skip
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, lent, share

KEY = key_of(3, Stream.COINS)
DENSE, NO_TRUST = np.empty(0, np.uint32), lent(np.empty(0, np.uint16))


class Ballots:
    """Ten agents and three messages."""

    def __init__(self) -> None:
        self.claim, self.ballot = (np.full(10, FREE) for _ in range(2))
        self.source, self.listed = np.empty(10, np.uint32), np.empty(11, np.uint32)
        self.count = 0

    def enter(self, message: int, claims: dict[int, int], rank: int, key: Any = KEY) -> None:
        for v, c in claims.items():
            self.claim[v] = np.uint64(c)
        self.count = call(
            enter, ids(*claims), len(claims), self.claim, message, rank, key, self.ballot,
            self.source, self.listed, self.count,
        )  # fmt: skip
        assert (self.claim == FREE).all()

    def won(self, message: int) -> dict[int, int]:
        out = np.empty(11, np.uint32)
        args = self.listed, self.count, message, self.ballot, self.source, self.claim, out
        n = call(elect, *args)
        found = {int(v): int(self.claim[v]) for v in out[:n]}
        self.claim[:] = FREE
        return found


def test_the_lowest_attempt_wins() -> None:
    box = Ballots()
    box.enter(0, {1: claimed(50, 7), 2: claimed(10, 8)}, BY_ATTEMPT)
    box.enter(1, {1: claimed(40, 9), 3: claimed(90, 9)}, BY_ATTEMPT)
    box.enter(2, {2: claimed(10, 5)}, BY_ATTEMPT)
    assert [box.won(m) for m in range(3)] == [{2: 8}, {1: 9, 3: 9}, {}]
    assert (box.ballot == FREE).all()


def test_order_or_a_draw_of_the_message_decides() -> None:
    box = Ballots()
    box.enter(0, {1: claimed(1, 7)}, 1)
    box.enter(1, {1: claimed(90, 9)}, 0)
    assert [box.won(m) for m in range(2)] == [{}, {1: 9}]
    keys = [key_of(3, Stream.OUTCOMES, 0, m) for m in range(2)]
    for m in range(2):
        box.enter(m, {v: claimed(5, m) for v in range(10)}, BY_DRAW, keys[m])
    drawn = [[int(words(key, v)[0]) >> 32 for v in range(10)] for key in keys]
    first = {v: 0 for v in range(10) if drawn[0][v] < drawn[1][v]}
    assert box.won(0) == first
    assert set(box.won(1)) == set(range(10)) - set(first)


def naive(net: Net, speakers: list[int], weight: np.ndarray) -> tuple[Counter[int], dict[int, int]]:
    total: Counter[int] = Counter()
    voice: dict[int, int] = {}
    for u in speakers:
        for e, v in net.row(u):
            if net.is_closed(v):
                continue
            total[v] += int(weight[e])
            if share(coin(KEY, u, v)) * total[v] < weight[e]:
                voice[v] = u
    return total, voice


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_sums_cross_thresholds_and_voices_are_drawn(kind: str, trust: bool) -> None:
    net = Net()
    net.close(4, 70)
    who = [0, 3, 9, 10, 44, 63]
    slots = net.agents if kind == "dense" else 1 << (4 * net.agents).bit_length()
    keys = [DENSE if kind == "dense" else np.full(slots, VACANT) for _ in range(2)]
    total, voice = np.zeros(slots, np.int64), np.zeros(slots, np.uint32)
    column = net.trust if trust else NO_TRUST
    weight = net.trust.astype(int) if trust else np.ones(len(net.arcs), int)
    m = call(
        listen, *net.place(), column, ids(*who), 0, len(who), KEY, net.done, keys[0], total,
        keys[1], voice, net.touched, 0,
    )  # fmt: skip
    sums, voices = naive(net, who, weight)
    assert sorted(net.touched[:m].tolist()) == sorted(sums)
    whole = np.zeros(net.agents, np.int64)
    np.add.at(whole, net.targets, weight)
    given, source = np.random.default_rng(1).random(net.agents), np.empty(81, np.uint32)
    needs = np.maximum(1, np.ceil(given * whole - 1e-9))
    kept = call(crossed, net.touched, m, whole, KEY, given, keys[0], total, keys[1], voice, source)
    found = dict(zip(net.touched[:kept].tolist(), source[:kept].tolist(), strict=True))
    assert found == {v: voices.get(v, int(NOBODY)) for v, s in sums.items() if s >= needs[v]}


def test_a_hub_with_more_listeners_than_a_batch() -> None:
    net = Net(agents=2 * BATCH + 5, ties=10)
    total, voice = np.zeros(net.agents, np.int64), np.zeros(net.agents, np.uint32)
    m = call(
        listen, *net.place(), NO_TRUST, ids(3), 0, 1, KEY, net.done, DENSE, total, DENSE, voice,
        net.touched, 0,
    )  # fmt: skip
    assert m == int((total & 1).sum()) == net.agents - 1
    assert set(voice.tolist()) == {0, 4}


def test_agents_go_to_the_message_that_their_voice_took_up() -> None:
    out, sources = np.empty((2, 5), np.uint32)
    taken = np.array([1 << 6, 1 << 1], np.uint64)  # agents 6 and 65
    n = call(told_by, ids(4, 5, 8, 9), ids(65, 7, 6, int(NOBODY)), taken, out, sources)
    assert (out[:n].tolist(), sources[:n].tolist()) == ([4, 8], [65, 6])
