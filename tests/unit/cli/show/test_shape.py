import csv
import io
from pathlib import Path
from typing import Any

import pytest

from sim.cli.output import OutputFormat, answer, as_csv
from sim.errors import InputError
from tests.unit.cli.conftest import Hubbub

LISTS = (
    "agents", "moves", "ties 1", "ties 1 --history", "ties 1 --radius 1", "path 1 2",
    "suggestions 1", "groups", "posts", "posts --agent 1", "feed 1", "acts", "history",
    "history --agent 1", "audit", "minds",
)  # fmt: skip
FACTS = ("agents 1", "pair 1 2", "compatibility 1 2", "minds 1")


@pytest.fixture
def world(hubbub: Hubbub, tmp_path: Path) -> Path:
    """A platform of 60 that lived four ticks."""
    words = ("--seeds", "ids:1,2", "--ticks", "4", "--save", "a.hub")
    assert hubbub("run", "new:60,platform=blend,seed=3", "--inject", "x", *words).code == 0
    return tmp_path / "a.hub"


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_has_one_shape_whatever_it_lists(hubbub: Hubbub, world: Path, noun: str) -> None:
    words = ("show", str(world), *noun.split())
    whole = hubbub(*words, "--json").well()
    rows = whole.json["rows"]
    assert whole.json["count"] == len(rows)
    lines = list(csv.DictReader(io.StringIO(hubbub(*words, "--csv").out)))
    assert len(lines) == len(rows)
    if rows:
        assert list(lines[0]) == list(dict.fromkeys(name for row in rows for name in row))
    assert len(hubbub(*words, "--json", "--limit", "2").json["rows"]) == min(2, len(rows))
    assert hubbub(*words, "--limit", "2").code == hubbub(*words).code == 0
    assert hubbub(*words, "--limit", "0").code == 2


@pytest.mark.parametrize("noun", FACTS)
def test_facts_of_one_thing_have_a_name_a_line(hubbub: Hubbub, world: Path, noun: str) -> None:
    words = ("show", str(world), *noun.split())
    facts = hubbub(*words, "--json").json
    lines = list(csv.DictReader(io.StringIO(hubbub(*words, "--csv").out)))
    assert [line["name"] for line in lines] == list(facts)
    assert hubbub(*words).code == 0


def test_a_list_of_posts_is_the_newest_first(hubbub: Hubbub, world: Path) -> None:
    rows = hubbub("show", world, "posts", "--json").json["rows"]
    assert [row["message"] for row in rows] == sorted((r["message"] for r in rows), reverse=True)
    author = str(rows[0]["author"])
    own = hubbub("show", world, "posts", "--agent", author, "--json").json["rows"]
    assert own == [row for row in rows if str(row["author"]) == author]
    assert "more (--limit)" in hubbub("show", world, "posts", "--limit", "1").out
    assert "no platform" in hubbub("show", "new:9,mean_degree=2", "posts").err


def test_cells_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    cells: Any = [{"a": None, "b": ["x", "y"]}, {"c": {"d": 1}}]
    assert as_csv(cells) == 'a,b,c\n,x; y,\n,,"{ ""d"": 1 }"'
    answer(OutputFormat(limit=1), {"rows": [1, 2]}, lambda facts, most: f"{facts['rows'][:most]}")
    assert capsys.readouterr().out == "[1]\n"
    with pytest.raises(InputError, match="exclude each other"):
        OutputFormat(json=True, csv=True)


def test_ties_are_edited_one_pair_at_a_time(hubbub: Hubbub, world: Path) -> None:
    assert hubbub("show", world, "ties", "1", "--kind", "muted", "--json").json["rows"] == []
    said = hubbub("edit", world, "ties", "mute", "1", "2", "--out", "b.hub")
    assert ", mute: " in said.out
    after = hubbub("show", "b.hub", "ties", "1", "--kind", "muted", "--json").json
    assert [(row["tie"], row["id"]) for row in after["rows"]] == [("muted", 2)]
    told = hubbub("edit", world, "ties", "mute", "1", "2", "-o", "c.hub", "--json").json
    assert told["does"] == "mute"
