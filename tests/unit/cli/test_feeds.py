import re
import shlex
from pathlib import Path

import pytest

from sim import names
from sim.lab.runs.measures import FEED_MEASURES
from tests.unit.cli.conftest import Hubbub


def test_recommenders_are_listed_by_what_they_do(hubbub: Hubbub) -> None:
    said = hubbub("models", "--kind", "recommender").well()
    for name in names("recommender"):
        assert f"  {name} " in said.out
    for kind in ("recommender", "friend-recommender", "policy", "mind"):
        facts = hubbub("models", "--kind", kind, "--json").json
        assert [(one["kind"], one["name"]) for one in facts] == [(kind, n) for n in names(kind)]
    assert hubbub("models", "--kind", "recomender").code == 2
    assert "drive = attention novelty appeal" in hubbub("models", "rule", "--kind", "policy").out


def test_a_card_is_shown_whole(hubbub: Hubbub) -> None:
    said = hubbub("models", "hot").out
    assert "score = sign(s) log10 max(|s|, 1) - age / 45,000 s" in said
    assert "seconds" in said
    assert hubbub("models", "adamic-adar", "--json").json["kind"] == "friend-recommender"
    hubbub("models", "hott").refuses("Did you mean 'hot'?")


def test_friends_are_suggested(hubbub: Hubbub) -> None:
    asked = ("show", "new:200,mean_degree=6", "suggestions", "3")
    said = hubbub(*asked, "--limit", "2").well()
    assert said.out.splitlines()[0].split() == ["name", "id", "score", "through"]
    assert len(said.out.splitlines()) == 3
    facts = hubbub(*asked, "--by", "random-walk", "-p", "steps=3", "--json").json
    assert (facts["agent"], facts["by"], len(facts["rows"])) == (3, "random-walk", 10)
    assert hubbub("show", "new:200", "suggestions", "999").code == 2
    assert "has no suggestions" in hubbub("show", "new:3,mean_degree=2", "suggestions", "1").out


def test_two_recommenders_are_compared(hubbub: Hubbub) -> None:
    words = ("compare", "new:200,mean_degree=6", "--ticks", "6")
    said = hubbub(*words, "--replicates", "2").well()
    assert "2 seeds (0 to 1), the same draws in each condition" in said.out
    for word in ("reach", "inequality", "diversity", "variety", "polarisation", "separation"):
        assert word in said.out
    assert "minus chronological" in said.out
    for name in ("age", "coverage", "inequality"):  # what each is stands below the tables
        assert re.search(rf"(?m)^{name} +{re.escape(FEED_MEASURES[name].says)}$", said.out)
    assert "Salganik" in said.out
    alone = hubbub(*words, "--replicates", "1", "--recommenders", "hot, trust-weighted").out
    assert "One replicate gives no interval" in alone
    assert "No cited paper compares these recommenders." in alone
    facts = hubbub(*words, "--replicates", "2", "--json").json
    assert facts["recommenders"] == ["chronological", "popularity"]
    groups = ["choice", "reach", "diversity", "polarisation"]
    assert list(dict.fromkeys(one["group"] for one in facts["measures"])) == groups
    assert facts["literature"][0]["verdict"] in {"agrees", "disagrees", "undecided"}


def test_all_recommenders_stand_in_one_table(hubbub: Hubbub) -> None:
    words = ("compare", "new:300,mean_degree=6", "--ticks", "6", "--replicates", "1")
    said = hubbub(*words, "--recommenders", "all").well()
    rows = [line.split() for line in said.out.splitlines() if line]
    assert ["choice", "taste", "liking", "age", "votes", "answers", "trust"] in rows
    for name in names("recommender"):
        tables = [row for row in rows if row[0] == name and row[1] != "variety"]
        assert len(tables) == 4  # one for each group
    assert "name four or fewer for differences" in said.out


def test_a_scenario_is_compared_with_its_messages(hubbub: Hubbub, tmp_path: Path) -> None:
    scenario = tmp_path / "town.toml"
    scenario.write_text(
        "[network]\nkind = 'small-world'\nagents = 200\nmean_degree = 6\nseed = 4\n"
        "[[messages]]\ntext = 'The bridge is closed.'\nseeds = 'random:5'\n"
        "model = 'independent-cascade'\nparameters = { probability = 0.3 }\n"
    )
    words = ("compare", scenario, "--ticks", "5", "--replicates", "1", "--recommenders")
    said = hubbub(*words, "hot,random").well()
    assert "adopted" in said.out
    assert "opinions" not in said.out
    text = scenario.read_text()
    scenario.write_text(text + "[[messages]]\ntext = 'Is it safe?'\nmodel = 'deffuant'\n")
    assert {"opinions", "camps"} <= {*hubbub(*words, "hot,random").out.split()}


