"""What a cascade tells of itself; the log of a cascade."""

from math import comb
from typing import Any

import igraph
import numpy as np
import pytest

from sim import Cascade, World
from sim.spread.cascade.adoption import Log
from sim.testing import tiny_world
from sim.world.state.state import digest_of, restore_world


@pytest.fixture
def chain() -> World:
    # 0 -> 1 -> 2 -> 3 and 0 -> 4
    return World.from_edges([0, 1, 2, 0], [1, 2, 3, 4])


def certain(world: World, seeds: list[int]):  # type: ignore[no-untyped-def]
    story = world.inject("x", seeds=seeds, model="independent-cascade", probability=1.0)
    world.run_until_quiet(story)
    return story


def test_shape_of_a_known_tree(chain: World) -> None:
    story = certain(chain, [0])
    assert (story.size, story.depth, story.breadth) == (5, 3, 2)
    assert story.source.tolist() == [-1, 0, 1, 2, 0]
    assert story.adopted_at.tolist() == [0, 1, 2, 3, 1]
    # pairs of the tree 4-0-1-2-3, a path of 5: mean distance 2
    assert story.virality == pytest.approx(2.0)


def test_reproduction_and_speed_of_a_known_tree(chain: World) -> None:
    story = certain(chain, [0])
    np.testing.assert_array_equal(story.new_adopters, [1, 2, 1, 1, 0])
    np.testing.assert_array_equal(story.r[:4], [2.0, 0.5, 1.0, 0.0])
    assert np.isnan(story.r[4])
    assert story.speed == pytest.approx(4 / 4)


def test_history_adds_up_to_the_population() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0, 5], model="sir", beta=0.4)
    world.step(10)
    assert (story.history.sum(axis=1) == 60).all()
    assert story.counts == dict(zip(story.states, story.history[-1].tolist(), strict=True))
    assert story.new_adopters.sum() == story.size


def test_virality_equals_mean_distance_in_igraph() -> None:
    world = tiny_world()
    story = world.inject("x", seeds=[0], model="independent-cascade", probability=0.9)
    world.run_until_quiet(story)
    at = {int(v): i for i, v in enumerate(story.adopters)}
    arcs = [(at[int(v)], at[int(story.source[v])]) for v in story.adopters if story.source[v] >= 0]
    tree = igraph.Graph(n=len(at), edges=arcs)
    assert story.virality == pytest.approx(tree.average_path_length())
    assert story.depth == max(tree.distances(source=at[0])[0])


def test_depths_of_several_seeds_are_taken_from_the_nearest_root() -> None:
    story = certain(World.from_edges([0, 1, 3], [1, 2, 4]), [0, 3])
    assert dict(zip(story.adopters.tolist(), story.depths.tolist(), strict=True)) == {
        0: 0, 3: 0, 1: 1, 4: 1, 2: 2,
    }  # fmt: skip
    assert story.breadth == 2


def test_views_are_read_only(chain: World) -> None:
    story = certain(chain, [0])
    for view in (story.adopters, story.log.ticks, story.log.sources):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1


def test_nothing_happened_yet() -> None:
    story = tiny_world().inject("x", seeds=[0], model="si", at=5)
    assert (story.size, story.depth, story.breadth, story.virality, story.speed) == (0, 0, 0, 0, 0)
    assert story.history.shape == (0, 2)
    assert story.frontier.size == 0
    assert story.r.size == 0


def test_reinfection_is_no_second_adoption() -> None:
    world = World.from_edges([0, 1], [1, 0])
    story = world.inject("x", seeds=[0], model="sis", beta=1.0, gamma=1.0)
    world.step(6)
    assert story.size == 2
    assert story.history[-1].sum() == 2


def test_spreading_stops_when_no_tie_is_left() -> None:
    world = World.from_edges([0, 1], [1, 2], 5)
    story = world.inject("x", seeds=[0], model="si", beta=1.0)
    world.run_until_quiet(story, 50)
    assert (story.status, story.size) == ("quiet", 3)


def ids(*agents: int) -> np.ndarray:
    return np.array(agents, np.uint32)


def test_what_is_appended_stands_in_order() -> None:
    log = Log()
    log.append(ids(3, 9), 5, ids(0xFFFFFFFF, 0xFFFFFFFF))
    log.append(ids(4), 7, ids(9))
    assert log.size == 3
    assert log.agents.tolist() == [3, 9, 4]
    assert log.ticks.tolist() == [5, 5, 7]
    assert log.sources.tolist() == [0xFFFFFFFF, 0xFFFFFFFF, 9]


def test_columns_grow_without_losing_anything() -> None:
    log = Log()
    for tick in range(100):
        log.append(np.arange(tick, dtype=np.uint32), tick, np.arange(tick, dtype=np.uint32))
    assert log.size == 4950
    assert np.bincount(log.ticks).tolist() == list(range(100))
    assert 12 * 4950 <= log.nbytes <= 12 * 4950 * 1.6


