import csv
from pathlib import Path

import pytest

from sim import World, lab
from tests.unit.cli.conftest import Hubbub

WORLD = "new:200,mean_degree=6,seed=3"
BANNED = "banned: do=ban agents=top:20:degree at=1"
RUMOUR = "text='The bridge is closed.' model=sir beta=0.3 gamma=0.3 seeds=ids:0"
SCENARIO = """
[network]
agents = 200
mean_degree = 6
seed = 3

[[messages]]
text = "The bridge is closed."
model = "sir"
seeds = "ids:0"
parameters = { beta = 0.3, gamma = 0.3 }

[stop]
ticks = 8

[[variants.banned.interventions]]
do = "ban"
at = 1
agents = "top:20:degree"
"""


def test_futures_are_those_of_python(hubbub: Hubbub, tmp_path: Path) -> None:
    words = ("compare", WORLD, "--inject", RUMOUR, "--replicates", "4", "--workers", "1")
    facts = hubbub(*words, "--arm", BANNED, "--json").json
    found = lab.compare_now(
        World.create(agents=200, mean_degree=6, seed=3),
        {"baseline": {}, "banned": {"do": "ban", "agents": "top:20:degree", "at": 1}},
        messages={"text": "The bridge is closed.", "model": "sir", "beta": 0.3, "gamma": 0.3,
                  "seeds": "ids:0"},
        replicates=4, workers=1, backend="threading",
    )  # fmt: skip
    assert facts["arms"] == ["baseline", "banned"]
    assert facts["digest"] == found.digest
    (row,) = [row for row in facts["differences"] if row["measure"] == "size"]
    assert row["difference"] == found.difference("size").mean
    assert facts["conclusion"] == [found.conclusion()]
    files = ("--out", str(tmp_path / "d.csv"), "--out", str(tmp_path / "d.png"))
    said = hubbub(*words, "--arm", "baseline", "--arm", BANNED, *files).well()
    assert found.conclusion() in said.out
    assert f"Digest of the starting world: {found.digest}" in said.out
    assert "in any replicate: " in said.out
    assert "-20 in each replicate" in " ".join(said.out.split())
    with (tmp_path / "d.csv").open(newline="") as file:
        assert {row["measure"] for row in csv.DictReader(file)} == set(found.measures)
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")


def test_variants_are_futures_of_the_world_of_a_scenario(hubbub: Hubbub, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(SCENARIO)
    words = ("compare", str(file), "--variants", "--workers", "1", "--replicates")
    facts = hubbub(*words, "3", "--json").json
    assert (facts["arms"], facts["seeds"]) == (["base", "banned"], [3, 4, 5])
    alone = hubbub(*words, "1", "--measure", "size").out
    assert "1 replicate (seed 3)" in alone
    assert "a single pair gives no interval" in alone
    assert "Each 95 %" not in alone
    file.write_text(SCENARIO + "\n[variants.other.network]\nseed = 4\n")
    hubbub(*words, "1").refuses("'other' has another network")
    file.write_text(SCENARIO.partition("[[variants")[0])
    assert "has no variants" in hubbub(*words, "1").err


def test_a_margin_is_of_the_conclusion(hubbub: Hubbub) -> None:
    words = ("compare", WORLD, "--inject", RUMOUR, "--replicates", "3", "--workers", "1")
    said = hubbub(*words, "--arm", BANNED, "--margin", "5").out
    assert "5 that would matter" in said or "by less than 5" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arm", "a", "--arm", "b"), "'a' and 'b' are identical"),
        (("--arm", BANNED, "--arm", BANNED), "Two conditions are named 'banned'"),
        (("--arm", "baseline"), "two conditions or more"),
        (("--arm", "a: do=bann"), "Did you mean 'ban'?"),
        (("--arm", BANNED, "--replicates", "0"), "greater than or equal to 1"),
        (("--arm", BANNED, "--recommenders", "hot,random"), "Compare one thing"),
        (("--arm", BANNED, "--variants"), "--variants needs a scenario"),
        (("--inject", "x"), "need --arm"),
        (("--arm", BANNED, "--margin", "0"), "is above 0"),
        (("--arm", BANNED, "--measure", "sizes"), "Did you mean 'size'?"),
        (("--arm", BANNED, "--out", "x.gif"), "NAME.svg or NAME.pdf, not 'x.gif'"),
        (("--out", "x.png"), "NAME.jsonl or NAME.parquet, not 'x.png'"),
        (("--arm", BANNED, "--out", "a.csv", "--out", "b.csv"), "a.csv and b.csv, both .csv"),
    ],
)
def test_what_cannot_be_compared_is_said(hubbub: Hubbub, words: tuple[str, ...], said: str) -> None:
    hubbub("compare", WORLD, *words).refuses(said)


def test_files_are_refused_before_anything_is_run(hubbub: Hubbub) -> None:
    words = ("--arm", BANNED, "--out", "nowhere/x.csv")
    hubbub("compare", WORLD, *words).refuses("folder does not exist", 3)


def test_an_arm_of_a_scenario_is_the_variant_that_does_the_same(hubbub: Hubbub) -> None:
    file = Path("s.toml")
    file.write_text(SCENARIO)
    words = ("compare", file, "--replicates", "3", "--workers", "1", "--json")
    variants = hubbub(*words, "--variants").json
    arms = hubbub(*words, "--arm", BANNED).json
    assert (arms["arms"], variants["arms"]) == (["baseline", "banned"], ["base", "banned"])
    assert (arms["digest"], arms["begun"]) == (variants["digest"], variants["begun"])
    theirs = {row["measure"]: row["difference"] for row in variants["differences"]}
    assert {row["measure"]: row["difference"] for row in arms["differences"]} == theirs
    assert theirs["size"] < 0
    more = hubbub(*words, "--arm", "faster: beta=0.9; text=Open. model=si seeds=ids:3").json
    (row,) = [row for row in more["differences"] if row["measure"] == "size"]
    assert row["difference"] > 0
    listed = hubbub("compare", "gallery:fact-check", "--arm", "a", "--arm", "b")
    assert "'a' and 'b' are identical" in listed.err
    both = hubbub("compare", str(file), "--variants", "--arm", "a")
    assert "leave out --arm" in both.err


def test_futures_go_on_with_what_is_missing(hubbub: Hubbub, tmp_path: Path) -> None:
    words = ("compare", WORLD, "--arm", BANNED, "--inject", RUMOUR, "--workers", "1", "--json")
    kept = ("--into", str(tmp_path / "futures.runs"))
    assert hubbub(*words, *kept, "--replicates", "2").code == 0
    again = hubbub(*words, *kept, "--replicates", "3")
    assert "holds 4 finished replicates; use --resume" in again.err
    more = hubbub(*words, *kept, "--replicates", "3", "--resume").json
    assert more == hubbub(*words, "--replicates", "3").json
    assert "name it: --into FILE" in hubbub(*words, "--resume").err
    assert "need --arm or --variants" in hubbub("compare", WORLD, "--workers", "2").err
