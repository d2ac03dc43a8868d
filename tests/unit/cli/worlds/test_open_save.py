import json
import shlex
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from sim import World, load
from sim.errors import InputError
from sim.scenario.worlds import assignments, parse_new
from tests.unit.cli.conftest import Hubbub

EDGES = "from,to,weight\nana,bo,0.5\nbo,cy,1\ncy,ana,0.25\nbo,bo,1\nana,bo,0.5\n"


def test_new_saves_the_world_that_the_library_makes(hubbub: Hubbub, tmp_path: Path) -> None:
    words = ("--agents", "200", "--network", "small-world", "--mean-degree", "4", "--seed", "5")
    more = ("-p", "rewiring=0.2", "--languages", "en=2,fr=1", "--platform", "blend,language=1")
    said = hubbub("new", *words, *more, "--out", "a.hub").well()
    assert said.out.startswith("200 members, 800 ties.\nSaved a.hub: ")
    made = World.create(200, "small-world", 4, 5, languages={"en": 2, "fr": 1}, rewiring=0.2)
    made.open_platform().recommend("blend", language=1.0)
    assert load(tmp_path / "a.hub").digest() == made.digest()
    found = hubbub("show", "a.hub", "agents", "--where", "language:fr", "--json").json
    assert found["count"] == int((made.agents.language == 4).sum()) > 40


def test_new_prints_the_command_that_repeats_it(hubbub: Hubbub, tmp_path: Path) -> None:
    words = ("--agents", "99", "--mean-degree", "4.25", "--tick-minutes", "30", "--trust")
    said = hubbub("new", *words, "uniform:0.2-0.9", "-o", "a b.hub")
    before = load(tmp_path / "a b.hub").digest()
    (tmp_path / "a b.hub").unlink()
    assert hubbub(*shlex.split(said.out.splitlines()[-1].removeprefix("Again: "))[1:]).code == 0
    assert load(tmp_path / "a b.hub").digest() == before


def test_new_makes_a_network_of_given_degrees(hubbub: Hubbub, tmp_path: Path) -> None:
    np.save(tmp_path / "pairs.npy", np.tile([[2, 2], [1, 1]], (30, 1)))
    said = hubbub("new", "--degrees", "pairs.npy", "--out", "a.hub")
    assert said.out.startswith("60 members, ")
    assert said.out.splitlines()[-1] == "Again: hubbub new --degrees pairs.npy --out a.hub"


def test_import_keeps_times_and_signs_and_repeats_itself(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("1,2,5,100\n2,3,-2,160\n1,2,10,400\n")
    words = ("--weights", "2", "--times", "3", "--tick-minutes", "1", "-o", "a.hub")
    hubbub("import", "e.csv", *words).refuses("--signed")
    said = hubbub("import", "e.csv", "--signed", *words)
    assert "1 of 3 ties are hostile. Kept 3 interactions in 0.0 days" in said.out
    world = load(tmp_path / "a.hub")
    assert world.interactions is not None
    assert world.interactions.times.tolist() == [0, 60, 300]
    assert world.ties.sign.tolist() == [1, -1]
    again = said.out.splitlines()[-1].removeprefix("Again: ")
    (tmp_path / "a.hub").unlink()
    assert hubbub(*shlex.split(again)[1:]).code == 0
    assert load(tmp_path / "a.hub").digest() == world.digest()
    assert hubbub("info", "a.hub", "--json").json["interactions"] == 3
    with sqlite3.connect(tmp_path / "a.hub") as file:
        found = file.execute("SELECT properties, strength FROM agent_relationships").fetchall()
    told = [{"time": 0, "sign": 1}, {"time": 60, "sign": -1}]
    assert [json.loads(row[0]) for row in found] == told
    file.close()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("--agents", "0"), 2, "A world has at least 1 agent, got 0"),
        (("--agents", "1000000000"), 4, "GiB are free; try --agents "),
        (("--agents", "many"), 2, "--agents takes a whole number, got 'many'"),
        (("--network", "smal-world"), 2, "Did you mean 'small-world'?"),
        (("-p", "rewirng=1", "--network", "small-world"), 2, "(did you mean 'rewiring'?)"),
        (("--languages", "en=1,xx=1"), 2, "No language named 'xx'"),
        (("--degrees", "absent.npy"), 3, "absent.npy: "),
        (("--degrees", "a", "--agents", "9"), 2, "make a configuration network; leave agents out."),
        (("--degrees", "a", "--mean-degree", "9"), 2, "leave mean-degree out."),
        (("--degrees", "a", "--network", "small-world"), 2, "leave network out."),
    ],
)
def test_new_refuses_in_one_sentence(
    hubbub: Hubbub, words: tuple[str, ...], code: int, sentence: str
) -> None:
    hubbub("new", *words, "--out", "a.hub").refuses(sentence, code)
    assert not Path("a.hub").exists()


