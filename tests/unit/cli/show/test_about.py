import os
from pathlib import Path

import pytest

from sim import names, spec
from sim.errors import PluginError
from sim.world.phases import PHASES
from tests.unit.cli.conftest import Hubbub

MINE = '''
from sim import Compartments, Field, after, contact, register

@register("mine-of-the-tests")
class Mine(Compartments):
    """Rest a while, then tell."""

    beta: float = Field(0.5, ge=0, le=1, description="chance per contact")
    rest: int = Field(2, ge=0, description="until bored", json_schema_extra={"unit": "ticks"})
    states = ("not heard", "telling", "bored")
    seeded = "telling"
    rules = (contact("not heard", "telling", by="telling", chance="beta"),)
'''


def test_models_are_listed_with_their_first_sentence_and_what_a_form_needs(hubbub: Hubbub) -> None:
    said = hubbub("models").well()
    lines = [line.strip() for line in said.out.splitlines() if line.startswith("  ")]
    listed = dict(line.split("  ", 1) for line in lines)
    assert set(listed) == set(names())
    assert listed["sir"].strip() == spec("sir").summary
    found = {facts["name"]: facts for facts in hubbub("models", "--json").json}
    gamma = next(p for p in found["sir"]["parameters"] if p["name"] == "gamma")
    assert (gamma["type"], gamma["low"], gamma["high"]) == ("float", 0, 1)


def test_one_model_is_told_with_parameters_and_origin(hubbub: Hubbub, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    said = hubbub("models", "mine-of-the-tests", "--plugin", "mine.py")
    assert "Rest a while, then tell." in said.out
    assert "ticks  until bored" in said.out
    assert str(tmp_path / "mine.py") in said.out
    facts = hubbub("models", "mine-of-the-tests", "--json").json
    assert [parameter["name"] for parameter in facts["parameters"]][-2:] == ["beta", "rest"]
    assert facts["parameters"][-2]["high"] == 1


def test_unknown_models_and_settings_stop_a_verb(hubbub: Hubbub) -> None:
    assert hubbub("models", "independant-cascade") == (
        2, "",
        "No propagation model named 'independant-cascade'. Did you mean 'independent-cascade'?\n",
    )  # fmt: skip
    wrong = "threads must be in [1, 1024], got 0 (the command line (--threads)).\n"
    assert hubbub("phases", "--threads", "0") == (2, "", wrong)


def test_plugin_list_shows_origins_and_failures(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (PluginError("theirs", "could not be imported: no module named 'x'"),)
    monkeypatch.setattr("sim.core.registry.failures", lambda: broken)
    said = hubbub("plugin", "list")
    assert "plugins.epidemics.classical" in said.out
    assert said.err == "Plugin 'theirs': could not be imported: no module named 'x'.\n"
    kinds = {facts["kind"] for facts in hubbub("plugin", "list", "--json").json}
    assert {"propagation", "recommender"} <= kinds


def test_plugin_check_holds_a_model_or_a_file_to_the_laws(hubbub: Hubbub, tmp_path: Path) -> None:
    assert hubbub("plugin", "check", "si", "-p", "beta=0.5").out.startswith("si: passes ")
    (tmp_path / "mine.py").write_text(MINE.replace("mine-of", "mine-two-of"))
    assert hubbub("plugin", "check", "mine.py").out.startswith("mine-two-of-the-tests: passes ")


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        (None, 3, "there is no such plugin file"),
        ("import nothing_of_the_kind", 5, "could not be imported: ModuleNotFoundError"),
        ("x = 1", 5, "registers nothing"),
    ],
)
def test_a_plugin_file_that_does_not_load_is_named(
    hubbub: Hubbub, tmp_path: Path, text: str | None, code: int, sentence: str
) -> None:
    if text is not None:
        (tmp_path / "theirs.py").write_text(text)
    hubbub("models", "--plugin", "theirs.py").refuses(sentence, code)


def test_phases_are_the_tick_in_order(hubbub: Hubbub) -> None:
    lines, note = hubbub("phases").out.split("\n\n")
    names = [*(phase.name for phase in PHASES), "watch"]
    assert [line.split()[1] for line in lines.splitlines()] == names
    assert [facts["name"] for facts in hubbub("phases", "--json").json] == names
    assert "worlds that take metrics" in note


def test_config_shows_values_and_their_origins(
    hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("symbols = 'ascii'\n")
    monkeypatch.setenv("HUBBUB_THEME", "night")
    monkeypatch.setenv("HUBBUB_THREDS", "2")
    said = hubbub("config", "--threads", "1", "--settings", "mine.toml", "--json")
    assert said.json["threads"]["from"] == "the command line (--threads)"
    assert said.json["symbols"] == {
        "value": "ascii", "from": "the file mine.toml",
        "meaning": "symbols of curves and maps",
    }  # fmt: skip
    assert said.json["theme"]["from"] == "the environment variable HUBBUB_THEME"
    slip = "HUBBUB_THREDS is no setting and changes nothing; did you mean HUBBUB_THREADS?\n"
    assert said.err == slip
    lines = hubbub("config", "--profile", "test").out.splitlines()
    assert lines[1].split()[:5] == ["profile", "test", "the", "command", "line"]


def test_doctor_finds_nothing_wrong_here(hubbub: Hubbub) -> None:
    assert hubbub("doctor").well().out.splitlines()[-1] == "No problems found."
    facts = hubbub("doctor", "--json").json
    assert facts["problems"] == []
    assert facts["libraries"]["numpy"].count(".") >= 1
    assert facts["machine"]["memory MB"] > 0
    assert facts["terminal"]["output is a terminal"] is False
    assert facts["paths"]["settings"].endswith("settings.toml (absent)")
    assert facts["paths"]["log"].endswith("hubbub.jsonl (absent)")


def test_doctor_says_what_is_wrong(
    hubbub: Hubbub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_THREDS", "2")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HUBBUB_SAVES", str(tmp_path / "a" / "b"))
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 30, 0))
    monkeypatch.setattr("sim.cli.doctor.names", tuple)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("sim.cli.doctor._LIBRARIES", ("numpy", "a-library-of-no-name"))
    said = hubbub("doctor", "--json")
    assert said.code == 1
    problems = " ".join(said.json["problems"])
    for part in ("HUBBUB_THREDS", "older than 3.35", "NUMBA_CACHE_DIR", "HUBBUB_SAVES", "No prop"):
        assert part in problems
    assert said.json["libraries"]["a-library-of-no-name"] == "-"
    assert "No propagation model is registered" in hubbub("doctor").out
