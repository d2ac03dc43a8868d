"""Calls of one tie a speaker against the table of rules that does the same at length."""

from typing import Any

import numpy as np
import pytest

from sim import names
from sim.core.registry import make
from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH
from sim.spread.compartments.compartments import Compartments
from sim.spread.compartments.single_contact_kernels import (
    CallsMade,
    answer,
    call_once,
    rows_of,
    turn,
    winners,
)
from sim.spread.compartments.table_kernels import (
    table_commit,
    table_contacts,
    table_spontaneous,
)
from tests.unit.kernels.networks import Net, call, ids, lent

KEY = key_of(3, Stream.CONTACTS)
NOBODY, DENSE, NO_TRUST = (
    np.empty(0, np.uint64),
    np.empty(0, np.uint32),
    lent(np.empty(0, np.uint16)),
)
EVERYTHING: dict[str, dict[str, Any]] = {
    "maki-thompson": {"call": 0.7},
    "k-fold-stifling": {"call": 0.9, "k": 3, "stifle": 0.6},
}


class Tick:
    """A network, states as they may be, and the rules of a model."""

    def __init__(self, model: str, net: Net, share: float) -> None:
        made: Any = make(model, **EVERYTHING[model])
        self.net, self.table = net, made.table("coins")
        draws = np.random.default_rng(5)
        speaking = np.flatnonzero(self.table.mode > 0)
        self.state = np.zeros(net.agents, np.uint8)
        known = draws.random(net.agents) < 2 * share
        self.state[known] = len(made.states) - 1 | 128
        live = draws.random(net.agents) < share
        self.state[live] = draws.choice(speaking, int(live.sum())) | 128
        self.live = ids(*np.flatnonzero(live))
        self.tally = np.bincount(self.state & 127, minlength=len(made.states)).astype(np.int64)

    def short(self, closed: Any) -> tuple[Any, ...]:
        net, t, n = self.net, self.table, self.live.size
        live, start, length, sources = np.empty((4, 3 * net.agents), np.uint32)
        live[:n] = self.live
        code, into = np.empty((2, 3 * net.agents), np.uint8)
        beside = live, start, length, code
        who, claim, spare = np.empty((3, n + 1), np.uint64)
        call(rows_of, net.rows, self.state, live, n, start, length, code)
        work = net.targets, KEY, self.state, closed, t.contacts
        made = CallsMade(who, claim, net.touched, into)
        kept, m, turned, seen = call(call_once, *beside, n, *work, made)
        call(turn, net.touched, into, turned, self.state, self.tally)
        m = call(winners, who, claim, m, spare, net.touched)
        rest = self.state, t.mode, t.adopting, self.tally, sources, net.rows
        kept, fresh = call(answer, net.touched, who, m, *rest, *beside, kept)
        assert code[:kept].tolist() == (self.state[live[:kept]] & 127).tolist()
        assert length[:kept].tolist() == net.rows[live[:kept], 1].tolist()
        return (
            seen,
            sorted(live[:kept].tolist()),
            net.touched[:fresh].tolist(),
            sources[:fresh].tolist(),
        )

    def long(self, closed: Any) -> tuple[Any, ...]:
        net, t, n = self.net, self.table, self.live.size
        live, who = self.live.copy(), (DENSE, self.state)
        work = closed, net.claim, net.touched, 0, t.contacts
        m, seen = call(table_contacts, *net.place(), NO_TRUST, live, 0, n, KEY, *who, *work)
        rest = t.soff, t.scum, t.snew, t.mode, t.adopting, self.tally
        kept, m = call(table_spontaneous, live, n, KEY, *who, net.claim, net.touched, m, *rest)
        net.touched[:m].sort()
        adopted, sources = np.empty((2, m + 1), np.uint32)
        rest = t.soff, t.mode, t.adopting, self.tally, adopted, sources
        more, fresh = call(table_commit, net.touched, m, *who, net.claim, *rest)
        after = sorted([*live[:kept].tolist(), *net.touched[:more].tolist()])
        return seen, after, adopted[:fresh].tolist(), sources[:fresh].tolist()


@pytest.mark.parametrize("model", EVERYTHING)
@pytest.mark.parametrize("agents", [80, BATCH + 300])
@pytest.mark.parametrize("away", [False, True])
def test_calls_do_what_the_table_says(model: str, agents: int, away: bool) -> None:
    one, two = (Tick(model, Net(agents=agents, ties=4 * agents), 0.4) for _ in range(2))
    closed = NOBODY
    if away:
        one.net.close(*range(0, agents, 5))
        closed = one.net.done
    assert one.short(closed) == two.long(closed)
    assert one.state.tolist() == two.state.tolist()
    assert one.tally.tolist() == two.tally.tolist()
    assert (one.state != Tick(model, one.net, 0.4).state).sum() > 5


@pytest.mark.parametrize(("count", "largest"), [(0, 9), (40, 30), (900, 200), (900, 2**32 - 1)])
def test_of_many_claims_on_a_listener_the_lowest_wins(count: int, largest: int) -> None:
    draws = np.random.default_rng(count)
    heard = draws.integers(0, largest, count, dtype=np.uint64)
    claim = draws.integers(0, 2**63, count, dtype=np.uint64)
    who = heard << np.uint64(32) | np.arange(count, dtype=np.uint64)
    touched = np.empty(count, np.uint32)
    n = winners(who, claim, count, np.empty(count, np.uint64), touched)
    won = {int(v): int(claim[heard == v].min()) for v in np.unique(heard)}
    assert dict(zip(touched[:n].tolist(), who[:n].tolist(), strict=True)) == won
    assert touched[:n].tolist() == sorted(won)


def test_rules_call_alone_where_no_speaker_is_changed_by_another() -> None:
    alone = set()
    for name in names("propagation"):
        model: Any = make(name)
        if isinstance(model, Compartments) and model.table("coins").calls_alone:
            alone.add(name)
    assert {"maki-thompson", "k-fold-stifling"} <= alone
    assert not alone & {"sir", "daley-kendall", "nekovee-moreno", "hoax"}
