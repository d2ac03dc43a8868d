"""The kernels of few contacts against the same tick in plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream
from sim.core.rng import key as key_of
from sim.jit.order import merge_ids, sort_ids
from sim.jit.sparse import VACANT
from sim.spread.compartments.table_kernels import table_attempts
from sim.spread.compartments.table_sparse_kernels import few_commit, few_contacts, few_spontaneous
from tests.unit.kernels import test_table
from tests.unit.kernels.networks import Net, call

SLOTS = 256


class Few(test_table.Kernels):
    """As the kernels keep a population whose contacts are few."""

    def tick(self, contacts: Any, alone: Any) -> None:
        net, t, state = self.net, self.table, (self.keys, self.state)
        rows, targets = net.place()
        speakers = np.flatnonzero(rows[:, 1]).astype(np.uint32)
        claims = np.full(SLOTS, VACANT), np.zeros(SLOTS, np.uint64)
        trust = net.trust if self.model.trusted else net.trust[:0]
        m, half, seen = 0, speakers.size // 2, 0
        for lo, hi in [(0, half), (half, speakers.size)]:
            m, attempts = call(few_contacts,
                speakers, rows[speakers], targets, trust, lo, hi, contacts, *state, self.closed,
                *claims, net.touched, m, t.contacts,
            )  # fmt: skip
            seen += attempts
        live = self.live, self.count, *state, t.mode
        assert seen == call(table_attempts, rows, *live)
        kept, m = few_spontaneous(
            self.live, self.count, alone, *state, *claims, net.touched, m, t.soff, t.scum, t.snew,
            t.mode, t.adopting, self.tally,
        )  # fmt: skip
        sources, adopted = np.empty(m, np.uint32), np.empty(m, np.uint32)
        sort_ids(net.touched, m, sources)
        roused, fresh = few_commit(
            net.touched, m, *state, *claims, t.soff, t.mode, t.adopting, self.tally, adopted,
            sources,
        )  # fmt: skip
        merge_ids(self.live, kept, net.touched, roused)
        self.count = kept + roused
        self.log += list(zip(adopted[:fresh].tolist(), sources[:fresh].tolist(), strict=True))


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("name", ["sir", "outcomes", "rumour", "lightning", "trusted", "few"])
def test_ticks_in_little_room_equal_those_of_plain_python(
    monkeypatch: pytest.MonkeyPatch, name: str, skips: bool
) -> None:
    monkeypatch.setattr(test_table, "Kernels", Few)
    model, net = test_table.MODELS[name], Net(ties=300)
    kernels, naive = test_table.pair(model, net, skips=skips, sparse=name != "lightning")
    for tick in range(8):
        keys = [key_of(5, stream, tick) for stream in (Stream.CONTACTS, Stream.SPONTANEOUS)]
        kernels.tick(*keys)
        naive.tick(*keys)
        test_table.check(kernels, naive)
    assert len(naive.log) > 8


def test_the_absent_neither_speak_nor_hear_in_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_table, "Kernels", Few)
    away = (5, 6, 64, 65)
    kernels, naive = test_table.pair(test_table.SIR, Net(), skips=True, sparse=True, away=away)
    for tick in range(5):
        keys = [key_of(5, stream, tick) for stream in (Stream.CONTACTS, Stream.SPONTANEOUS)]
        kernels.tick(*keys)
        naive.tick(*keys)
        test_table.check(kernels, naive)
    assert not naive.ever & set(away)
