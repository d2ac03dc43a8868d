"""Counters of what agents hear, against counting anew in plain Python."""

import numpy as np
import pytest

from sim.core.rng import Stream, uniforms, words
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH, FREE, NOBODY
from sim.jit.sparse import VACANT, lookup, store
from sim.spread.neighbours import heard_kernels as heard
from tests.unit.kernels.networks import Net, call, ids, lent

KEY = key_of(3, Stream.CONTACTS)
NONE = int(heard.NONE)
DENSE, NO_BITS = np.empty(0, np.uint32), np.empty(0, np.uint64)
NO_TRUST = lent(np.empty(0, np.uint16))
STATES = 3
BITS = heard.BITS // STATES


class Ears:
    """Rows and voices of a small network, and the same by plain counting."""

    def __init__(self, net: Net, kind: str, *, trust: bool = False) -> None:
        self.net, self.trust = net, net.trust if trust else NO_TRUST
        slots = net.agents if kind == "dense" else 1 << (4 * net.agents).bit_length()
        keys = DENSE if kind == "dense" else np.full(slots, VACANT)
        self.keys, self.sums = keys, np.zeros((slots, 1 + STATES * trust), np.uint64)
        self.voices = [(keys.copy(), np.zeros(slots, np.uint32)) for _ in range(STATES)]
        self.state = np.full(net.agents, NONE)
        self.voice = np.zeros((STATES, net.agents), np.int64)
        self.touched = np.empty(net.agents + 1, np.uint32)
        self.deaf = np.zeros(net.agents // 64 + 1, np.uint64)
        self.ever = np.empty(0, np.uint8)

    def move(self, moves: dict[int, int], tick: int) -> set[int]:
        """Let agents enter states, group by group; returns whom the kernel touched."""
        key, m = key_of(3, Stream.CONTACTS, tick), 0
        for now in sorted(set(moves.values())):
            who = sorted(u for u, s in moves.items() if s == now)
            was = self.state[who].astype(np.uint8)
            voice = (DENSE, DENSE) if now == NONE else self.voices[now]
            m = call(
                heard.tell, *self.net.place(), self.trust, ids(*who), was, now, 0, len(who), BITS,
                key, self.deaf, heard.ToldColumns(self.keys, self.sums, *voice, DENSE, self.ever),
                self.touched, m,
            )  # fmt: skip
            self.state[who] = now
            for u in sorted(who, key=lambda u: -int(words(key, u)[0])) if now != NONE else []:
                self.voice[now, [v for _, v in self.net.row(u)]] = u + 1  # the lowest draw is last
        return set(self.touched[:m].tolist())

    def forget(self) -> None:
        call(heard.forget, self.sums)

    def check(self) -> None:
        everybody = ids(*range(self.net.agents))
        for s in range(STATES):
            out, exact = np.empty(self.net.agents), np.zeros(self.net.agents)
            call(heard.count_of, self.keys, self.sums, everybody, s, BITS, out)
            weight = np.zeros(self.net.agents)
            for u in np.flatnonzero(self.state == s):
                for e, v in self.net.row(int(u)):
                    exact[v] += 1
                    weight[v] += self.net.trust[e]
            assert out.tolist() == exact.tolist()
            degree = np.maximum(self.net.degree // 2, 0).astype(np.uint32)
            call(heard.share_of, self.keys, self.sums, everybody, s, BITS, degree, out)
            assert out.tolist() == np.minimum(exact / np.maximum(degree, 1), 1).tolist()
            if self.trust.size:
                call(heard.trust_of, self.keys, self.sums, everybody, s, out)
                assert out.tolist() == weight.tolist()
            told = np.zeros(self.net.agents, np.uint32)
            call(lookup, *self.voices[s], everybody, told)
            assert told.tolist() == self.voice[s].tolist()


MOVES = [{0: 0, 3: 1, 9: 0, 44: 2}, {3: 0, 9: NONE, 10: 1, 63: 1}, {0: 2, 3: 2, 9: 1, 44: NONE}]


@pytest.mark.parametrize("trust", [False, True])
@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_sums_follow_changes(kind: str, trust: bool) -> None:
    blocklist = Ears(Net(), kind, trust=trust)
    for tick, moves in enumerate(MOVES):
        reached = {v for u in moves for _, v in blocklist.net.row(u)}
        assert blocklist.move(moves, tick) == reached
        blocklist.forget()
        blocklist.check()


def test_a_hub_is_heard_by_all_and_the_deaf_are_passed_over() -> None:
    blocklist = Ears(Net(agents=3 * BATCH, ties=50), "hash")
    assert len(blocklist.move({3: 1}, 0)) == 3 * BATCH - 1
    out = np.empty(3 * BATCH)
    call(heard.count_of, blocklist.keys, blocklist.sums, ids(*range(3 * BATCH)), 1, BITS, out)
    assert out.sum() == 3 * BATCH - 1
    blocklist = Ears(Net(), "dense")
    blocklist.deaf[0] = np.uint64((1 << 5) | (1 << 8))
    assert not {5, 8} & blocklist.move({3: 0}, 0)
    assert blocklist.sums[[5, 8], 0].tolist() == [0, 0]


def test_voices_of_those_that_ever_adopted_are_not_kept() -> None:
    blocklist, all_told = Ears(Net(), "dense"), Ears(Net(), "dense")
    blocklist.ever = np.zeros(80, np.uint8)
    blocklist.ever[::2] = 0x81
    for tick, moves in enumerate(MOVES):
        assert blocklist.move(moves, tick) == all_told.move(moves, tick)
    assert blocklist.sums.tolist() == all_told.sums.tolist()
    for mine, whole in zip(blocklist.voices, all_told.voices, strict=True):
        assert not mine[1][::2].any()
        assert mine[1][1::2].tolist() == whole[1][1::2].tolist()


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_rows_move_to_a_larger_table(kind: str) -> None:
    blocklist = Ears(Net(), "hash", trust=True)
    blocklist.move(MOVES[0], 0)
    blocklist.forget()
    slots = 80 if kind == "dense" else 1024
    keys = DENSE if kind == "dense" else np.full(slots, VACANT)
    rows = np.zeros((slots, 1 + STATES), np.uint64)
    call(heard.rehash_rows, blocklist.keys, blocklist.sums, keys, rows)
    blocklist.keys, blocklist.sums = keys, rows
    blocklist.check()


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_who_is_asked(kind: str) -> None:
    blocklist = Ears(Net(), kind)
    state = (np.arange(80) % 3).astype(np.uint8)
    state[7] |= 0x80
    listens = np.array([0, 1, 0], np.uint8)
    blocklist.move({0: 0, 9: 0}, 0)
    blocklist.forget()
    touched = sorted(blocklist.move({9: 1, 10: 1}, 1))
    absent = np.zeros(2, np.uint64)
    absent[0] = np.uint64(1 << touched[1])
    about = blocklist.keys, blocklist.sums, DENSE, state, listens
    is_open = (state & 0x7F == 1).tolist()
    news = ids(*touched, 0)
    kept = call(heard.listed, news, len(touched), *about, absent)
    expected = [v for v in touched if is_open[v] and v != touched[1]]
    assert news[:kept].tolist() == expected
    again = ids(*range(80))
    ever = {v for u in (0, 9, 10) for _, v in blocklist.net.row(u)}
    kept = call(heard.recalled, again, 80, *about, absent)
    assert again[:kept].tolist() == sorted(v for v in ever if is_open[v] and v != touched[1])
    out = np.empty(len(blocklist.sums) + 1, np.uint32)
    m = call(heard.audience, *about, NO_BITS, out)
    hears = {v for u in (0, 9, 10) for _, v in blocklist.net.row(u)}
    assert sorted(out[:m].tolist()) == sorted(v for v in hears if is_open[v])
    state_keys, column = np.full(256, VACANT), np.zeros(256, np.uint8)
    call(store, state_keys, column, ids(*range(80)), state)
    m = call(
        heard.audience, blocklist.keys, blocklist.sums, state_keys, column, listens, NO_BITS, out
    )
    assert sorted(out[:m].tolist()) == sorted(v for v in hears if is_open[v])


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_who_is_reminded_counts_as_touched_once(kind: str) -> None:
    blocklist = Ears(Net(ties=60, hub=3), kind)
    blocklist.move({0: 0, 9: 0, 10: 1}, 0)
    blocklist.forget()
    news = sorted(blocklist.move({9: 1}, 1))
    hears = {v for u in (0, 9, 10) for _, v in blocklist.net.row(u)}
    touched = ids(*news, *range(81))
    m = call(heard.remind, ids(*range(80)), blocklist.keys, blocklist.sums, touched, len(news))
    assert touched[: len(news)].tolist() == news
    assert sorted(touched[:m].tolist()) == sorted(hears)
    about = DENSE, np.zeros(80, np.uint8), np.ones(1, np.uint8), NO_BITS
    assert call(heard.listed, touched, m, blocklist.keys, blocklist.sums, *about) == len(hears)
    blocklist.check()


def test_an_outcome_is_drawn_for_each() -> None:
    who, chances = ids(*range(200)), np.array([[0.2] * 200, [0.5] * 100 + [0.9] * 100])
    drew, what, share = ids(*range(201)), np.empty(201, np.uint8), np.empty(200)
    count = call(heard.drawn, who, chances, KEY, drew, what)
    call(heard.uniforms, KEY, who, share)
    assert share.tolist() == uniforms(KEY, who).tolist()
    cut = np.where(np.arange(200) < 100, 0.7, 1.1)
    expected = np.where(share < 0.2, 0, np.where(share < cut, 1, 2))
    assert drew[:count].tolist() == np.flatnonzero(expected < 2).tolist()
    assert what[:count].tolist() == expected[expected < 2].tolist()


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_claims_become_states(kind: str) -> None:
    # states: 0 open, 1 heard and adopting, 2 waiting, 3 final
    state = np.zeros(20, np.uint8)
    state[[4, 5, 6]], state[7] = 2, 0x81
    keys = DENSE
    if kind == "hash":
        keys, state = np.full(64, VACANT), np.zeros(64, np.uint8)
        call(store, keys, state, ids(4, 5, 6, 7), np.array([2, 2, 2, 0x81], np.uint8))
    claim, touched = np.full(20, FREE), np.empty(21, np.uint32)
    voice = np.arange(20, dtype=np.uint32)  # agent v heard v - 1; agent 0 nobody
    m = call(heard.propose, ids(0, 3), 1, DENSE, voice, claim, touched, 0)
    first = np.array([0, 0, 1, 2, 2], np.int64)  # 1 -> 0 and 2 -> 3, for certain
    below, becomes = np.array([1.0, 1.0]), np.array([0, 3], np.uint8)
    absent = np.array([1 << 6], np.uint64)
    m = call(
        heard.alone, keys, state, first, below, becomes, KEY, absent, DENSE, voice, claim,
        touched, m,
    )  # fmt: skip
    order = np.sort(touched[:m])
    assert order.tolist() == [0, 3, 4, 5, 7]
    touched[:m] = order
    flags = [np.array(f, np.uint8) for f in ([0, 1, 0, 1], [NONE, 0, NONE, NONE], [0, 0, 0, 1])]
    tally, deaf = np.array([16, 1, 3, 0]), np.zeros(1, np.uint64)
    adopted, sources, roused = (np.empty(21, np.uint32) for _ in range(3))
    was, listens = np.empty(21, np.uint8), np.array([1, 0, 0, 0], np.uint8)
    counts = call(
        heard.commit, touched, m, keys, state, claim, *flags, deaf, tally, adopted, sources,
        was, listens, roused,
    )  # fmt: skip
    assert counts == (4, 3, 1)
    assert adopted[:4].tolist() == [0, 3, 4, 5]
    assert sources[:4].tolist() == [int(NOBODY), 2, 3, 4]
    assert list(zip(touched[:3].tolist(), was[:3].tolist(), strict=True)) == [
        (0, NONE), (3, NONE), (7, 0)
    ]  # fmt: skip
    assert (roused[0], tally.tolist(), int(deaf[0])) == (7, [15, 2, 1, 2], 1 << 4 | 1 << 5)
    assert (claim == FREE).all()
    out = np.zeros(8, np.uint8)
    call(lookup, keys, state, ids(*range(8)), out)
    assert out.tolist() == [0x81, 0, 0, 0x81, 0x83, 0x83, 2, 0x80]
