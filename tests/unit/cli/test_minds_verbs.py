import json
from pathlib import Path

import pytest

from sim import World
from tests.unit.cli.conftest import Hubbub
from tests.unit.minds.server import Call, Server, completion

POST = json.dumps({"act": "post", "post": 0, "text": "Good morning, music."})
PLAN = json.dumps({"steps": ["Post about it.", "Answer who disagrees."]})


async def well(call: Call) -> None:
    await call.send(completion(PLAN if "two to four steps" in str(call.said) else POST))


@pytest.fixture
def model(model: Server) -> Server:
    model.script = [well]
    return model


def test_two_minds_are_compared_and_again_offline(hubbub: Hubbub, model: Server) -> None:
    words = ["compare", "new:80", "--minds", "random:20", "--mind", "model", "--against", "rule"]
    words += ["--ticks", "3", "--goal", "be kind", "--replies", "kept.jsonl"]
    said = hubbub(*words).well()
    assert "new:80: 20 members, 3 ticks, seed 0, the same draws in both conditions." in said.out
    assert "source: model" in said.out
    assert "Agreement: the same acts in" in said.out
    asked = len(model.calls)
    assert (hubbub(*words, "--offline").out, len(model.calls)) == (said.out, asked)
    facts = hubbub(*words, "--offline", "--replicates", "1", "--json").json
    assert facts["arms"] == ["model", "rule"]
    assert facts["sources"][0]["model"] > 0
    assert {measure["name"] for measure in facts["measures"]} >= {"reach", "likes", "dollars"}


def test_without_a_model_or_replies_rules_stand_in(hubbub: Hubbub) -> None:
    words = ("compare", "new:60", "--minds", "random:9", "--ticks", "2")
    said = hubbub(*words).well()
    assert "Until then rules decide." in said.err
    assert hubbub(*words, "--offline", "--replicates", "2").code == 0


def test_minds_are_compared_under_what_a_scenario_does(hubbub: Hubbub, tmp_path: Path) -> None:
    open_ = "[network]\nagents = 60\n[platform]\nrhythm = 'flat'\n[stop]\nticks = 3\n"
    late = "[[commands]]\nat = 2\ndo = 'mute'\nagents = 'random:60'\nothers = 'ids:7'\n"
    words = ("--minds", "ids:7", "--mind", "rule", "--offline", "--json")
    fans = World.create(agents=60, seed=0).ties.out_degree[7]
    told = []
    for name, text in (("as-it-is", open_), ("muted", open_ + late)):
        (tmp_path / f"{name}.toml").write_text(text)
        said = hubbub("compare", f"{name}.toml", *words)
        assert (said.code, said.json["ticks"]) == (0, 3), said.err
        found = next(each for each in said.json["measures"] if each["name"] == "followers")
        told.append(found["means"])
    assert told[1] == [told[0][0] - fans] * 2


def test_what_makes_no_comparison_of_minds_is_refused(hubbub: Hubbub, tmp_path: Path) -> None:
    assert "need --minds" in hubbub("compare", "new:60", "--against", "rule").err
    assert "Did you mean" in hubbub("compare", "new:60", "--minds", "ids:1", "--mind", "modle").err
    words = ("compare", "new:60", "--minds", "ids:1", "--offline", "--replies")
    assert hubbub(*words, "nowhere.jsonl").code != 0
    for text in ("[1, 2]\n", "rubbish\n", json.dumps([0] * 17) + "\n"):
        (tmp_path / "odd.jsonl").write_text(text)
        assert "no replies" in hubbub(*words, "odd.jsonl").err


def test_a_run_is_repeated_from_its_manifest(hubbub: Hubbub, model: Server) -> None:
    words = ("--minds", "random:20", "--goal", "inform: tea is nice", "--ticks", "3")
    assert hubbub("run", "new:80", *words, "--save", "a.hub", "--manifest", "r.json").code == 0
    assert hubbub("replay", "--decide", "r.json").code == 0
    asked = len(model.calls)
    said = hubbub("info", "a.hub", "--manifest", "run.json")
    assert "Repeat it: hubbub replay --decide run.json" in said.out
    made = json.loads(Path("run.json").read_text())
    assert made["made"]["models"]
    assert made["minds"] == {"model": 20}
    again = hubbub("replay", "--decide", "run.json", "--save", "b.hub").well()
    assert "without asking a model. The digest is the same." in again.out
    facts = hubbub("replay", "--decide", "a.hub", "--json").json
    assert (facts["same"], facts["missed"], facts["digest"]) == (True, 0, made["digest"])
    assert hubbub("replay", "run.json", "--check").code == 0
    assert len(model.calls) == asked
    assert json.loads(hubbub("info", "a.hub", "--manifest", "-").out)["digest"] == made["digest"]


def test_a_manifest_that_was_changed_is_refused(hubbub: Hubbub) -> None:
    hubbub("run", "new:60", "--minds", "ids:1", "--ticks", "1", "--save", "a.hub")
    hubbub("info", "a.hub", "--manifest", "run.json")
    made = json.loads(Path("run.json").read_text())
    made["acts"][1]["result"] = "something else"
    Path("run.json").write_text(json.dumps(made))
    assert "an incomplete log cannot be repeated" in hubbub("replay", "--decide", "run.json").err


def test_minds_are_listed_and_told_of(hubbub: Hubbub, model: Server) -> None:
    words = ("--minds", "random:25", "--mind", "model,language=German", "--ticks", "3")
    hubbub("run", "new:80", *words, "--goal", "inform: tea", "--save", "a.hub")
    said = hubbub("show", "a.hub", "minds")
    assert "Minds: 25 members" in said.out
    assert "Post about it. / Answer who disagrees." in said.out
    assert "and 5 more" in said.out
    every = hubbub("show", "a.hub", "minds", "--json").json["rows"]
    planned = next(one for one in every if one["plan"])
    told = hubbub("show", "a.hub", "minds", str(planned["agent"])).out
    assert "Writes in German." in told
    assert "Plan, step 2: Answer who disagrees." in told
    assert "Remembers, hour" in told
    nobody = next(n for n in range(80) if n not in {one["agent"] for one in every})
    assert "rules decide for it" in hubbub("show", "a.hub", "minds", str(nobody)).out
    assert "No member of this world" in hubbub("show", "new:30", "minds").out
    assert "rules decide for it" in hubbub("show", "new:30", "minds", "3").out
