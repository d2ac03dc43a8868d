import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import typer.main

import sim
from sim.cli import start
from sim.cli.app import app
from sim.cli.exits import EXITS
from sim.cli.help import SCREEN
from sim.cli.main import global_options_first
from sim.core.threads import allow
from sim.errors import (
    Cancelled,
    CapacityError,
    FileError,
    HubbubError,
    InputError,
    PluginError,
    SettingsError,
)
from sim.io import EXPORTS
from sim.settings import current
from sim.store import SnapshotCapacityError
from sim.store.snapshot import files
from tests.unit.cli.conftest import Hubbub


def raising(error: BaseException) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let ``hubbub phases`` raise an error."""
    return lambda error: monkeypatch.setattr("sim.cli.about.show_phases", raising(error))


def test_hubbub_and_python_m_sim_tell_their_version(hubbub: Hubbub) -> None:
    assert hubbub("--version") == (0, f"hubbub {sim.__version__}\n", "")
    assert shell(f"{sys.executable} -m sim --version")[0] == f"hubbub {sim.__version__}\n"


def test_help_lists_every_verb_and_exit_code_on_one_screen(hubbub: Hubbub) -> None:
    said = hubbub("--help").well()
    words = said.out.replace(",", " ").split()
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert {name, *getattr(command, "commands", {})} <= set(words)
    told = hubbub("--options").well()
    text = " ".join(told.out.split())
    for code, meaning in EXITS.items():
        assert f"{code} {meaning}" in text
    for word in (word.strip("():") for word in words):
        if word.startswith("--"):
            assert re.search(rf"{word}[, ]", text)
    lines = hubbub("--help").out.splitlines()
    assert len(lines) < 24  # the last line is the prompt's
    assert max(map(len, lines)) < 80


def every_verb() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words of each noun and verb, with its command."""

    def within(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
        yield words, command
        taken = ["demo" for each in command.params if each.param_type_name == "argument"]
        for name, verb in getattr(command, "commands", {}).items():
            yield from within(verb, (*words, *taken, name))

    yield from within(typer.main.get_command(app), ())


def test_the_help_of_every_verb_fits_one_screen_and_names_every_option(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words, command in every_verb():
        lines = hubbub(*words, "--help").out.splitlines()
        assert len(lines) < SCREEN, words
        assert max(map(len, lines)) < 80, words
        assert lines[0].startswith(f"Usage: hubbub {' '.join(words[:1])}"), words
        named = {name for line in lines for name in re.findall(r"--?[a-z][a-z-]*", line)}
        whole = " ".join(hubbub(*words, "--options").out.split()) if "options" in named else ""
        for each in command.params:
            if words and each.param_type_name == "option" and not each.hidden:
                assert each.opts[-1] in named, words
                assert not whole or each.help.split(".")[0] in whole, words


def test_a_verb_with_many_options_explains_each_by_panel(hubbub: Hubbub) -> None:
    first = hubbub("run", "--help").out
    assert "\nhubbub run --options explains every option.\n" in first
    assert "The message: --author --tags --priority --draws --channel --image --alt\n" in first
    assert "--least-share FLOAT" not in first
    whole = hubbub("run", "--options").out
    assert "The message:\n  --author" in whole
    assert "Stop when models make less than this share" in " ".join(whole.split())
    assert "explains every option" not in hubbub("verify", "--help").out


def test_a_flag_prints_or_writes_the_same_way_in_every_verb() -> None:
    for words, command in every_verb():
        for each in command.params:
            if each.param_type_name != "option":
                continue
            flags = {"--json", "--csv", "--resume", "--force"} & set(each.opts)
            files = {"--out", "--into", "--save"} & set(each.opts)
            assert not flags or each.is_flag, words
            assert not files or not each.is_flag, words
            assert not {"--write", "--plot", "--report", "--parquet"} & set(each.opts), words


def test_an_option_takes_one_kind_of_value_in_every_verb() -> None:
    kinds: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    written: dict[str, set[str]] = {}
    for words, command in every_verb():
        for each in command.params:
            if each.param_type_name != "option":
                continue
            takes = each.type_descriptor.annotation
            kind = "flag" if each.is_flag else (*get_args(takes), takes)[0].__name__
            for name in each.opts:
                kinds.setdefault(name, {}).setdefault(kind, []).append(words)
                written.setdefault(name, set()).update({each.metavar} - {None})
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}
    assert {name: found for name, found in written.items() if len(found) > 1} == {}
    wanted = {"--seed": "int", "--seeds": "str", "--replicates": "int", "--from": "int",
              "--to": "int", "--message": "int", "--minds": "str", "--json": "flag"}  # fmt: skip
    assert {name: [*kinds[name]] for name in wanted} == {n: [kind] for n, kind in wanted.items()}


def test_an_option_by_its_former_name_is_none(hubbub: Hubbub) -> None:
    for *words, option in (
        ("info", "demo", "--network"), ("phases", "--platform"), ("replay", "a.hub", "--minds"),
        ("replay", "a.hub", "--from"), ("compare", "demo", "--message"),
        ("seeds", "demo", "--budget"), ("models", "sir", "--seeds"),
        ("saves", "restore", "a", "--from"),
    ):  # fmt: skip
        said = hubbub(*words, option, "1")
        assert (said.code, bool(re.match(rf"No such option: {option}[. ]", said.err))) == (2, True)


NO, SEE = "No such command", "See hubbub --help.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("frobnicate", f"{NO} 'frobnicate'. {SEE}"),
        ("run", "Missing argument 'WORLD'. See hubbub run --help.\n"),
        ("run demo --tick 3", "--tick"),
        ("new", "Missing option"),
        ("phases --threads", "requires an argument"),
        ("rnu", f"{NO} 'rnu'. Did you mean 'run'? {SEE}"),
        ("gallery", f"{NO} 'gallery'. Did you mean 'scenario list'? {SEE}"),
        ("duplicate a b", f"{NO} 'duplicate'. Did you mean 'saves duplicate'? {SEE}"),
        ("saves lits", f"{NO} 'lits'. Did you mean 'list'? See hubbub saves --help.\n"),
        ("show agents demo", "The world comes first: show demo agents. See hubbub show --help.\n"),
        ("agents demo", f"{NO} 'agents'. Did you mean 'show WORLD agents' or 'edit WORLD agents'? "
         + SEE),
        ("survey", f"{NO} 'survey'. Did you mean 'ask WORLD WHO'? {SEE}"),
        ("past", "Missing command: branch, bookmark, back. See hubbub past --help.\n"),
        ("new -o a --agents x", "--agents takes a whole number, got 'x'. See hubbub new --help.\n"),
        ("new -o a --mean-degree x",
         "--mean-degree takes a number, got 'x'. See hubbub new --help.\n"),
        ("run demo --platform", "'--platform' requires an argument: Open a platform where the "
         "world has none"),
    ],
)  # fmt: skip
def test_wrong_words_are_one_sentence(hubbub: Hubbub, words: str, sentence: str) -> None:
    said = hubbub(*words.split(" "))
    said.refuses(sentence)
    assert said.err.endswith(" --help.\n")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (HubbubError("It."), 1, "It."),
        (InputError("It."), 2, "It."),
        (SettingsError("It."), 2, "It."),
        (FileError("a", "it"), 3, "a: it."),
        (CapacityError("It."), 4, "It."),
        (SnapshotCapacityError("a.hub", "is too large"), 4, "a.hub: is too large."),
        (PluginError("a", "it"), 5, "Plugin 'a': it."),
        (Cancelled("It."), 130, "It."),
        (KeyboardInterrupt(), 130, "Cancelled."),
        (MemoryError(), 4, "The memory is used up; make a smaller world or close programs."),
        (PermissionError(13, "Permission denied", "a.json"), 3, "a.json: permission denied."),
    ],
)
def test_every_kind_of_error_has_its_code(
    hubbub: Hubbub, failing: Any, error: BaseException, code: int, sentence: str
) -> None:
    failing(error)
    assert hubbub("phases") == (code, "", sentence + "\n")


