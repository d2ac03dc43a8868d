"""The Runs mode: many runs of the world on the screen, their fan, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from sim import Theory, World, lab, save
from sim.scenario import MessageSpec
from tests.screens.showing import picture, shown
from tests.screens.test_app import command, frame_of, keys, said, seen, until
from tests.screens.test_app_real import hubbub
from tui.actions.lab import arms_of
from tui.dialogs.form import FormDialog
from tui.draw.curves import Curves
from tui.draw.experiments import DifferencePane, FanPane
from tui.experiments import AS_IT_IS, Experiment, world_plan

BRIDGE = "inject text='The bridge is closed.' model=sir beta=0.1 seeds=ids:3,4"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Three hundred members on the disk, nothing said yet."""
    path = tmp_path / "town.hub"
    save(World.create(agents=300, mean_degree=6, seed=7), path)
    return path


async def test_l_runs_what_is_under_way_many_times_and_says_what_follows(
    tmp_path: Path, town: Path
) -> None:
    async with hubbub(tmp_path, (160, 48), town) as (app, pilot):
        await pilot.press("4")
        await until(pilot, lambda: "Press l for 100 replicates from this tick." in seen(app))
        await command(pilot, BRIDGE, lambda: frame_of(app).focus is not None)
        await command(pilot, "step 2", lambda: frame_of(app).tick == 2)
        twin = await app.simulation.world()
        await command(pilot, "replicates 12", lambda: "Fan of ever adopted, 12 runs" in seen(app))
        program = lab.Messages((), AS_IT_IS)
        expected = lab.ensemble_now(twin, program=program, replicates=12, workers=1)
        sizes = expected.records.values("size")
        assert f"{int(sizes.min()):,}, {int(sizes.max()):,}" in seen(app)
        assert f"{int((sizes > 300 ** (2 / 3)).sum())} of 12 replicates" in seen(app)
        assert "x this run" in seen(app)
        assert app.experiments.all[0].tick == 2
        await pilot.press("v")
        await until(pilot, lambda: "Fan of new this tick, 12 runs" in seen(app))
        await command(pilot, "series nothing", lambda: "'nothing'" in said(app))
        await pilot.press("1")
        await until(pilot, lambda: "single run; l runs 100" in seen(app))
        await pilot.press("3")
        await until(pilot, lambda: "single run; l runs 100" in seen(app))


