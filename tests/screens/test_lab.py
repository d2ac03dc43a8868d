"""Studies, sweeps and calibrations on the screen: from the file to what came of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.widgets import Button, Input, Select, TextArea

from sim import World, lab, save
from sim.lab import AxisBar, Bars, fault_of, kept_in, lab_files
from sim.lab.calibration import Fitted, GrowthCurves, JudgedError, SimulationPlan
from sim.lab.runs.results import finished_in
from tests.screens.showing import assert_fills, picture, shown
from tests.screens.test_app import command, keys, said, seen, settled, shows, until
from tests.screens.test_app_real import hubbub
from tui.dialogs.dialog import Confirm, Notice
from tui.dialogs.form import FormDialog
from tui.dialogs.lab import EditorDialog
from tui.draw.experiments import BarsPane, ParameterMapPane
from tui.experiments import Experiment, calibration_plan, study_plan

SMALL = """
[study]
title = "A rumour"
replicates = 2
measures = ["share", "depth"]
expects = ["share: few < many"]

[network]
agents = 200
mean_degree = 6

[[messages]]
text = "The bridge is closed."
model = "independent-cascade"
seeds = "random:2"

[arms.few]
[arms.many]
messages = [{ text = "The bridge is closed.", model = "independent-cascade", seeds = "random:60" }]
"""

SWEPT = """
[network]
kind = "small-world"
agents = 200
mean_degree = 6
seed = 3

[[messages]]
text = "The bridge is closed."
seeds = "ids:0,1"
model = "sir"

[stop]
ticks = 6

[sweep]
replicates = 2
measure = "size"
parameters = { beta = "0.1:0.5:3", gamma = [0.2, 0.8] }
"""

SHORT = "replicates = 2"
LEFT = "10,000 runs finished; results so far use"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a small world beside it."""
    here = tmp_path / "here"
    here.mkdir()
    save(World.create(agents=120, mean_degree=6, seed=7), tmp_path / "town.hub")
    monkeypatch.chdir(here)
    return here


async def test_a_study_is_written_edited_run_and_reported_from_the_screen_alone(
    folder: Path,
) -> None:
    async with hubbub(folder.parent, (160, 48), folder.parent / "town.hub") as (app, pilot):
        await command(pilot, "study", FormDialog)
        app.screen.query_one("#name", Input).value = "rumour"
        await keys(pilot, "enter", then=EditorDialog)
        area = app.screen.query_one(TextArea)
        assert (folder / "rumour.toml").read_text() == area.text
        await until(pilot, lambda: "No errors." in seen(app))
        area.text = SMALL.replace("[study]", "[study]\nquestions = 1")
        await until(pilot, lambda: "Line 3 (F8): [study]: no key 'questions'" in seen(app))
        await pilot.press("f8")
        assert area.cursor_location == (2, 0)
        area.text = SMALL
        await until(pilot, lambda: "No errors." in seen(app))
        app.screen.query_one("#run", Button).press()
        await until(pilot, lambda: "Fan of ever adopted, 4 runs" in seen(app))
        assert finished_in(folder / "rumour.runs") == 4
        found = lab.read_findings(folder / "rumour.runs")
        alone = lab.run_study_now(folder / "rumour.toml", workers=1)
        assert list(found.means.rows()) == list(alone.means.rows())
        told = found.verdicts[0].sentence.replace("share", "share reached")
        await until(pilot, lambda: told in getattr(app.runs._outcome, "sentences", ()))
        await keys(pilot, "t", then="Share reached by condition, 4 runs")
        await command(pilot, "study report rumour")
        start = "Expected   share reached: few < many"
        await until(pilot, lambda: isinstance(app.screen, Notice) and start in seen(app))
        assert "Results" in (folder / "rumour.html").read_text()
        assert (folder / "rumour.md").read_text().startswith("# A rumour")
        await pilot.press("escape")
        await command(pilot, "study report rumour", Confirm)
        await keys(pilot, "escape", then=lambda: "rumour.html is unchanged" in said(app))
        await command(pilot, "export table runs runs.csv", "Wrote 4 rows of runs")
        found.records.runs.write(folder / "again.csv")
        assert (folder / "runs.csv").read_text() == (folder / "again.csv").read_text()


