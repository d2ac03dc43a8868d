import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World, lab
from sim.errors import HubbubError, InputError, UnknownNameError
from sim.io import EdgeOptions, import_world
from sim.lab import best_seeds_now, block_now, seeding
from sim.lab.seeding import BASELINES, prices_of
from sim.spread.influence.live_edges import sizes_of
from sim.world.seeding import live_edges_of, live_network
from tests.raising import raises

SURE: dict[str, Any] = {"probability": 1.0}


@pytest.fixture
def world() -> World:
    """Two stars, of five leaves and of three, and a path of two steps."""
    heard = [1, 2, 3, 4, 5, 7, 8, 9, 11, 12]
    return World.from_edges([0] * 5 + [6] * 3 + [10, 11], heard, agents=13, seed=4)


async def test_seeds_come_with_spread_guarantee_and_tables(world: World) -> None:
    found = await lab.best_seeds(world, 2, **SURE)
    assert found.seeds.tolist() == [0, 6]
    assert found.spread[:3] == (10.0, 10.0, 10.0)
    assert found.guarantee is not None
    assert 0.98 < found.guarantee.ratio <= 1.0
    assert found.cost == 2.0
    told = "Expected reach of 2 seeds: 10.0 (95 % 10.0 to 10.0) members"
    assert found.conclusion().startswith(told)
    assert found.table()["listeners"].tolist() == [5, 3]
    assert found.tables["comparison"]["share"].tolist() == [1.0]


@pytest.mark.parametrize("method", ["opim", "celf"])
def test_either_method_finds_them(world: World, method: str) -> None:
    found = best_seeds_now(world, 3, method=method, runs=4, **SURE)
    assert found.seeds.tolist() == [0, 6, 10]
    assert (found.guarantee is None) == (method == "celf")
    assert ("no guarantee" in found.conclusion()) == (method == "celf")


def test_plain_choices_stand_beside_them_and_unknown_ones_are_refused(world: World) -> None:
    found = best_seeds_now(world, 2, **SURE)
    rows = found.compare()
    assert rows["choice"].tolist() == ["opim", *BASELINES]
    spread = dict(zip(rows["choice"].tolist(), rows["spread"].tolist(), strict=True))
    assert spread["degree"] == spread["discount"] == 10.0
    assert spread["random"] < 10.0
    assert len(found.compare(["degree"])) == len(rows)
    assert found.compare(["celf"])["choice"].tolist()[-1] == "celf"
    celf = best_seeds_now(world, 2, method="celf", **SURE)
    assert celf.compare(["opim"])["spread"].tolist() == [10.0, 10.0]
    raises(UnknownNameError, "pagerank", best_seeds_now(world, 1, **SURE).compare, ["pagerang"])


def test_a_budget_buys_what_reaches_most(world: World) -> None:
    costs = np.ones(13)
    costs[0] = 5.0
    found = best_seeds_now(world, costs=costs, budget=4.0, **SURE)
    assert found.cost <= 4.0
    assert set(found.seeds.tolist()) >= {6, 10}
    assert found.spread.mean == 9.0  # the path, the smaller star, and two more
    rows = found.compare(["degree", "celf"])
    assert rows["cost"].max() <= 4.0
    assert rows["spread"].tolist()[::2] == [9.0, 9.0]