def test_memory_limits_of_settings_hold(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_MEMORY_HARD_MB", "20")
    said = hubbub("new", "--agents", "100000", "--out", "a.hub")
    assert said.code == 4
    assert said.err.endswith("memory_hard_mb allows 20; make fewer agents or raise it.\n")
    monkeypatch.setenv("HUBBUB_MEMORY_HARD_MB", "100")
    monkeypatch.setenv("HUBBUB_MEMORY_SOFT_MB", "16")
    said = hubbub("new", "--agents", "60000", "--out", "a.hub").well()
    assert said.err.endswith("memory_soft_mb is 16.\n")


def test_import_says_what_it_found_and_saves_it(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text(EDGES)
    said = hubbub("import", "edges.csv", "--weights", "weight", "--out", "a.hub").well()
    assert "Dropped 1 loop and 1 duplicate." in said.out
    world = load(tmp_path / "a.hub")
    ana, bo = world.agents.index("ana"), world.agents.index("bo")
    assert world.ties.listeners(ana).tolist() == [bo]
    assert world.ties.count == 3


def test_import_follows_turns_the_arrows_round(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "edges.csv").write_text(EDGES)
    hubbub("import", "edges.csv", "--direction", "follows", "--columns", "from,to", "-o", "a.hub")
    world = load(tmp_path / "a.hub")
    ana, bo = world.agents.index("ana"), world.agents.index("bo")
    assert world.ties.listeners(bo).tolist() == [ana]


def test_import_prints_the_command_that_repeats_it(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "e.txt").write_text("1 2 5\n2 3 6\n")
    options = ("--undirected", "--no-header", "--times", "2", "--ids", "str")
    said = hubbub("import", "e.txt", *options, "--delimiter", "space", "--tick-minutes",
                  "30", "--out", "a.hub")  # fmt: skip
    before = load(tmp_path / "a.hub")
    assert before.ties.count == 4
    assert before.tick_minutes == 30
    (tmp_path / "a.hub").unlink()
    assert hubbub(*shlex.split(said.out.splitlines()[-1])[2:]).code == 0
    assert load(tmp_path / "a.hub").digest() == before.digest()


@pytest.mark.parametrize(
    ("text", "sentence"), [(None, "e.txt: "), ("", "e.txt: "), ("1 2\n3\n", "line 2")]
)
def test_import_refuses_a_file_in_one_sentence(
    hubbub: Hubbub, tmp_path: Path, text: str | None, sentence: str
) -> None:
    if text is not None:
        (tmp_path / "e.txt").write_text(text)
    hubbub("import", "e.txt", "--out", "a.hub").refuses(sentence, 3)
    assert not Path("a.hub").exists()


def test_import_refuses_options_that_are_not_allowed(hubbub: Hubbub) -> None:
    assert "must be 'influences'" in hubbub("import", "e", "--direction", "x", "-o", "a.hub").err
    said = hubbub("import", "e", "--columns", "0", "-o", "a.hub")
    assert said.err == "--columns takes two places or names, such as 0,1; got '0'.\n"


def test_info_says_what_a_file_or_another_world_is(hubbub: Hubbub) -> None:
    hubbub("run", "new:50,mean_degree=4", "--inject", "x", "--ticks", "2", "--save", "a.hub")
    facts = hubbub("info", "a.hub", "--json").json
    assert (facts["agents"], facts["ties"], facts["tick"], facts["seed"]) == (50, 200, 2, 0)
    text = hubbub("info", "a.hub").out
    assert "independent-cascade" in text
    assert "versions numpy" in text
    facts = hubbub("info", "new:50,mean_degree=4", "--json").json
    assert facts["digest"] == World.create(50, mean_degree=4).digest()
    assert "agents    7,624" in hubbub("info", "demo").out


def test_info_measures_the_network(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("ana,bo\nana,cy\nbo,cy\ndee,ana\n")
    hubbub("import", "e.csv", "--out", "a.hub")
    told = hubbub("info", "a.hub", "--structure", "--json").json
    assert told["agents"] == 4
    network = told["network"]
    assert (network["ties"], network["components"], network["is_symmetric"]) == (4, 1, False)
    assert network["density"] == pytest.approx(4 / 12)
    assert network["influential"][0]["id"] == "dee"
    text = hubbub("info", "a.hub", "--structure").out
    assert "4, 0.0% mutual; density 0.33" in text
    assert "2-3        1        #" in text


def test_verify_sees_one_flipped_bit(hubbub: Hubbub, tmp_path: Path) -> None:
    hubbub("new", "--agents", "100", "--mean-degree", "4", "--out", "a.hub")
    assert hubbub("verify", "a.hub").out.startswith("a.hub: intact; ")
    assert hubbub("verify", "a.hub", "--json").json["columns"] > 3
    path = tmp_path / "a.hub"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    hubbub("verify", "a.hub").refuses("a.hub: ", 3)


def test_names_and_the_usual_world_are_read_as_typed() -> None:
    assert assignments(["mean-degree=3", "a=b=c"]) == {"mean_degree": "3", "a": "b=c"}
    for word in ("x", "=3", "a b=3", "1a=3"):
        with pytest.raises(InputError, match="NAME=VALUE"):
            assignments([word])
    order = parse_new("")
    assert (order.agents, order.network) == (10_000, "preferential-attachment")
    assert parse_new("1_000,seed=-3").seed == -3


@pytest.mark.parametrize("name", ["", ".", "/", "./"])
def test_a_world_is_saved_under_a_name(hubbub: Hubbub, name: str) -> None:
    (Path("a.txt")).write_text("1 2\n")
    assert hubbub("new", "--agents", "50", "--mean-degree", "4", "--out", "a.hub").code == 0
    for words in (
        ("new", "--agents", "50", "--mean-degree", "4", "--out", name),
        ("import", "a.txt", "--out", name),
        ("run", "a.hub", "--inject", "Go.", "--ticks", "1", "--save", name),
        ("edit", "a.hub", "agents", "--set", "activity=0.5", "--out", name),
    ):
        said = hubbub(*words)
        assert (said.code in {2, 3}, "unexpectedly" in said.err) == (True, False), said
        assert len(said.err.strip().splitlines()) == 1