@pytest.mark.parametrize("words", [("open", "x" * 50_000), ("config", "set", "y" * 50_000, "1")])
def test_a_sentence_quotes_nothing_endless(hubbub: Hubbub, words: tuple[str, ...]) -> None:
    said = hubbub(*words)
    assert said.code
    assert len(said.err) <= 2_001
    assert " … " in said.err
    assert said.err.endswith(".\n")


def test_a_bug_is_a_sentence_and_a_report(
    hubbub: Hubbub, failing: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HUBBUB_LOG_FOLDER", str(tmp_path / "logs"))
    failing(ZeroDivisionError("by\nzero"))
    said = hubbub("phases")
    report = next((tmp_path / "logs").glob("crash-*.txt"))
    wanted = f"Hubbub failed unexpectedly: ZeroDivisionError: by zero. The report is {report}.\n"
    assert said == (1, "", wanted)
    assert "Traceback" in report.read_text()
    record = json.loads((tmp_path / "logs" / "hubbub.jsonl").read_text())
    assert (record["level"], record["error"]) == ("error", "ZeroDivisionError: by zero")
    monkeypatch.setenv("HUBBUB_LOG_FOLDER", str(report))  # no place for reports
    assert hubbub("phases").err.endswith("Run it again with --debug to see where.\n")


def test_debug_shows_the_traceback(hubbub: Hubbub, failing: Any) -> None:
    failing(ZeroDivisionError("by zero"))
    said = hubbub("phases", "--debug")
    assert said.err.startswith("Traceback (most recent call last):\n")
    assert said.err.endswith("\nZeroDivisionError: by zero\n")
    assert said.code == 1
    assert hubbub("phases", "--nonsense", "--debug").code == 2  # wrong words stay a sentence


def test_a_message_may_say_debug_and_changes_nothing_else(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = hubbub("run", "new:50,mean_degree=2", "--inject", "--debug", "--json").json
    assert told["cascades"][0]["text"] == "--debug"
    monkeypatch.setattr("sim.cli.running.of_world", raising(ZeroDivisionError("by zero")))
    for line in ("run x --inject --debug", "--profile=test run x"):
        assert hubbub(*line.split()).err.startswith("Hubbub failed unexpectedly: ZeroDivisionErr")
    for line in ("--profile test --debug run x", "run --saves=y x --debug"):
        assert hubbub(*line.split()).err.startswith("Traceback (most recent call last):")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["run", "demo", "--threads", "2"], ["--threads", "2", "run", "demo"]),
        (["run", "--saves=x", "demo"], ["--saves=x", "run", "demo"]),
        (["run", "--debug", "a"], ["--debug", "run", "a"]),
        (["run", "--", "--debug"], ["run", "--", "--debug"]),
        (["run", "--threads"], ["--threads"]),
        (["saves/a.hub", "--calm"], ["--calm", "open", "saves/a.hub"]),
        (["run", "--debug=1"], ["run", "--debug=1"]),
        (["run", "a", "--inject", "--debug"], ["run", "a", "--inject", "--debug"]),
        (["run", "a", "--inject", "--threads", "2"], ["run", "a", "--inject", "--threads", "2"]),
        (["run", "--inject", "--seeds", "--debug"], ["--debug", "run", "--inject", "--seeds"]),
        (["run", "--until-quiet", "--debug"], ["--debug", "run", "--until-quiet"]),
        (["info", "a", "--json", "--debug"], ["--debug", "info", "a", "--json"]),
        (["run", "a", "--out", "--debug"], ["run", "a", "--out", "--debug"]),
        (["plugin", "check", "-p", "--saves=x"], ["plugin", "check", "-p", "--saves=x"]),
        (["plugin", "list", "--json", "--saves=x"], ["--saves=x", "plugin", "list", "--json"]),
    ],
)
def test_shared_options_stand_anywhere(typed: Sequence[str], meant: list[str]) -> None:
    assert global_options_first(typed) == meant


