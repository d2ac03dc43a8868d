"""Thresholds against sums in plain Python."""

from typing import Any

import numpy as np
import pytest

from sim.core.rng import Stream, uniforms
from sim.core.rng import key as key_of
from sim.jit.claims import BATCH, FREE
from sim.jit.sparse import VACANT
from sim.spread.neighbours.threshold_kernels import Thresholds, count_down, fill, hear, in_trust
from tests.unit.kernels.networks import Net, call, ids, lent

KEY = key_of(3, Stream.THRESHOLDS)
NO_TRUST, DRAWN, DENSE = lent(np.empty(0, np.uint16)), np.empty(0), np.empty(0, np.uint32)


def column(net: Net, kind: str, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    if kind == "dense":
        return DENSE, np.zeros(net.agents, dtype)
    slots = 1 << (4 * net.agents).bit_length()
    return np.full(slots, VACANT), np.zeros(slots, dtype)


def naive(
    net: Net, waves: list[list[int]], weight: np.ndarray, share: np.ndarray
) -> list[tuple[int, int]]:
    """(who crossed, whose word tipped it), wave by wave."""
    total, heard, crossed = np.zeros(net.agents), np.zeros(net.agents), list[tuple[int, int]]()
    np.add.at(total, net.targets, weight)
    need = np.maximum(1.0, np.ceil(share * total - 1e-9))
    for speakers in waves:
        for u in speakers:
            for e, v in net.row(u):
                if net.is_closed(v):
                    continue
                before = heard[v] >= need[v]
                heard[v] += weight[e]
                if heard[v] >= need[v] and not before:
                    crossed.append((v, u))
    return crossed


def run(net: Net, waves: list[list[int]], keys: Any, left: Any, *end: Any) -> list[tuple[int, int]]:
    trust, total, *shares = end
    limits, m = Thresholds(KEY, *shares), 0
    for speakers in waves:
        who = ids(*speakers)
        whole = *net.place(), trust, total, who, 0, len(speakers), limits, net.done
        m = call(hear, *whole, keys, left, net.claim, net.touched, m)
    return [(int(v), int(net.claim[v])) for v in net.touched[:m]]


WAVES = [[0, 3, 9], [10, 44], [45, 46, 47, 48, 49, 50]]


@pytest.mark.parametrize("kind", ["dense", "hash"])
@pytest.mark.parametrize("thresholds", ["drawn", "given", "one"])
def test_who_crosses_and_who_tips_it(kind: str, thresholds: str) -> None:
    net = Net()
    net.close(5, 64)
    given = np.random.default_rng(1).random(net.agents)
    share = {"drawn": uniforms(KEY, np.arange(80)), "given": given, "one": np.full(80, 0.3)}
    end = NO_TRUST, net.degree, given if thresholds == "given" else DRAWN
    theta = 0.3 if thresholds == "one" else -1.0
    found = run(net, WAVES, *column(net, kind, np.int32), *end, theta)
    assert found == naive(net, WAVES, np.ones(len(net.arcs)), share[thresholds])
    assert len(found) > 10


@pytest.mark.parametrize("thresholds", ["drawn", "given", "one"])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32])
def test_needs_given_to_all_at_once_are_those_of_a_first_hearing(
    thresholds: str, dtype: Any
) -> None:
    net, left = Net(), np.zeros(80, dtype)
    net.close(5, 64)
    given = np.random.default_rng(1).random(net.agents)
    share = {"drawn": uniforms(KEY, np.arange(80)), "given": given, "one": np.full(80, 0.3)}
    shares = given if thresholds == "given" else DRAWN, 0.3 if thresholds == "one" else -1.0
    some = np.arange(0, 80, 3)
    left[some] = 1 + np.maximum(1, np.ceil(share[thresholds] * net.degree - 1e-9))[some]
    call(fill, net.degree, Thresholds(KEY, *shares), left)
    m = 0
    for speakers in WAVES:
        who = ids(*speakers)
        m = call(
            count_down, *net.place(), who, 0, len(who), net.done, left, net.claim, net.touched, m
        )
    found = [(int(v), int(net.claim[v])) for v in net.touched[:m]]
    assert found == naive(net, WAVES, np.ones(len(net.arcs)), share[thresholds])
    assert len(found) > 10


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_trust_is_what_a_tie_adds(kind: str) -> None:
    net = Net()
    total = np.zeros(net.agents, np.int64)
    in_trust(net.rows, net.targets, net.trust, total)
    assert total.tolist() == np.bincount(net.targets, net.trust, net.agents).tolist()
    found = run(net, WAVES, *column(net, kind, np.int64), net.trust, total, DRAWN, -1.0)
    assert found == naive(net, WAVES, net.trust.astype(float), uniforms(KEY, np.arange(80)))


@pytest.mark.parametrize("kind", ["dense", "hash"])
def test_listeners_met_twice_in_a_batch_count_twice(kind: str) -> None:
    # every speaker reaches the same few: a batch of 1,024 contacts holds each many times
    net = Net(agents=40, ties=20_000)
    everybody = [list(range(40))]
    found = run(net, everybody, *column(net, kind, np.int32), NO_TRUST, net.degree, DRAWN, 0.5)
    assert len(net.arcs) > BATCH
    assert found == naive(net, everybody, np.ones(len(net.arcs)), np.full(40, 0.5))
    assert len(found) == 40


def test_a_hub_with_more_listeners_than_a_batch() -> None:
    net = Net(agents=3 * BATCH, ties=4000)
    found = run(net, [[3]], *column(net, "hash", np.int32), NO_TRUST, net.degree, DRAWN, 0.0)
    assert sorted(found) == [(v, 3) for v in range(3 * BATCH) if v != 3]


def test_parts_of_the_speakers_give_the_whole_and_zero_still_needs_a_word() -> None:
    one, two = Net(), Net()
    end = NO_TRUST, one.degree, DRAWN, 0.2
    whole = run(one, [[0, 3, 9, 10]], *column(one, "hash", np.int32), *end)
    assert run(two, [[0, 3], [9], [10]], *column(two, "dense", np.int32), *end) == whole
    net = Net()
    assert run(net, [[]], *column(net, "dense", np.int32), NO_TRUST, net.degree, DRAWN, 0.0) == []
    assert (net.claim == FREE).all()
