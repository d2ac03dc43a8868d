import pytest

from sim.spread.influence import live_edges, opim
from tests.unit.cli.conftest import Hubbub

WORLD = ("seeds", "new:300")


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no more than the guarantee needs, and run no more than the least."""
    monkeypatch.setattr(opim, "LEAST_SETS", 1 << 10)
    monkeypatch.setattr(opim, "COVERED", 1)
    monkeypatch.setattr(live_edges, "MOST_RUNS", 100)


def test_seeds_are_shown_with_what_they_reach_and_what_others_do(hubbub: Hubbub) -> None:
    said = hubbub(*WORLD, "--best", "3", "-p", "probability=0.1", "--against", "degree,random")
    assert said.code == 0, said.err
    assert "Seeds by opim; 0.1" in said.out
    assert "degree" in said.out
    assert "at least 0." in said.out
    assert "of the best, with probability 0.999" in said.out


def test_json_has_seeds_guarantee_and_comparison(hubbub: Hubbub) -> None:
    found = hubbub(*WORLD, "--best", "3", "--against", "all", "--json").json
    assert found["model"] == "independent-cascade"
    assert len(found["seeds"]) == 3
    assert 0.5 < found["guarantee"]["ratio"] <= 1
    names = [row["choice"] for row in found["comparison"]]
    assert names == ["opim", "degree", "pagerank", "discount", "core", "random"]
    assert found["comparison"][0]["share"] == 1.0


def test_csv_has_a_line_a_seed_and_a_budget_buys_them(hubbub: Hubbub) -> None:
    lines = hubbub(*WORLD, "--csv", "--model", "linear-threshold").out.splitlines()
    assert lines[0] == "place,agent,id,listeners,cost"
    assert len(lines) == 11
    found = hubbub(*WORLD, "--costs", "degree", "--max-cost", "40", "--json").json
    assert sum(row["cost"] for row in found["seeds"]) <= 40


def test_what_to_block_is_shown(hubbub: Hubbub) -> None:
    asked = (*WORLD, "--block", "agents", "--rumour", "top:2:degree", "--best", "25")
    said = hubbub(*asked).well()
    assert "instead of" in said.out
    assert "... and 5 more; --csv has all." in said.out
    found = hubbub(*asked, "--json").json
    assert found["guarantee"] is None
    assert found["spread"][1]["spread"] < found["spread"][0]["spread"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--block", "agents"), "Blocking needs both"),
        (("--rumour", "random:3"), "Blocking needs both"),
        (("--block", "agents", "--rumour", "random:3", "--costs", "degree"), "not for --block"),
        (("--json", "--csv"), "exclude each other"),
        (("--against", "luck"), "way of choosing seeds"),
        (("--model", "sir"), "is none"),
        (("--best", "0"), "k is 1 to 300"),
    ],
)
def test_what_cannot_be_is_one_sentence(hubbub: Hubbub, words: tuple[str, ...], says: str) -> None:
    hubbub(*WORLD, *words).refuses(says)


def test_a_run_takes_the_best_seeds(hubbub: Hubbub) -> None:
    best = hubbub(*WORLD, "--best", "3", "-p", "probability=0.1", "--json").json["seeds"]
    ids = "ids:" + ",".join(str(row["id"]) for row in best)
    digests = []
    for seeds in ("best:3", ids):
        words = ("--inject", "Hello.", "--seeds", seeds, "-p", "probability=0.1", "--ticks", "2")
        said = hubbub("run", "new:300", *words, "--json").well()
        digests.append(said.json["world"]["digest"])
    assert digests[0] == digests[1]