def test_without_a_terminal_the_screen_names_the_headless_command(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in ((), ("open", "a.hub")):
        hubbub(*words).refuses("hubbub run demo")
    monkeypatch.setenv("TERM", "dumb")
    assert "TERM=dumb" in hubbub().err


HERE = {"saves": Path("here")}
SCREENS: list[tuple[tuple[str, ...], tuple[Any, ...]]] = [
    ((), (None, HERE, "on")),
    (("open", "a.hub"), (Path("a.hub"), HERE, "on")),
    (("--isolated",), (None, HERE | {"isolated": True}, "on")),
    (("open", "a.hub", "--isolated"), (Path("a.hub"), HERE | {"isolated": True}, "on")),
    (("open", "a.hub", "--read-only"), (Path("a.hub"), HERE | {"read_only": True}, "on")),
    (("open", "a.hub", "--no-journal"), (Path("a.hub"), HERE, "off")),
    (("--journal", "open", "a.hub"), (Path("a.hub"), HERE, "on")),
    (("--no-journal",), (None, HERE, "off")),
]


@pytest.mark.parametrize(("words", "wanted"), SCREENS)
def test_the_screen_that_is_installed_is_asked_for_what_was_typed(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], wanted: Any
) -> None:
    asked: list[Any] = []

    def show(path: Path | None, **how: Any) -> int:
        asked.append((path, how, current().journal))
        return 7

    monkeypatch.setattr(start, "_require_terminal", lambda: None)
    entry = SimpleNamespace(load=lambda: show)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [entry])
    assert hubbub("--saves", "here", *words).code == 7
    assert asked == [wanted]
    monkeypatch.setattr("sim.cli.main._command", None)  # no verb is built for the screen alone
    assert hubbub("--tour").code == 7
    assert asked[1][1]["tour"]