def test_what_a_scenario_does_between_ticks_is_done_in_a_comparison(hubbub: Hubbub) -> None:
    scenario = Path("town.toml")
    quiet = (
        "[network]\nkind = 'small-world'\nagents = 100\nmean_degree = 6\nseed = 4\n"
        "[stop]\nticks = 3\n"
        "[[messages]]\ntext = 'Music'\nseeds = 'ids:1'\nmodel = 'si'\nchannel = 'broadcast'\n"
        "parameters = { beta = 1.0 }\n"
    )
    words = ("compare", scenario, "--replicates", "1", "--recommenders", "hot,random", "--json")
    adopted = []
    all_ = "'top:100:degree'"
    muted = f"[[commands]]\nat = 1\ndo = 'mute'\nagents = {all_}\nothers = {all_}\n"
    for more in ("", muted):
        scenario.write_text(quiet + more)
        found = hubbub(*words).json
        assert found["ticks"] == 3
        means = {each["name"]: each["means"] for each in found["measures"]}
        adopted.append(means["adopted"]["hot"])
    assert adopted[1] < adopted[0]


def test_a_scenario_of_the_gallery_is_compared(hubbub: Hubbub) -> None:
    words = ("compare", "gallery:fact-check", "--replicates", "1", "--ticks", "1")
    said = hubbub(*words, "--variant", "unchecked", "--recommenders", "hot,random").well()
    assert "gallery:fact-check: 1 tick, " in said.out
    assert "Did you mean" in hubbub("compare", "gallery:fact-chek").err
    assert "--variant is for scenarios" in hubbub("compare", "new:100", "--variant", "x").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("compare", "new:100", "--recommenders", "hot"), "two recommenders"),
        (("compare", "new:100", "--recommenders", "hot,hott"), "Did you mean 'hot'?"),
        (("compare", "demo", "--seeds", "2"), "No such option: --seeds; here it is --replicates."),
        (("plugin", "bench", "sir", "--rounds", "2"), "--rounds; here it is --replicates."),
        (("verify", "demo", "--seeds", "2"), "No such option: --seeds. See hubbub verify --help."),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    hubbub: Hubbub, words: tuple[str, ...], says: str
) -> None:
    hubbub(*words).refuses(says)


MET = "a b 0\nb c 60\na d 60\nc e 170\nb c 170\n"
"""Source, target, second."""


def timed(hubbub: Hubbub, folder: Path) -> Path:
    (folder / "met.txt").write_text(MET)
    made = hubbub(
        "import", "met.txt", "--columns", "0,1", "--times", "2", "--direction", "influences",
        "--tick-minutes", "1", "--out", "met.hub",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "5 timed interactions in 3 ticks of 1 minutes" in made.out
    return folder / "met.hub"


def test_a_stream_is_played_from_the_command_line(hubbub: Hubbub, tmp_path: Path) -> None:
    world = timed(hubbub, tmp_path)
    words = (
        "run", world, "--inject", "x", "--seeds", "ids:a", "--model", "si", "-p", "beta=1",
        "--channel", "stream", "--ticks", "5", "--json",
    )  # fmt: skip
    said = hubbub(*words).well()
    (story,) = said.json["cascades"]
    assert (story["size"], story["channel"]) == (5, "stream:1")
    assert story["history"]["infected"][:4] == [1, 2, 4, 5]
    again = next(line for line in said.err.splitlines() if "--channel" in line)
    assert "stream" in shlex.split(again)


def test_a_channel_needs_its_world_and_a_message_is_alone_on_its_line(hubbub: Hubbub) -> None:
    for words, said in (
        (("--channel", "stream"), "--times"),
        (("--channel", "strem"), "stream"),
        (("--inject", "y"), "[[messages]]"),
    ):
        hubbub("run", "new:30", "--inject", "x", *words, "--ticks", "1").refuses(said)
