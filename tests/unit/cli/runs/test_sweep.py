import csv
from pathlib import Path

import pytest

from sim.errors import Cancelled
from tests.unit.cli.conftest import Hubbub

STUDY = """
[network]
agents = 200
mean_degree = 6
[[messages]]
text = "The bridge is closed."
model = "sir"
[stop]
ticks = 8
[sweep]
replicates = 2
[sweep.parameters]
beta = "0.1:0.5:3"
messages.1.gamma = [0.2, 0.6]
"""


@pytest.fixture
def study(tmp_path: Path) -> str:
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    return str(file)


def test_two_parameters_are_shown_as_a_heat_map(hubbub: Hubbub, study: str) -> None:
    said = hubbub("sweep", study, "--workers", "1", "--out", "points.csv").well()
    assert "grid of 6 points, 12 runs" in said.out
    assert "share: messages.1.gamma upwards, beta across" in said.out
    assert "share: rank regression, which explains" in said.out
    assert "share depends most on" in said.out
    rows = list(csv.DictReader(Path("points.csv").read_text().splitlines()))
    assert [(row["beta"], row["messages.1.gamma"]) for row in rows] == [
        (beta, gamma) for beta in ("0.1", "0.3", "0.5") for gamma in ("0.2", "0.6")
    ]


def test_what_is_typed_is_taken_instead_of_the_file(hubbub: Hubbub, study: str) -> None:
    said = hubbub(
        "sweep", study, "--vary", "beta=0.1,0.4", "--replicates", "1", "--measure", "size",
        "--workers", "1", "--json", "--out", "points.parquet",
    )  # fmt: skip
    found = said.json
    assert [row["beta"] for row in found["points"]] == [0.1, 0.4]
    assert [row["parameter"] for row in found["sensitivity"]] == ["beta"]
    assert found["tornado"][0]["low"] == found["points"][0]["size"]
    assert (found["design"], found["measure"]) == ("grid", "size")
    import pyarrow.parquet as parquet

    assert parquet.read_table("points.parquet")["beta"].to_pylist() == [0.1, 0.4]


def test_it_goes_on_with_what_is_finished(hubbub: Hubbub, study: str) -> None:
    asked = ("sweep", study, "--vary", "beta=0.1,0.4", "--workers", "1", "--json")
    first = hubbub(*asked, "--into", "study.runs")
    again = hubbub(*asked, "--into", "study.runs")
    again.refuses("--resume", 3)
    assert hubbub(*asked, "--into", "study.runs", "--resume").out == first.out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--vary", "beta=0.1:1.2:1000", "--vary", "gamma=0.1:1:1000"), "beta=1.2: sir: beta must"),
        (("--vary", "beta=0.1:1:1000", "--vary", "gamma=0.1:1:1000"), "at most 100,000 points"),
        (("--vary", "beta=0.1", "--vary", "beta=0.2"), "--vary beta is given twice"),
        (("--vary", "beta"), "--vary takes KEY="),
        (("--resume",), "name it: --into"),
        (("--out", "points.txt"), "--out writes NAME.json, NAME.csv"),
        (("--design", "grids"), "No design named 'grids'"),
    ],
)
def test_a_wrong_sweep_is_one_sentence(
    hubbub: Hubbub, study: str, asked: tuple[str, ...], said: str
) -> None:
    hubbub("sweep", study, *asked).refuses(said)


def test_what_is_no_scenario_or_section_names_its_place(hubbub: Hubbub, study: str) -> None:
    assert "A sweep needs a scenario" in hubbub("sweep", "demo").err
    Path(study).write_text(STUDY.replace('"0.1:0.5:3"', '"0.5:0.1:3"'))
    said = hubbub("sweep", study).err
    assert "[sweep]: parameters beta: a range rises from LOW to HIGH" in said
    Path(study).write_text(STUDY.replace("replicates", "replicate"))
    assert "did you mean 'replicates'" in hubbub("run", study).err


def test_a_measure_without_numbers_is_said_and_points_written(hubbub: Hubbub, study: str) -> None:
    asked = ("sweep", study, "--vary", "beta=0", "--replicates", "1", "--workers", "1")
    said = hubbub(*asked, "--measure", "peak_tick", "--out", "points.csv").well()
    assert "peak_tick has a number at too few points" in said.out
    (row,) = csv.DictReader(Path("points.csv").read_text().splitlines())
    assert row["peak_tick"] == ""
    assert hubbub(*asked, "--measure", "peak_tick", "--json").json["sensitivity"] == []


def test_what_is_finished_when_it_is_cancelled_is_named(
    hubbub: Hubbub, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise Cancelled("Enough.")

    monkeypatch.setattr("sim.lab.sweep_now", stop)
    said = hubbub("sweep", study, "--into", "study.runs")
    assert said.code == 130
    assert "Finished runs are kept in study.runs; add --resume to continue." in said.err


def test_what_plugins_say_is_told_below(
    hubbub: Hubbub, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remarks = tuple(f"remark {number}" for number in range(7))
    monkeypatch.setattr("sim.lab.runs.results.Records.remarks", remarks)
    said = hubbub("sweep", study, "--vary", "beta=0.1", "--replicates", "1", "--workers", "1")
    assert [f"remark {number}" in said.err for number in range(7)] == [True] * 5 + [False] * 2
    assert "2 more remarks." in said.err
