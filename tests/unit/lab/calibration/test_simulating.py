from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World
from sim.core import quiet, registry
from sim.errors import InputError, ParameterError, PluginError, UnknownNameError
from sim.lab import Observed, calibrate_now
from sim.lab.calibration import SimulationPlan, simulated, simulated_trees
from sim.lab.calibration.simulating import (
    Free,
    Point,
    _in_a_worker,
    free_of,
    several,
    told_of,
    world_of,
)
from sim.lab.runs.replicate import BaseFile
from sim.lab.runs.workers import WorkerConfig
from sim.settings import current

MODEL = """
from sim import Exposure, Floats, PerExposure, register

@register("mine-of-calibration")
class Mine(PerExposure):
    '''A model of a test.'''

    def chance(self, exposure: Exposure) -> Floats:
        return 0.1 * exposure.trust
"""
NETWORK = "retweet-like,agents=410,roots=10,audience=60,tick_minutes=60"


def plan(**how: Any) -> SimulationPlan:
    told = {"messages": 6, "minutes": 600.0} | how
    return SimulationPlan.of("independent-cascade,probability=0.2", NETWORK, **told)


def test_messages_are_those_of_a_world_made_by_hand() -> None:
    own: dict[str, Any] = {"roots": 10, "audience": 60, "mean_degree": 10}
    world = World.create(410, "retweet-like", seed=3, tick_minutes=60, **own)
    sent: dict[str, Any] = {"model": "independent-cascade", "probability": 0.2}
    stories = [world.inject("x", seeds=[400 + i], **sent) for i in range(6)]
    world.step(10)
    curves = simulated(plan(), {}, 3)
    assert curves.sizes.tolist() == [story.size for story in stories]
    depth = dict.fromkeys(range(400, 410), 0)
    log = stories[0].log
    for agent, source in zip(log.agents.tolist(), log.sources.tolist(), strict=True):
        depth[agent] = depth.get(source, -1) + 1
    levels = [depth[agent] for agent in log.agents.tolist()]
    assert curves.of["depth"][0, -1] == max(levels)
    assert curves.of["breadth"][0, -1] == np.bincount(levels).max()


def test_points_meet_the_same_draws_and_may_be_of_another_network() -> None:
    sizes = [simulated(plan(), {"probability": p}, 3).sizes for p in (0.1, 0.2, 0.2, 0.4)]
    assert (sizes[0] <= sizes[1]).all()
    assert np.array_equal(sizes[1], sizes[2])
    assert (sizes[2] <= sizes[3]).all()
    few, many = (simulated(plan(), {"network.audience": n}, 3).sizes.mean() for n in (20.0, 200.0))
    assert few < many


POINTS = (
    [{"probability": 0.1}, {"probability": 0.3}],
    [{"probability": 0.1, "network.audience": 30.0}, {"probability": 0.1}],
)


@pytest.mark.slow
@pytest.mark.parametrize("points", POINTS)
def test_several_points_in_processes_are_what_each_is_alone(points: list[Point]) -> None:
    here = several(plan(), points, 1, workers=1, report=quiet, stage="x")
    there = several(plan(), points, 1, workers=2, report=quiet, stage="x")
    for one, two in zip(here, there, strict=True):
        assert np.array_equal(one.of["breadth"], two.of["breadth"])


def test_what_a_worker_simulates_is_what_is_simulated_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.lab.runs.workers.allow", lambda _: None)
    file = tmp_path / "mine.py"
    file.write_text(MODEL)
    order = SimulationPlan.of("viral,base=0.5", NETWORK, messages=6, minutes=600)
    base = BaseFile.write(world_of(order, {}, 1))
    point = {"fading": 0.3}
    loaded = (str(file), sha256(file.read_bytes()).hexdigest())
    around = WorkerConfig((0, "elsewhere"), (loaded,), current(), is_parent=False)
    try:
        told = [(3, order, point, 1, each, around) for each in (None, base)]
        ((third, one), (_, two)) = map(_in_a_worker, told)
    finally:
        base.remove()
    assert third == 3
    for curves in (one, two):
        assert np.array_equal(curves.of["breadth"], simulated(order, point, 1).of["breadth"])
    assert "mine-of-calibration" in registry.names()


