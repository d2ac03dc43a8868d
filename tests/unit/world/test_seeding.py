"""An expression means the agents that a person would expect, or is refused with what is allowed."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from sim import Agents, Lifecycle, World, choose_seeds
from sim.errors import InputError, UnknownNameError
from sim.runtime import Simulation
from sim.world import seeding
from sim.world.seeding import check_seeds, takes_long
from tests.raising import raises


@pytest.fixture
def world() -> World:
    """Five agents with foreign ids: a star round ``hub``, in two communities."""
    return World.from_edges(
        [0, 0, 0, 1],
        [1, 2, 3, 2],
        agents=5,
        ids=["hub", "a", "b", "c", "d"],
        names=["Ada Hub", "Al", "Bo", "Cy", "Di"],
        community=[0, 0, 1, 1, -1],
        communities=["North: old town", "South"],
    )


@pytest.fixture(scope="module")
def city() -> World:
    return World.create(agents=2000, network="planted-communities", mean_degree=10, seed=5)


@pytest.mark.parametrize(
    ("expression", "agents"),
    [
        ('ids:"Silva, Ana"', [0]),
        ('ids: "Silva, Ana" ,plain', [0, 2]),
        ('"Silva, Ana", plain', [0, 2]),
        ('ids:"say ""hi"", you",plain', [1, 2]),
        ("ids:plain,\nit's", [2, 3]),
    ],
)
def test_an_id_with_a_comma_stands_in_quotation_marks(expression: str, agents: list[int]) -> None:
    ids = ["Silva, Ana", 'say "hi", you', "plain", "it's"]
    world = World.from_edges([0, 1, 2], [1, 2, 3], ids=ids)
    assert choose_seeds(world, expression).tolist() == agents


@pytest.mark.parametrize(
    ("expression", "agents"),
    [
        ("ids:hub,d", [0, 4]),
        (" ids: d , hub ,d", [0, 4]),
        ("hub,c", [0, 3]),
        ("Bo", [2]),
        ("ada hub, di", [0, 4]),
        ("top:2", [0, 1]),
        ("top:1:degree", [0]),
        ("TOP:1:Degree", [0]),
        ("community:South", [2, 3]),
        ("community:north: old town", [0, 1]),
        ("community:North: old town:1:degree", [0]),
        ("community:'South':2", [2, 3]),
        ("random:5", [0, 1, 2, 3, 4]),
        ("community:South status:active", [2, 3]),
        ("id:a,b", [1, 2]),
        ("!id:a,b", [0, 3, 4]),
    ],
)
def test_expression_means_these_agents(world: World, expression: str, agents: list[int]) -> None:
    chosen = choose_seeds(world, expression)
    assert chosen.dtype == np.uint32
    assert chosen.tolist() == agents


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "empty"),
        ("ids:", "at least one id"),
        ("ids:" + "x" * 200_000, "need at least one id"),
        ("ids:nobody", "nobody"),
        ("nobody", "top:40:pagerank"),
        ("tpo:4", "Did you mean 'top:'"),
        ("top:0", "whole number from 1"),
        ("top:x", "got 'x'"),
        ("top:6", "6 seeds are asked for, but only 5"),
        ("top:2:degre", "Did you mean 'degree'"),
        ("random:-1", "whole number"),
        ("community:Sout", "Did you mean 'South'"),
        ("community:South:3", "only 2 agents"),
        ("activity>1 activity<0", "no active agent fits"),
        ("id:hub id:a", "no active agent fits"),
    ],
)
def test_what_cannot_be_read_is_refused(world: World, expression: str, said: str) -> None:
    raises(InputError, said, choose_seeds, world, expression)


def refusal(function: Callable[..., object], *given: object) -> str:
    try:
        function(*given)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "expression",
    ["", " , ", "ids:", "top:0", "top:many", "top:2:degre", "random:-1", "random:many",
     "random:", "tpo:4", "best:few", "community:South:0", "community:South:2:fame",
     "state:zero:infected", "openness>much", "interest>0.5", "activity:some",
     "mood:good", "interest:music openness", "status:sleepy", "activity>0.1 randm:4"],
)  # fmt: skip
def test_what_means_nobody_is_refused_in_the_same_words(world: World, expression: str) -> None:
    said = refusal(check_seeds, expression)
    assert said
    assert said == refusal(choose_seeds, world, expression)


@pytest.mark.parametrize(
    "expression",
    ["hub", "ada hub, di", '"Silva, Ana",33', "ids:nobody", "top:9999:PageRank", "top:3",
     "random:1_000", "best:20", "best:20:linear-threshold", "community:Nowhere",
     "community:North: old town:1:degree", "community:3:40", "community:South status:active",
     "state:0:infected", "state:7:infected:40", "interest:whatever !id:a,b openness>=0.7"],
)  # fmt: skip
def test_what_may_mean_somebody_in_some_world_is_left_to_that_world(expression: str) -> None:
    assert refusal(check_seeds, expression) == ""


def test_top_by_pagerank_and_core_are_those_of_igraph(city: World) -> None:
    igraph = pytest.importorskip("igraph")
    ties = city.ties
    arcs = np.stack((np.repeat(np.arange(2000), ties.out_degree), ties.targets), axis=1)
    heard = igraph.Graph(2000, arcs[:, ::-1].tolist(), directed=True)
    best = set(np.argsort(-np.array(heard.pagerank()), kind="stable")[:40].tolist())
    assert len(best & set(choose_seeds(city, "top:40:pagerank").tolist())) >= 39
    mutual = igraph.Graph(2000, arcs.tolist()).simplify()
    core = np.array(mutual.coreness())
    assert core[choose_seeds(city, "top:5:core")].min() == np.sort(core)[-5]


def test_only_active_agents_are_chosen(world: World) -> None:
    world.agents.set_status([0, 2], Lifecycle.IDLE)
    assert choose_seeds(world, "top:1").tolist() == [1]
    assert choose_seeds(world, "community:South").tolist() == [3]
    assert choose_seeds(world, "random:3").tolist() == [1, 3, 4]
    assert choose_seeds(world, "!id:a").tolist() == [3, 4]


def test_random_seeds_are_the_same_for_the_same_world_and_new_for_each_message(city: World) -> None:
    twin = World.create(agents=2000, network="planted-communities", mean_degree=10, seed=5)
    first = choose_seeds(city, "random:40")
    np.testing.assert_array_equal(choose_seeds(twin, "random:40"), first)
    twin.inject("news", seeds=first, model="si")
    assert not np.array_equal(choose_seeds(twin, "random:40"), first)


def test_every_agent_is_drawn_about_equally_often(city: World) -> None:
    twin = World(city.agents, city.ties, seed=5)
    hits = np.zeros(2000)
    for twin.made in range(200):
        hits[choose_seeds(twin, "random:100")] += 1
    assert hits.sum() == 200 * 100
    assert abs(hits.mean() - 10) < 1e-9
    assert abs(hits.var() - 9.5) < 1.5  # binomial: 200 x .05 x .95


def test_community_with_a_number_draws_among_its_members(city: World) -> None:
    name = city.agents.communities[0]
    members = np.flatnonzero(city.agents.community == 0)
    chosen = choose_seeds(city, f"community:{name}:5")
    assert len(chosen) == 5
    assert set(chosen) <= set(members)
    np.testing.assert_array_equal(choose_seeds(city, "community:group 0"), members)
    best = choose_seeds(city, f"community:{name}:3:degree")
    degree = city.ties.out_degree
    assert degree[best].min() >= np.sort(degree[members])[-3]


def test_large_worlds_search_no_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "MOST_NAMES", 4)
    raises(InputError, "No member has the id 'Bo'", choose_seeds, world, "Bo")


def test_names_are_looked_at_only_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    name = type(world.agents).name

    def noted(agents: Agents, agent: int) -> str:
        asked.append(agent)
        return name(agents, agent)

    monkeypatch.setattr(Agents, "name", noted)
    assert choose_seeds(world, "cy, c, AL, hub, Al").tolist() == [0, 1, 3]
    assert asked == [0, 1, 2, 3]
    asked.clear()
    with pytest.raises(
        InputError, match=r"^Seeds 'Al, nobody, no one': No member has the id 'nobody'"
    ):
        choose_seeds(world, "Al, nobody, no one")
    assert asked == [0, 1, 2, 3, 4]
    asked.clear()
    choose_seeds(world, "hub, b")
    assert not asked


def test_unknown_measure_and_community_say_what_is_known(world: World) -> None:
    with pytest.raises(UnknownNameError) as measure:
        choose_seeds(world, "top:1:fame")
    assert measure.value.known == ("core", "degree", "pagerank")
    with pytest.raises(UnknownNameError) as community:
        choose_seeds(world, "community:West")
    assert community.value.known == ("North: old town", "South")


def test_only_ranks_of_the_whole_network_take_long() -> None:
    assert takes_long("top:40:pagerank")
    assert takes_long("community:South:4:core")
    assert not any(takes_long(seeds) for seeds in ("top:40", "random:3", [1, 2]))


@pytest.mark.parametrize(
    ("seeds", "author"),
    [("top:3:degree", "4"), ("ids:1,2", 4), ([1, 2], "ids:4"), ("random:2", None)],
)
def test_worlds_take_seeds_as_words(seeds: str | list[int], author: str | int | None) -> None:
    world = World.create(agents=50, mean_degree=4, seed=7)
    story = world.inject("It is closed.", seeds=seeds, author=author, model="sir")

    async def live() -> tuple[list[int], int]:
        async with Simulation(World.create(agents=50, mean_degree=4, seed=7)) as simulation:
            await simulation.inject("It is closed.", seeds=seeds, author=author, model="sir")
            return await simulation.query(
                lambda it: (it.cascades[0].seeds.tolist(), it.cascades[0].message.author)
            )

    assert asyncio.run(live()) == (story.seeds.tolist(), story.message.author)
