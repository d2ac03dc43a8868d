"""A digest is equal if and only if worlds are: what the future depends on is in the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import Phase, World, load, save
from sim.errors import InputError
from sim.network.relations.types import StatedTypes, TieRecords
from sim.world import Metrics
from sim.world.phase_guard import is_lost
from sim.world.state.snapshot import still
from sim.world.state.state import digest_of
from tests.raising import raises

Columns = dict[str, np.ndarray]

MODELS = ("sir", "seir", "linear-threshold", "independent-cascade", "deffuant", "viral", "hawkes",
          "maki-thompson", "diffusion", "hybrid", "sirs-continuous", "utldr")  # fmt: skip
DEEDS: tuple[Callable[[World], object], ...] = (
    lambda w: w.at("adopted > 1", "ban", agents="random:3"),
    lambda w: w.at("attention_gini > 0.2", "freeze", agents="random:3"),
    lambda w: w.at(w.tick + 1, "shock", factor=0.5, agents="random:20", ticks=3),
    lambda w: w.at(w.tick + 2, "newcomers", count=5, friends=3),
    lambda w: w.at("act_like > 0", "cut", agents="random:9", others="random:9"),
    lambda w: w.at("size#0 > 9", "fact-check", reach=0.1),
    lambda w: w.at(w.tick + 1, "behave", agents="random:50", parameters={"likes": 2.0}),
    lambda w: w.at(w.tick + 1, "recommend", recommender="collaborative", agents="random:50"),
    lambda w: w.change_agents("online = 1 and openness > 0.5", activity=0.9),
    lambda w: w.change_agents("reputation > 1", interests=["music"]),
    lambda w: w.mute([1, 2], [3, 4]),
    lambda w: w.block([5], [6]),
    lambda w: w.note([0, 3], "opened a shop"),
    lambda w: w.take_profiles([{"name": "Ada", "hours": [0.5] * 24}]),
    lambda w: w.create_agents(4),
    lambda w: w.at(w.tick + 1, "group", name="few", agents="random:7", limit=5),
    lambda w: w.at(w.tick + 1, "act", act="post", agents=[2], text="Hello."),
)
"""What is done to worlds: commands, now and later, by ticks, conditions and draws."""


def full(seed: int = 5, agents: int = 120) -> World:
    """Return a world in which everything is open."""
    told = {"rhythm": "flat", "posting": 0.2, "friends": "adamic-adar", "meeting": 0.1,
            "fading": 0.05, "drift": 0.05}  # fmt: skip
    world = World.create(agents=agents, mean_degree=6, seed=seed, trust="uniform", platform=told)
    world.open_metrics(every=2, structure=3)
    sources = np.repeat(np.arange(agents, dtype=np.uint32), world.ties.out_degree)[::3]
    said = StatedTypes(
        np.arange(sources.size), ["friend", ""] * agents * 3, ['{"since":1}'] * agents * 6
    )
    pairs = sources, world.ties.targets[::3]
    world.tie_records = TieRecords.from_arcs(*pairs, said, directed=True)[0]
    return world


def metrics_of(world: World) -> Metrics:
    assert world.metrics is not None
    return world.metrics


def same(one: World, other: World) -> None:
    assert one.digest() == other.digest()


def follow(one: World, other: World, deeds: list[int], ticks: int) -> None:
    """Let two worlds that are equal go the same way, and see that they stay equal."""
    for number in deeds:
        assert _done(one, number) == _done(other, number)
    for _ in range(ticks):
        one.step()
        other.step()
        same(one, other)


def _done(world: World, number: int) -> str:
    """Do one; what cannot be done now (nobody fits, nothing is there) is refused in words."""
    try:
        DEEDS[number](world)
    except InputError as error:
        return str(error)
    return ""


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32), models=st.lists(st.sampled_from(MODELS), max_size=3),
    channels=st.lists(st.sampled_from([None, "feed"]), min_size=3, max_size=3),
    before=st.lists(st.integers(0, len(DEEDS) - 1), max_size=4, unique=True),
    after=st.lists(st.integers(0, len(DEEDS) - 1), max_size=4, unique=True),
    at=st.integers(0, 6),
)  # fmt: skip
def test_a_world_taken_up_at_any_tick_has_the_same_future(
    seed: int, models: list[str], channels: list[Any], before: list[int], after: list[int], at: int
) -> None:
    world = full(seed)
    for model, channel in zip(models, channels, strict=False):
        world.inject("The bridge is closed.", seeds=[0, 7, 9], model=model, channel=channel)
    for number in before:
        _done(world, number)
    world.step(at)
    again = World.restore(*world.dump())
    same(world, again)
    follow(world, again, after, 4)


def lived() -> World:
    """Return a world of every feature after some ticks, with much that waits."""
    world = full(agents=150)
    more: dict[str, dict[str, Any]] = {
        "sir": {},
        "deffuant": {"topic": "bridges"},
        "si": {"at": 40},
    }
    for model, options in more.items():
        world.inject("The bridge is closed.", seeds=[0, 1, 2], model=model, **options)
    world.inject("Music!", seeds=[4], model="si", channel="feed")
    world.take_profiles([{"name": "Ada", "biography": "Baker.", "hours": [0.5] * 24}])
    world.at("attention_gini > 2", "ban", agents="random:3")
    world.mute([1, 2], [3, 4])
    world.block([5], [6])
    world.note([0, 3], "opened a shop")
    world.at(2, "shock", factor=0.5, agents="random:20", ticks=30)
    world.at(2, "group", name="few", agents="ids:3,4,7")
    world.at(2, "behave", agents="random:40", parameters={"likes": 2.0})
    world.step(5)
    world.change_agents([11], status="paused")
    return world


@pytest.fixture(scope="module")
def state() -> tuple[dict[str, Any], Columns, str]:
    world = lived()
    meta, columns = world.dump()
    return meta, columns, world.digest()


TOLD = ("bonds.log.", "metrics.", "agents.moves.")
"""Columns that tell what happened; nothing that happens reads them."""


def test_every_column_but_those_that_only_tell_moves_the_digest(
    state: tuple[dict[str, Any], Columns, str],
) -> None:
    meta, columns, digest = state
    assert digest_of(meta, columns) == digest
    assert len(columns) > 80
    for name, column in columns.items():
        if not column.size:
            continue
        other = np.ascontiguousarray(column).copy()
        other.reshape(-1).view(np.uint8)[-1] ^= 1
        moved = digest_of(meta, columns | {name: other}) != digest
        assert moved != name.startswith(TOLD), name


def test_what_only_tells_changes_nothing_that_follows(
    state: tuple[dict[str, Any], Columns, str],
) -> None:
    meta, columns, digest = state
    told = {name: c for name, c in columns.items() if name.startswith(TOLD)}
    assert {name.split(".")[0] for name in told} == {"bonds", "metrics", "agents"}
    changed = {name: _turned(column) for name, column in told.items()}
    one, other = World.restore(meta, columns), World.restore(meta, columns | changed)
    assert other.digest() == digest
    follow(one, other, list(range(len(DEEDS))), 5)


def _turned(column: np.ndarray) -> np.ndarray:
    """Return a column that tells something else, and can be read."""
    return column * 2 if column.dtype.kind == "f" else np.full_like(column, column.min(initial=0))


def test_what_is_measured_counts_while_an_intervention_waits_for_it() -> None:
    world = full()
    world.step(2)
    digest, name = world.digest(), "attention_gini"
    metrics_of(world).latest[name] += 0.25
    assert world.digest() == digest, "nobody waits for it"
    metrics_of(world).latest[name] -= 0.25
    world.at("attention_gini > 2", "ban", agents="random:3")
    waiting = world.digest()
    metrics_of(world).latest["tick_ms"] += 1000
    metrics_of(world).latest["diversity"] = 7.0
    assert world.digest() == waiting, "nobody waits for these"
    metrics_of(world).latest[name] += 2
    assert world.digest() != waiting
    one, other = (World.restore(*world.dump()) for _ in range(2))
    metrics_of(other).latest[name] -= 2
    one.step()
    other.step()
    assert [len(w.interventions) for w in (one, other)] == [1, 1]
    assert (one.interventions[0].is_over, other.interventions[0].is_over) == (True, False)


def test_how_often_is_measured_counts_while_an_intervention_waits() -> None:
    worlds = [full(), full()]
    for world, every in zip(worlds, (1, 3), strict=True):
        metrics = metrics_of(world)
        metrics.settings = metrics.settings.model_copy(update={"every": every})
    assert worlds[0].digest() == worlds[1].digest()
    for world in worlds:
        world.at("attention_gini > 2", "ban", agents="random:3")
    assert worlds[0].digest() != worlds[1].digest()


def test_who_is_online_is_saved(tmp_path: Any) -> None:
    world = full()
    raises(InputError, "known after the next one", world.change_agents, "online = 1", activity=0.5)
    world.step(3)
    save(world, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    follow(world, again, [8], 3)


# Phases


def taxed(world: World) -> None:
    world.agents.set_activity([world.tick % 10], 0.5)


TAX = Phase("tax", "takes activity", taxed)


def test_a_phase_of_a_program_is_in_the_state_and_its_absence_is_named() -> None:
    world, without = full(), full()
    same(world, without)
    world.add_phase(TAX, before="feed")
    assert world.digest() != without.digest(), "their futures are not the same"
    again = World.restore(*world.dump())
    same(world, again)
    assert any("'tax' (takes activity)" in remark for remark in again.remarks)
    assert [is_lost(phase) for phase in again.phases].count(True) == 1
    assert World.restore(*again.dump()).remarks == again.remarks, "named again, not forgotten"
    again.add_phase(TAX)
    assert [p.name for p in again.phases] == [p.name for p in world.phases]
    follow(world, again, [], 4)
    assert World.restore(*still(world, lambda _, c: c.copy()).dump()).remarks == again.remarks


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.phases.append(TAX),
        lambda w: w.phases.pop(2),
        lambda w: w.phases.reverse(),
        lambda w: w.phases.__setitem__(1, Phase("write", "writes nothing", lambda _: None)),
    ],
)
def test_whatever_is_done_to_phases_moves_the_digest(change: Callable[[World], object]) -> None:
    world, before = full(), full()
    change(world)
    assert world.digest() != before.digest()
    again = World.restore(*world.dump())
    same(world, again)
    assert [p.name for p in again.phases] == [p.name for p in world.phases]


def test_a_phase_appended_again_takes_over_from_what_stood_for_it() -> None:
    world = full()
    world.phases.append(TAX)
    again = World.restore(*world.dump())
    again.phases.append(TAX)
    same(world, again)
    follow(world, again, [], 3)


def test_looking_at_metrics_moves_no_digest_whatever_the_phases() -> None:
    world, watched = (World.create(agents=100, mean_degree=4, seed=1) for _ in range(2))
    for each in (world, watched):
        each.phases.append(TAX)
    watched.open_metrics()
    same(world, watched)
    follow(world, watched, [], 3)


def test_phases_that_no_dump_would_say_are_refused() -> None:
    world = full()
    world.add_phase(TAX)
    meta, columns = world.dump()
    with pytest.raises(InputError, match="at most 1,000 phases"):
        World.restore(meta | {"phases": meta["phases"] * 200}, columns)
    raises(InputError, "no phase 'lunch' to come before", world.add_phase, TAX, before="lunch")
