import json
import os
import pty
import shlex
from contextlib import suppress
from pathlib import Path

import pytest

from sim.cli.output import as_json, say, tell
from sim.cli.watch import watched
from sim.cli.worlds import open_world
from sim.core import clean, quiet
from sim.store import save
from tests.unit.cli.conftest import Hubbub, Said

PAYLOADS = {
    "colour": "\x1b[31mred", "title": "\x1b]0;owned\x07", "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "C1": "\x9b31mred", "reversed": "a\u202egnp.exe", "isolate": "a\u2066b\u2069",
    "tags": "a\U000e0041b", "backspace": "a\x08\x08b\x7f", "surrogate": "a\udc9bb",
    "markup": "[red]a[/red][link=x]b[/]",
}  # fmt: skip
SMALL = "new:50,mean_degree=4"


@pytest.fixture(params=list(PAYLOADS))
def payload(request: pytest.FixtureRequest) -> str:
    return PAYLOADS[str(request.param)]


def require_clean(*texts: str) -> None:
    for text in texts:
        assert clean(text, len(text) + 1) == text


def test_a_run_prints_no_control_and_its_command_repeats_it(
    hubbub: Hubbub, payload: str, tmp_path: Path
) -> None:
    said = hubbub("run", SMALL, "--inject", payload, "--ticks", "2", "--out", "a.json")
    require_clean(said.out, said.err, (tmp_path / "a.json").read_text())
    told = json.loads((tmp_path / "a.json").read_text())
    assert (said.code, hubbub(*shlex.split(told["command"])[1:]).code) == (0, 0)
    repeated = json.loads((tmp_path / "a.json").read_text())
    assert repeated["world"]["digest"] == told["world"]["digest"]
    assert repeated["command"] == told["command"]
    logged = next(tmp_path.glob("**/hubbub.jsonl")).read_text()
    require_clean(*(json.loads(line).get("command", "") for line in logged.splitlines()))


@pytest.mark.parametrize(
    "words",
    [
        ["info", "{}"],
        ["run", "{}"],
        ["run", "{}.toml"],
        ["run", SMALL, "--inject", "x", "--seeds", "{}"],
        ["run", SMALL, "--inject", "x", "--model", "{}"],
        ["run", SMALL, "--inject", "x", "--author", "{}"],
        ["run", SMALL, "--inject", "x", "--draws", "{}"],
        ["run", SMALL, "--inject", "x", "-p", "{}=1"],
        ["run", SMALL, "--inject", "x", "-p", "probability={}"],
        ["run", SMALL, "--ticks", "{}"],
        ["run", SMALL, "--ticks", "1", "--out", "{}/a.json"],
        ["new", "--network", "{}", "--out", "a.hub"],
        ["new", "--trust", "{}", "--out", "a.hub"],
        ["import", "{}", "--out", "a.hub"],
        ["plugin", "check", "{}"],
        ["plugin", "check", "{}.py"],
        ["models", "{}"],
        ["verify", "{}"],
        ["--{}"],
        ["{}"],
        ["--profile", "{}", "phases"],
    ],
    ids=" ".join,
)
def test_a_refusal_quotes_no_control_and_is_one_line(hubbub: Hubbub, words: list[str]) -> None:
    for payload in PAYLOADS.values():
        said = hubbub(*(word.replace("{}", payload) for word in words))
        assert said.code not in {0, 1}
        assert said.out == ""
        require_clean(said.err)
        assert said.err.count("\n") == 1


def test_names_of_files_are_shown_clean(hubbub: Hubbub, payload: str) -> None:
    name = payload.replace("/", "_") + ".hub"
    save(open_world(SMALL, quiet), name)
    folder = Path.cwd()
    said: list[Said] = [hubbub(*words) for words in (("info", name), ("verify", name))]
    said += [hubbub("info", name, "--json"), hubbub("verify", folder / name, "--json")]
    said += [hubbub("new", "--agents", "50", "--out", name, "--force")]
    for each in said:
        assert each.code == 0
        require_clean(each.out, each.err)
    assert json.loads(said[2].out)["path"] == name


def test_imported_names_are_shown_clean(hubbub: Hubbub, payload: str, tmp_path: Path) -> None:
    if payload.isprintable():
        name = payload.replace("=", "_").replace(" ", "_")
        (tmp_path / "a.txt").write_text(f"b {name}\nb c\n{name} c\n")
        for words in ("import a.txt --ids str --out a.hub", "info a.hub --structure"):
            said = hubbub(*words.split()).well()
            require_clean(said.out, said.err)


def test_a_traceback_is_shown_clean(
    hubbub: Hubbub, payload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError(payload)

    monkeypatch.setattr("sim.cli.about.show_phases", fail)
    for words in (["phases"], ["phases", "--debug"]):
        said = hubbub(*words)
        require_clean(said.err)
        assert (said.code, "ZeroDivisionError" in said.err) == (1, True)


def test_lines_and_json_are_clean_always(payload: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(payload)
    tell(payload)
    require_clean(*capsys.readouterr(), as_json({payload: payload}))
    assert json.loads(as_json([payload])) == [payload]


def test_a_bar_takes_no_markup_from_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with os.fdopen(slave, "w") as terminal, monkeypatch.context() as patch:
        patch.setattr("sys.stderr", terminal)
        with watched() as report:
            report("[red]re[/red] \x1b]0;owned\x07", 0.5)
    seen = drained(master)
    assert "[red]re[/red]" in seen
    assert "\x1b]0;" not in seen


def drained(master: int) -> str:
    """Read a terminal whose other end is closed."""
    seen = b""
    with suppress(OSError):
        while piece := os.read(master, 65536):
            seen += piece
    os.close(master)
    return seen.decode()
