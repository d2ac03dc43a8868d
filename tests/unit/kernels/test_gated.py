"""Listed contacts and changes are those that the table kernels make at once."""

from typing import Any

import numpy as np
import pytest

from sim import after, contact
from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH, FREE
from sim.spread.compartments.rules import RuleTable, tabulate
from sim.spread.compartments.table_kernels import (
    Hits,
    befall,
    claim_hits,
    contacts_left,
    hits_alone,
    table_contacts,
    table_hits,
    table_spontaneous,
)
from tests.unit.kernels.networks import Net, call

STATES = ("s", "i", "r")
NO_KEYS = np.empty(0, np.uint32)
OPEN = np.empty(0, np.uint64)
KEY = key_of(5, Stream.CONTACTS, 3)


def table_of(*, skips: bool = False, contacts: int | None = None, chance: float = 0.2) -> RuleTable:
    rules = (
        contact("s", {"i": f"{chance} * trust", "r": "0.05 * trust"}, by="i"),
        contact("r", None, by="i", speaker_becomes="r", chance=0.3),
        contact("i", "s", by="r", speaker_becomes="s", chance=0.4),
        after("i", "r", chance=0.3),
        after("i", "s", chance=0.2),
        after("s", "i", chance=0.1),
    )
    value = lambda c: float(str(c).split()[0])  # noqa: E731
    return tabulate("t", STATES, rules, value, adopting=("i",), skips=skips, contacts=contacts)


def population(net: Net) -> Any:
    return (np.random.default_rng(4).integers(0, 3, net.agents) | 0).astype(np.uint8)


def hits(net: Net, table: RuleTable, state: Any, live: Any, room: int) -> tuple[list[Any], int]:
    """All contacts listed, in lists of ``room`` rows, and how many lists it took."""
    kinds = (np.uint32, np.uint32, np.int64, np.uint64, np.float64, np.int64)
    columns: Any = (np.empty(room, kind) for kind in kinds)
    lists, found = Hits(*columns), [list[Any]() for _ in kinds]
    i, at, k = np.zeros(3, np.int64)
    rounds = 0
    while i < live.size:
        size, i, at, k = call(
            table_hits, net.rows, net.targets, net.trust, live, i, live.size, at, k, KEY, NO_KEYS,
            state, net.done, table.contacts, lists,
        )  # fmt: skip
        rounds += 1
        rows: Any = (column[:size].copy() for column in lists)
        for column, more in zip(found, rows, strict=True):
            column.append(more)
    return [np.concatenate(column) for column in found], rounds


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("contacts", [None, 3])
def test_contacts_listed_and_claimed_are_those_of_the_table(
    skips: bool, contacts: int | None
) -> None:
    net, other = Net(agents=150, ties=12_000), Net(agents=150, ties=12_000)
    for one in (net, other):
        one.close(5, 63, 64)
    table = table_of(skips=skips, contacts=contacts)
    state, live = population(net), np.arange(150, dtype=np.uint32)
    m, _ = call(
        table_contacts, other.rows, other.targets, other.trust, live, 0, 150, KEY, NO_KEYS, state,
        other.done, other.claim, other.touched, 0, table.contacts,
    )  # fmt: skip
    (speaker, listener, tie, bits, share, row), rounds = hits(net, table, state, live, BATCH)
    assert (net.targets[tie] == listener).all()
    assert (row == state[speaker].astype(int) * 3 + state[listener]).all()
    cums = [table.cum[table.off[r] : table.off[r + 1]] for r in row]
    place = [np.searchsorted(cum, x, "right") for cum, x in zip(cums, share, strict=True)]
    outcome = table.off[row] + np.array(place)
    assert (outcome < table.off[row + 1]).all()
    touched = call(
        claim_hits, speaker, listener, bits, table.listener[outcome], table.speaker[outcome],
        net.claim, net.touched, 0,
    )  # fmt: skip
    assert net.claims() == other.claims()
    assert touched == m == len(other.claims()) > 20
    assert rounds > 1 or contacts


def test_changes_listed_and_done_are_those_of_the_table() -> None:
    net, other, table = Net(), Net(), table_of()
    state, twin = population(net) | np.uint8(0), population(net)
    state[::5] |= 0x80
    twin[::5] |= 0x80
    live, mine = np.arange(80, dtype=np.uint32), np.arange(80, dtype=np.uint32)
    for one in (net, other):
        one.claim[[4, 7]] = np.uint64(9)
    tally, expected = np.zeros(3, np.int64), np.zeros(3, np.int64)
    kept, m = call(
        table_spontaneous, mine, 80, KEY, NO_KEYS, twin, other.claim, other.touched, 0, table.soff,
        table.scum, table.snew, table.mode, table.adopting, expected,
    )  # fmt: skip
    place, share, row = np.empty(80, np.int64), np.empty(80), np.empty(80, np.int64)
    total = np.array([0.1, 0.5, 0.0])
    size = call(
        hits_alone, live, 80, KEY, NO_KEYS, state, net.claim, table.soff, total, place, share, row
    )
    becomes = np.full(80, 255, np.uint8)
    for j in range(size):
        first = table.soff[row[j]]
        o = first + np.searchsorted(table.scum[first : table.soff[row[j] + 1]], share[j], "right")
        becomes[place[j]] = table.snew[o]
    changed = np.empty(80, np.uint32)
    before = state.copy()
    found = call(
        befall, live, 80, becomes, KEY, NO_KEYS, state, net.claim, net.touched, 0, table.soff,
        table.mode, table.adopting, tally, changed,
    )  # fmt: skip
    assert found[:2] == (kept, m)
    assert live[:kept].tolist() == mine[:kept].tolist()
    assert net.claims() == other.claims()
    assert state.tolist() == twin.tolist()
    assert tally.tolist() == expected.tolist() != [0, 0, 0]
    assert changed[: found[2]].tolist() == np.flatnonzero(state != before).tolist()


@pytest.mark.parametrize("room", [1, 7, 5000])
def test_contacts_that_are_left_are_listed_in_order(room: int) -> None:
    net, table = Net(), table_of()
    net.close(5, 63)
    state, live = population(net), np.arange(0, 80, 2, dtype=np.uint32)
    expected = [
        (u, v, e, int(state[u]) * 3 + int(state[v]))
        for u in live.tolist()
        for e, v in net.row(u)
        if table.total[int(state[u]) * 3 + int(state[v])] > 0 and not net.is_closed(v)
    ]
    kinds = (np.uint32, np.uint32, np.int64, np.int64)
    lists = [np.empty(room, kind) for kind in kinds]
    found: list[Any] = []
    i, e = np.zeros(2, np.int64)
    while i < live.size:
        size, i, e = call(
            contacts_left, net.rows, net.targets, live, i, live.size, e, NO_KEYS, state, net.done,
            table.total, 3, *lists,
        )  # fmt: skip
        found += list(zip(*(column[:size].tolist() for column in lists), strict=True))
    assert found == expected
    assert len(found) > 50


def test_a_hit_that_becomes_nothing_claims_nobody() -> None:
    net = Net()
    speaker, listener = np.array([1], np.uint32), np.array([2], np.uint32)
    keep, bits = np.array([255], np.uint8), np.array([77], np.uint64)
    assert call(claim_hits, speaker, listener, bits, keep, keep, net.claim, net.touched, 0) == 0
    assert (net.claim == FREE).all()