async def test_a_study_goes_on_with_what_is_missing_or_begins_anew(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL)
    file = folder / "rumour.runs"
    lab.run_study_now(folder / "rumour.toml", workers=1, into=file)
    async with hubbub(folder.parent, (160, 48), folder.parent / "town.hub") as (app, pilot):
        await command(pilot, "study run rumour replicates=3", "4 of 6 runs are finished already")
        await until(pilot, lambda: "Fan of ever adopted, 6 runs" in seen(app))
        await command(pilot, "study run rumour replicates=3")
        await until(pilot, lambda: "6 runs are finished already; nothing is left" in said(app))
        await until(pilot, lambda: app.experiments.all[-1].state == "done")
        (folder / "rumour.toml").write_text(SMALL.replace("random:60", "random:50"))
        await command(pilot, "study run rumour")
        await until(pilot, lambda: "study run rumour anew" in app.experiments.all[-1].problem)
        assert finished_in(file) == 6
        await command(pilot, "study run rumour anew", lambda: "holds 6 finished runs" in seen(app))
        await pilot.press("escape")
        await settled(app, pilot)
        assert finished_in(file) == 6
        await command(pilot, "study run rumour anew", Confirm)
        app.screen.query_one("#yes", Button).press()
        await until(pilot, lambda: app.experiments.all[-1].state == "done")
        assert finished_in(file) == 4


async def test_a_study_that_is_stopped_keeps_what_is_finished(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL.replace(SHORT, "replicates = 5000"))
    async with hubbub(folder.parent, (80, 24), folder.parent / "town.hub") as (app, pilot):
        await command(pilot, "study run rumour")
        await until(pilot, lambda: app.experiments.all and app.experiments.all[0].finished > 0)
        await command(pilot, "study report rumour", "It is still running (")
        await keys(pilot, "escape", then=lambda: app.experiments.running is None)
        assert finished_in(folder / "rumour.runs") == app.experiments.all[0].finished
        await command(pilot, "study report rumour")
        await until(pilot, lambda: isinstance(app.screen, Notice) and LEFT in seen(app))


async def test_what_was_typed_into_a_study_is_not_lost_by_escape(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL)
    async with hubbub(folder.parent, (80, 24), folder.parent / "town.hub") as (app, pilot):
        await command(pilot, "study edit rumour", EditorDialog)
        await pilot.press("x")
        await keys(pilot, "escape", then=Confirm)
        await keys(pilot, "escape", then=EditorDialog)
        assert app.screen.query_one(TextArea).text == f"x{SMALL}"
        await keys(pilot, "ctrl+s", then=lambda: "which cannot run yet" in said(app))
        assert (folder / "rumour.toml").read_text() == f"x{SMALL}"
        await command(pilot, "study edit rumour", EditorDialog)
        await keys(pilot, "escape", then=lambda: "is unchanged" in said(app))


WRONG = {
    "study fly rumour": "No act on studies named 'fly'",
    "study run": "Type a name: `study run NAME`",
    "study new rumour twice": "Type one name",
    "study run rumour replicates=0": "number after replicates= must be a whole number from 1",
    "study run rumour minds=3": "No option named 'minds'",
    "study report rumour": "rumour.runs does not exist yet",
    "sweep beta=0.1:0.5:3": "Type what to sweep first",
    "sweep here beta=0.1:0.5:3": "Send a message first",
    "sweep spread beta=1 beta=2": "'beta' is given twice",
    "calibrate": "Type the file of observed messages",
    "calibrate nothing.csv base": "nothing.csv does not exist",
    "calibrate rumour.toml model=viral": "Type what to fit",
    "calibrate rumour.toml base=low:high": "A range is NAME=LOW:HIGH",
    "calibrate rumour.toml base holdout=half": "holdout is a number",
    "export table runs.csv": "No results in Runs",
    "picture heat": "No results yet",
}


