import io
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from sim.cli import providers as llm
from sim.errors import SettingsError
from sim.minds.models import local
from sim.minds.models.configured import prompts_folder, providers_in
from sim.settings import load_settings
from tests.unit.cli.conftest import LIKE, Hubbub
from tests.unit.minds import server as servers
from tests.unit.minds.fake_local import __file__ as fake
from tests.unit.minds.server import Server, body, completion


def test_without_a_model_it_says_how_to_set_one(hubbub: Hubbub) -> None:
    said = hubbub("llm", "check").well()
    assert said.out.startswith('No language model is set. Write llm_model = "gpt-4o-mini" into ')


def test_a_model_elsewhere_needs_a_key(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("HUBBUB_LLM_MODEL", "gpt-4o-mini")
    said = hubbub("llm", "check")
    way_out = "needs a key. Put it into the environment or .env as HUBBUB_LLM_KEY"
    assert (said.code, way_out in said.err) == (2, True)


def test_models_are_asked_on_wish_and_no_key_is_shown(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server() as good, Server(servers.status(401)) as bad:
        monkeypatch.setenv("HUBBUB_LLM_MODEL", "a")
        monkeypatch.setenv("HUBBUB_LLM_URL", good.url)
        monkeypatch.setenv("HUBBUB_LLM_KEY", "sk-canary-0011223344")
        monkeypatch.setenv("HUBBUB_LLM_FALLBACKS", f'["b@{bad.url}"]')
        said = hubbub("llm", "check", "--ask")
        rows = hubbub("llm", "check", "--json").json["models"]
    assert [row["model"] for row in rows] == ["a", "b"]
    assert [row["key"] for row in rows] == ["yes", "none"]
    lines = said.out.splitlines()
    assert lines[1].split()[:6] == ["a", "127.0.0.1", "yes", "$0/M", "$0/M", "yes"]
    assert "the key was refused" in lines[2]
    assert "canary" not in said.out + said.err


def test_fallbacks_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(llm_model="a", llm_key="k1", llm_fallbacks=("b@https://x.example/v1",))
    first, second = providers_in(settings, {"HUBBUB_LLM_KEY_2": "k2"})
    assert (first.key.reveal(), second.key.reveal(), second.host) == ("k1", "k2", "x.example")
    with pytest.raises(SettingsError, match="HUBBUB_LLM_KEY_2"):
        providers_in(settings, {})


def test_what_is_missing_is_said(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_LLM_LOCAL", "true")
    monkeypatch.setattr(llm, "find_spec", lambda _: None)
    monkeypatch.setattr(llm, "missing_parts", lambda: ("xllamacpp",))
    Path(".env").write_text("HUBBUB_LLM_KEY=x\n")
    Path(".env").chmod(0o644)
    out = hubbub("llm", "check").out
    assert "The model on this machine (smollm2-135m-instruct) is asked first." in out
    assert "pip install 'openai[aiohttp]'" in out
    assert "run: hubbub llm install" in out
    assert "run: chmod 600 .env" in out
    monkeypatch.setenv("HUBBUB_LLM_BASE_URL", "http://127.0.0.1:9")
    assert "HUBBUB_LLM_BASE_URL" in hubbub("llm", "check").err


def test_prices_are_listed(hubbub: Hubbub) -> None:
    assert "gpt-4o-mini 0.15 0.6" in " ".join(hubbub("llm", "prices").out.split())
    told = hubbub("llm", "prices", "gpt-4o", "--json").json
    assert told == {"gpt-4o": {"read": 2.5, "written": 10.0}}
    hubbub("llm", "prices", "gpt-4o-mni").refuses("Did you mean 'gpt-4o-mini'?")


def test_templates_are_shown_and_copied_once(hubbub: Hubbub) -> None:
    assert hubbub("llm", "prompts").out.splitlines()[1].startswith("decide")
    assert "=== user" in hubbub("llm", "prompts", "decide").out
    copied = hubbub("llm", "prompts", "decide", "--edit")
    own = prompts_folder() / "decide.txt"
    assert copied.out.startswith(f"Copied to {own}")
    own.write_text("A $name.\n=== user\nB")
    assert hubbub("llm", "prompts", "decide").out == "A $name.\n=== user\nB\n"
    assert "exists already" in hubbub("llm", "prompts", "decide", "--edit").err


def test_a_folder_that_cannot_be_written_is_said(hubbub: Hubbub) -> None:
    prompts_folder().parent.mkdir(parents=True)
    prompts_folder().write_text("a file")
    assert "cannot be written" in hubbub("llm", "prompts", "decide", "--edit").err


def test_installing_asks_and_says_failures(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Sequence[str]] = []
    monkeypatch.setattr(llm, "install_commands", lambda: [["pip", "x"], ["pip", "y"]])

    def run(command: Sequence[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        ran.append(command)
        return subprocess.CompletedProcess(command, len(ran) - 1)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "add --yes" in hubbub("llm", "install").err
    assert not ran
    said = hubbub("llm", "install", "--yes")
    assert "pip y failed" in said.err
    typed = io.StringIO("no\nyes\n")
    monkeypatch.setattr(typed, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", typed)
    monkeypatch.setattr(llm, "install_commands", lambda: [["pip", "x"]])
    ran.clear()
    assert "Nothing was installed." in hubbub("llm", "install").out
    assert "write llm_local = true into" in hubbub("llm", "install").out
    monkeypatch.setattr(llm, "install_commands", list)
    assert "is installed; start it with" in hubbub("llm", "install").out


SERVED = partial(local.LocalModel, command=[sys.executable, fake, "serves"])


def test_the_local_model_is_served_until_interrupted(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True])

    def runs(_: local.LocalModel) -> bool:
        if not next(answers, False):
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(llm, "LocalModel", SERVED)
    monkeypatch.setattr(local.LocalModel, "runs", property(runs))
    said = hubbub("llm", "serve", "--port", "0")
    assert "answers at http://127.0.0.1:" in said.out
    assert said.err == "Stopped.\n"


def test_a_local_model_that_ends_is_said(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "LocalModel", SERVED)
    monkeypatch.setattr(local.LocalModel, "runs", property(lambda _: False))
    assert "stopped unexpectedly" in hubbub("llm", "serve", "--port", "0").err


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
