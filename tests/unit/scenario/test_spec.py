import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import World, choose_seeds, load
from sim.errors import FileError, InputError
from sim.scenario import read_scenario
from sim.scenario.sections import flattened, read_range, split_vary
from tests.raising import raises
from tests.unit.cli.conftest import Hubbub

FULL = """
[network]
kind = "small-world"
agents = 300
mean_degree = 6
seed = 7
parameters = { rewiring = 0.1 }

[population]
tick_minutes = 30
max_running = 5

[[messages]]
text = "The bridge is closed."
seeds = "top:10:degree"
model = "independent-cascade"
parameters = { probability = 0.3 }

[[messages]]
text = "The bridge is open again."
at = 4
seeds = "random:20"
model = "sir"
tags = ["music"]
author = "3"
priority = 2
draws = "skips"

[stop]
ticks = 50

[outputs]
json = "out.json"
csv = "out.csv"
save = "out.hub"
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "sub").mkdir()

    def to_file(text: str) -> Path:
        path = tmp_path / "sub" / "story.toml"
        path.write_text(text)
        return Path("sub/story.toml")

    return to_file


def test_a_scenario_is_what_the_library_does(hubbub: Hubbub, write: Write, tmp_path: Path) -> None:
    assert hubbub("run", write(FULL)).code == 0
    world = World.create(300, "small-world", 6, 7, tick_minutes=30, rewiring=0.1)
    world.max_running = 5
    top = choose_seeds(world, "top:10:degree")
    world.inject("The bridge is closed.", seeds=top, model="independent-cascade", probability=0.3)
    some = choose_seeds(world, "random:20")
    world.inject(
        "The bridge is open again.", seeds=some, model="sir", at=4, author=3, tags=["music"],
        priority=2, draws="skips",
    )  # fmt: skip
    world.step(50)
    assert load(tmp_path / "sub" / "out.hub").digest() == world.digest()
    told = json.loads((tmp_path / "sub" / "out.json").read_text())
    assert [cascade["started_at"] for cascade in told["cascades"]] == [0, 4]
    assert (tmp_path / "sub" / "out.csv").read_text().startswith("cascade,model,tick")


def test_the_command_line_is_stronger_than_the_file(hubbub: Hubbub, write: Write) -> None:
    words = ("--seed", "8", "--ticks", "3", "--until-quiet", "--json")
    told = hubbub("run", write(FULL), *words).json
    assert (told["world"]["seed"], told["world"]["tick"]) == (8, 3)
    assert told["command"] == ("hubbub run sub/story.toml --seed 8 --ticks 3 --until-quiet --json")
    again = hubbub(*shlex.split(told["command"])[1:]).json
    assert again["world"]["digest"] == told["world"]["digest"]


def test_the_command_repeats_a_scenario_with_its_settings_when_it_is_pasted(
    hubbub: Hubbub, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "my worlds").mkdir()
    hubbub("new", "--agents", "80", "--mean-degree", "4", "--seed", "3", "--out", "my worlds/a.hub")
    (tmp_path / "my.toml").write_text("max_running = 1\n")
    two = "[[messages]]\ntext = 'x'\nmodel = 'si'\n" * 2
    file = write(f"[network]\nworld = 'a'\n{two}[stop]\nticks = 2\n")
    flags = ("--saves", "my worlds", "--settings", "my.toml")
    told = hubbub("run", file, *flags, "--json").json
    assert [cascade["started_at"] for cascade in told["cascades"]] == [0, -1]
    words = "--saves 'my worlds' --settings my.toml --json --seed 3"
    assert told["command"] == f"hubbub run sub/story.toml {words}"
    again = hubbub(*shlex.split(told["command"])[1:]).json
    assert again["world"]["digest"] == told["world"]["digest"]


def test_an_empty_scenario_runs_the_usual_world(hubbub: Hubbub, write: Write) -> None:
    told = hubbub("run", write("[network]\nagents = 60\nmean_degree = 4\n"), "--json").json
    assert (told["world"]["agents"], told["world"]["tick"], told["cascades"]) == (60, 0, [])
    Path("a.toml").write_text("[network]\nagents = 50\n")
    said = hubbub("run", "a.toml").well()
    assert said.out.startswith("No message was sent; a.toml has no [[messages]].\n")


def test_a_scenario_may_take_the_demo_or_a_saved_world(hubbub: Hubbub, write: Write) -> None:
    text = "[network]\nworld = 'demo'\n[stop]\nticks = 1\n"
    assert hubbub("run", write(text), "--json").json["world"]["agents"] == 7624
    hubbub("new", "--agents", "80", "--mean-degree", "4", "--out", "sub/a.hub")
    text = "[network]\nworld = 'a.hub'\nseed = 5\n[stop]\nticks = 1\n"
    world = hubbub("run", write(text), "--json").json["world"]
    assert (world["agents"], world["seed"]) == (80, 5)


def test_a_scenario_may_import_a_file_beside_it(hubbub: Hubbub, write: Write) -> None:
    Path("sub", "edges.csv").write_text("a,b,w\n1,2,0.5\n2,3,1\n")
    Path("sub", "labels.csv").write_text("id,label\n1,north\n2,north\n3,south\n")
    text = (
        "[network]\nfile = 'edges.csv'\ndirected = false\nweights = 'w'\nlabels = 'labels.csv'\n"
        "[[messages]]\ntext = 'x'\nseeds = 'community:north'\nmodel = 'si'\n"
        "parameters = {beta = 1}\n"
    )
    told = hubbub("run", write(text), "--json").json
    assert (told["world"]["ties"], told["cascades"][0]["seeds"]) == (4, 2)


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("agents", "agnts", "[network]: no key 'agnts' (did you mean 'agents'?)."),
    ("[stop]", "[stp]", "no section [stp] (did you mean [stop]?); there are network, "),
    ("[stop]", "[zzz]", "no section [zzz]; there are network, "),
    ("draws", "drws", "[[messages]] number 2: no key 'drws' (did you mean 'draws'?)."),
    ("at = 4", "at = -4", "[[messages]] number 2: at must be at least 0, got -4."),
    ("at = 4", "at = 'soon'", "[[messages]] number 2: at must be a whole number at least 0"),
    ('text = "The bridge is closed."', "", "[[messages]] number 1: text is required."),
    ("= 0.3", "= 3", "[[messages]] number 1: independent-cascade: probability must be in"),
    ('"sir"', '"sirr"', "[[messages]] number 2: No propagation model named 'sirr' (Did "),
    ('"music"', '"musik"', "[[messages]] number 2: "),
    ("small-world", "small-wrld", "[network]: No network named 'small-wrld' (Did you mean"),
    ("kind =", "world = 'demo'\nkind =", "[network]: give only one of world, file and kind"),
    ("ticks = 50", "ticks = ", "it is no TOML: Invalid value"),
])  # fmt: skip
def test_a_mistake_is_named_with_file_section_and_key(
    hubbub: Hubbub, write: Write, old: str, new: str, sentence: str
) -> None:
    assert old in FULL
    hubbub("run", write(FULL.replace(old, new, 1))).refuses(f"sub/story.toml: {sentence}", 3)


_MINDS = "[minds]\nmembers = 'random:9'\nmind = 'rule'\n"
_TIES = "[[commands]]\ndo = 'mute'\nagents = 'random:9'\nothers = 'ids:3'\n"
_LATE = "[[interventions]]\nat = 3\ndo = 'cut'\nagents = 'random:9'\nothers = 'ids:3'\n"
NAMING = f"{_TIES}{_LATE}{_MINDS}[platform]\nfounders = 'top:9'\n[metrics]\nmembers = 'top:3'\n"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("", "", ""),
        ("agents = 'random:9'", "agents = 'random:x'", "[[commands]] number 1: agents = 'ran"),
        ("agents = 'random:9'", "agents = []", ""),
        ("others = 'ids:3'", "others = 'ids:'", "[[commands]] number 1: others = 'ids:': Seeds"),
        ("cut'\nagents = 'random:9'", "cut'\nagents = 'top:1:fame'",
         "[[interventions]] number 1: agents = 'top:1:fame': No measure of centrality named"),
        ("members = 'random:9'", "members = 'share:2'", "[minds]: members = 'share:2': share:PART"),
        ("members = 'random:9'", "members = 'awake'", ""),
        ("mind = 'rule'", "mind = 'rul'", "[minds]: mind = 'rul': No mind named 'rul' (Did"),
        ("founders = 'top:9'", "founders = 'top:all'", "[platform]: How many seeds is a whole"),
        ("members = 'top:3'", "members = 'oppenness>0.5'", "[metrics]: Seeds 'oppenness>0.5': "),
    ],
)  # fmt: skip
def test_whom_nobody_can_mean_is_refused_when_the_file_is_read(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = tmp_path / "story.toml"
    path.write_text(NAMING.replace(old, new, 1))
    try:
        said = str(read_scenario(path) and "")
    except FileError as error:
        said = error.reason
    assert said.startswith(sentence)
    assert bool(said) == bool(sentence)


def test_wrong_seeds_are_refused_before_a_world_is_made(hubbub: Hubbub, write: Write) -> None:
    said = hubbub("run", write(FULL + '[[messages]]\ntext = "x"\nseeds = "random:many"\n'))
    said.refuses(
        "sub/story.toml: [[messages]] number 3: seeds = 'random:many': How many seeds is a whole "
        "number from 1, as in random:40; got 'many'.\n",
        3,
    )
    typed = hubbub("run", "no-such.hub", "--inject", "x", "--seeds", "random:many")
    assert "as in random:40; got 'many'" in typed.err


def test_a_scenario_may_import_times_and_signs(hubbub: Hubbub, write: Write) -> None:
    Path("sub", "e.csv").write_text("100,1,2,5\n160,2,3,-2\n400,1,2,10\n")
    text = "[network]\nfile='e.csv'\ncolumns='1,2'\nweights='3'\ntimes='0'\nsigned=true\n"
    assert hubbub("run", write(text + "[outputs]\nsave='a.hub'\n")).code == 0
    world = load(Path("sub", "a.hub"))
    assert world.interactions is not None
    assert (world.interactions.span, world.ties.sign.tolist()) == (300, [1, -1])


IDLE = [
    ("world='demo'\ntrust='uniform'", "trust does nothing beside world; it belongs to kind"),
    ("world='demo'\ndirected=false", "directed does nothing beside world; it belongs to file"),
    ("file='e.csv'\ntrust='uniform'", "trust does nothing beside file; it belongs to kind"),
    ("agents=50\nweights='w'", "weights does nothing beside kind; it belongs to file"),
    ("labels='l.csv'", "labels does nothing beside kind; it belongs to file"),
    ("degrees='d.txt'\nagents=50", "agents does nothing beside degrees, which say it; "),
    ("degrees='d.txt'\nkind='small-world'", "degrees are for the kind 'configuration', not "),
    ("seed=1.0", "seed must be a whole number, got 1.0"),
    ("agents=true", "agents must be a whole number, got True"),
    ("mean_degree=true", "mean_degree must be a number, got True"),
]


WRONG = [
    ("seed = 7", "the key 'seed' stands outside of a section; it belongs to [network] or [sweep]."),
    ("text = 'x'", "the key 'text' stands outside of a section; it belongs to [[messages]]."),
    ("[population]\nmax_running=1.0", "[population]: max_running must be a whole number"),
    ("[[messages]]\ntext='x'\nat=true", "[[messages]] number 1: at must be a whole number"),
    ("[[messages]]\ntext='x'\npriority=1.5", "[[messages]] number 1: priority must be a wh"),
    (
        "[network]\nworld='demo'\n[population]\ntick_minutes=30",
        "[population]: tick_minutes is fixed in the world 'demo'.",
    ),
    ("network = 3", "[network] is a table of keys, got 3."),
    (
        "[minds]\nmembers='all'\nleast_share=true",
        "[minds]: least_share must be a number in [0, 1], got True.",
    ),
    ("messages = 3", "messages are written as [[messages]], one block each."),
    ("[network]\nworld='demo'\nparameters={a=1}", "[network]: parameters belong to a kind"),
    ("# " + "x" * (1 << 20), "a scenario has at most 1 MiB; name another file"),
    *((f"[network]\n{keys}\n", f"[network]: {sentence}") for keys, sentence in IDLE),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_a_key_in_the_wrong_place_and_of_another_shape_is_refused(
    hubbub: Hubbub, write: Write, text: str, sentence: str
) -> None:
    hubbub("run", write(text)).refuses(f"sub/story.toml: {sentence}", 3)


def test_a_scenario_may_give_degree_pairs(hubbub: Hubbub, write: Write, tmp_path: Path) -> None:
    (tmp_path / "sub" / "pairs.txt").write_text("1 2\n2 1\n1 1\n0 0\n")
    text = "[network]\nkind='configuration'\ndegrees='pairs.txt'\ntrust='uniform'\nseed=3\n"
    told = hubbub("run", write(text), "--json").json
    pairs = np.array([[1, 2], [2, 1], [1, 1], [0, 0]])
    world = World.create(network="configuration", degrees=pairs, trust="uniform", seed=3)
    assert told["world"]["agents"] == 4
    assert told["world"]["digest"] == world.digest()


def test_a_scenario_that_is_absent_or_has_messages_is_refused(hubbub: Hubbub, write: Write) -> None:
    gone = "absent.toml: no such file or directory; name a scenario file.\n"
    hubbub("run", "absent.toml").refuses(gone, 3)
    hubbub("run", write(FULL), "--inject", "x").refuses("has its own messages")


@pytest.mark.parametrize(("said", "values"), [
    ("0.1:0.5:9", [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]), ("5:20:4", [5, 10, 15, 20]),
    ("0.001:1:4:log", [0.001, 0.01, 0.1, 1.0]), ("-1:1:3", [-1, 0, 1]),
    ("1e-2:1e-1:2", [0.01, 0.1]), ("5,10", [5, 10]), ("0.3", [0.3]),
    ("blend, random", ["blend", "random"]), ("random:10,random:100", ["random:10", "random:100"]),
    ("true,false", [True, False]), ([1, 2.5], [1, 2.5]), (range(3), [0, 1, 2]),
    (np.array([1.0, 2.0]), [1.0, 2.0]), (0.5, [0.5]),
])  # fmt: skip
def test_values_are_read_as_they_are_written(said: Any, values: list[Any]) -> None:
    found = list(read_range(said))
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(("said", "why"), [
    ("", "got nothing"), ("0.5:0.1:3", "rises from LOW to HIGH, got '0.5:0.1:3'"),
    ("1:1:3", "rises"), ("0:1e999:3", "rises"),
    ("0:1:1", "COUNT of '0:1:1' is a whole number of at least 2"), ("0:1:many", "COUNT"),
    ("0:1:3:log", "begins above 0"), ("1,1", "each value is listed once"),
    ([], "no value in its list"), ([float("nan")], "finite"),
    ({"low": 1}, "written as LOW:HIGH:COUNT"), (None, "written as LOW:HIGH:COUNT"),
])  # fmt: skip
def test_what_is_no_range_is_refused(said: Any, why: str) -> None:
    raises(InputError, why, read_range, said)


def test_a_share_of_the_way_is_a_value_and_keys_are_joined() -> None:
    assert [read_range("0:10").at(s) for s in (0, 0.25, 1)] == [0, 2.5, 10]
    assert [read_range("1:4").at(s, is_whole=True) for s in (0, 0.3, 0.5, 0.99, 1)] == [
        1, 2, 3, 4, 4,
    ]  # fmt: skip
    assert read_range("1:100:log").at(0.5) == 10
    assert read_range("1:1000:log").at(0.5, is_whole=True) == 32
    assert [read_range("a,b").at(s) for s in (0, 0.49, 0.5, 1)] == ["a", "a", "b", "b"]
    said = {"beta": "0:1:3", "messages": {"1": {"parameters": {"gamma": [0.1]}}}}
    assert flattened(said) == {"beta": "0:1:3", "messages.1.parameters.gamma": [0.1]}


@pytest.mark.parametrize(("words", "why"), [
    ("beta", "--vary takes KEY=LOW:HIGH:COUNT"), ("=1", "--vary takes"),
    ("beta=2:1", "--vary beta: a range rises"),
])  # fmt: skip
def test_what_varies_nothing_is_refused(words: str, why: str) -> None:
    raises(InputError, why, split_vary, words)
