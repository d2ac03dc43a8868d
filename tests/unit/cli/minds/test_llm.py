import io
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
from tests.unit.cli.conftest import Hubbub
from tests.unit.minds import server as servers
from tests.unit.minds.fake_local import __file__ as fake
from tests.unit.minds.server import Server


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
    assert "pip install 'hubbub[llm]'" in out
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
