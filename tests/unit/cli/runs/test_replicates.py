import csv
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Hubbub

SAID = ("--inject", "The bridge is closed.", "--seeds", "ids:0,1", "--workers", "1")
WORLD = ("run", "new:300", "--seed", "5")


def again(hubbub: Hubbub, out: str) -> Any:
    (line,) = [line for line in out.splitlines() if line.startswith("Again: ")]
    return hubbub(*shlex.split(line.removeprefix("Again: hubbub ")))


def test_replicate_0_is_the_single_run(hubbub: Hubbub) -> None:
    alone = hubbub(*WORLD, *SAID[:4], "--json").json["cascades"][0]
    found = hubbub(*WORLD, *SAID, "--replicates", "3", "--json").json
    assert [row["seed"] for row in found["runs"]] == [5, 6, 7]
    assert found["runs"][0]["size"] == alone["size"]
    assert found["runs"][0]["depth"] == alone["depth"]
    assert found["replicates"] == found["takeoff"]["of"] == 3
    assert {row["measure"] for row in found["summary"]} >= {"size", "share", "virality", "r"}


def test_the_command_that_is_printed_repeats_it(hubbub: Hubbub) -> None:
    many = (*WORLD, *SAID, "--replicates", "4", "--into", "study.runs", "--out", "a.csv")
    first = hubbub(*many)
    table = Path("a.csv").read_bytes()
    Path("a.csv").unlink()
    assert again(hubbub, first.out).code == 0
    assert Path("a.csv").read_bytes() == table
    Path("study.runs").unlink()
    assert again(hubbub, first.out).code == 0
    assert Path("a.csv").read_bytes() == table


def test_the_table_has_a_row_a_replicate_and_tick(hubbub: Hubbub) -> None:
    import pyarrow.parquet as parquet

    said = hubbub(*WORLD, *SAID, "--replicates", "3", "--csv", "--out", "all.parquet")
    rows = list(csv.DictReader(said.out.splitlines()))
    assert {(row["replicate"], row["tick"]) for row in rows} >= {("0", "0"), ("2", "1")}
    assert len({(row["replicate"], row["tick"]) for row in rows}) == len(rows)
    assert parquet.read_table("all.parquet").num_rows == len(rows)
    assert "3 replicates" in said.err


@pytest.mark.parametrize("printed", ["json", "csv"])
def test_a_scenario_that_prints_refuses_to_print_another_form(hubbub: Hubbub, printed: str) -> None:
    Path("storm.toml").write_text(
        f'[network]\nagents = 200\n[stop]\nticks = 2\n[outputs]\n{printed} = "-"\n',
        encoding="utf-8",
    )
    other = {"json": "csv", "csv": "json"}[printed]
    said = hubbub("run", "storm.toml", f"--{other}")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f'[outputs] says {printed} = "-", which is printed, and --{other} is printed too; one of '
        f"them can be: say --out NAME.{other} in place of --{other}.\n"
    )
    both = hubbub("run", "storm.toml", "--out", f"all.{other}")
    assert (both.code, bool(both.out)) == (0, True)
    assert Path(f"all.{other}").exists()


def test_a_scenario_is_run_many_times(hubbub: Hubbub) -> None:
    Path("storm.toml").write_text(
        '[network]\nagents = 200\nseed = 3\n[platform]\n[[messages]]\ntext = "Storm."\n'
        '[stop]\nticks = 4\n[outputs]\nsave = "end.hub"\n',
        encoding="utf-8",
    )
    said = hubbub("run", "storm.toml", "--replicates", "2", "--workers", "1", "--json")
    found = said.json
    assert [row["ticks"] for row in found["runs"]] == [4, 4]
    assert "end.hub was not written" in said.err
    assert not Path("end.hub").exists()
    table = hubbub("run", "storm.toml", "--replicates", "2", "--workers", "1", "--csv")
    assert ",online,exposures,acts" in table.out.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--replicates", "0"), "Replicates must be a whole number of at least 1"),
        (("--replicates", "2", "--backend", "lokey"), "No backend named 'lokey'"),
        (("--replicates", "2", "--resume"), "name it: --into FILE"),
        (("--replicates", "2", "--minds", "top:2:degree"), "--minds is for a single run"),
        (("--replicates", "2", "--out", "a.txt"), "NAME.csv or NAME.parquet, not 'a.txt'"),
        (("--replicates", "2", "--into", "no/such/study.runs"), "its folder does not exist"),
        (("--replicates", "2", "--into", "a.csv", "--out", "a.csv"), "would go to one file"),
        (("--resume",), "--workers and --resume need --replicates"),
    ],
)
def test_what_no_replicates_do_is_said(hubbub: Hubbub, words: tuple[str, ...], said: str) -> None:
    hubbub(*WORLD, *SAID, *words).refuses(said, 3 if "/" in words[-1] else 2)
    assert not list(Path().glob("*.runs"))


def test_a_file_of_another_study_is_left_as_it_is(hubbub: Hubbub) -> None:
    hubbub(*WORLD, *SAID, "--replicates", "2", "--into", "study.runs")
    before = Path("study.runs").read_bytes()
    new = hubbub(*WORLD, *SAID, "--replicates", "2", "--into", "study.runs")
    assert (new.code, "holds 2 finished replicates" in new.err) == (3, True)
    other = hubbub(*WORLD, *SAID, "--model", "si", "--replicates", "2", "--into", "study.runs",
                   "--resume")  # fmt: skip
    assert (other.code, "holds other messages or changes" in other.err) == (3, True)
    assert Path("study.runs").read_bytes() == before


def test_a_stopped_run_says_how_it_goes_on(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.errors import Cancelled
    from sim.lab import ensembles

    whole = ensembles.ensemble_now

    def stopped(*args: Any, **asked: Any) -> None:
        def follow(progress: Any) -> None:
            if progress.finished == 2:
                raise Cancelled("Cancelled while running; nothing was written.")

        whole(*args, **asked, follow=follow)

    monkeypatch.setattr(ensembles, "ensemble_now", stopped)
    said = hubbub(*WORLD, *SAID, "--replicates", "4", "--into", "study.runs")
    assert said.code == 130
    assert "Finished runs are kept in study.runs. To resume: hubbub run new:300" in said.err


def test_a_model_that_fails_is_told(hubbub: Hubbub) -> None:
    Path("odd.py").write_text(
        "from sim import PropagationModel, register\n"
        "from sim.core import Parameters\n"
        "@register('odd')\n"
        "class Odd(PropagationModel, Parameters):\n"
        "    '''It breaks.'''\n"
        "    states = ('a', 'b')\n"
        "    def step(self, cascade, contacts, draws):\n"
        "        raise ValueError('by nought')\n",
        encoding="utf-8",
    )
    words = (*WORLD, *SAID, "--model", "odd", "--replicates", "2")
    said = hubbub("--plugin", "odd.py", *words)
    assert said.code == 5, said.err
    assert "In 2 replicates a message stopped because its model failed." in said.out
    assert "by nought" in said.out
