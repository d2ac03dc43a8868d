import json
import shlex
from pathlib import Path

import pytest

from sim.core import quiet
from sim.errors import FileError, InputError, UnknownNameError
from sim.scenario import compare_variants, gallery_names, open_scenario
from tests.raising import raises
from tests.unit.cli.conftest import Hubbub

SMALL = {
    "breaking-news": 2000, "complex-contagion": 600, "echo-chamber": 1000, "fact-check": 1500,
    "herd-effect": 2000, "newcomers": 1500, "opinion-polarisation": 500, "product-launch": 2000,
    "super-spreader-ban": 2500, "sybil-attack": 1500,
}  # fmt: skip

STORY = """
[about]
title = "A story"
question = "Who hears it?"
sees = "More with two."
source = "Nobody, 2020"

[network]
agents = 200
mean_degree = 6
seed = 3

[platform]
recommender = "popularity"
parameters = { weight = 3.0 }
rhythm = "flat"
slots = 4

[metrics]
every = 2

[alerts]
"spread too fast" = { warning = 0.001, critical = 0.5 }
slow-ticks = false
mine = { metric = "acts", warning = 1.0 }

[[messages]]
text = "The bridge is closed."
seeds = "random:5"
model = "sir"

[[interventions]]
at = 2
do = "ban"
agents = "random:3"

[[interventions]]
when = "size > 1"
do = "fact-check"
reach = 0.2

[[interventions]]
at = 3
do = "set"
message = 7
name = "beta"
value = 0.5

[[commands]]
at = 2
do = "follow"
agents = [1]
others = [2]

[stop]
ticks = 5

[variants.bare]
platform = { recommender = "random" }
interventions = []
"""


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.toml"
    path.write_text(STORY)
    return path


def test_ten_scenarios_are_listed_and_run(hubbub: Hubbub) -> None:
    assert set(gallery_names()) == set(SMALL)
    assert "echo-chamber" in hubbub("scenario", "list").out
    facts = hubbub("scenario", "list", "--json").json
    assert [each["name"] for each in facts] == list(gallery_names())
    assert hubbub("scenario", "show", "fact-check", "--json").json["variants"][0] == "wide"
    told = hubbub("run", "gallery:fact-check", "--variant", "wide", "--ticks", "2", "--json")
    words = shlex.split(told.json["command"])
    assert words[2:5] == ["gallery:fact-check", "--variant", "wide"]
    assert words[-2:] == ["--seed", "11"]
    assert hubbub(*words[1:]).json["world"]["digest"] == told.json["world"]["digest"]


@pytest.mark.parametrize("name", SMALL)
def test_the_gallery_shows_what_it_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_SHARED_DATA", "/nowhere")
    found = compare_variants(f"gallery:{name}", agents=SMALL[name])
    assert found.seen
    assert found.is_as_expected, found


@pytest.mark.parametrize("name", SMALL)
def test_each_says_what_it_asks_and_rests_on(name: str, hubbub: Hubbub) -> None:
    about = open_scenario(f"gallery:{name}").about
    assert all((about.title, about.question, about.sees, about.source))
    said = hubbub("scenario", "describe", f"gallery:{name}").well()
    assert about.source in said.out
    assert "## 7. Submodels" in said.out
    assert not [line for line in said.out.splitlines() if line.endswith(": ")]
    assert hubbub("scenario", "show", name).out.startswith(about.title)


def test_variants_stand_side_by_side(hubbub: Hubbub, story: Path) -> None:
    said = hubbub("scenario", "variants", "story.toml", "--json").json
    assert list(said["variants"]) == ["bare"]
    words = ("--vary", "platform.recommender=random,content")
    said = hubbub("scenario", "variants", "story.toml", *words)
    assert "recommender=random" in said.out
    assert "diversity" in said.out
    said = hubbub("scenario", "variants", "gallery:fact-check", "--agents", "1500")
    assert "seen: share#0: wide < narrow < unchecked" in said.out