FAILING = """
from sim import PropagationModel, register

@register("failing-of-calibration")
class Failing(PropagationModel):
    '''Fails in its third tick.'''

    states = ("out", "in")

    def step(self, cascade, contacts, draws):
        if draws.tick == 3:
            raise ValueError("too late")

    def is_quiet(self, cascade, contacts):
        return False
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_model_that_fails_is_not_fitted(tmp_path: Path, workers: int) -> None:
    """What it reached before it failed is no size of a message."""
    file = tmp_path / "failing.py"
    file.write_text(FAILING)
    registry.load_file(file)
    order = SimulationPlan.of("failing-of-calibration", NETWORK, messages=3, minutes=600)
    with pytest.raises(
        PluginError, match=r"'failing-of-calibration': ValueError: too late .*; nothing"
    ):
        several(order, [{}, {}], 3, workers=workers, report=quiet, stage="x")


@pytest.mark.filterwarnings("error")
def test_how_long_a_tick_is_is_a_remark_of_the_fit_and_warned_of_by_nobody() -> None:
    network = NETWORK.replace("tick_minutes=60", "tick_minutes=5")
    known = Observed.of_facts({"mean_size": (20.0, 5.0)})
    said = []
    for model, fitted in (("independent-cascade", "probability"), ("viral", "base")):
        found = calibrate_now(
            known, model=model, network=network, ranges={fitted: (0.05, 0.4)}, simulations=8,
            messages=2, minutes=60, workers=1, holdout=0,
        )  # fmt: skip
        said.append([each for each in found.warnings if "per tick" in each])
    told = "The parameters of independent-cascade are per tick of 5 minutes: "
    assert said == [[told + "with another tick length they mean another speed."], []]


def test_messages_take_their_seeds_in_turn() -> None:
    trees = simulated_trees(plan(messages=12), {}, 1)
    assert [tree.name for tree in trees] == [f"{number:06}" for number in range(12)]
    for seeds in ("", "top:3:degree"):
        network = "erdos-renyi,agents=100,mean_degree=4,tick_minutes=60"
        other = SimulationPlan.of(
            "independent-cascade", network, messages=5, minutes=300, seeds=seeds
        )
        assert len(simulated(other, {}, 1)) == 5
        assert other.roots == 0


def test_ranges_are_those_that_are_given_or_declared() -> None:
    order = plan()
    ranges = {"probability": None, "audience": (10, 80), "network.mixing": (0.1, 0.2)}
    found = free_of(order, ranges)
    audience = Free("network.audience", 10.0, 80.0, is_whole=True)
    assert found == (Free("probability", 0.0, 1.0), audience, Free("network.mixing", 0.1, 0.2))
    edge = free_of(order, {"mean_degree": None})[0]  # above 0
    assert 0 < edge.low < 1
    assert found[1].is_scale
    assert not found[0].is_scale
    assert found[1].at(1 / 3) == pytest.approx(20)
    assert found[1].taken(0.5) == 28  # 28.28


@pytest.mark.parametrize(
    ("ranges", "error", "sentence"),
    [
        ({}, InputError, "Nothing to fit; name a parameter"),
        ({"probabilty": None}, UnknownNameError, "Did you mean 'probability'"),
        ({"network.probability": None}, UnknownNameError, "No parameter of independent-cascade"),
        ({"probability": (0.3, 0.2)}, InputError, "LOW below HIGH, got 0.3:0.2"),
        ({"probability": (0.0, float("inf"))}, InputError, "LOW:HIGH"),
        ({"probability": (0.3, 2)}, ParameterError, r"must be in \[0, 1\], got 2"),
        ({"roots": (1.5, 3)}, ParameterError, "roots must be a whole number"),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_sentence(
    ranges: Any, error: type[InputError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence) as caught:
        free_of(plan(), ranges)
    assert "\n" not in str(caught.value)


def test_a_choice_and_a_parameter_without_bounds_have_no_range() -> None:
    with pytest.raises(InputError, match="strong is no number and cannot be fitted"):
        free_of(SimulationPlan.of("hybrid", NETWORK), {"strong": None})
    with pytest.raises(InputError, match="smallest has no range of its own; give one"):
        free_of(plan(), {"smallest": None})


@pytest.mark.parametrize(
    ("model", "network", "how", "sentence"),
    [
        ("vial", NETWORK, {}, "No propagation model named 'vial'. Did you mean 'viral'"),
        ("viral", "retweet", {}, "No network named 'retweet'. Did you mean 'retweet-like'"),
        ("viral", "retweet-like,roots", {}, "NAME=VALUE, got 'roots'"),
        ("viral", "retweet-like,agents=few", {}, "agents must be a whole number, got 'few'"),
        ("viral", "retweet-like,tick_minutes=x", {}, "tick_minutes must be a number, got 'x'"),
        ("viral", "retweet-like,rootz=3", {}, "no parameter 'rootz'"),
        ("viral,base=3", NETWORK, {}, r"base must be in \[0, 1\]"),
        ("viral", NETWORK, {"messages": 0}, r"messages must be in \[1, 1000\], got 0"),
        ("viral", NETWORK, {"minutes": 10}, "minutes must be from one tick, 60, to 1,000,000"),
    ],
)
def test_a_plan_that_cannot_be_is_said_in_one_sentence(
    model: str, network: str, how: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        SimulationPlan.of(model, network, **how)


def test_names_with_what_they_are_told_are_read() -> None:
    assert told_of("viral") == ("viral", {})
    assert told_of("viral, base=0.3,audience-spread=1") == (
        "viral", {"base": "0.3", "audience_spread": "1"},
    )  # fmt: skip
