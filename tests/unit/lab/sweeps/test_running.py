import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World, lab
from sim.core import quiet
from sim.errors import Cancelled, FileError, HubbubError, InputError, UnknownNameError
from sim.lab import Messages, Sweep, experiment_now, sweep_now
from sim.lab.sweeps import SweepProgress
from sim.scenario import read_scenario
from tests.raising import raises

RUMOUR = {"text": "The bridge is closed.", "seeds": [0, 1], "model": "independent-cascade"}
GRID = {"probability": "0.1:0.5:3"}


def swept(world: World, **asked: Any) -> Sweep:
    said: dict[str, Any] = {"messages": RUMOUR, "parameters": GRID, "replicates": 2, "workers": 1}
    return sweep_now(world, **(said | asked))


def stopping(after: int) -> Callable[[str, float], None]:
    def report(stage: str, share: float) -> None:
        if stage.startswith("replicate") and int(stage.split()[1]) > after:
            raise Cancelled("enough")

    return report


def test_a_point_is_the_experiment_with_its_value_and_the_same_seeds(world: World) -> None:
    found = swept(world, seed=8)
    for number, chance in enumerate((0.1, 0.3, 0.5)):
        one = Messages([RUMOUR | {"probability": chance}])
        alone = experiment_now(world, [one], [8, 9], workers=1)
        assert found.values("size")[number].tolist() == alone.values("size").tolist()
        assert found.points["size"][number] == alone.values("size").mean()
    assert found.runs["seed"].tolist() == [8, 9] * 3
    assert found.runs["probability"].tolist() == [0.1, 0.1, 0.3, 0.3, 0.5, 0.5]


def test_a_scenario_is_swept_as_its_section_says(study: Path) -> None:
    found = sweep_now(study, workers=1)
    assert found.points["beta"].tolist() == [0.1, 0.3, 0.5]
    assert found.points["replicates"].tolist() == [2, 2, 2]
    assert found.measure == "size"
    changed = {"messages": [{"text": "The bridge is closed.", "seeds": "ids:0,1", "model": "sir",
                             "parameters": {"gamma": 0.3, "beta": 0.3}}]}  # fmt: skip
    scenario = read_scenario(study, changes=changed)
    alone = experiment_now(scenario.world(quiet), [scenario.plan()], [3, 4], ticks=12, workers=1)
    assert found.values()[1].tolist() == alone.values("size").tolist()
    assert sweep_now(read_scenario(study), workers=1).points == found.points


def test_a_network_that_varies_is_made_for_each_value(study: Path) -> None:
    found = sweep_now(
        study, parameters={"mean_degree": [2, 6], "beta": [0.1, 0.3]}, workers=1, into=study.parent
        / "all.runs",
    )  # fmt: skip
    assert len(found.records) == 2
    assert sorted(file.name for file in study.parent.glob("*.runs")) == [
        "all.1.runs", "all.2.runs",
    ]  # fmt: skip
    for number, degree in ((0, 2), (1, 2), (2, 6), (3, 6)):
        changes = {"network": {"mean_degree": degree}}
        world = read_scenario(study, changes=changes).world(quiet)
        message = {"text": "x", "seeds": "ids:0,1", "model": "sir", "gamma": 0.3}
        beta = found.points["beta"][number]
        alone = experiment_now(
            world, [Messages([message | {"beta": beta}], until_quiet=False)], [3, 4],
            ticks=12, workers=1,
        )  # fmt: skip
        assert found.values()[number].tolist() == alone.values("size").tolist()
    with pytest.raises(FileError, match="exists already"):
        sweep_now(
            study, parameters={"mean_degree": [2, 6], "beta": [0.1, 0.3]}, workers=1,
            into=study.parent / "all.runs",
        )  # fmt: skip


