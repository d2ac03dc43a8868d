import csv
import json
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.lab import ranges_of
from sim.lab.calibration import SimulationPlan, simulated_trees
from tests.unit.cli.conftest import Hubbub

NETWORK = "retweet-like,agents=520,roots=20,audience=60,tick_minutes=60"
SHORT = ("--model", "independent-cascade", "--network", NETWORK, "--minutes", "600",
         "--messages", "20", "--simulations", "8", "--workers", "1")  # fmt: skip
FIT = ("--fit", "probability=0.02:0.4")


@pytest.fixture(autouse=True)
def _probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.cli.calibrate.probe_foreign", lambda: None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    plan = SimulationPlan.of("independent-cascade", NETWORK, messages=30, minutes=600.0)
    lines = []
    for tree in simulated_trees(plan, {"probability": 0.15}, 7):
        levels = np.asarray(tree.levels).tolist()
        parents = [levels.index(level - 1) if level else -1 for level in levels]
        lines.append({"id": tree.name, "parent": parents, "t_min": tree.minutes.tolist()})
    path = tmp_path / "seen.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_tables_warnings_and_the_command_are_written(hubbub: Hubbub, data: Path) -> None:
    said = hubbub("calibrate", data, *SHORT, *FIT)
    assert (said.code, said.err) == (0, "")
    assert "Best fit of independent-cascade; low to high: joint region (95%)" in said.out
    assert "held out  NRMSE of scale" in said.out
    assert "copying" in said.out
    again = said.out.splitlines()[-1]
    assert again.startswith(f"Again: hubbub calibrate {data} ")
    assert set(SHORT) | set(FIT) <= set(again.split())


def test_json_a_report_and_csv_say_the_same(hubbub: Hubbub, data: Path, tmp_path: Path) -> None:
    said = hubbub(
        "calibrate", data, *SHORT, *FIT, "--json", "--out", tmp_path / "tables", "--out",
        tmp_path / "report.md",
    )  # fmt: skip
    found = said.json
    assert found["fits"] is True
    (one,) = found["parameters"]
    assert one["low"] < 0.15 < one["high"]
    assert len(found["errors"]) == 8
    with (tmp_path / "tables" / "parameters.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["value"]) == one["value"]
    report = (tmp_path / "report.md").read_text()
    assert report.startswith("# Calibration of independent-cascade on seen.jsonl\n")
    held = next(e for e in found["errors"] if e["messages"] == "held out")
    assert f"| held out | NRMSE of scale | {held['model']:.4g} | {held['copying']:.4g} |" in report
    assert found["command"] in report


def test_a_report_says_that_nothing_was_held_out(hubbub: Hubbub, data: Path) -> None:
    said = hubbub("calibrate", data, *SHORT, *FIT, "--holdout", "0", "--csv", "--out", "r.md")
    (row,) = csv.DictReader(said.out.splitlines())
    assert row["parameter"] == "probability"
    report = Path("r.md").read_text()
    assert "none held out" in report
    assert "- Nothing was held out" in report


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 2, "Nothing to fit; name a parameter with its range"),
        (("--fit", "probability=0.1"), 2, "A range is NAME=LOW:HIGH"),
        (("--fit", "probability=a:b"), 2, "got 'probability=a:b'"),
        (("--fit", "probability", "--fit", "probability"), 2, "is given twice"),
        (("--fit", "smallest"), 2, "smallest has no range of its own"),
        (("--fit", "chance=0:1"), 2, "No parameter of independent-cascade or retweet-like"),
        ((*FIT, "--out", "no/such/report.md"), 3, "its folder does not exist"),
    ],
)
def test_a_refusal_is_one_sentence(
    hubbub: Hubbub, data: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    hubbub("calibrate", data, *SHORT, *words).refuses(sentence, code)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "it is empty"), ("who,what\n1,2\n", "its columns what, who are unknown here")],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    hubbub: Hubbub, tmp_path: Path, text: str, sentence: str
) -> None:
    (tmp_path / "odd.csv").write_text(text)
    hubbub("calibrate", tmp_path / "odd.csv", *SHORT, *FIT).refuses(sentence, 3)


def test_ranges_take_dashes_for_underscores() -> None:
    assert ranges_of(("audience-sd=0.2:1",)) == {"audience_sd": (0.2, 1.0)}
    with pytest.raises(InputError, match="is given twice"):
        ranges_of(("audience-sd", "audience_sd=1:2"))