async def test_escape_stops_the_runs_and_keeps_what_is_finished(tmp_path: Path, town: Path) -> None:
    async with hubbub(tmp_path, (80, 24), town) as (app, pilot):
        await command(pilot, "replicates stop", lambda: "No replicates are running" in said(app))
        await command(pilot, "replicates 20000 ticks=200")
        await until(
            pilot, lambda: bool(app.experiments.all) and app.experiments.all[0].finished > 0
        )
        await command(pilot, "replicates 3 ticks=5", lambda: "wait, or type" in said(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.experiments.running is None)
        (stopped,) = app.experiments.all
        assert stopped.how_far == f"stopped at {stopped.finished}"
        assert app.situation().mode == "runs"
        await until(pilot, lambda: "active" in seen(app))


WRONG = {
    "replicates 0": "The number of replicates must be a whole number from 1",
    "replicates many": "whole number from 1, got 'many'",
    "replicates 5 ticks=0": "number after ticks= must be a whole number from 1",
    "replicates 5 seeds=ids:1": "A message needs a text",
    "replicates 5,000,000 ticks=5": "at most 100,000 replicates",
    "replicates 2 text=x model=no-such-model": "no-such-model",
    "replicates 2 text=x seeds=ids:999": "999",
}


WRONG_FUTURES = {
    "compare 5": "Type a change to compare with the baseline",
    "compare 5 calm": "Type a change to compare with the baseline",
    "compare 0 beta=0.1": "whole number from 1, got '0'",
    "compare 5 a a": "Two conditions are named 'a'",
    "compare 5 'a: what'": "Changes are key=value",
}


async def test_what_cannot_be_run_gets_one_sentence(tmp_path: Path, town: Path) -> None:
    async with hubbub(tmp_path, (160, 48), town) as (app, pilot):
        for typed, told in WRONG.items():
            await command(pilot, typed)
            await until(pilot, lambda told=told: told in said(app))
            assert app.experiments.running is None


async def test_at_rest_a_message_is_asked_for_or_the_last_taken(tmp_path: Path, town: Path) -> None:
    async with hubbub(tmp_path, (80, 24), town) as (app, pilot):
        await pilot.press("l")
        await until(pilot, lambda: "Run 100 replicates of a message" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.stage)
        assert app.experiments.all == []
        (tmp_path / "b.gif").write_bytes(b"GIF89a")
        sent = MessageSpec("x", "ids:1", "sir", image=f"{tmp_path}/b.gif", alt="A bridge")
        app.last_order = sent
        await command(pilot, "compare 2 beta=0.1", lambda: app.experiments.all != [])
        assert app.last_order == sent  # with the picture's file, not its data


async def test_futures_are_compared_and_their_difference_told(tmp_path: Path, town: Path) -> None:
    async with hubbub(tmp_path, (160, 48), town) as (app, pilot):
        for typed, told in WRONG_FUTURES.items():
            await command(pilot, typed)
            await until(pilot, lambda told=told: told in said(app))
            assert app.experiments.running is None
        await command(pilot, BRIDGE, lambda: frame_of(app).focus is not None)
        await command(pilot, "compare 3 'one: beta=.1' 'two: beta=.1'")
        await until(pilot, lambda: "'one' and 'two' are identical" in said(app))
        twin = await app.simulation.world()
        await command(pilot, "compare 6 beta=0.0")
        await until(pilot, lambda: "Fan of ever adopted, 12 runs" in seen(app))
        arms = {AS_IT_IS: {}, "beta=0.0": {"parameters": {"beta": 0.0}}}
        expected = lab.compare_now(twin, arms, replicates=6, workers=1)
        shown = " ".join(seen(app).split())
        await until(pilot, lambda: "Difference: beta=0.0 minus baseline" in seen(app))
        assert f"{100 * expected.mean('share', AS_IT_IS):.1f}%" in shown
        assert "beta=0.0 reaches" in shown
        outcome = app.experiments.all[-1].outcome("ever")
        assert outcome is not None
        assert outcome.difference is not None
        assert outcome.sentences[0] == expected.conclusion().splitlines()[0]
        table = expected.difference_curve("ever")
        assert np.array_equal(outcome.difference.levels[1], table["mean"])


FIELDS = [("change-1", "beta", "got 'beta'"), ("change-1", "betta=0.2", "'betta'"),
          ("pairs", "many", "pairs must be a whole number")]  # fmt: skip


async def test_conditions_are_rows_of_a_form_that_says_its_runs(tmp_path: Path, town: Path) -> None:
    async with hubbub(tmp_path, (80, 24), town) as (app, pilot):
        await command(pilot, BRIDGE, lambda: frame_of(app).focus is not None)
        await keys(pilot, "D", then=FormDialog)
        form = app.screen
        await keys(pilot, "enter", then="Fill in a change")
        for name, text, told in FIELDS:
            form.query_one(f"#{name}", Input).value = text
            await keys(pilot, "enter", then=told)
        form.query_one("#change-1", Input).value = "beta=0.2"
        form.query_one("#do-2", Input).value = "ban top:20:degree"
        form.query_one("#pairs", Input).value = "3"
        said = "9 runs: 3 pairs of baseline, beta=0.2, do=ban agents=top:20:degree"
        await until(pilot, lambda: said in " ".join(seen(app).replace("│", "").split()))
        await keys(pilot, "enter", then=lambda: bool(app.experiments.all))
        assert app.experiments.all[0].total == 9


def test_futures_as_typed_begin_with_the_world_as_it_is() -> None:
    alone = arms_of(["recommender=random"])
    assert alone == {AS_IT_IS: {}, "recommender=random": {"recommender": "random"}}
    assert list(arms_of(["calm", "loud: text='Open again.' model=si"])) == ["calm", "loud"]
    ban = "do=ban agents=top:5:degree"
    assert arms_of([ban])[ban]["interventions"][0]["do"] == "ban"


def test_only_replicates_that_are_whole_are_compared() -> None:
    world = World.create(agents=100, mean_degree=4, seed=1)
    programs = [lab.Messages([{"text": "x", "model": "si"}], name) for name in "ab"]
    found = lab.experiment_now(world, programs, [1, 2, 3], ticks=3, workers=1)
    part = replace(found, found={k: v for k, v in found.found.items() if k != (1, 1)})
    assert part.complete.seeds == (1, 3)
    assert sorted(part.complete.found) == [(0, 0), (0, 1), (1, 0), (1, 1)]


async def test_a_difference_is_a_mean_within_its_interval_about_zero() -> None:
    pane = DifferencePane()
    pane.symbols = "ascii"
    levels = np.repeat([[-72.0], [-50.0], [-28.0]], 12, axis=1)
    async with shown(pane, (40, 23)):
        assert not picture(pane.paint(40, 23)).strip()
        pane.show_outcome(replace(flat(), difference=lab.ArmDifference("b", "a", levels)))
        rows = picture(pane.paint(40, 23)).splitlines()
    column = "".join(row[20] for row in rows[:21])
    assert column == " " * 10 + "-" + " " * 2 + "." * 2 + "d" + "." * 2 + " " * 3
    assert "95 % -72 to -28" in rows[-1]


def test_the_bands_are_quantiles_over_replicates() -> None:
    world = World.create(agents=200, mean_degree=4, seed=1)
    said = {"text": "x", "model": "sir", "beta": 0.3}
    plan = world_plan("x", 9, (said,))
    made = Experiment(1, plan)
    made.agents = 200
    assert made.outcome("ever") is None
    found = made.found = lab.ensemble_now(world, said, replicates=9, workers=1)
    outcome = made.outcome("no such series")
    assert outcome is not None
    assert (outcome.series, outcome.unit, outcome.finished) == ("ever", "agents", 9)
    ranked = np.sort(found.records.curve("ever"), axis=0)
    assert np.array_equal(outcome.arms[""][2], ranked[4])
    assert np.array_equal(outcome.arms[""][1], ranked[2])
    assert dict(outcome.facts)["replicates"] == "9"


def flat(unit: str = "agents") -> lab.Outcome:
    levels = np.repeat([[12.0], [32.0], [50.0], [68.0], [88.0]], 12, axis=1)
    return lab.Outcome("ever", unit, 5, 100, {"": levels}, (), (), 9)


async def test_a_fan_is_a_median_within_two_bands_and_the_live_run_over_them() -> None:
    pane = FanPane()
    pane.symbols = "ascii"
    async with shown(pane, (70, 26)):
        pane.show_outcome(flat(), np.full(3, 20.0))
        rows = picture(pane.paint(70, 26)).splitlines()
    column = "".join(row[60] for row in rows[:23])
    assert column == " " * 2 + "." * 5 + ":" * 4 + "m" + ":" * 4 + "." * 5 + " " * 2
    assert "tick 16" in rows[-2] + rows[-1]
    assert "50 % 32.0%-68.0%" in rows[-2] + rows[-1]
    assert "xxx" in "\n".join(rows)


async def test_the_crosshair_reads_the_tick_under_it() -> None:
    pane = FanPane()
    async with shown(pane, (70, 20)) as pilot:
        assert "Nothing" not in picture(pane.paint(70, 20))
        pane.show_outcome(flat("messages"), np.zeros(0))
        await pilot.press("home")
        assert "tick 5 " in picture(pane.paint(70, 20))
        await pilot.press("right", "right", "left")
        assert "tick 6 " in picture(pane.paint(70, 20))
        await pilot.press("end")
        assert "tick 16 " in picture(pane.paint(70, 20))
        assert "m median 50" in picture(pane.paint(70, 20))


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (20, 5), (160, 48)])
async def test_a_fan_fits_any_size(size: tuple[int, int]) -> None:
    pane = FanPane()
    async with shown(pane, (80, 24)):
        pane.show_outcome(flat(), np.full(3, 20.0))
        strips = pane.paint(*size)
    assert len(strips) == size[1]
    assert {strip.cell_length for strip in strips} == {size[0]}


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("homogeneous mean field; mean degree 6 is low for it: may be far off", "sparse networks"),
        ("pair approximation (Keeling 1999)", "triangles"),
        ("edge-based compartmental model (Miller et al. 2012)", "one-way"),
        ("something of a plugin", "single run"),
    ],
)
def test_a_theory_says_what_it_assumes_and_where_it_fails(name: str, fails: str) -> None:
    theory = Theory(name, ("s", "i"), np.zeros((2, 2)))
    assert fails in theory.fails
    assert theory.limits == f"It assumes {theory.assumes}. It fails {theory.fails}."


async def test_theory_on_the_screen_says_where_it_fails(tmp_path: Path, town: Path) -> None:
    async with hubbub(tmp_path, (80, 24), town) as (app, pilot):
        await command(pilot, BRIDGE, lambda: frame_of(app).focus is not None)
        await pilot.press("1", "T")
        await until(pilot, lambda: "Theory, dashed" in said(app))
        assert app.stage is not None
        curves = app.stage.query_one(Curves)
        await until(pilot, lambda: "It fails" in curves.HELP)
