"""``best:20`` among seeds: the message's own model, kept with the ties, the same after a save."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sim import LiveEdges, World, choose_seeds, load, save
from sim.core import quiet
from sim.errors import Cancelled, InputError, ParameterError, UnknownNameError
from sim.runtime import Progress, Simulation
from sim.spread.influence.live_edges import LiveNetwork, spread_of
from sim.spread.influence.opim import best_seeds
from sim.world import seeding as influence
from sim.world.seeding import BestSeeds, found_before
from tests.raising import raises
from tests.unit.runtime.worlds import present


@pytest.fixture
def world() -> World:
    """Two stars, of five leaves and of three, and a path of two steps."""
    return World.from_edges(
        [0] * 5 + [6] * 3 + [10, 11], [1, 2, 3, 4, 5, 7, 8, 9, 11, 12], agents=13, seed=4
    )


def test_the_best_seeds_are_those_of_the_messages_own_model(world: World) -> None:
    sure = {"model": "independent-cascade", "probability": 1.0}
    assert choose_seeds(world, "best:2", message=sure).tolist() == [0, 6]
    assert choose_seeds(world, " Best: 3 ", message=sure).tolist() == [0, 6, 10]
    story = world.inject("Hello.", seeds="best:2", model="independent-cascade", probability=1.0)
    assert story.seeds.tolist() == [0, 6]


def test_they_are_those_of_opim_in_the_same_network(world: World) -> None:
    network = LiveNetwork(world.ties, LiveEdges(0.3), world.seed)
    message = {"model": "independent-cascade", "probability": 0.3}
    found = BestSeeds.of_message(world, "best:2", message).find(world.ties)
    alone = best_seeds(network, 2)
    assert found.seeds.tolist() == alone.seeds.tolist()
    assert found.guarantee == alone.guarantee
    assert found.spread == spread_of(network, alone.seeds)


def test_a_model_may_be_named(world: World) -> None:
    assert choose_seeds(world, "best:1:linear-threshold").tolist() == [0]
    story = world.inject("Hello.", seeds="best:1:linear-threshold", model="sir")
    assert story.seeds.tolist() == [0]


def test_who_is_not_active_is_not_chosen(world: World) -> None:
    world.agents.set_status([0], "suspended")
    sure = {"model": "independent-cascade", "probability": 1.0}
    assert choose_seeds(world, "best:1", message=sure).tolist() == [6]


@pytest.mark.parametrize(
    ("expression", "message", "says"),
    [
        ("best:", None, "whole number from 1, as in best:20; got ''"),
        ("best:0", None, "whole number from 1"),
        ("best:x", None, "got 'x'"),
        ("best:2", None, "Name a model, as in best:20:linear-threshold"),
        ("best:2", {"model": "sir"}, "'sir', as its parameters are, is none"),
        ("best:2", {"model": "continuous-cascade", "span": 3.0}, "random live ties"),
        ("best:99", {"model": "linear-threshold"}, "only 13 agents can be"),
        ("bst:2", None, "Did you mean 'best:'?"),
    ],
)
def test_what_cannot_be_found_is_refused(
    world: World, expression: str, message: dict[str, object] | None, says: str
) -> None:
    raises(InputError, says, choose_seeds, world, expression, message=message)


def test_models_and_parameters_are_checked(world: World) -> None:
    raises(UnknownNameError, "linear-threshold", choose_seeds, world, "best:2:linear-treshold")
    message = {"model": "independent-cascade", "probability": 2.0}
    raises(ParameterError, "", choose_seeds, world, "best:2", message=message)


def test_findings_are_kept_until_a_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(*args: object, **named: object) -> object:
        calls.append(args)
        return best_seeds(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(influence, "best_seeds", counted)
    message = {"model": "icp", "probability": 0.5}

    def asked() -> int:
        choose_seeds(world, "best:2", message=message)
        return len(calls)

    assert (asked(), asked()) == (1, 1)
    world.agents.set_community(np.zeros(13, np.int32), ["all"])
    assert asked() == 2
    world.agents.set_status([12], "suspended")
    assert asked() == 3
    world.follow([12], [0])
    assert asked() == 4


def test_a_world_chooses_the_same_after_a_save(world: World, tmp_path: Path) -> None:
    save(world, tmp_path / "a.hub")
    again = load(tmp_path / "a.hub")
    for one in (world, again):
        one.inject("Hello.", seeds="best:3", model="independent-cascade", probability=0.4)
        one.step(5)
    assert world.digest() == again.digest()


def test_of_other_seeds_nothing_was_found_before(world: World) -> None:
    message = {"model": "linear-threshold"}
    assert found_before(world, [0, 3], message) is None
    assert found_before(world, "top:1:degree", message) is None
    assert present(found_before(world, "best:1", message)).seeds.tolist() == [0]


async def test_a_plan_says_what_the_best_seeds_may_expect(world: World) -> None:
    async with Simulation(world) as simulation:
        options = {"model": "independent-cascade", "probability": 1.0}
        job = simulation.best_seeds("best:2", **options)  # type: ignore[arg-type]
        told = [progress async for progress in job.changes()]
        found = await job
        plan = await simulation.plan("Hello.", seeds="best:2", **options)  # type: ignore[arg-type]
        plain = await simulation.plan("Hello.", seeds="top:2:degree", **options)  # type: ignore[arg-type]
        session = await simulation.inject("Hello.", seeds="best:2", **options)  # type: ignore[arg-type]
        assert session.cascade.seeds.tolist() == [0, 6]
    assert all(isinstance(one, Progress) for one in told)
    assert found.spread.mean == 10.0
    assert plan.seeds.tolist() == [0, 6]
    assert present(plan.best).spread == found.spread
    assert plain.best is None


def test_the_search_may_be_cancelled(world: World) -> None:
    def refuse(stage: str, share: float) -> None:
        raise Cancelled("enough")

    question = BestSeeds(world, 2, "linear-threshold")
    raises(Cancelled, "", question.find, world.ties, refuse)
    assert question.find(world.ties, quiet).seeds.size == 2


def test_full_trust_takes_no_room() -> None:
    assert World.create(200, mean_degree=6).ties.trust.size == 0


def test_uniform_trust_has_its_bounds_and_mean() -> None:
    trust = World.create(3000, mean_degree=10, trust="uniform:0.2-0.6").ties.trust / 65535
    assert abs(trust.min() - 0.2) < 1e-3
    assert abs(trust.max() - 0.6) < 1e-3
    assert abs(trust.mean() - 0.4) < 4 * 0.4 / 12**0.5 / np.sqrt(trust.size)


def test_trust_follows_the_seed() -> None:
    one, two, other = (World.create(200, mean_degree=6, trust="uniform", seed=s) for s in (1, 1, 2))
    assert one.digest() == two.digest() != other.digest()


@pytest.mark.parametrize("law", ["high", "uniform:2-3", "uniform:0.9-0.1", "uniform:a-b", "full:1"])
def test_unknown_laws_are_refused(law: str) -> None:
    raises(InputError, "uniform:LOW-HIGH", World.create, 100, mean_degree=4, trust=law)


def test_the_first_new_trust_gives_up_the_old_rows_before_it_turns_them_round() -> None:
    _first_trust(200)  # kernels are loaded
    grown, slabs, tight = _first_trust(20_000)
    assert grown < slabs - tight // 2


def _first_trust(agents: int) -> tuple[int, int, int]:
    """Return the bytes that it took at most, and those of the new rows and of the old."""
    tracemalloc.start()
    world = World.create(agents, mean_degree=20, trust="uniform:0.2-0.6", seed=3)
    heard = world.ties.listeners(0)[:1].copy()
    assert world.ties.reverse.is_still
    world.network()
    tight = sum(column.nbytes for column in world.ties.parts)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    assert world.learn(heard, 0, True) == 1
    grown = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return grown, sum(each.melt().nbytes for each in (world.ties, world.ties.reverse)), tight
