import asyncio
import io
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sim import World, lab
from sim.errors import InputError, UnknownNameError
from sim.lab import Ensemble, Records, ensemble_now
from sim.lab.runs.replicate import Replicate
from sim.lab.runs.results import read_replicates
from tests.raising import raises

RUMOUR: dict[str, Any] = {
    "text": "The bridge is closed.", "seeds": [0], "model": "independent-cascade",
    "probability": 0.25,
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return World.create(agents=300, mean_degree=6, seed=3)


@pytest.fixture(scope="module")
def found(world: World) -> Ensemble:
    return ensemble_now(world, RUMOUR, replicates=40, workers=1)


def of(sizes: list[float], curves: list[list[float]], agents: int = 1000) -> Ensemble:
    """Return an ensemble of known numbers."""
    every = {
        (0, k): Replicate(len(curve) - 1, {"size": size}, {"ever": np.array(curve)})
        for k, (size, curve) in enumerate(zip(sizes, curves, strict=True))
    }
    return Ensemble(Records(("run",), tuple(range(len(sizes))), agents, every))


def test_a_fan_has_the_quantiles_of_runs_that_stay_as_they_were() -> None:
    fan = of([3, 9, 5], [[1, 3], [1, 2, 9], [1, 5]]).fan("ever", [0, 0.5, 1])
    assert fan.names == ("tick", "mean", "q0", "q50", "q100")
    assert fan["q0"].tolist() == [1, 2, 3]
    assert fan["q50"].tolist() == [1, 3, 5]
    assert fan["q100"].tolist() == [1, 5, 9]
    assert fan["mean"].tolist() == [1, 10 / 3, 17 / 3]


def test_the_summary_has_mean_median_and_intervals_of_each_measure(found: Ensemble) -> None:
    sizes = found.runs["size"]
    (row,) = found.summary().where(measure="size").rows()
    assert row["mean"] == sizes.mean()
    assert row["median"] == np.median(sizes)
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    assert row["median_low"] <= row["median"] <= row["median_high"]
    assert (row["least"], row["most"], row["runs"]) == (sizes.min(), sizes.max(), 40)
    assert row["unit"] == "agents"


def test_a_measure_without_a_number_is_left_out(world: World) -> None:
    calm = ensemble_now(world, replicates=2, ticks=1, workers=1)
    assert "size" not in calm.summary()["measure"].tolist()
    assert calm.conclusion() == ""
    raises(InputError, "No take-off to measure", calm.takeoff)
    world = World.create(agents=50, mean_degree=4, seed=1)
    odd = {"odd": lambda world: float("inf")}
    found = ensemble_now(world, ticks=1, replicates=2, workers=1, measures=odd)
    assert "odd" not in found.summary()["measure"].tolist()


def test_taking_off_is_told_with_its_threshold() -> None:
    made = of([50, 101, 900, 99], [[1.0]] * 4)
    assert made.takeoff()[2:4] == (2, 4)
    assert made.takeoff(50).runs == 3
    assert made.conclusion().startswith("2 of 4 replicates took off (50.0%, 95 % interval ")
    assert made.conclusion().endswith(": a message reached more than 100 members.")


def test_quantiles_that_do_not_rise_within_0_and_1_are_refused(found: Ensemble) -> None:
    for wrong in ([], [0.5, 0.1], [-0.1], [1.5], [0.5, 0.5]):
        raises(InputError, "Quantiles rise", found.fan, "ever", wrong)
    raises(UnknownNameError, "Did you mean 'ever'", found.fan, "evr")


def test_an_early_look_shows_what_is_finished(world: World, found: Ensemble) -> None:
    fans = []

    def follow(progress: lab.ExperimentProgress) -> None:
        fans.append(Ensemble(progress.records()).fan("ever"))

    ensemble_now(world, RUMOUR, replicates=3, workers=1, follow=follow)
    assert [fan.caption for fan in fans] == [
        "ever, 1 replicate",
        "ever, 2 replicates",
        "ever, 3 replicates",
    ]
    rows = found.curves["replicate"] == 0
    assert fans[0]["q50"].tolist() == found.curves["ever"][rows].tolist()


def test_it_shows_itself_in_terminal_and_notebook(found: Ensemble) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(found)
    shown = console.export_text()
    assert "40 replicates" in shown
    assert "took off" in shown
    assert "took off" in found._repr_html_()
    rows = len(found.summary()), len(found.curves)
    assert repr(found) == "Ensemble(summary {}, runs 40, curves {})".format(*rows)


def test_a_fan_is_drawn_and_tables_are_written(found: Ensemble, tmp_path: Path) -> None:
    figure = found.plot("new")
    (ax,) = figure.axes
    assert np.asarray(ax.lines[0].get_ydata()).tolist() == found.fan("new")["q50"].tolist()
    figure.savefig(tmp_path / "fan.svg")
    lines = found.write(tmp_path / "curves.csv", "curves").read_text("utf-8").splitlines()
    assert len(lines) == 1 + int((found.runs["ticks"] + 1).sum())
    assert lines[0].startswith("program,replicate,seed,tick,ever,new,now,running,")
    assert found.to_polars("runs").row(0, named=True)["size"] == found.runs["size"][0]


@pytest.mark.parametrize(
    ("messages", "asked", "said"),
    [
        ((), {}, "Nothing would happen"),
        (RUMOUR, {"program": lab.Messages([RUMOUR])}, "one of the two"),
        (RUMOUR, {"replicates": 0}, "Replicates"),
        ([{"texts": "x"}], {}, "A message is a text"),
        (3, {}, "Messages are texts"),
    ],
)
def test_what_cannot_be_run_is_said(world: World, messages: Any, asked: Any, said: str) -> None:
    raises(InputError, said, ensemble_now, world, messages, **asked)


def test_an_ensemble_is_of_one_program(world: World) -> None:
    two = [lab.Messages(name="a"), lab.Messages(name="b")]
    with pytest.raises(InputError, match="one program; got a, b"):
        Ensemble(lab.experiment_now(world, two, [0], workers=1))


async def test_the_event_loop_goes_on_meanwhile(world: World, found: Ensemble) -> None:
    stages: list[str] = []
    here = threading.get_ident()
    threads = set()

    def report(stage: str, _share: float) -> None:
        stages.append(stage)
        threads.add(threading.get_ident())

    again = await lab.ensemble(world, RUMOUR, replicates=40, workers=1, report=report)
    assert again.runs == found.runs
    assert here not in threads
    assert stages[0] == "copying the world"
    assert "replicate 40 of 40" in stages[-1]


async def test_who_leaves_stops_it_and_loses_nothing(world: World, tmp_path: Path) -> None:
    file, begun = tmp_path / "study.runs", asyncio.Event()
    loop = asyncio.get_running_loop()

    def follow(_: lab.ExperimentProgress) -> None:
        loop.call_soon_threadsafe(begun.set)

    work = lab.ensemble(world, RUMOUR, replicates=5000, workers=1, into=file, follow=follow)
    task = asyncio.create_task(work)
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    again = ensemble_now(world, RUMOUR, replicates=1, workers=1, into=file, resume=True)
    assert again.runs["seed"].tolist() == [3]


def test_what_a_program_is_told_of_is_what_it_holds(world: World, tmp_path: Path) -> None:
    file = tmp_path / "study.runs"
    ensemble_now(world, RUMOUR | {"seeds": np.arange(3)}, replicates=1, workers=1, into=file)
    ((name, facts),) = read_replicates(file)[0]["programs"]
    assert name == "run"
    assert facts["messages"] == [RUMOUR | {"seeds": [0, 1, 2]}]
    assert json.loads(json.dumps(facts)) == facts


def test_many_messages_take_off_by_the_largest_and_not_before_the_first_tick() -> None:
    world = World.create(agents=200, mean_degree=4, seed=1)
    messages = [
        {"text": f"{place}", "seeds": [place], "model": "independent-cascade", "probability": 0.0}
        for place in range(40)
    ]
    found = ensemble_now(world, messages, replicates=2, workers=1)
    assert found.runs["size"].tolist() == [40.0, 40.0]  # 34.2 is the threshold
    assert found.takeoff().runs == 0
    assert "the largest message reached more than" in found.conclusion()
    world = World.create(agents=200, mean_degree=4, seed=1)
    still = {"text": "x", "model": "independent-cascade", "probability": 0.0, "seeds": "top:50"}
    found = ensemble_now(world, still, replicates=2, workers=1)
    assert "Up to 50 were seeds, more than the take-off threshold" in found.conclusion()