def test_without_a_screen_there_is_a_sentence(
    hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "_require_terminal", lambda: None)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])
    assert hubbub().err == "No screen is installed; reinstall Hubbub, or use hubbub run.\n"


def test_names_are_completed_in_the_shell() -> None:
    names = start.completed("models")("si")
    assert {"si", "sir", "sis"} <= set(names)
    assert all(name.startswith("si") for name in names)
    assert start.completed("networks")("small") == ["small-world"]
    assert start.completed("forms")("thr") == ["threshold"]
    assert start.completed("exports")("") == list(EXPORTS)


def test_threads_govern_digests_of_saves(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, count: int) -> None:
            asked.append(count)
            super().__init__(count)

    monkeypatch.setattr(files, "ThreadPoolExecutor", Pool)
    try:
        words = ("new", "--agents", "150000", "--mean-degree", "2", "-o", "a.hub", "--threads")
        assert hubbub(*words, "3").code == 0
        assert hubbub(*words, "1", "--force").code == 0
    finally:
        allow(None)
    assert asked == [3, 1]


def test_threads_reach_the_engine(hubbub: Hubbub) -> None:
    import numba

    told, before = os.environ.get("NUMBA_NUM_THREADS"), numba.get_num_threads()
    try:
        assert hubbub("phases", "--threads", "1").code == 0
        assert os.environ.get("NUMBA_NUM_THREADS") == told
        assert numba.get_num_threads() == 1
        assert hubbub("phases", "--threads", "1000").code == 0
    finally:
        numba.set_num_threads(before)


def shell(words: str) -> tuple[str, str]:
    root = Path(sim.__file__).parents[1]
    done = subprocess.run(
        ["bash", "-c", words], check=True, capture_output=True, text=True, cwd=root
    )
    return done.stdout, done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    words = f"{sys.executable} -m sim models --json | sleep 0; echo ${{PIPESTATUS[0]}}"
    code, said = shell(words)
    assert (code in {"141\n", "0\n"}, said) == (True, "")
