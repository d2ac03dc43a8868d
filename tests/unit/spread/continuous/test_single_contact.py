"""Calls in continuous time: the dedicated way leads to the same events as the general one."""

from typing import Any

import numpy as np
import pytest

from sim import Compartments, ContinuousTime, World, contact
from sim.core.registry import make
from sim.spread.continuous import continuous
from sim.spread.continuous import single_contact as calls_in_time
from sim.spread.continuous.continuous import exact_times, rates_of
from sim.testing import tiny_world

CALLERS: dict[str, dict[str, Any]] = {
    "maki-thompson-continuous": {"call": 0.9},
    "k-fold-stifling-continuous": {"call": 1.5, "k": 3, "stifle": 0.6},
}


def told(model: str, *, ticks: int = 12) -> tuple[list[Any], list[float]]:
    """What is seen of ticks in which some leave and come back and ties are added, and moments."""
    world, seen = tiny_world(), list[Any]()
    story = world.inject("x", seeds=range(0, 60, 9), model=model, **CALLERS[model])
    for tick in range(ticks):
        if tick == 3:
            world.agents.set_status(range(0, 60, 4), 3)
        if tick == 5:
            world.agents.set_status(range(0, 60, 8), 1)
        if tick == 6:
            world.ties.add([1, 2, 3], [50, 51, 52])
        if tick == 7:
            world = World.restore(*world.dump())
            story = world.cascades[0]
        if tick == 8:
            world.inject("y", seeds=[1, 2, 3], model=model, **CALLERS[model])
        world.step()
        seen.append((world.digest(), story.contacts_seen))
    return seen, exact_times(story).tolist()


@pytest.mark.parametrize("model", CALLERS)
def test_events_are_those_of_the_general_way(model: str, monkeypatch: Any) -> None:
    short, moments = told(model)
    monkeypatch.setattr(continuous, "let_call_in_time", lambda *_: None)
    long, others = told(model)
    assert short == long
    np.testing.assert_array_equal(moments, others)
    assert np.isfinite(moments).sum() > 15


def _stepped(model: str) -> tuple[Any, ...]:
    world = World.create(4000, mean_degree=8, seed=2)
    story = world.inject("x", seeds=range(0, 4000, 25), model=model, **CALLERS[model])
    world.step(6)
    return world.digest(), story.contacts_seen, story.size


@pytest.mark.parametrize("model", CALLERS)
def test_spans_that_pass_at_once_and_short_desks_change_nothing(
    model: str, monkeypatch: Any
) -> None:
    # 4,000 agents in spans of 8 calls: most of these pass at once, some call by call
    seen = []
    full = calls_in_time._COLUMNS
    few = {"late": 32, "link": 16, "won": 16, "moments": 16, "spare": 16, "others": 16}
    for least in ({}, few):
        columns = {kind: {n: least.get(n, many) for n, many in names.items()}
                   for kind, names in full.items()}  # fmt: skip
        monkeypatch.setattr(calls_in_time, "_COLUMNS", columns)
        seen.append(_stepped(model))
        monkeypatch.setattr(calls_in_time, "_SPAN", 8)
    monkeypatch.setattr(continuous, "let_call_in_time", lambda *_: None)
    assert seen == [_stepped(model)] * 2
    assert seen[0][2] > 500


class Untiring(ContinuousTime, Compartments):
    """Calls, and never stops."""

    states = ("unaware", "aware")
    seeded = "aware"
    contacts = 2
    rules = (contact("unaware", "aware", by="aware", chance=0.4),)


class Circling(ContinuousTime, Compartments):
    """Speakers that come back to what they were."""

    states = ("unaware", "loud", "low")
    seeded = "loud"
    contacts = 1
    rules = (
        contact("unaware", "loud", by=("loud", "low"), chance=0.4),
        contact("loud", None, by="loud", speaker_becomes="low", chance=0.4),
        contact("low", None, by="low", speaker_becomes="loud", chance=0.4),
    )


@pytest.mark.parametrize(
    ("model", "fits"),
    [
        (make("maki-thompson-continuous"), True),
        (make("k-fold-stifling-continuous"), True),
        (Untiring(), True),
        (make("maki-thompson-continuous", call=5.0), False),
        (make("daley-kendall-continuous"), False),
        (make("swir-continuous"), False),
        (Circling(), False),
    ],
    ids=lambda given: getattr(given, "plugin_name", "") or str(given),
)
def test_only_rules_of_calls_that_lead_nowhere_back_take_it(model: Any, *, fits: bool) -> None:
    table = model.table("coins")
    assert (calls_in_time.law_of(table, rates_of(table)) is not None) == fits


def test_calls_of_two_ties_are_drawn_alike(entered: Any, monkeypatch: Any) -> None:
    name, seen = entered(Untiring), []
    for _ in range(2):
        world = World.create(300, mean_degree=6, seed=3)
        story = world.inject("x", seeds=range(9), model=name)
        world.step(5)
        seen.append((world.digest(), story.contacts_seen, story.size))
        monkeypatch.setattr(continuous, "let_call_in_time", lambda *_: None)
    assert seen[0] == seen[1]
    assert seen[0][2] > 20


def test_few_callers_in_a_large_world_keep_a_table() -> None:
    world = World.create(20_000, mean_degree=6, seed=1)
    story = world.inject("x", seeds=range(40), model="maki-thompson-continuous")
    world.step(2)
    assert not story.held["state"].is_dense
    assert story.nbytes < 20_000
