"""The table kernels against a tick in plain Python that throws the same coins."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from sim import after as after_rule
from sim import contact as contact_rule
from sim.core.rng import Stream, uniforms
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH, FREE, NOBODY, remix
from sim.jit.order import merge_ids, sort_ids
from sim.jit.sparse import VACANT, lookup, store
from sim.spread.compartments.rules import RuleTable, tabulate
from sim.spread.compartments.table_kernels import (
    any_contact_left,
    table_commit,
    table_contacts,
    table_spontaneous,
)
from tests.unit.kernels.networks import Net, call, claimed, coin, ids, share

Outcome = tuple[float, str | None, str | None]  # chance, listener's and speaker's new state


@dataclass
class Model:
    """Rules once as plain data; the table is made of them."""

    states: str
    seeded: str
    met: dict[str, list[Outcome]] = field(default_factory=dict)  # by speaker + listener
    alone: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    adopting: str = ""
    trusted: bool = False
    few: int | None = None

    def table(self, *, skips: bool) -> RuleTable:
        rules: list[Any] = []
        for ends, outcomes in self.met.items():
            speaker, listener = ends[0], ends[1]
            for chance, new, turned in outcomes:
                said: Any = f"{chance} * trust" if self.trusted else chance
                rules.append(
                    contact_rule(listener, new, by=speaker, chance=said, speaker_becomes=turned)
                )
        for state, changes in self.alone.items():
            rules += [after_rule(state, new, chance=chance) for chance, new in changes]
        return tabulate(
            "test", tuple(self.states), rules,
            lambda chance: float(chance.split()[0]) if isinstance(chance, str) else chance,
            adopting=tuple(self.adopting or self.seeded), skips=skips, contacts=self.few,
        )  # fmt: skip

    def ceiling(self, speaker: str) -> float:
        rows = [self.met.get(speaker + listener, []) for listener in self.states]
        return max(sum(chance for chance, _, _ in row) for row in rows)


SEEDS = [0, 3, 9, 44]


def second(bits: int) -> int:
    return int(remix(np.uint64(bits)))


@dataclass
class Naive:
    """A population as dictionaries."""

    model: Model
    net: Net
    skips: bool
    closed: set[int]
    state: dict[int, str]
    ever: set[int]
    log: list[tuple[int, int]] = field(default_factory=list)

    def hits(self, u: int, key: Any) -> list[tuple[int, int, int]]:
        """(bits, place of the tie, listener) of each contact that the speaker makes."""
        row, ceiling = self.net.row(u), self.model.ceiling(self.state[u])
        if ceiling == 0 or not row:
            return []
        if self.model.few is not None:
            draws = [coin(key, u, k) for k in range(self.model.few)]
            return [(b, *row[int(share(second(b)) * len(row))]) for b in draws]
        if not self.skips or ceiling == 1:
            return [(coin(key, u, v), e, v) for e, v in row]
        at, k = -1, 0
        found: list[tuple[int, int, int]] = []
        while True:
            bits = coin(key, u, k)
            at += 1 + int(np.log(2.0**-53 + share(bits)) / np.log1p(-ceiling))
            if at >= len(row):
                return found
            found.append((bits, *row[at]))
            k += 1

    def outcome(self, u: int, bits: int, e: int, v: int) -> Outcome | None:
        ceiling = self.model.ceiling(self.state[u])
        gaps = self.skips and self.model.few is None and ceiling < 1
        drawn = share(second(bits)) * ceiling if gaps else share(bits)
        trust = int(self.net.trust[e]) / 65535 if self.model.trusted else 1.0
        for chance, new, turned in self.model.met.get(self.state[u] + self.state[v], []):
            drawn -= chance * trust
            if drawn < 0:
                return chance, new, turned
        return None

    def tick(self, contacts: Any, alone: Any) -> None:
        claims: dict[int, int] = {}
        for u in self.state:
            for bits, e, v in [] if u in self.closed else self.hits(u, contacts):
                found = None if v in self.closed else self.outcome(u, bits, e, v)
                _, new, turned = found or (0.0, None, None)
                for agent, state, other in [(v, new, u), (u, turned, v)]:
                    if state is not None:
                        claim = claimed(bits, other, self.model.states.index(state))
                        claims[agent] = min(claims.get(agent, 2**64), claim)
        for u in sorted(self.state):
            drawn = uniforms(alone, u)[0]
            for chance, new in self.model.alone.get(self.state[u], []):
                drawn -= chance
                if drawn < 0 and u not in claims and u not in self.closed:
                    claims[u] = claimed(0, int(NOBODY), self.model.states.index(new))
                    break
        fresh = []
        for u, claim in claims.items():
            self.state[u] = self.model.states[claim >> 32 & 0xFF]
            if self.state[u] in (self.model.adopting or self.model.seeded) and u not in self.ever:
                self.ever.add(u)
                fresh.append((u, claim & 0xFFFFFFFF))
        self.log += sorted(fresh)


@dataclass
class Kernels:
    """The same population as the kernels keep it."""

    model: Model
    net: Net
    table: RuleTable
    closed: np.ndarray
    sparse: bool
    seeds: list[int]
    log: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        slots = 1 << (4 * self.net.agents).bit_length() if self.sparse else self.net.agents
        self.keys = np.full(slots if self.sparse else 0, VACANT)
        self.state = np.zeros(slots, np.uint8)
        first = self.model.states.index(self.model.seeded)
        codes = np.full(len(self.seeds), first | 0x80, np.uint8)
        store(self.keys, self.state, ids(*self.seeds), codes)
        restless = (self.table.mode > 0) | (np.diff(self.table.soff) > 0)
        here = [v for v, code in enumerate(self.codes()) if restless[code & 0x7F]]
        self.live = np.empty(self.net.agents, np.uint32)
        self.live[: len(here)] = here
        self.count = len(here)
        self.tally = np.bincount(self.codes() & 0x7F, minlength=len(self.model.states))

    def codes(self) -> np.ndarray:
        out = np.empty(self.net.agents, np.uint8)
        lookup(self.keys, self.state, np.arange(self.net.agents, dtype=np.uint32), out)
        return out

    def tick(self, contacts: Any, alone: Any) -> None:
        net, t = self.net, self.table
        trust = net.trust if self.model.trusted else net.trust[:0]
        m, middle = 0, self.count // 2
        for lo, hi in [(0, middle), (middle, self.count)]:
            m, _ = call(table_contacts,
                *net.place(), trust, self.live, lo, hi, contacts, self.keys, self.state,
                self.closed, net.claim, net.touched, m, t.contacts,
            )  # fmt: skip
        kept, m = table_spontaneous(
            self.live, self.count, alone, self.keys, self.state, net.claim, net.touched, m,
            t.soff, t.scum, t.snew, t.mode, t.adopting, self.tally,
        )  # fmt: skip
        sources, adopted = np.empty(m, np.uint32), np.empty(m, np.uint32)
        sort_ids(net.touched, m, sources)
        roused, fresh = table_commit(
            net.touched, m, self.keys, self.state, net.claim, t.soff, t.mode, t.adopting,
            self.tally, adopted, sources,
        )  # fmt: skip
        merge_ids(self.live, kept, net.touched, roused)
        self.count = kept + roused
        self.log += list(zip(adopted[:fresh].tolist(), sources[:fresh].tolist(), strict=True))


SIR = Model("SIR", "I", {"IS": [(0.2, "I", None)]}, {"I": [(0.3, "R")]})
SIS = Model("SI", "I", {"IS": [(0.2, "I", None)]}, {"I": [(0.4, "S")]})
LIKELY = Model("SI", "I", {"IS": [(0.55, "I", None)]}, {"I": [(0.1, "S")]})
CERTAIN = Model("SI", "I", {"IS": [(1.0, "I", None)]})
OUTCOMES = Model(
    "SWI", "I", {"IS": [(0.2, "I", None), (0.3, "W", None)], "WS": [(0.1, "W", None)],
                 "IW": [(0.4, "I", None)]}, {"I": [(0.2, "S"), (0.1, "W")]}, adopting="IW",
)  # fmt: skip
RUMOUR = Model(
    "XYZ", "Y", {"YX": [(0.3, "Y", None)], "YY": [(0.2, "Z", "Z")], "YZ": [(0.2, None, "Z")]},
)  # fmt: skip
LIGHTNING = Model("TF", "F", {"FT": [(0.1, "F", None)]}, {"T": [(0.05, "F")], "F": [(0.5, "T")]})
TRUSTED = Model("SIR", "I", {"IS": [(0.6, "I", None)]}, {"I": [(0.3, "R")]}, trusted=True)
FEW = Model("SIR", "I", {"IS": [(0.4, "I", None)]}, {"I": [(0.2, "R")]}, few=5)
MODELS = {
    "sir": SIR, "sis": SIS, "likely": LIKELY, "certain": CERTAIN, "outcomes": OUTCOMES,
    "rumour": RUMOUR, "lightning": LIGHTNING, "trusted": TRUSTED, "few": FEW,
}  # fmt: skip


def pair(
    model: Model, net: Net, *, skips: bool, sparse: bool, away: Any = (), seeds: Any = SEEDS
) -> Any:
    closed = np.zeros(net.agents // 64 + 1 if away else 0, np.uint64)
    for v in away:
        closed[v // 64] |= np.uint64(1 << v % 64)
    kernels = Kernels(model, net, model.table(skips=skips), closed, sparse, seeds)
    state = dict.fromkeys(range(net.agents), model.states[0]) | dict.fromkeys(seeds, model.seeded)
    naive = Naive(model, net, skips, set(away), state, set(seeds))
    return kernels, naive


def check(kernels: Kernels, naive: Naive) -> None:
    codes, states = kernels.codes(), kernels.model.states
    assert "".join(states[c & 0x7F] for c in codes) == "".join(naive.state.values())
    assert {v for v, c in enumerate(codes) if c & 0x80} == naive.ever
    assert kernels.log == naive.log
    assert kernels.tally.tolist() == [list(naive.state.values()).count(s) for s in states]
    assert kernels.live[: kernels.count].tolist() == sorted(kernels.live[: kernels.count].tolist())
    assert (kernels.net.claim == FREE).all()


def ticked(kernels: Kernels, naive: Naive, ticks: int, seed: int = 5) -> None:
    for tick in range(ticks):
        keys = [key_of(seed, stream, tick) for stream in (Stream.CONTACTS, Stream.SPONTANEOUS)]
        kernels.tick(*keys)
        naive.tick(*keys)
        check(kernels, naive)


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_ticks_equal_those_of_plain_python(name: str, skips: bool) -> None:
    sparse = name != "lightning"
    kernels, naive = pair(MODELS[name], Net(ties=300), skips=skips, sparse=sparse)
    ticked(kernels, naive, 8)
    assert len(naive.log) > 8


@pytest.mark.parametrize("skips", [False, True])
def test_the_absent_neither_hear_nor_count(skips: bool) -> None:
    # the kernels are told who is absent among the listeners; their speakers are left out before
    kernels, naive = pair(SIR, Net(), skips=skips, sparse=True, away=(5, 6, 64, 65))
    ticked(kernels, naive, 5)
    assert not naive.ever & {5, 6, 64, 65}


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", ["likely", "certain", "few", "outcomes"])
@pytest.mark.parametrize("skips", [False, True])
def test_batches_that_overflow_change_nothing(name: str, skips: bool, sparse: bool) -> None:
    net = Net(agents=2 * BATCH, ties=4000)
    many = list(range(0, 2 * BATCH, 3))
    kernels, naive = pair(MODELS[name], net, skips=skips, sparse=sparse, seeds=many)
    ticked(kernels, naive, 2, 2**63 + 6)


def test_whether_a_contact_is_left() -> None:
    net = Net()
    kernels, _ = pair(SIR, net, skips=False, sparse=True)

    def left(closed: np.ndarray) -> bool:
        given = kernels.live, kernels.count, kernels.keys, kernels.state, closed
        return bool(call(any_contact_left, *net.place(), *given, kernels.table.total, 3))

    assert left(np.empty(0, np.uint64))
    everybody = np.full(net.agents // 64 + 1, 2**64 - 1, np.uint64)
    assert not left(everybody)
    kernels.state[kernels.state == 0] = 2  # in a sparse column, vacant places too
    assert not left(np.empty(0, np.uint64))
