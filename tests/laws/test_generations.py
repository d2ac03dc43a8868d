"""R_t is of whole generations, and counts who adopts again."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sim import World, names
from sim.cli.results import as_csv, told_counts
from sim.spread.cascade.generations import generations

AGAIN = ("sis", "seis", "sirs", "forest-fire", "diffusion", "hoax")
ONCE = ("si", "sir", "seir", "maki-thompson", "viral", "independent-cascade", "watts", "hybrid",
        "linear-threshold", "sir-continuous", "continuous-cascade", "deffuant")  # fmt: skip
RATES: dict[str, dict[str, Any]] = {"sis": {"beta": 0.05, "gamma": 0.1}, "sir": {"beta": 0.1}}


def spreading(model: str, agents: int = 300, channel: str | None = None) -> tuple[World, Any]:
    platform = {"rhythm": "flat"} if channel == "feed" else None
    world = World.create(
        agents=agents, network="erdos-renyi", mean_degree=8, seed=3, platform=platform
    )
    seeds = list(range(10))
    options = RATES.get(model, {})
    return world, world.inject("x", seeds=seeds, model=model, channel=channel, **options)


@pytest.mark.parametrize("model", [*AGAIN, *ONCE])
def test_what_is_told_of_a_generation_never_changes(model: str) -> None:
    assert told_once(model), "nothing was told, so nothing was tested"


@pytest.mark.parametrize("model", ["sis", "independent-cascade", "viral", "sir"])
def test_what_is_told_of_a_generation_in_feeds_never_changes(model: str) -> None:
    assert told_once(model, "feed"), "nothing was told, so nothing was tested"


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(set(names("propagation")) - {*AGAIN, *ONCE}))
def test_what_is_told_of_a_generation_never_changes_whatever_the_model(model: str) -> None:
    told_once(model)


def told_once(model: str, channel: str | None = None) -> dict[int, float]:
    """See that R of a generation, once told, stays; return it by tick."""
    world, story = spreading(model, channel=channel)
    seen: dict[int, float] = {}
    for _ in range(200):
        world.step()
        r = story.r
        assert all(r[tick] == value for tick, value in seen.items()), "told before it was whole"
        seen = {tick: float(r[tick]) for tick in np.flatnonzero(~np.isnan(r)).tolist()}
        assert not set(seen) - set(np.flatnonzero(story.adoptions).tolist())
    return seen


@pytest.mark.parametrize("model", ["sis", "seis", "sirs", "sir", "seir"])
@pytest.mark.parametrize("channel", [None, "feed"])
def test_every_adoption_but_the_seeds_has_one_cause(model: str, channel: str | None) -> None:
    world, story = spreading(model, channel=channel)
    world.step(40)
    began, caused, _ = generations(story)
    assert caused.sum() == began.sum() - 10
    assert (story.adoptions == began).all()
    assert (story.adoptions >= story.new_adopters).all()
    assert story.size == story.new_adopters.sum()


def test_an_endemic_infection_reproduces_itself_once() -> None:
    world, story = spreading("sis", agents=2000)
    world.step(150)
    assert story.status == "running"
    assert story.adoptions.sum() > 5 * story.size
    late = story.r[40:120]
    assert not np.isnan(late).all()
    assert abs(np.nanmean(late) - 1) < 0.03
    assert 0.5 < story.r_newest < 1.7
    assert story.now == story.counts["infected"] < story.size


def test_generations_are_those_of_a_plain_count() -> None:
    world, story = spreading("sis", agents=60)
    states = []
    for _ in range(30):
        states.append(story.held["state"].dense() & 0x7F)
        world.step()
    states.append(story.held["state"].dense() & 0x7F)
    entered = [int(((b == 1) & (a == 0)).sum()) for a, b in pairwise(states)]
    assert story.adoptions[1:].tolist() == entered


@pytest.mark.parametrize("model", ["sir", "sis"])
def test_who_is_destroyed_keeps_no_generation_open(model: str) -> None:
    world, story = spreading(model)
    world.step(4)
    gone = infected(story)[:5]
    world.agents.set_status(gone, "destroyed")
    world.step(3)
    assert story.status == "running"
    assert generations(story)[2].sum() == np.setdiff1d(infected(story), gone).size > 0
    assert np.isin(gone, infected(story)).any()


def infected(story: Any) -> Any:
    state = story.held["state"].dense() & 0x7F
    return np.flatnonzero(state == story.states.index("infected"))


@pytest.mark.parametrize("rates", [{"beta": 0.3, "gamma": 0.2}, {"beta": 0.05, "gamma": 0.9}])
def test_who_adopts_again_in_continuous_time_is_not_on_record(rates: dict[str, Any]) -> None:
    world = World.create(agents=300, network="erdos-renyi", mean_degree=8, seed=3)
    story = world.inject("x", seeds=list(range(10)), model="sis-continuous", **rates)
    world.step(60)
    assert (story.status == "quiet") == (rates["gamma"] > 0.5)  # one dies out
    assert np.isnan(story.r).all()
    assert np.isnan(story.r_newest)
    assert (story.adoptions == -1).all()  # a false 0 where somebody adopted again
    _, *rows = csv.reader(io.StringIO(as_csv([story])))
    assert {row[6] for row in rows} == {""}
    assert set(told_counts(story.adoptions)) == {None}  # as in JSON
    world, story = spreading("sir-continuous")
    world.run_until_quiet(story)
    assert not np.isnan(story.r[story.new_adopters > 0]).any()


def test_a_world_taken_up_later_counts_on() -> None:
    world, story = spreading("sis")
    world.step(9)
    again = World.restore(*world.dump())
    for each in (world, again):
        each.step(12)
    assert again.digest() == world.digest()
    np.testing.assert_array_equal(again.cascades[0].r, story.r)


def test_generations_from_before_they_were_counted_are_not_told() -> None:
    world = spreading("sis")[0]
    world.step(9)
    meta, columns = world.dump()
    for name in [
        name for name in columns if ".turn" in name or "._began" in name or "._caus" in name
    ]:
        del columns[name]
    meta["cascades"][0]["sparse"].remove("turn")
    again = World.restore(meta, columns)
    again.step(40)
    r = again.cascades[0].r
    assert np.isnan(r[:10]).all()
    assert not np.isnan(r[10:]).all()
    assert abs(np.nanmean(r[10:])) > 0