async def test_what_the_lab_cannot_do_is_said_in_one_sentence(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL)
    async with hubbub(folder.parent, (160, 48), folder.parent / "town.hub") as (app, pilot):
        for typed, told in WRONG.items():
            await command(pilot, typed, told)
            assert app.experiments.running is None
        await command(pilot, "sweep rumour", lambda: app.experiments.all[-1].state == "failed")
        assert "rumour.toml" in app.experiments.all[-1].problem


async def test_a_sweep_is_a_map_indices_and_tables(folder: Path) -> None:
    (folder / "spread.toml").write_text(SWEPT)
    expected = lab.sweep_now(folder / "spread.toml", workers=1)
    async with hubbub(folder.parent, (160, 48), folder.parent / "town.hub") as (app, pilot):
        await command(pilot, "sweep spread", lambda: "Heat map of reach, 12 runs" in seen(app))
        assert finished_in(folder / "spread.sweep.runs") == 12
        outcome: Any = app.runs._outcome
        drawn = outcome.pictures["heat map"]
        assert isinstance(drawn, lab.HeatMap)
        assert np.array_equal(drawn.means, expected.means().reshape(3, 2).T)
        assert (drawn.across, drawn.up) == ((0.1, 0.3, 0.5), (0.2, 0.8))
        await keys(pilot, "t", then="Indices of reach")
        bars = outcome.pictures["indices"]
        assert isinstance(bars, Bars)
        table = {row["parameter"]: row for row in expected.sensitivity().rows()}
        assert {bar.label: bar.value for bar in bars.rows} == {
            name: row["coefficient"] for name, row in table.items()
        }
        await command(pilot, "picture ends", lambda: "Ends of reach" in seen(app))
        await command(pilot, "picture heat gamma beta")
        await until(pilot, lambda: "gamma across, beta upwards" in seen(app))
        await command(pilot, "picture sunset", "No picture named 'sunset'")
        await command(pilot, "series depth", lambda: "Heat map of depth" in seen(app))
        await command(pilot, "export tables out jsonl")
        await until(pilot, lambda: "points.jsonl, sensitivity.jsonl, runs.jsonl" in said(app))
        assert len((folder / "out" / "points.jsonl").read_text().splitlines()) == 6
        await command(pilot, "export tables out", "is not empty")
        await command(pilot, "export table nothing a.csv", "No table named 'nothing'")
        await command(pilot, "sweep spread", "12 runs are finished already")
        await until(pilot, lambda: app.experiments.all[-1].state == "done")
        assert app.experiments.all[-1].finished == 12


async def test_a_message_sent_here_is_swept_in_a_copy_of_the_world(folder: Path) -> None:
    async with hubbub(folder.parent, (160, 48), folder.parent / "town.hub") as (app, pilot):
        await command(pilot, "inject text=Closed. model=independent-cascade seeds=ids:1,2")
        await until(pilot, lambda: app.last_order is not None)
        await command(pilot, "sweep", FormDialog)
        await keys(pilot, "enter", then="Type a scenario")
        app.screen.query_one("#scenario", Input).value = "here"
        app.screen.query_one("#parameters", Input).value = "probability=0.1:0.5:2"
        app.screen.query_one("#design", Select).value = "grid"
        app.screen.query_one("#replicates", Input).value = "3"
        await keys(pilot, "enter", then="Indices of share reached, 6 runs")
        world = await app.simulation.world()
        assert world.tick == 0
        found: Any = app.experiments.all[-1].found
        sent = {"text": "Closed.", "model": "independent-cascade", "seeds": "ids:1,2"}
        expected = lab.sweep_now(
            world, messages=sent, parameters={"probability": "0.1:0.5:2"}, replicates=3, workers=1
        )
        assert np.array_equal(found.means(), expected.means())


