import json

import pytest

from tests.unit.cli.conftest import LIKE, Hubbub
from tests.unit.minds.server import Server, body, completion


def test_a_run_with_minds_is_replayed_without_asking(hubbub: Hubbub, model: Server) -> None:
    words = ("--minds", "random:30", "--goal", "be kind", "--ticks", "3", "--save", "a.hub")
    said = hubbub("run", "new:100", *words).well()
    assert "Minds: 30 members" in said.out
    assert "--minds random:30 --goal 'be kind' --ticks 3 --save a.hub --seed 0" in said.out
    asked = len(model.calls)
    again = hubbub("replay", "a.hub", "--check")
    assert (again.code, len(model.calls)) == (0, asked)
    assert "The digest is that of the saved world" in again.out
    more = hubbub("run", "a.hub", "--ticks", "1", "--offline", "--journal")
    assert (more.code, len(model.calls)) == (0, asked)


def test_minds_of_a_saved_world_sleep_until_asked_for(hubbub: Hubbub, model: Server) -> None:
    hubbub("run", "new:100", "--minds", "random:30", "--ticks", "1", "--save", "a.hub")
    asked = len(model.calls)
    said = hubbub("run", "a.hub", "--ticks", "2")
    assert (said.code, len(model.calls)) == (0, asked)
    assert "Language models of 30 members are off; rules decide" in said.err
    said = hubbub("run", "a.hub", "--ticks", "2", "--minds", "awake")
    assert len(model.calls) > asked
    assert "--minds awake" in said.out


def test_without_a_model_rules_decide_and_an_interview_says_what_is_missing(hubbub: Hubbub) -> None:
    said = hubbub("run", "new:100", "--minds", "share:0.3", "--ticks", "2").well()
    assert "No language model is set." in said.err
    assert "Until then rules decide." in said.err
    assert "rule" in said.out
    said = hubbub("ask", "new:50", "3", "Well?")
    assert said.code != 0
    assert "No language model is set." in said.err


def test_minds_have_members_and_known_names(hubbub: Hubbub) -> None:
    run, words = ("run", "new:50"), ("--minds", "ids:1", "--ticks", "1")
    assert "need --minds WHO" in hubbub(*run, "--goal", "x").err
    assert "Did you mean 'model'" in hubbub(*run, *words, "--mind", "modle").err
    assert "own process" in hubbub("--isolated", *run, *words).err


def test_members_are_asked(hubbub: Hubbub, model: Server) -> None:
    one, four = ("ask", "new:50", "3", "Well?"), ("ask", "new:50", "random:4", "Well?")
    assert hubbub(*one).out.strip().endswith(LIKE)
    assert hubbub(*one, "--json").json["answer"] == LIKE
    said = hubbub(*four, "--choices", "like,hate")
    assert said.out.splitlines()[1].split() == ["like", "4", "100%"]
    assert hubbub(*four).out.count(LIKE) == 4
    assert len(hubbub(*four, "--json").json["answers"]) == 4


def test_an_interview_without_an_answer_says_why(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch, model: Server
) -> None:
    monkeypatch.setenv("HUBBUB_LLM_REQUESTS", "0")
    said = hubbub("ask", "new:50", "3", "Well?")
    assert said.code != 0
    assert "budget" in said.err
    said = hubbub("run", "new:50", "--minds", "share:1", "--ticks", "1").well()
    assert "is spent; rules decide instead." in said.err


def test_a_run_without_an_act_ends_with_a_warning(hubbub: Hubbub, model: Server) -> None:
    model.script = [body(completion(json.dumps({"act": "do nothing", "post": 0, "text": ""})))]
    said = hubbub("run", "new:50", "--minds", "share:1", "--ticks", "2")
    assert "decisions came to an act" in said.out


def test_what_minds_would_ask_is_estimated(hubbub: Hubbub) -> None:
    words = ("llm", "estimate", "new:100", "--minds", "random:30", "--ticks", "3")
    said = hubbub(*words)
    assert said.out.startswith("3 ticks: about ")
    assert "no price, as no model is set" in said.out
    assert hubbub(*words, "--json").json["requests"] > 0
    assert "No member of this world has a mind" in hubbub("llm", "estimate", "new:50").err
    assert "--ticks is at least 1" in hubbub(*words[:-1], "0").err