def test_costs_are_a_column(world: World) -> None:
    prices = prices_of(world, "degree")
    assert prices is not None
    assert prices.tolist()[:2] == [6.0, 1.0]
    assert prices_of(world, None) is None
    peopled = World.create(agents=50, network="small-world", mean_degree=4, seed=1)
    openness = prices_of(peopled, "openness")
    assert openness is not None
    assert np.array_equal(openness, peopled.agents.personality[:, 0] / 255)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "How many seeds"),
        ({"k": 0}, "k is 1 to 13"),
        ({"k": 14}, "k is 1 to 13"),
        ({"k": 2, "costs": "degree", "budget": 3.0}, "not both"),
        ({"budget": 3.0}, "go together"),
        ({"costs": "degree"}, "go together"),
        ({"costs": "degree", "budget": 0.5}, "below the lowest cost of a seed, 1"),
        ({"costs": "degree", "budget": float("nan")}, "below the lowest cost"),
        ({"costs": np.zeros(13), "budget": 1.0}, "above 0; that of agent 0 is 0"),
        ({"costs": np.ones(5), "budget": 1.0}, "one number for each of 13"),
        ({"costs": "height", "budget": 1.0}, "column of costs"),
        ({"k": 2, "method": "magic"}, "method of finding seeds"),
        ({"k": 2, "epsilon": 0.0}, "epsilon is between 0 and 1"),
        ({"k": 2, "delta": 1.0}, "delta is between 0 and 1"),
        ({"k": 2, "model": "sir"}, "is none"),
    ],
)
def test_what_cannot_be_is_refused(world: World, options: dict[str, object], says: str) -> None:
    with pytest.raises(HubbubError, match=says):
        best_seeds_now(world, **options)  # type: ignore[arg-type]


def test_celf_is_kept_out_of_large_worlds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "MOST_CELF", 12)
    with pytest.raises(InputError, match="at most 12 members, this one has 13; choose opim"):
        best_seeds_now(world, 1, method="celf", **SURE)


async def test_blocking_an_agent_cuts_what_hangs_below(world: World) -> None:
    found = await lab.block(world, [10], 1, **SURE)
    assert found.agents.tolist() == [11]
    assert (found.before.mean, found.after.mean) == (3.0, 1.0)
    assert found.ties.shape == (0, 2)
    assert found.table()["listeners"].tolist() == [1]
    assert found.tables["spread"]["spread"].tolist() == [3.0, 1.0]
    assert "1 member blocked" in found.conclusion()
    assert "without a guarantee" in found.conclusion()


def test_blocking_a_tie_cuts_what_hangs_below_and_nothing_to_block_is_said(world: World) -> None:
    found = block_now(world, "best:1", 2, what="ties", model="linear-threshold")
    assert found.rumour.tolist() == [0]
    assert len(found.ties) == 2
    assert set(found.ties[:, 0].tolist()) == {0}
    assert (found.before.mean, found.after.mean) == (6.0, 4.0)
    assert found.table()["source"].tolist() == [0, 0]
    found = block_now(world, [12], 3, **SURE)
    assert found.agents.size == 0
    assert found.conclusion().startswith("Blocking has no effect: the rumour reaches 1.0")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"what": "words"}, "kind of blocking"),
        ({"k": 0}, "k, how many to block"),
        ({"runs": 1}, "At least 2 runs"),
        ({"rumour": [99]}, "99 is unknown"),
    ],
)
def test_what_cannot_be_blocked_is_refused(world: World, options: Any, says: str) -> None:
    raises(HubbubError, says, block_now, world, **({"rumour": [0], "k": 1} | options))


@pytest.mark.slow
def test_spreads_on_nethept_are_those_of_the_papers(shared_data: Path) -> None:
    options = EdgeOptions(directed=False)
    world = import_world(shared_data / "nethept/nethept.txt.gz", options=options).world
    sets = json.loads((shared_data / "nethept/seeds.json").read_text())
    seeds = {name: [world.agents.index(str(one)) for one in ids] for name, ids in sets.items()}
    runs = 4000
    for p, name, mean, error in (
        (0.01, "degree50", 72.27, 0.12),
        (0.01, "degree_discount50_p001", 73.22, 0.12),
        (0.1, "degree50", 799.7, 3.2),
        (0.1, "degree_discount50_p001", 837.2, 3.2),
    ):
        edges = live_edges_of(world, "independent-cascade", {"probability": p})
        sizes = sizes_of(live_network(world, edges), np.array(seeds[name]), runs)
        own = float(sizes.std(ddof=1)) / runs**0.5
        assert abs(sizes.mean() - mean) <= 4 * (own**2 + error**2) ** 0.5
    assert best_seeds_now(world, 50, probability=0.01).spread.mean >= 0.97 * 73.22