def test_a_file_without_variants_is_measured_alone(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[network]\nagents = 60\nmean_degree = 4\n[stop]\nticks = 1\n")
    assert list(compare_variants(str(file)).variants) == ["base"]
    file = tmp_path / "a.toml"
    file.write_text(
        '[about]\nmeasures = ["strangers"]\n[network]\nagents = 60\nmean_degree = 4\n'
        '[platform]\nkeep_feeds = false\nrhythm = "flat"\n[stop]\nticks = 3\n'
    )
    assert 0 <= compare_variants(str(file)).variants["base"][0] <= 1


def test_a_scenario_says_everything_of_a_platform(hubbub: Hubbub, story: Path) -> None:
    said = hubbub("run", "story.toml", "--save", "w.hub", "--metrics", "m.csv").well()
    assert "No message 7" in said.err
    assert "at tick 2 (done: 3 members are banned).\n" in said.out
    assert "Fact-check: this is not true.  sir" in said.out  # what an intervention sent
    assert "Member actions: " in said.out
    assert "Expected: More with two.\nThis ran the file without a variant; variants: " in said.err
    assert "--variant bare.\nTo compare its variants: hubbub scenario variants" in said.err
    lines = Path("m.csv").read_text().splitlines()
    assert lines[0].startswith("tick,active,ties,density")
    assert [line.split(",")[0] for line in lines[1:]] == list("12345")
    assert hubbub("run", "story.toml", "--metrics", "m.jsonl").code == 0
    rows = [json.loads(line) for line in Path("m.jsonl").read_text().splitlines()]
    assert [row["tick"] for row in rows[:5]] == [1, 2, 3, 4, 5]
    assert [row["message"] for row in rows[5:]] == [0, 1]
    described = hubbub("scenario", "describe", "story.toml").out
    for words in ("popularity", "weight: 3.0", "Intervention at tick 2: ban", "follow"):
        assert words in described
    world = hubbub("scenario", "describe", "w.hub").out
    assert "at tick 2 (done: 3 members are banned)" in world
    assert hubbub("scenario", "describe", "new:50,mean_degree=2").out.count("None") >= 2


def test_a_platform_that_opens_late_and_minds_are_described(hubbub: Hubbub, story: Path) -> None:
    late = 'at = 2\ndo = "open-platform"\nrecommender = "hot"\nparameters = { seconds = 9.0 }\n'
    head, _, _ = STORY.partition("[platform]")
    minds = '[minds]\nmembers = "share:1"\nmind = "rule"\n'
    story.write_text(f"{head}[stop]\nticks = 2\n\n{minds}\n[[interventions]]\n{late}")
    described = hubbub("scenario", "describe", "story.toml").out
    assert "### hot" in described
    assert "Sensing: members see" in described
    assert "Minds: share:1 by rule." in described
    said = hubbub("run", "story.toml").well()
    assert "Minds: 200 members" in said.out
    assert "--minds ids:1" in hubbub("run", "story.toml", "--minds", "ids:1", "--offline").out
    story.write_text(f"{head}[minds]\nmembers = 'ids:1'\nmnd = 'rule'\n")
    assert "[minds]: no key 'mnd' (did you mean 'mind'?)" in hubbub("run", "story.toml").err


def test_alerts_and_settings_come_from_the_file(story: Path) -> None:
    scenario = open_scenario(str(story))
    world = scenario.world(quiet)
    assert world.platform is None  # the base: the rest is the plan's
    scenario.plan().begin(world)
    assert world.metrics is not None
    thresholds = world.metrics.alerts.thresholds
    assert thresholds["spread too fast"].warning == 0.001
    assert "slow ticks" not in thresholds
    assert thresholds["mine"].metric == "acts"
    assert world.platform is not None
    assert world.platform.recommenders[0].values() == {"weight": 3.0}
    assert world.platform.settings.slots == 4


def test_data_sets_are_used_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hubbub: Hubbub
) -> None:
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets/net.txt").write_text("a b\nb c\n")
    monkeypatch.setenv("HUBBUB_SHARED_DATA", str(tmp_path / "sets"))
    file = tmp_path / "a.toml"
    text = '[network]\ndata = "net.txt"\nagents = 50\nmean_degree = 2\n[stop]\nticks = 1\n'
    file.write_text(text)
    assert hubbub("run", "a.toml", "--json").json["world"]["agents"] == 3
    monkeypatch.setenv("HUBBUB_SHARED_DATA", str(tmp_path / "none"))
    said = hubbub("run", "a.toml", "--json")
    assert said.json["world"]["agents"] == 50
    assert "using a generated network instead" in said.err


