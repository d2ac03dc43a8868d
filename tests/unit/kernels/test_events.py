"""Rings in continuous time: order, addresses and thinning, against a plain loop over a sorted list.

The plain loop knows no calendar: it keeps every ring of every life and takes the earliest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim import Contacts, World, make
from sim.jit.claims import FREE, NOBODY
from sim.jit.mix import uniform, word, word2
from sim.spread.compartments import table_kernels as durations
from sim.spread.compartments.rules import RuleTable
from sim.spread.continuous import continuous
from sim.spread.continuous import events_kernels as events
from sim.spread.continuous import events_kernels as rings
from sim.spread.continuous.continuous import calendar_of
from sim.spread.continuous.events_kernels import PARTING, RESTLESS, STEADY, count_of, wait
from sim.testing import tiny_world

KEY = np.uint64(0x5EED)
NONE = np.empty(0, np.uint64)
NO_KEYS = np.empty(0, np.uint32)
EVER = 0x80
GRAINS = 1 << 42
BLOCK = 16.0


def draw(u: int, life: int, j: int) -> float:
    own = np.uint64(word(KEY, u))
    return float(uniform(np.uint64(word2(own, life << 10 | j))))


def poisson(draw: float, mean: float) -> int:
    """By inversion: the first n whose cumulated chance is over the draw."""
    n, chance = 0, math.exp(-mean)
    below = chance
    while draw >= below:
        n += 1
        chance *= mean / n
        below += chance
    return n


class Plain:
    """One tick by a list of all events."""

    def __init__(self, table: RuleTable, contacts: Contacts, state: list[int]) -> None:
        self.table, self.contacts, self.state = table, contacts, state
        self.states = len(table.mode)
        self.life = [0] * len(state)
        self.rings: list[tuple[int, int, int, int, int, float]] = []
        self.found: list[tuple[int, int, float]] = []
        self.happened = 0

    def row(self, u: int) -> list[int]:
        start, length = (int(x) for x in self.contacts.rows[u])
        return [int(v) for v in self.contacts.targets[start : start + length]]

    def rates(self, u: int) -> tuple[float, float]:
        t, s = self.table, self.state[u] & 0x7F
        many = len(self.row(u)) if t.mode[s] <= 2 else min(len(self.row(u)), 1) * (t.mode[s] - 3)
        alone = float(t.scum[t.soff[s + 1] - 1]) if t.soff[s + 1] > t.soff[s] else 0.0
        return float(many * t.ceiling[s]) if t.mode[s] else 0.0, alone

    def live(self, u: int, t: int) -> None:
        """Draw the rings of the life of ``u`` that begins at grain ``t``."""
        (ties, alone), life, s = self.rates(u), self.life[u], self.state[u] & 0x7F
        end, why = (GRAINS - t) / GRAINS, ""
        if ties * end > BLOCK:
            end, why = BLOCK / ties, "goes on"
        if alone:
            wait = -math.log(1 - draw(u, life, 0)) / alone
            end, why = (wait, "changes") if wait < end else (end, why)
        for i in range(poisson(draw(u, life, 1), ties * end) if ties else 0):
            when = t + int(end * GRAINS * draw(u, life, 3 + 2 * i))
            scaled = draw(u, life, 4 + 2 * i) * len(self.row(u))
            place = int(scaled)
            self.rings.append((when, life, s, u, place, scaled - place))
        if why:
            place = -1 if why == "changes" else -2
            self.rings.append((t + int(end * GRAINS), life, s, u, place, draw(u, life, 2)))

    def restore_in_place(self, u: int, new: int, source: int, when: int) -> None:
        ever, old = self.state[u] & EVER, self.state[u] & 0x7F
        if self.table.adopting[new] and not ever:
            ever = EVER
            self.found.append((u, source, when / GRAINS))
        self.state[u] = ever | new
        if self.rings_in(old) or self.rings_in(new):
            self.life[u] += 1
            self.live(u, when)

    def rings_in(self, s: int) -> bool:
        return bool(self.table.mode[s] > 0 or self.table.soff[s + 1] > self.table.soff[s])

    def happen(self, when: int, s: int, u: int, place: int, share: float) -> None:
        t = self.table
        self.happened += 1
        if place == -2:
            self.life[u] += 1
            self.live(u, when)
            return
        if place == -1:
            x = share * self.rates(u)[1]
            o = next(o for o in range(t.soff[s], t.soff[s + 1]) if x < t.scum[o])
            self.restore_in_place(u, int(t.snew[o]), int(NOBODY), when)
            return
        v, share = self.row(u)[place], share * t.ceiling[s]
        row = s * self.states + (self.state[v] & 0x7F)
        if t.trusted[row]:
            e = int(self.contacts.rows[u, 0]) + place
            share /= max(self.contacts.trust[e] / 65535, 1e-300)
        for o in range(t.off[row], t.off[row + 1]):
            if share < t.cum[o]:
                if t.listener[o] != 255:
                    self.restore_in_place(v, int(t.listener[o]), u, when)
                if t.speaker[o] != 255:
                    self.restore_in_place(u, int(t.speaker[o]), v, when)
                return

    def run(self) -> None:
        for u in range(len(self.state)):
            self.live(u, 0)
        while self.rings:
            ring = min(self.rings)
            self.rings.remove(ring)
            when, life, s, u, place, share = ring
            if life == self.life[u]:
                self.happen(when, s, u, place, share)


def ticked(
    world: World, table: RuleTable, state: np.ndarray, spans: int, closed: np.ndarray = NONE
) -> tuple[events.FirstAdoptions, events.Calendar, np.ndarray, np.ndarray]:
    """One tick by the kernels, all room given."""
    n = len(state)
    contacts = world.network()
    heard = events.ListenerRows(contacts.rows, contacts.targets, contacts.trust, closed)
    rates = continuous.rates_of(table)
    restless = (table.mode > 0) | (np.diff(table.soff) > 0)
    live = np.flatnonzero(restless[state & 0x7F]).astype(np.uint32)
    claim, touched, again = np.full(n, FREE), np.zeros(n + 1, np.uint32), np.zeros(n, np.uint32)
    calendar = continuous.calendar_of(None, n, spans, 8192)
    found = events.FirstAdoptions(np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n))
    tally = np.bincount(state & 0x7F, minlength=len(table.mode)).astype(np.int64)
    assert events.ring_first(heard, rates, live, live.size, KEY, NO_KEYS, state, tally, calendar)
    assert events.ring_on(
        heard, rates, KEY, NO_KEYS, state, events.NewLives(claim, touched, again), tally, calendar,
        found,
    )  # fmt: skip
    assert tally.tolist() == np.bincount(state & 0x7F, minlength=tally.size).tolist()
    assert not calendar.tail.any()
    m = int(calendar.at[events.TOUCHED])
    ids = np.sort(touched[:m])
    kept, roused = events.still_live(
        live, live.size, ids, m, again, int(calendar.at[events.AGAIN]), NO_KEYS, state, claim,
        rates.marks, calendar.born,
    )  # fmt: skip
    now = np.sort(np.concatenate([live[:kept], ids[:roused]]))
    assert (claim == FREE).all()
    assert not calendar.born.any()
    return found, calendar, now, restless


CASES: list[tuple[str, dict[str, Any]]] = [
    ("sir-continuous", {"beta": 1.0, "gamma": 0.7}),
    ("sveir-continuous", {"beta": 2.0, "theta": 0.3, "delta": 3.0, "gamma": 0.5}),
    ("sir-continuous", {"beta": 9.0, "gamma": 2.0}),  # several lives a tick
    ("daley-kendall-continuous", {"meet": 0.8}),
    ("maki-thompson-continuous", {"call": 4.0}),
    ("sis-continuous", {"beta": 2.0, "gamma": 4.0}),
    ("swir-continuous", {"kappa": 0.5, "mu": 1.0, "nu": 2.0, "gamma": 0.5}),
    ("k-fold-stifling-continuous", {"call": 6.0, "k": 3, "stifle": 0.6}),
    ("sihr-rumour-continuous", {"spread": 1.0, "refuse": 0.3, "alpha": 0.4, "delta": 0.8}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("spans", [2, 16])
def test_a_tick_equals_the_plain_loop(name: str, options: dict[str, Any], spans: int) -> None:
    world, model = tiny_world(), make(name, **options)
    table, seeded = model.table("coins"), model.states.index(model.seeded)
    state = np.zeros(60, np.uint8)
    state[[0, 5, 11, 17]] = EVER | seeded
    plain = Plain(table, world.network(), state.tolist())
    plain.run()
    found, calendar, live, restless = ticked(world, table, state, spans)
    assert state.tolist() == plain.state
    assert 5 < calendar.at[events.EVENTS] <= plain.happened  # others can change nothing
    fresh = int(calendar.at[events.FRESH])
    assert found.agents[:fresh].tolist() == [u for u, _, _ in plain.found]
    assert found.sources[:fresh].tolist() == [source for _, source, _ in plain.found]
    assert found.times[:fresh] == pytest.approx([when for _, _, when in plain.found])
    assert (np.diff(found.times[:fresh]) >= 0).all()
    assert live.tolist() == np.flatnonzero(restless[state & 0x7F]).tolist()


def test_what_a_try_can_never_exceed_is_known_for_each_pair_of_states() -> None:
    rumour = make("sihr-rumour-continuous", spread=0.5, refuse=0.25, alpha=0.0625, eta=0.125)
    bound = continuous.bounds(rumour.table("coins"))
    # a spreader may forget and be reminded; a stifler stays one
    assert bound.tolist() == [[0] * 4, [0.75, 0.125, 0.125, 0.0625], [0] * 4, [0] * 4]
    again = continuous.bounds(make("sis-continuous", beta=2.0).table("coins"))
    assert again.tolist() == [[0, 0], [2, 2]]


def test_states_are_marked_by_what_their_rings_may_do() -> None:
    def marks(name: str) -> list[int]:
        return [int(one) for one in continuous.rates_of(make(name).table("coins")).marks]

    assert marks("sir-continuous") == [0, STEADY | RESTLESS | PARTING, STEADY]
    assert marks("sis-continuous") == [0, STEADY | RESTLESS]
    assert marks("maki-thompson-continuous") == [0, RESTLESS, STEADY]
    assert marks("seir-continuous")[1:3] == [STEADY | RESTLESS, STEADY | RESTLESS | PARTING]
    assert marks("sirs-continuous")[1:] == [STEADY | RESTLESS, STEADY | RESTLESS]
    assert marks("nekovee-moreno-continuous") == [0, RESTLESS, STEADY]


def test_what_is_known_of_rules_is_made_once() -> None:
    table = make("sir-continuous").table("coins")
    assert continuous.rates_of(table) is continuous.rates_of(table)


def test_rings_that_can_change_nothing_are_passed_over() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3])
    state = np.array([EVER | 1, EVER | 1, EVER | 2, EVER | 2], np.uint8)
    table = make("sir-continuous", beta=50.0, gamma=0.0).table("coins")
    _, calendar, live, _ = ticked(world, table, state, 4)
    assert calendar.at[events.EVENTS] == 0
    assert live.tolist() == [0, 1]


def test_closed_agents_are_not_reached() -> None:
    world = World.from_edges([0, 0, 0], [1, 2, 3])
    state = np.array([EVER | 1, 0, 0, 0], np.uint8)
    model = make("si-continuous", beta=50.0)
    found, calendar, _, _ = ticked(world, model.table("coins"), state, 4, np.array([6], np.uint64))
    assert int(calendar.at[events.FRESH]) == 1
    assert found.agents[0] == 3


@pytest.mark.parametrize("spans", [2, 64])
def test_a_tick_without_room_goes_on_where_it_stopped(spans: int, monkeypatch: Any) -> None:
    whole, parted = (World.create(150, mean_degree=8, seed=3) for _ in range(2))
    for world in (whole, parted):
        if world is parted:
            monkeypatch.setattr(continuous, "_LEAST", 4)
            monkeypatch.setattr(continuous, "_FEWEST", spans)
        story = world.inject("x", seeds=[0, 1], model="sis-continuous", beta=1.0, gamma=3.0)
        world.step(4)
        assert story.error is None
        assert story.size > 60
    assert whole.digest() == parted.digest()


def test_stays_that_are_up_are_claimed() -> None:
    live, state = np.array([1, 2, 3, 5], np.uint32), np.array([0, 1, 1, 1, 0, 2], np.uint8)
    until = np.array([0, 4, 6, 5, 0, 5], np.int32)
    claim, touched = np.full(6, FREE), np.zeros(7, np.uint32)
    claim[3] = np.uint64(9)
    becomes = np.array([255, 2, 255], np.uint8)
    m = durations.claim_due(live, 4, 5, NO_KEYS, state, NO_KEYS, until, becomes, claim, touched, 0)
    assert touched[:m].tolist() == [1]
    assert int(claim[1]) == (2 << 32) | int(NOBODY)
    assert int(claim[3]) == 9


WORDS = list[tuple[int, int, int]]


def words_of(flat: np.ndarray, count: int) -> WORDS:
    return [(int(a), int(b), int(c)) for a, b, c in flat[: 3 * count].reshape(-1, 3).tolist()]


def some(count: int, seed: int) -> WORDS:
    """Rings at few moments, so that many share one."""
    draws = np.random.default_rng(seed)
    moments = draws.integers(0, 1 << 10, count)
    return [
        (int(t) << 54, int(i), 7) for t, i in zip(moments, draws.permutation(count), strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_the_heap_gives_rings_in_order_of_time_then_number(count: int) -> None:
    heap, at = np.empty(3 * count, np.uint64), np.zeros(rings.SLOTS, np.int64)
    given = some(count, count)
    for ring in given:
        rings.push_ring(heap, at, *(np.uint64(one) for one in ring))
    found = []
    while at[rings.HEAPED]:
        found += words_of(heap, 1)
        rings.pop_ring(heap, at)
    assert found == sorted(given)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 12, 13, 300])
def test_spans_give_what_was_put_in_order_and_their_chunks_back(count: int) -> None:
    calendar = calendar_of(None, 10, 4, 128)
    given = some(count, 5)
    for when, who, what in given:
        span = np.uint64(when >> int(calendar.shift[0]))
        rings.put_ring(calendar, span, np.uint64(when), np.uint64(who), np.uint64(what))
    found = []
    for _ in range(4):
        taken = rings.take_span(calendar)
        rings.order_due(calendar, taken)
        assert calendar.at[rings.DUES] == taken
        found += words_of(calendar.due, taken)
    assert found == sorted(given)
    assert calendar.at[rings.HELD] == 0
    used = int(calendar.at[rings.USED])
    calendar.at[rings.SPAN] = 0
    for _ in range(8 * used):  # chunks that were given back serve again
        rings.put_ring(calendar, np.uint64(1), np.uint64(1), np.uint64(2), np.uint64(3))
    assert calendar.at[rings.USED] == max(used, 0)


def test_a_span_without_room_stays_where_it_is() -> None:
    calendar = calendar_of(None, 10, 2, 128)
    short = calendar._replace(spare=np.empty(3 * 8, np.uint64))
    for _ in range(9):
        rings.put_ring(short, np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3))
    assert rings.take_span(short) == -1
    assert rings.take_span(calendar) == 9


@pytest.mark.parametrize("rate", [0.01, 0.5, 1.7, 40.0])
def test_waits_that_fit_are_exponential_and_no_other_is_returned(rate: float) -> None:
    draws = np.linspace(0, 1, 1001)[:-1]
    exact = -np.log1p(-draws) / rate
    waits = np.array([wait(float(draw), rate, 0.75) for draw in draws])
    fits = exact < 0.75
    assert waits[fits] == pytest.approx(exact[fits])
    assert (waits[~fits] >= 0.75).all()


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 16.0])
def test_numbers_of_rings_are_poisson(mean: float) -> None:
    # over draws that fill [0, 1) evenly each number comes as often as its chance says
    draws = (np.arange(20_000) + 0.5) / 20_000
    seen = np.bincount([int(count_of(float(draw), mean)) for draw in draws], minlength=20)
    for n in range(20):
        exact = math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))
        assert seen[n] / 20_000 == pytest.approx(exact, abs=1.01 / 20_000)
    assert count_of(1.0 - 2.0**-53, 16.0) < 128
