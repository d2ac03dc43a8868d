"""First arrivals, step by step in plain Python."""

import math
from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH, FREE, remix
from sim.jit.sparse import VACANT
from sim.spread.continuous.arrivals_kernels import (
    ATTEMPTS,
    EXPONENTIAL,
    TICK,
    WEIBULL,
    Passing,
    UnderWay,
    delay,
    due_between,
    roots,
    send,
)  # fmt: skip
from sim.spread.continuous.events_kernels import ListenerRows
from tests.unit.kernels.networks import Net, call, coin, ids, lent, share

KEY = key_of(3, Stream.COINS)
NONE, DENSE, NO_TRUST = np.empty(0), np.empty(0, np.uint32), lent(np.empty(0, np.uint16))
NO_COINS = np.empty(0, np.uint64)
FAR = np.uint64(1 << 62)


def word(value: int) -> np.uint64:
    return np.uint64(value)


def heard(net: Net, trust: Any) -> ListenerRows:
    return ListenerRows(net.rows, net.targets, trust, net.done)


def passing(p: float) -> Passing:
    return Passing(p, EXPONENTIAL, 1.0, 1.0, NONE)


def run(net: Net, speakers: list[int], kind: str, until: int, end: int, p: float = 0.8) -> Any:
    slots = net.agents if kind == "dense" else 1 << (4 * net.agents).bit_length()
    keys = [DENSE if kind == "dense" else np.full(slots, VACANT) for _ in range(2)]
    due, by = np.zeros(slots, np.uint64), np.zeros(slots, np.uint32)
    m = call(
        send, heard(net, NO_TRUST), ids(*speakers), np.full(len(speakers), 5, np.uint64), 0,
        len(speakers), KEY, NO_COINS, passing(p), word(0), word(until), word(end),
        UnderWay(keys[0], due, keys[1], by), net.claim, net.touched, 0,
    )  # fmt: skip
    return keys, due, by, m


def expected(net: Net, speakers: list[int], end: int, p: float = 0.8) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for u in speakers:
        for _, v in net.row(u):
            bits = coin(KEY, u, v)
            wait = int(delay(share(int(remix(np.uint64(bits)))), EXPONENTIAL, 1.0, 1.0, NONE))
            if share(bits) < p and not net.is_closed(v) and 5 + wait <= end:
                found[v] = min(found.get(v, (1 << 63, 0)), (5 + wait, u))
    return found


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_the_first_arrival_counts(kind: str) -> None:
    net = Net()
    net.close(4, 70)
    who, end, until = [0, 3, 9, 10], 2 * TICK, TICK // 2
    keys, due, by, m = run(net, who, kind, until, end)
    best = expected(net, who, end)
    for v in range(net.agents):
        places = [v if kind == "dense" else np.flatnonzero(k == v) for k in keys]
        time = int(np.sum(due[places[0]]))
        assert time == (best[v][0] if v in best else 0)
        assert int(np.sum(by[places[1]])) == (best[v][1] + 1 if v in best else 0)
    soon = sorted(v for v, (time, _) in best.items() if time <= until)
    assert sorted(net.touched[:m].tolist()) == soon
    assert [v for v, c in enumerate(net.claim) if c != FREE] == soon
    out = np.empty(due.size + 1, np.uint32)
    count, later = call(due_between, keys[0], due, net.done, word(0), word(until), out)
    assert (sorted(out[:count].tolist()), later) == (soon, len(best) - len(soon))


@pytest.mark.parametrize("p", [1.0, 0.9])
def test_trust_multiplies_the_chance_and_given_coins_decide(p: float) -> None:
    net = Net()
    due, by = np.zeros(80, np.uint64), np.zeros(80, np.uint32)
    given = np.zeros(len(net.arcs), np.uint64) if p == 1 else NO_COINS  # 0 falls where trust is not
    call(
        send, heard(net, net.trust), ids(3, 9), np.zeros(2, np.uint64), 0, 2, KEY, given,
        passing(p), word(0), word(1), FAR, UnderWay(DENSE, due, DENSE, by), net.claim,
        net.touched, 0,
    )  # fmt: skip
    coins = [(share(coin(KEY, u, v)), e, v) for u in (3, 9) for e, v in net.row(u)]
    chance = {e: p * int(net.trust[e]) / 65535 for _, e, _ in coins}
    told = {v for one, e, v in coins if (0.0 if p == 1 else one) < chance[e]}
    assert set(np.flatnonzero(due).tolist()) == told


def test_a_later_word_does_not_undo_an_earlier_one() -> None:
    net = Net()
    due, by = np.full(80, 7, np.uint64), np.ones(80, np.uint32)
    m = call(
        send, heard(net, NO_TRUST), ids(3), np.full(1, 9, np.uint64), 0, 1, KEY, NO_COINS,
        passing(1.0), word(0), FAR, FAR, UnderWay(DENSE, due, DENSE, by), net.claim, net.touched, 0,
    )  # fmt: skip
    assert (m, set(due.tolist()), set(by.tolist())) == (0, {7}, {1})


def test_a_hub_with_more_listeners_than_a_batch() -> None:
    _, due, _, _ = run(Net(agents=2 * BATCH, ties=10), [3], "dense", TICK, 1 << 62, 1.0)
    assert (due > 0).sum() == 2 * BATCH - 1


def test_delays_invert_their_laws() -> None:
    half = math.log(2)
    assert delay(0.5, EXPONENTIAL, 3.0, 1.0, NONE) == int(3 * half * TICK) + 1
    assert delay(0.5, WEIBULL, 3.0, 2.0, NONE) == int(math.sqrt(half) * 3 * TICK) + 1
    below = np.array([0.2, 0.5])
    waits = [int(delay(u, ATTEMPTS, 1.0, 1.0, below)) for u in (0.1, 0.2, 0.49, 0.5)]
    assert waits == [TICK, 2 * TICK, 2 * TICK, 0]
    assert delay(0.0, EXPONENTIAL, 1.0, 1.0, NONE) == 1


def test_roots_are_the_last_senders_that_were_not_reached_themselves() -> None:
    reached, sources = ids(1, 2, 4, 6, 7), ids(0, 1, 2, 9, 4)
    claim, out = np.full(10, FREE), np.zeros(5, np.uint32)
    call(roots, reached, sources.copy(), claim, out)
    assert out.tolist() == [0, 0, 0, 9, 0]
    assert (claim == FREE).all()