@pytest.mark.parametrize(("old", "new", "said"), [
    ("[platform]", "[platfrom]", "no section [platfrom] (did you mean [platform]?)"),
    ("slots = 4", "slotz = 4", "[platform]: no key 'slotz' (did you mean 'slots'?)"),
    ("slots = 4", "zzz = 4", "[platform]: no key 'zzz', it has slots"),
    ("slots = 4", "slots = 99", "slots must be in [1, 60], got 99"),
    ('"popularity"', '"populer"', "did you mean 'popularity'?"),
    ("weight = 3.0", "wait = 3.0", "[platform]: popularity: no parameter 'wait'"),
    ('rhythm = "flat"', 'rhythm = "flatt"', "[platform]"), ("every = 2", "every = 0", "[metrics]"),
    ("every = 2", "evry = 2", "did you mean 'every'?"),
    ("warning = 0.001", "warnin = 0.001", "[alerts]: No key of an alert"),
    ("slow-ticks = false", "slow-tick = false", "[alerts]: No alert named 'slow-tick'"),
    ("slow-ticks = false", "slow-ticks = 3", "[alerts]: it is a table of keys, got 3"),
    ('do = "ban"', 'do = "bann"', "[[interventions]] number 1: No intervention"),
    ('agents = "random:3"', 'agent = "random:3"', "did you mean 'agents'?"),
    ('agents = "random:3"', 'agents = "top:x"', "[[interventions]] number 1"),
    ('when = "size > 1"', 'when = "sise > 1"', "[[interventions]] number 2"),
    ('when = "size > 1"', 'when = "size > 1"\nat = 1', "give one of at and when"),
    ("reach = 0.2", "reach = 7", "reach must be in (0, 1], got 7"),
    ('title = "A story"', 'tittle = "A story"', "did you mean 'title'?"),
    ('title = "A story"', 'expect = ["share bare"]', "is written as QUANTITY: VARIANT"),
    ('title = "A story"', 'expect = ["share: a < b > c"]', "is written as QUANTITY"),
    ('title = "A story"', 'measures = ["shar"]', "Did you mean 'share'"),
    ("[variants.bare]", "[variants.bare]\nplattform = {}", None),
])  # fmt: skip
def test_a_typo_costs_one_sentence(
    hubbub: Hubbub, story: Path, old: str, new: str, said: str | None
) -> None:
    assert old in STORY
    story.write_text(STORY.replace(old, new, 1))
    done = hubbub("run", "story.toml", *([] if said else ["--variant", "bare"]))
    assert done.code in {2, 3, 4}
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert "story.toml" in done.err
    assert (said or "no section [plattform]").lower() in done.err.lower()


def test_what_there_is_not_is_named(hubbub: Hubbub, story: Path) -> None:
    raises(UnknownNameError, "fact-check", open_scenario, "gallery:fact-chek")
    raises(FileError, "did you mean 'bare'", open_scenario, str(story), "bar")
    story.write_text(STORY.replace("[variants.bare]", "[variants]\nx = 1\n[other]"))
    raises(FileError, "variants are tables", open_scenario, str(story))
    with pytest.raises(InputError, match=r"SECTION\.KEY"):
        compare_variants("gallery:fact-check", vary=["recommender=x"])
    assert "--variant is for scenarios" in hubbub("run", "demo", "--variant", "x").err
    assert "NAME.csv or NAME.jsonl" in hubbub("run", "demo", "--metrics", "m.txt").err
    story.write_text(STORY.replace("[network]", 'expect = ["share: bare < other"]\n[network]', 1))
    raises(FileError, "names no variant 'other'", compare_variants, str(story), ticks=1)
