"""Meetings of pairs under trust, step by step in plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.core import Parameters, rng
from sim.jit.claims import FREE
from sim.spread.cascade.contacts import bitmap
from sim.spread.opinions.meetings import formula_of
from sim.spread.opinions.pairs_kernels import (
    Conversions,
    OpinionTies,
    any_move,
    any_move_all,
    meet_one,
)
from tests.unit.kernels.graphs import Small, drawn
from tests.unit.kernels.networks import lent

AGENTS, MEETINGS = 12, 200
KEY = rng.key(4, rng.Stream.MEETINGS)
NO_TRAITS = np.empty((AGENTS, 0))
NO_TRUST, NOBODY = lent(np.empty(0, np.uint16)), np.empty(0, np.uint8)
EVERYBODY = np.empty(0, np.uint64)


class Trusts(Parameters):
    """Goes as far as it trusts, and a little by chance; moves alone that are far are left out."""

    bound: float = 9.0

    def meet(self, listener: float, speaker: float, coin: float, trust: float) -> float:
        far = abs(speaker - listener) > self.bound
        return listener if far else listener + (0.9 * trust + 0.1 * coin) * (speaker - listener)


def draws(k: int, *number: int) -> float:
    return float(rng.uniforms(KEY, k, *number)[0])


def heard() -> tuple[Small, np.ndarray, np.ndarray]:
    """Whom each hears (all hear somebody), how far each is trusted, and opinions."""
    net = Small([*drawn(AGENTS, 30).arcs, *((v, (v + 1) % AGENTS) for v in range(AGENTS))], AGENTS)
    trust = np.random.default_rng(2).integers(0, 65536, len(net.arcs)).astype(np.uint16)
    return net, trust, np.linspace(0, 1, AGENTS)[::-1].copy()


@pytest.mark.parametrize("mutual", [0, 1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_both_sides_move_by_the_trust_of_their_own_tie(mutual: int, weighted: bool) -> None:
    net, trust, x = heard()
    place = {pair: e for e, pair in enumerate(net.arcs)}
    expected, source = x.tolist(), dict[int, int]()

    def move(i: int, j: int, said: float, coin: float) -> None:
        own = expected[i]
        share = int(trust[place[i, j]]) / 65535 if weighted else 1.0
        expected[i] = own + (0.9 * share + 0.1 * coin) * (said - own)
        if expected[i] > 0.5 and i > 2 and i not in source:
            source[i] = source.get(j, j)

    for k in range(MEETINGS):
        i = int(draws(k) * AGENTS)
        near = net.row(i)
        j = near[int(draws(k, 1) * len(near))]
        own, said = expected[i], expected[j]
        move(i, j, said, draws(k, 2))
        hears_back = (j, i) in place
        if mutual and (hears_back or (mutual == 1 and not weighted)):
            place.setdefault((j, i), 0)  # where all trust is 1, who moves need not hear
            move(j, i, own, draws(k, 3))
            if not hears_back:
                del place[j, i]
    done, claim = bitmap(AGENTS, [0, 1, 2]), np.full(AGENTS, FREE)
    touched = np.empty(AGENTS + 1, np.uint32)
    m = formula_of(Trusts()).run(
        meet_one, ties(net, trust if weighted else NO_TRUST), KEY, 0, MEETINGS, mutual, x,
        Conversions(0.5, done, claim, touched), np.int64(0),
    )  # fmt: skip
    np.testing.assert_allclose(x, expected, rtol=0, atol=1e-13)
    assert {int(i): int(claim[i]) for i in touched[:m]} == source
    assert source


def ties(net: Small, trust: Any) -> OpinionTies:
    hearers = np.empty(0, np.uint32)
    return OpinionTies(*net.place, trust, hearers, EVERYBODY, NOBODY, NO_TRAITS)


def left(kernel: Any, x: np.ndarray, *rest: float, **given: Any) -> bool:
    """Whether a meeting is left in a chain in which 0 hears 1, 1 hears 2, and so on."""
    net = Small([(v, v + 1) for v in range(AGENTS - 1)], AGENTS)
    told = ties(net, NO_TRUST)._replace(**given)
    return bool(formula_of(Trusts(bound=0.2)).run(kernel, told, x, *rest))


def test_a_meeting_is_left_where_somebody_would_move_further_than_tolerated() -> None:
    x = np.zeros(AGENTS)
    x[5] = 0.1
    assert left(any_move, x, 0.0)
    assert left(any_move_all, x, 0.0, 0.2)
    assert not left(any_move, x, 0.095)
    assert not left(any_move_all, x, 0.095, 0.2)
    assert not left(any_move_all, x, 0.0, 0.05)
    assert not left(any_move, np.full(AGENTS, 0.3), 0.0)


def test_no_meeting_is_left_for_the_fixed_the_absent_or_without_trust() -> None:
    x = np.zeros(AGENTS)
    x[5] = 0.1
    fixed, trust = np.zeros(AGENTS, np.uint8), np.full(AGENTS - 1, 65535, np.uint16)
    fixed[[4, 5]] = 1  # 4 hears 5, 5 hears 6
    trust[[4, 5]] = 0
    assert not left(any_move, x, 0.0, fixed=fixed)
    assert not left(any_move_all, x, 0.0, 0.2, fixed=fixed)
    assert not left(any_move_all, x, 0.0, 0.2, absent=bitmap(AGENTS, [5]))
    assert not left(any_move, x, 0.0, trust=trust)
    assert left(any_move, x, 0.0, trust=trust[::-1].copy())
    assert not left(any_move, x, 0.0, absent=bitmap(AGENTS, [5]))
    assert left(any_move, x, 0.0, absent=bitmap(AGENTS, [4]))
