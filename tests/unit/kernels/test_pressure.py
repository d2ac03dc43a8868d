"""Sums of what listeners hear, against loops."""

import numpy as np
import pytest

from sim import World
from sim.errors import InputError
from sim.jit.claims import FREE
from sim.jit.mix import word, word2
from sim.spread import pressure
from sim.spread.neighbours.pressure_kernels import press, release
from sim.testing import tiny_world

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