@pytest.mark.parametrize("parameters", [{"beta": "0.1:0.5:3"}, {"network.mean_degree": [2, 4, 6]}])
def test_a_stopped_sweep_goes_on_to_the_same_table(study: Path, parameters: dict[str, Any]) -> None:
    whole = sweep_now(study, parameters=parameters, workers=1)
    into = study.parent / "half.runs"
    with pytest.raises(Cancelled):
        sweep_now(study, parameters=parameters, workers=1, into=into, report=stopping(1))
    resumed = sweep_now(study, parameters=parameters, workers=1, into=into, resume=True)
    assert resumed.points == whole.points
    assert resumed.runs == whole.runs


def test_who_follows_a_sweep_sees_all_its_networks_and_what_is_finished(study: Path) -> None:
    seen: list[tuple[int, int, int, int]] = []

    def follow(progress: SweepProgress) -> None:
        found = progress.sweep()
        runs = sum(one.finished for one in found.records)
        missing = int(np.isnan(found.means()).sum())
        seen.append((progress.finished, progress.total, runs, missing))

    sweep_now(study, parameters={"network.mean_degree": [2, 4, 6]}, workers=1, follow=follow)
    assert seen[-1] == (6, 6, 6, 0)
    for finished, total, runs, missing in seen:
        assert (total, runs) == (6, finished)
        assert missing == 3 - (finished + 1) // 2
    assert {finished for finished, *_ in seen} >= {1, 3, 5}


def test_points_of_the_same_values_are_run_once(world: World) -> None:
    parameters = {"probability": [0.1, 0.5], "priority": [0, 1]}
    found = swept(world, parameters=parameters, design="morris", points=12, replicates=1)
    assert len(found.design) == len(found.points) == 12
    assert len(found.runs) == len(set(found.design.points)) <= 4


def test_it_can_be_awaited(world: World) -> None:
    told: list[str] = []
    asked: dict[str, Any] = {"messages": RUMOUR, "parameters": GRID, "replicates": 2, "workers": 1}
    found = asyncio.run(lab.sweep(world, report=lambda stage, _: told.append(stage), **asked))
    assert found.points == swept(world).points
    assert "checking point 1 of 3" in told


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"parameters": {"probability": [0.1, 1.2]}}, "probability=1.2.*must be in"),
        ({"parameters": {"probability": "0.1"}, "design": "sobo"}, "No design named 'sobo'"),
        ({"parameters": {}}, "one parameter or more"),
        ({"parameters": {"probability": "2:1"}}, "probability: a range rises"),
        ({"parameters": {"probabilty": [0.1]}}, "did you mean 'probability'"),
        ({"parameters": {"network.agents": [5, 6]}}, "belongs to a scenario"),
        ({"parameters": {"model": ["sir", "nothing"]}}, "At model=nothing: .*nothing"),
        ({"parameters": {"channel": ["broadcast", "tube"]}}, "At channel=tube: .*tube"),
        ({"parameters": {"probability": [0.1], "messages.probability": [0.2]}}, "the same"),
        ({"messages": ()}, "give messages="),
        ({"variant": "x"}, "Variants belong to scenarios"),
        ({"replicates": 0}, "Replicates must be"),
        ({"measure": "sise"}, "did you mean 'size'|No measure named 'sise'"),
        ({"measure": "size:1"}, "No measure named 'size:1'"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_runs(
    world: World, asked: dict[str, Any], said: str
) -> None:
    def report(stage: str, share: float) -> None:
        assert stage.startswith("checking")

    raises(InputError, said, swept, world, report=report, **asked)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"beta": "0.1:1.2:1000", "gamma": "0.1:0.5:1000"}, "beta=1.2: sir: beta must be in"),
        ({"beta": "0.1:1:1000", "gamma": "0.1:0.5:1000"}, "at most 100,000 points"),
        ({"network.agents": [0, 10]}, "At network.agents=0: .*at least 1 agent"),
        ({"network.kind": ["small-world", "foo"]}, "At network.kind=foo: .*foo"),
        ({"network.rewiring": [0.5, 2]}, "rewiring=2: small-world: rewiring must be in"),
        ({"stop.ticks": [5, 5.5]}, "At stop.ticks=5.5: .*stop.*ticks"),
        ({"platform.slots": [5, 100]}, "platform.slots=100: platform: slots must be in"),
    ],
)
def test_a_scenario_out_of_range_is_refused_before_anything_runs(
    study: Path, parameters: dict[str, Any], said: str
) -> None:
    def report(stage: str, share: float) -> None:
        assert stage.startswith("checking")

    raises(HubbubError, said, sweep_now, study, parameters=parameters, report=report)