def test_files_of_the_lab_are_listed_with_what_is_kept_of_them(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL)
    (folder / "spread.toml").write_text(SWEPT)
    (folder / "other.toml").write_text("a = 1")
    (folder / "broken.toml").write_text("a = ")
    lab.run_study_now(folder / "rumour.toml", workers=1, into=folder / "rumour.runs")
    (folder / "spread.sweep.1.runs").write_bytes((folder / "rumour.runs").read_bytes())
    (folder / "spread.sweep.2.runs").write_bytes((folder / "rumour.runs").read_bytes())
    rows = [(each.path.stem, each.kind, each.title, each.state) for each in lab_files(folder)]
    assert rows == [
        ("rumour", "study", "A rumour", "4 runs kept"),
        ("spread", "sweep", "spread", "8 runs kept"),
    ]
    assert kept_in(folder / "nothing.runs") == 0


async def test_the_list_of_files_edits_reports_and_runs(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL)
    (folder / "spread.toml").write_text(SWEPT)
    async with hubbub(folder.parent, (80, 24), folder.parent / "town.hub") as (app, pilot):
        for verb, then in (
            ("report", "A sweep has no report"), ("edit", EditorDialog), ("run", "Heat map"),
        ):  # fmt: skip
            await command(pilot, "study", FormDialog)
            app.screen.query_one("#file", Select).value = str(folder / "spread.toml")
            app.screen.query_one("#verb", Select).value = verb
            await pilot.pause()
            app.screen.query_one("#yes", Button).press()
            await shows(pilot, then)
            if verb != "run":  # which escape would stop
                await pilot.press("escape")
        await until(pilot, lambda: app.experiments.all and app.experiments.all[0].state == "done")
        assert finished_in(folder / "spread.sweep.runs") == 12


FAULTS = [
    ("a = ", 0, "it is no TOML"),
    (SMALL.replace("measures", "measure"), 4, "no key 'measure'"),
    (SMALL.replace("share: few", "share: less"), -1, "there is no condition 'less'"),
    (SMALL.replace("[arms.many]", "[arms.many]\ncolour = 1"), 18, "[arms.many]"),
    (SWEPT.replace("0.1:0.5:3", "0.1:0.5:x"), 18, "beta"),
    ("[networks]", 0, "networks"),
    (SWEPT.replace('"sir"', '"sirr"'), -1, "sirr"),
]


@pytest.mark.parametrize(("text", "row", "told"), FAULTS)
def test_a_fault_is_said_where_it_stands(text: str, row: int, told: str) -> None:
    found: Any = fault_of(Path("study.toml"), text)
    assert told in found.sentence
    if row >= 0:
        assert found.row == row


@pytest.mark.parametrize("text", [SMALL, SWEPT])
def test_a_text_without_fault_has_none(text: str) -> None:
    assert fault_of(Path("study.toml"), text) is None


def test_a_study_is_seen_only_by_replicates_finished_under_every_arm(folder: Path) -> None:
    (folder / "rumour.toml").write_text(SMALL)
    found = lab.run_study_now(folder / "rumour.toml", workers=1)
    made = Experiment(1, study_plan(found.study, folder / "rumour.runs", "study run rumour"))
    assert (made.total, made.outcome("ever")) == (4, None)
    part = {key: one for key, one in found.records.found.items() if key != (1, 1)}
    made.found = replace(found, records=replace(found.records, found=part))
    outcome: Any = made.outcome("ever")
    assert dict(outcome.facts)["paired runs"] == "1"
    assert outcome.views == ("fan", "share reached by condition", "depth by condition")
    first = {key: one for key, one in found.records.found.items() if key == (0, 0)}
    made.found = replace(found, records=replace(found.records, found=first))
    assert made.outcome("ever") is None


