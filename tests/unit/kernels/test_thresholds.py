"""Thresholds against sums in plain Python; sums of what listeners hear, against loops."""

from typing import Any

import numpy as np
import pytest

from sim import World
from sim.core.rng import Stream, uniforms
from sim.core.rng import key as key_of
from sim.errors import InputError
from sim.jit.claims import BATCH, FREE
from sim.jit.mix import word, word2
from sim.jit.sparse import VACANT
from sim.spread import pressure
from sim.spread.neighbours.pressure_kernels import press, release
from sim.spread.neighbours.threshold_kernels import Thresholds, count_down, fill, hear, in_trust
from sim.testing import tiny_world
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


NONE = np.empty(0, np.uint64)


def network(world: World) -> tuple[np.ndarray, np.ndarray]:
    return world.ties.rows, world.ties.targets


@pytest.mark.parametrize("closed", [NONE, np.array([0b1011], np.uint64)])
def test_sums_and_sources_are_those_of_a_loop(closed: np.ndarray) -> None:
    rows, targets = network(tiny_world())
    speakers, weights = np.arange(0, 60, 2, dtype=np.uint32), np.linspace(0.1, 3.0, 30)
    total, claim = np.zeros(60), np.full(60, FREE)
    touched, key = np.zeros(61, np.uint32), np.uint64(77)
    m = 0
    for low in (0, 13):
        high = 13 if low == 0 else 30
        m = press(
            rows, targets, speakers, low, high, weights, key, closed, total, claim, touched, m
        )
    heard: dict[int, list[tuple[int, float, int]]] = {}
    for u, weight in zip(speakers.tolist(), weights, strict=True):
        start, length = (int(x) for x in rows[u])
        for v in targets[start : start + length].tolist():
            if not closed.size or v > 63 or not int(closed[0]) >> v & 1:
                bits = int(word2(np.uint64(word(key, u)), v)) >> 32
                heard.setdefault(v, []).append((bits, float(weight), u))
    found = touched[:m].copy()
    assert sorted(found.tolist()) == sorted(heard)
    sums, sources = np.empty(m), np.empty(m, np.uint32)
    release(found, m, total, claim, sums, sources)
    for v, whole, source in zip(found.tolist(), sums, sources, strict=True):
        assert whole == pytest.approx(sum(weight for _, weight, _ in heard[v]))
        assert source == min(heard[v])[2]
    assert (claim == FREE).all()
    assert not total.any()


def test_one_weight_for_all_and_no_others() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0, 1], model="si")
    contacts, draws = world.network(), story.draws(1)
    speakers = np.array([0, 1], np.uint32)
    one = pressure(story, contacts, draws, speakers, 2.0)
    two = pressure(story, contacts, draws, speakers, [2.0, 2.0])
    assert one.listeners.tolist() == two.listeners.tolist()
    assert one.total.tolist() == two.total.tolist()
    deaf = np.arange(60) % 3 == 0
    third = pressure(story, contacts, draws, speakers, 2.0, deaf=deaf)
    kept = one.listeners % 3 != 0
    assert third.listeners.tolist() == one.listeners[kept].tolist()
    assert third.source.tolist() == one.source[kept].tolist()
    world.agents.set_status([1, 2, 3], 3)
    story.advance(1, world.absent())
    fourth = pressure(story, contacts, draws, speakers, 2.0, deaf=deaf)
    assert fourth.listeners.tolist() == [v for v in third.listeners.tolist() if v > 3]
    assert story.contacts_seen == 4 * int(world.ties.rows[:2, 1].sum())
    with pytest.raises(InputError, match="one for each of 2"):
        pressure(story, contacts, draws, speakers, [1.0])