def test_other_values_messages_and_minds_do_not_go_into_a_sweep(study: Path) -> None:
    into = study.parent / "one.runs"
    sweep_now(study, workers=1, into=into)
    with pytest.raises(FileError, match="holds other messages or changes"):
        sweep_now(study, workers=1, into=into, resume=True, parameters={"beta": [0.2, 0.3]})
    raises(InputError, "A scenario has its own messages", sweep_now, study, messages="A word.")
    study.write_text(study.read_text() + '\n[minds]\nmembers = "ids:0"\n')
    raises(InputError, r"leave \[minds\] out", sweep_now, study)


def test_indices_come_with_the_designs_that_are_for_them(world: World) -> None:
    two = {"probability": "0.02:0.6", "priority": "0:3"}
    asked: dict[str, Any] = {"parameters": two, "replicates": 1, "measure": "size"}
    morris = swept(world, design="morris", points=24, **asked).sensitivity()
    assert morris.names == ("parameter", "mu", "mu_star", "mu_star_low", "mu_star_high", "sigma")
    assert morris["mu_star"][0] > 0
    assert [morris[name][1] for name in morris.names[1:]] == [0.0] * 5
    sobol = swept(world, design="sobol", points=128, **asked).sensitivity()
    assert sobol["total"][0] > 0.5
    assert [sobol[name][1] for name in ("first", "total")] == [0.0, 0.0]
    drawn = swept(world, design="latin-hypercube", points=12, **asked).sensitivity()
    assert drawn["coefficient"][0] > 0.9
    assert np.abs(drawn["coefficient"][1]) < 0.5


def test_the_measure_of_one_message_may_be_looked_at(world: World) -> None:
    found = swept(
        world, messages=[RUMOUR, RUMOUR | {"text": "It is open."}],
        parameters={"messages.2.probability": [0.1, 0.5]}, measure="size:1",
    )  # fmt: skip
    assert found.means()[1] > found.means()[0]
    raises(UnknownNameError, "sise", found.means, "sise")


def test_how_a_series_ended_is_a_measure(study: Path) -> None:
    found = sweep_now(study, measure="last_in_recovered", workers=1)
    (records,) = found.records
    for number in range(3):
        ends = [records.found[number, k].series["in_recovered"][-1] for k in range(2)]
        assert found.values()[number].tolist() == ends
    assert found.points["last_in_recovered"].tolist() == found.means().tolist()
    assert found.means("last_ever").tolist() == found.means("size").tolist()
    raises(UnknownNameError, "last_evr", sweep_now, study, measure="last evr")


def test_a_scenario_that_sends_nothing_has_no_share(study: Path) -> None:
    text = study.read_text()
    quiet_part = text[: text.index("[[messages]]")] + "[stop]\nticks = 3\n[platform]\n"
    study.write_text(quiet_part)
    asked: dict[str, Any] = {"parameters": {"slots": [1, 10]}, "replicates": 1, "workers": 1}
    with pytest.raises(InputError, match="Nothing is sent in this scenario, so there is no share"):
        sweep_now(study, **asked)
    found = sweep_now(study, measure="last exposures", **asked)
    assert found.means()[1] > found.means()[0] > 0
    assert np.isnan(found.means("share")).all()
    assert list(found.tables) == ["points", "sensitivity", "runs"]
