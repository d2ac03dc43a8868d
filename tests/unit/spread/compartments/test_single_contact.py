"""Rules that call one tie a speaker: worlds step alike, whichever way they take."""

from typing import Any

import pytest

from sim import World
from sim.spread.compartments import compartments
from sim.testing import tiny_world


def told(model: str, *, short: bool, monkeypatch: Any) -> tuple[list[str], int]:
    """Digests of ticks in which some leave and come back and ties are added."""
    world, digests = tiny_world(), list[str]()
    if not short:
        monkeypatch.setattr(compartments, "let_call", lambda *_: None)
    story = world.inject("x", seeds=range(0, 60, 9), model=model, call=0.8)
    for tick in range(14):
        if tick == 4:
            world.agents.set_status(range(0, 60, 4), 3)
        if tick == 7:
            world.agents.set_status(range(0, 60, 8), 1)
        if tick == 9:
            world.ties.add([1, 2, 3], [50, 51, 52])
        world.step()
        digests.append(world.digest())
        if tick == 10:
            world = World.restore(*world.dump())
    return digests, story.size


@pytest.mark.parametrize("model", ["maki-thompson", "k-fold-stifling"])
def test_the_short_way_leads_where_the_long_one_does(model: str, monkeypatch: Any) -> None:
    short, size = told(model, short=True, monkeypatch=monkeypatch)
    long, _ = told(model, short=False, monkeypatch=monkeypatch)
    assert short == long
    assert size > 15


def test_few_callers_in_a_large_world_keep_a_table(monkeypatch: Any) -> None:
    sizes = []
    for _ in range(2):
        world = World.create(20_000, mean_degree=6, seed=1)
        story = world.inject("x", seeds=range(40), model="maki-thompson")
        world.step(12)
        sizes.append((story.size, story.contacts_seen, world.digest()))
        monkeypatch.setattr(compartments, "let_call", lambda *_: None)
    assert sizes[0] == sizes[1]
