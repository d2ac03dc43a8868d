"""The world: commands refuse in one sentence, steps are reproducible, the state round-trips."""

import re
from typing import Any

import numpy as np
import pytest

from sim import Phase, World
from sim.errors import CapacityError, InputError
from sim.jit.claims import FREE
from sim.testing import Given, tiny_world
from tests.raising import raises

STORY: dict[str, Any] = {"seeds": [0, 5], "model": "sir"}


def test_equal_seeds_make_equal_worlds_and_other_seeds_do_not() -> None:
    one, two = (World.create(500, mean_degree=6, seed=3) for _ in range(2))
    assert one.digest() == two.digest()
    assert one.digest() != World.create(500, mean_degree=6, seed=4).digest()


def test_digest_follows_every_change() -> None:
    world = tiny_world()
    seen = {world.digest()}
    world.inject("x", **STORY)
    seen.add(world.digest())
    world.step()
    seen.add(world.digest())
    world.agents.set_status([3], 3)
    seen.add(world.digest())
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seeds": []}, "at least one agent"),
        ({"seeds": [0, 99, 200]}, "99, 200 are unknown; this world has agents 0 to 59"),
        ({"seeds": [-1]}, "-1 is unknown"),
        ({"seeds": [0.5]}, "whole numbers"),
        ({"author": 400}, "The author: 400 is unknown"),
        ({"at": -1}, "cannot start at tick -1"),
        ({"draws": "dice"}, "'coins' or 'skips'"),
        ({"beta": 1.5}, r"sir: beta must be in \[0, 1\], got 1.5"),
        ({"betta": 0.5}, "did you mean 'beta'"),
        ({"tags": ["musik"]}, "musi"),
        ({"model": "independant-cascade"}, "Did you mean 'independent-cascade'"),
    ],
)
def test_injection_refuses_in_one_sentence(change: dict[str, Any], sentence: str) -> None:
    world = tiny_world()
    before = world.digest()
    raises(InputError, sentence, world.inject, "x", **{**STORY, **change})
    assert world.digest() == before


@pytest.mark.parametrize("model", ["independent-cascade", "linear-threshold", "sir", "viral"])
def test_inactive_agents_neither_hear_nor_speak(model: str) -> None:
    world = World.from_edges([0, 1], [1, 2])
    world.agents.set_status([1], 3)
    options: dict[str, Any] = {
        "independent-cascade": {"probability": 1.0},
        "sir": {"beta": 1.0, "gamma": 0.5},
        "viral": {"base": 1.0},
    }.get(model, {})
    story = world.inject("x", seeds=[0], model=model, **options)
    world.step(5)
    assert story.adopters.tolist() == [0]


@pytest.mark.parametrize(
    ("agents", "error", "sentence"),
    [
        (0, InputError, "at least 1 agent"),
        (10**9, CapacityError, "1,000,000,000 agents .* GiB .* try --agents"),
    ],
)
def test_impossible_sizes_are_refused(agents: int, error: type[Exception], sentence: str) -> None:
    raises(error, sentence, World.create, agents)


def test_population_and_network_must_be_of_one_size() -> None:
    one, two = tiny_world(60), tiny_world(50)
    raises(InputError, "50 agents", World, two.agents, one.ties)


def test_waiting_messages_start_by_priority_then_age() -> None:
    world = tiny_world()
    world.max_running = 1
    stories = [world.inject("x", priority=p, seeds=[0], model="sis", gamma=1.0, beta=0.0)
               for p in (0, 0, 5)]  # fmt: skip
    assert [story.status for story in stories] == ["running", "queued", "queued"]
    world.step(2)
    assert [story.status for story in stories] == ["quiet", "queued", "quiet"]
    world.step()
    assert [story.started_at for story in stories] == [0, 2, 1]


def test_message_may_start_later() -> None:
    world = tiny_world()
    story = world.inject("x", at=4, **STORY)
    world.step(4)
    assert (story.status, story.size) == ("queued", 0)
    world.step()
    assert (story.started_at, story.adopted_at[0]) == (4, 4)


def test_record_of_a_woken_message_has_a_row_for_every_tick_it_rested() -> None:
    world = World.from_edges([0, 1], [1, 2], 4)
    story = world.inject("x", seeds=[0], model="si", beta=0.0)
    world.step(5)
    story.revise(beta=1.0)
    world.step(2)
    assert (len(story.history), world.tick) == (8, 7)
    np.testing.assert_array_equal(story.new_adopters, [1, 0, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(story.adopted_at, [0, 6, 7, -1])
    world.step(2)
    assert story.status == "quiet"
    assert story.r[6] == 1.0


def test_phases_are_a_list_that_can_be_extended() -> None:
    world = tiny_world()
    ticks: list[int] = []
    world.phases.append(Phase("note", "notes the tick", lambda w: ticks.append(w.tick)))
    world.step(3)
    assert ticks == [1, 2, 3]
    assert list(world.phase_seconds) == ["begin", "expose", "respond", "measure", "note"]


@pytest.mark.parametrize("model", ["sir", "viral", "independent-cascade", "linear-threshold"])
def test_agents_that_join_can_be_reached(model: str) -> None:
    world = tiny_world()
    story = world.inject("x", seeds=list(range(60)), model=model)
    world.step()
    added = world.create_agents(70)
    world.add_ties([60] * 70, list(added))
    world.step(5)
    assert (len(world.agents), story.adopted_at.size) == (130, 130)
    assert sum(story.counts.values()) == 130
    assert World.restore(*world.dump()).digest() == world.digest()


def test_failing_model_is_named_and_leaves_the_world_intact() -> None:
    world = tiny_world()
    good = world.inject("good", seeds=[0], model="si", beta=0.5)
    bad = world.inject("bad", **STORY)
    bad.columns["state"] = np.zeros(3, np.uint8)
    bad.memo = "nonsense"
    world.step(2)
    assert bad.status == "failed"
    assert bad.error is not None
    assert re.fullmatch(r"sir: .*\(\w+\.py, line \d+\)", bad.error)
    assert good.size > 1
    assert (world.scratch().claim == FREE).all()


def test_channel_that_a_snapshot_cannot_hold_stops_its_cascade() -> None:
    world = tiny_world()
    world.inject("x", channel=Given([1], [0]), **STORY)
    again = World.restore(*world.dump())
    assert again.digest() == world.digest()
    again.step()
    assert again.cascades[0].status == "failed"
    assert "'given'" in str(again.cascades[0].error)


def test_run_until_quiet_counts_its_ticks() -> None:
    world = World.from_edges([0, 1], [1, 2])
    story = world.inject("x", seeds=[0], model="independent-cascade", probability=1.0)
    assert world.run_until_quiet(story) == 3
    assert story.status == "quiet"
    assert world.run_until_quiet(story) == 0


def test_size_of_the_state_is_known() -> None:
    world = tiny_world()
    before = world.nbytes
    world.inject("x", **STORY)
    assert world.nbytes > before > 60 * 30
    assert World.estimate_bytes(1000, 10) > 1000 * 100


def test_a_message_keeps_the_seed_it_began_with() -> None:
    world = tiny_world()
    world.inject("x", **STORY)
    world.step()
    world.seed = 99
    again = World.restore(*world.dump())
    world.step(6)
    again.step(6)
    assert again.digest() == world.digest()


def test_tick_and_degree_must_be_sensible() -> None:
    raises(InputError, "minutes", World.create, 50, mean_degree=4, tick_minutes=0)
    raises(InputError, "mean degree", World.create, 50, mean_degree=float("nan"))
    raises(InputError, "64-bit", tiny_world().inject, "x", tags=-1, **STORY)