def test_a_calibration_is_values_within_their_ranges() -> None:
    plan = SimulationPlan.of("independent-cascade", "retweet-like,agents=520", messages=20)
    none = GrowthCurves.__new__(GrowthCurves)
    fitted = Fitted("probability", 0.2, 0.15, 0.25, 0.0, 0.4, True)
    errors = (JudgedError("held out", "KS of sizes", 0.125, 0.5),)
    found = lab.Calibration(
        plan, (fitted,), 0.95, np.eye(1), 1.0, 1, 0.0, errors, none, none, none, 10, 0, 0.5, ""
    )
    made = Experiment(1, calibration_plan(Path("seen.csv"), {}))
    made.end(found)
    outcome: Any = made.outcome("ever")
    bars = outcome.pictures["parameters"]
    assert isinstance(bars, Bars)
    (bar,) = bars.rows
    assert (bar.value, bar.low, bar.high) == pytest.approx((0.5, 0.375, 0.625))
    assert dict(outcome.facts)["KS of sizes, held out"] == "0.125 (baseline 0.500)"
    told = "Held out: KS of sizes 0.125 (baseline 0.500); baseline: predicting the fitted messages."
    assert outcome.sentences[0] == told


# -- pictures ---------------------------------------------------------------------------------

MAP = lab.HeatMap(
    "beta", "gamma", "size", ("0.1", "0.3"), ("0.2", "0.8"), np.array([[10.0, 30.0], [20, np.nan]])
)


async def test_a_map_has_y_upwards_and_reads_the_field_under_the_cursor() -> None:
    pane = ParameterMapPane()
    pane.symbols = "ascii"
    async with shown(pane, (60, 12)) as pilot:
        assert not picture(pane.paint(60, 12)).strip()
        pane.show_map(MAP)
        rows = picture(pane.paint(60, 12)).splitlines()
        assert rows[1].startswith("0.8")
        assert rows[5].startswith("0.2")
        assert rows[1][4:33] == "+" * 13 + "20" + "+" * 13 + "?"
        assert rows[5][32:] == "@" * 13 + "30" + "@" * 13
        assert "beta across, gamma upwards" in rows[9]
        assert rows[-1].rstrip().endswith("30  size 10  beta 0.1, gamma 0.2")
        await pilot.press("up")
        assert "size 20  beta 0.1, gamma 0.8" in picture(pane.paint(60, 12))
        await pilot.press("right")
        assert "size no run  beta 0.3, gamma 0.8" in picture(pane.paint(60, 12))


BARS = Bars(
    (
        AxisBar("beta", 0.5, 0.25, 0.75, "0.5 (0.25 to 0.75)", 0.0),
        AxisBar("gamma", -0.5, np.nan, np.nan, "-0.5", 0.0),
        AxisBar("delta", 1.0, 0.5, 1.0, "1", np.nan),
    ),
    "share: coefficients",
)


async def test_bars_reach_from_zero_to_the_number_with_its_interval_over_them() -> None:
    pane = BarsPane()
    pane.symbols = "ascii"
    async with shown(pane, (56, 8)) as pilot:
        assert not picture(pane.paint(56, 8)).strip()
        pane.show_bars(BARS)
        rows = picture(pane.paint(56, 8)).splitlines()
        drawn = [row[6:37] for row in rows]
        assert drawn[0] == " " * 10 + "=" * 5 + "[" + "=" * 5 + "-" * 4 + "]" + " " * 5
        assert drawn[2] == "=" * 11 + " " * 20
        assert drawn[4] == " " * 10 + "|" + " " * 9 + "[" + "-" * 9 + "o"
        assert rows[0].rstrip().endswith("0.5 (0.25 to 0.75)")
        assert rows[-1].rstrip() == "share: coefficients"
        await pilot.resize_terminal(56, 4)
        await pilot.press("down", "down")
        assert picture(pane.paint(56, 4)).startswith("gamma")


@pytest.mark.parametrize("symbols", ["ascii", "braille"])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (20, 5), (160, 48)])
async def test_pictures_fit_any_size(size: tuple[int, int], symbols: Any) -> None:
    for pane in (ParameterMapPane(), BarsPane()):
        pane.symbols = symbols
        async with shown(pane, (80, 24)):
            if isinstance(pane, BarsPane):
                pane.show_bars(BARS)
            else:
                pane.show_map(MAP)
            assert_fills(pane.paint(*size), *size)