def test_views_are_read_only_and_typed() -> None:
    log = Log()
    log.append(ids(1), 0, ids(2))
    for view, dtype in ((log.agents, "u4"), (log.ticks, "i4"), (log.sources, "u4")):
        assert view.dtype == dtype
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 5


def test_a_restored_log_is_the_same_and_goes_on() -> None:
    log = Log()
    log.append(ids(1, 2), 3, ids(7, 7))
    again = Log.restore(log.dump())
    for one in (log, again):
        one.append(ids(5), 4, ids(1))
    assert [column.tolist() for column in log.dump().values()] == [
        column.tolist() for column in again.dump().values()
    ]


def test_an_empty_log_is_a_log() -> None:
    again = Log.restore(Log().dump())
    assert (again.size, again.agents.size, again.nbytes) == (0, 0, 0)


SIR: dict[str, Any] = {"model": "sir", "beta": 0.3, "gamma": 0.4}


def under_way(model: dict[str, Any], ticks: int, seed: int = 4) -> tuple[World, Cascade]:
    world = World.create(agents=400, mean_degree=6, seed=seed)
    story = world.inject("x", seeds=[0, 1, 2], **model)
    world.step(ticks)
    return world, story


def end(model: dict[str, Any], ahead: int | None) -> Cascade:
    world, story = under_way(model, 4)
    if ahead is not None:
        story.redraw(ahead)
    world.run_until_quiet(story)
    return story


@pytest.mark.parametrize("model", [SIR, {"model": "independent-cascade", "probability": 0.3}])
def test_what_is_ahead_differs_and_what_is_past_does_not(model: dict[str, Any]) -> None:
    _, before = under_way(model, 4)
    first, again, other = end(model, 9), end(model, 9), end(model, 10)
    assert first.adopters.tolist() == again.adopters.tolist()
    assert first.adopters.tolist() != other.adopters.tolist()
    for story in (first, other):
        assert story.adopters[: before.size].tolist() == before.adopters.tolist()


def test_its_own_seed_changes_nothing() -> None:
    assert end(SIR, 4).adopters.tolist() == end(SIR, None).adopters.tolist()


def test_thresholds_stay() -> None:
    model = {"model": "linear-threshold"}
    assert len({tuple(end(model, ahead).adopters.tolist()) for ahead in (None, 9, 10)}) == 1
    assert end(model, None).size > 10


def naive_ahead(susceptible: int, infected: int) -> float:
    """How many more are infected on average, on a complete network, in the ticks to come."""
    if not (susceptible and infected):
        return 0.0
    catch = 1 - (1 - SIR["beta"]) ** infected
    total, stays = 0.0, 0.0
    for new in range(susceptible + 1):
        a = comb(susceptible, new) * catch**new * (1 - catch) ** (susceptible - new)
        for gone in range(infected + 1):
            b = comb(infected, gone) * 0.4**gone * 0.6 ** (infected - gone)
            if new or gone:
                after = naive_ahead(susceptible - new, infected + new - gone)
                total += a * b * (new + after)
            else:
                stays = a * b
    return total / (1 - stays)


def test_the_law_of_what_is_ahead_is_that_of_the_state_it_is_in() -> None:
    copies, members = 4_000, 4
    ties = [(a, b) for a in range(members) for b in range(a)]
    ends = np.array([(c * members + a, c * members + b) for c in range(copies) for a, b in ties])
    world = World.from_edges(ends[:, 0], ends[:, 1], copies * members, False, seed=2)
    story = world.inject("x", seeds=np.arange(0, copies * members, members), **SIR)
    world.step(2)
    story.redraw(77)
    state = np.array(story.state_now).reshape(copies, members)
    expected = [naive_ahead(int((one == 0).sum()), int((one == 1).sum())) for one in state]
    before = np.bincount(story.adopters // members, minlength=copies)
    world.run_until_quiet(story)
    more = np.bincount(story.adopters // members, minlength=copies) - before
    error = float((more - expected).std(ddof=1)) / copies**0.5
    assert abs(float(np.mean(more - expected))) < 4 * error


def test_a_save_keeps_it_and_one_without_says_nothing_of_it() -> None:
    world, story = under_way(SIR, 4)
    meta, columns = world.packed()
    assert "ahead" not in str(meta)
    plain = digest_of(meta, columns)
    story.redraw(9)
    meta, columns = world.packed()
    assert digest_of(meta, columns) != plain
    again = restore_world(World, meta, columns)
    world.run_until_quiet(story)
    again.run_until_quiet(again.cascades[0])
    assert again.cascades[0].adopters.tolist() == story.adopters.tolist()
    assert again.cascades[0].ahead == 9
