"""What a notebook shows of the main objects, and what it may write for a number of agents."""

import networkx as nx
import numpy as np
import pytest

from sim import Simulation, World, io
from sim.errors import InputError, UnknownNameError
from tests.raising import raises


def test_main_objects_say_what_they_are_in_a_line() -> None:
    world = World.create(agents=1e2, mean_degree=4, seed=3)
    story = world.inject("Hello.", seeds=[0, 1], model="si", beta=0.0)
    metrics = world.open_metrics()
    world.step(2)
    assert (
        repr(world) == f"<World: 100 agents, {world.ties.count:,} ties, tick 2, 1 messages, seed 3>"
    )
    assert repr(story) == "<Cascade 0: si, quiet, 2 of 100 agents>"
    assert repr(metrics) == f"<Metrics: {len(metrics.names)} series, 2 rows to tick 2>"


async def test_a_simulation_and_its_frame_say_what_they_are_in_a_line() -> None:
    world = World.create(agents=100, mean_degree=4)
    assert repr(Simulation(world)) == f"<Simulation of {world!r}, not entered>"
    async with Simulation(world, name="mine") as simulation:
        frame = simulation.frame
        assert repr(frame).startswith(f"<Frame {frame.revision}: 'mine', paused, tick 0, 100 ")
        assert repr(simulation) == f"<Simulation of {frame!r}>"


@pytest.mark.parametrize("agents", [100.5, "many", True])
def test_a_number_of_agents_is_a_whole_one(agents: object) -> None:
    with pytest.raises(InputError, match=r"^agents must be a whole number, got "):
        World.create(agents=agents)  # type: ignore[arg-type]


def test_a_message_and_metrics_are_tables_and_figures() -> None:
    world = World.from_edges([0, 1, 2], [1, 2, 3], 4)
    metrics = world.open_metrics(every=1)
    story = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(2)
    expected = {
        "tick": [0, 1, 2], "new": [1, 1, 1], "ever": [1, 2, 3],
        "in_susceptible": [3, 2, 1], "in_infected": [1, 2, 3],
    }  # fmt: skip
    assert story.to_polars().to_dict(as_series=False) == expected
    assert story.to_pandas().to_dict("list") == expected
    (panel,) = story.plot().axes
    assert [line.get_label() for line in panel.lines] == ["in_susceptible", "in_infected"]
    assert np.asarray(panel.lines[1].get_ydata()).tolist() == [1, 2, 3]
    assert panel.get_title() == repr(story).strip("<>")
    (panel,) = story.plot("new").axes
    assert np.asarray(panel.lines[0].get_xdata()).tolist() == [0, 1, 2]
    raises(UnknownNameError, "in_infected", story.plot, "in_infectd")
    frame = metrics.to_polars()
    assert frame.columns == ["tick", *metrics.names]
    assert frame["tick"].to_list() == [1, 2]
    assert frame["adopted"].to_list() == [1.0, 1.0]
    assert len(metrics.plot("adopted").axes) == 1


def test_a_message_at_rest_keeps_its_last_state_in_every_tick() -> None:
    world = World.from_edges([0], [1], 3)
    story = world.inject("x", seeds=[0], model="sir", beta=1.0, gamma=1.0)
    world.step(6)
    rows = story.by_tick()
    assert {column.size for column in rows.values()} == {story.new_adopters.size}
    states = np.array([rows[f"in_{state}"] for state in story.states])
    assert (states.sum(axis=0) == 3).all()
    assert states[:, -1].tolist() == [story.counts[state] for state in story.states]


def test_nothing_to_draw_is_one_sentence() -> None:
    with pytest.raises(InputError, match="no tick has been run"):
        World.create(agents=100, mean_degree=4).open_metrics().plot()


def test_a_world_goes_to_networkx_and_back() -> None:
    graph = nx.DiGraph()
    graph.add_edge("ann", "ben", weight=0.25, type="kin", since=1999)
    graph.add_edge("ben", "cleo", weight=1.0)
    world = io.from_networkx(graph)
    again = world.to_networkx()
    assert [*again.nodes] == ["ann", "ben", "cleo"]
    assert again.nodes["ann"]["name"] == "ann"
    edge = again.edges["ann", "ben"]
    assert edge == {"weight": pytest.approx(0.25, abs=1e-4), "type": "kin", "since": 1999}
    back = io.from_networkx(again)
    assert back.ties.targets.tolist() == world.ties.targets.tolist()
    assert back.ties.trust.tolist() == world.ties.trust.tolist()
    assert back.relation(0, 1) == world.relation(0, 1)


def test_a_made_world_goes_to_networkx_with_every_tie() -> None:
    world = World.create(agents=200, mean_degree=6, seed=4)
    graph = world.to_networkx()
    sources = np.repeat(np.arange(200), world.ties.out_degree)
    assert {*graph.edges} == {*zip(sources.tolist(), world.ties.targets.tolist(), strict=True)}
    assert [graph.nodes[i]["name"] for i in range(200)] == [
        world.agents.name(i) for i in range(200)
    ]
    ended = world.ties.targets[0]
    world.set_relations([0], [ended], "kin")
    world.unfollow([ended], [0])  # its record stays, and is of no tie
    assert (0, ended) not in world.to_networkx().edges


def test_who_ranks_and_who_acts_without_a_platform_is_one_sentence() -> None:
    world = World.create(agents=100, mean_degree=4, seed=3)
    for ask in (world.recommend, world.behave):
        raises(InputError, r"no platform; open one first: world\.open_platform", ask, "popularity")
    platform = world.open_platform()
    world.recommend("popularity", [0])
    assert [ranked.plugin_name for ranked in platform.recommenders][-1] == "popularity"
