import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sim import load_file
from sim.cli.templates import TEMPLATES
from sim.cli.watch import probe_foreign
from sim.core import plugin_files, registry, user_folder
from sim.core.cards import missing
from sim.errors import PluginError
from sim.testing import check_plugin, tiny_world
from tests.unit.cli.conftest import Hubbub

LOUD = '''
from sim import PropagationModel, register

@register("loud-of-the-tests")
class Loud(PropagationModel):
    """Prints."""

    def step(self, cascade, contacts, draws):
        print("over the screen")
'''


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    named = set(registry._named)
    yield
    registry._named.clear()
    registry._named.update(named)


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> tuple[registry.Spec, ...]:
    """What a plugin file brought, which is all that is foreign."""
    Path("loud.py").write_text(LOUD)
    found = load_file("loud.py")
    monkeypatch.setattr("sim.core.registry.foreign", lambda: found)
    return found


def written(hubbub: Hubbub, form: str, folder: Path) -> Path:
    name = f"made-of-the-tests-{form}"
    said = hubbub("plugin", "new", name, "--form", form, "--out", folder).well()
    file = folder / f"{name.replace('-', '_')}.py"
    assert f"hubbub plugin check {file}" in said.out
    assert f"hubbub --plugin {file}" in said.out
    return file


ARRAY = "test_made_of_the_tests_array.py"


@pytest.mark.parametrize("form", TEMPLATES)
def test_what_new_writes_keeps_the_laws_and_has_a_whole_card(
    form: str, hubbub: Hubbub, tmp_path: Path
) -> None:
    (item,) = load_file(written(hubbub, form, tmp_path))
    assert "afresh" in check_plugin(item.cls)  # type: ignore[arg-type]
    assert missing(item.cls) == ()
    assert item.version == "0.1"
    nobody: dict[str, Any] = TEMPLATES[form][1]
    world = tiny_world()
    story = world.inject("x", seeds=[0], model=item.name, **nobody)
    world.step(10)
    assert story.size == 1


def test_what_new_writes_is_clean_and_passes_its_own_tests(hubbub: Hubbub, tmp_path: Path) -> None:
    for form in TEMPLATES:
        written(hubbub, form, tmp_path)
    (tmp_path / "own.ini").write_text("[pytest]\n")
    tools = (
        ("ruff", "check", "--isolated", "."),
        ("ruff", "format", "--check", "--isolated", "--line-length", "100", "."),
        ("pytest", "-q", "-p", "no:cacheprovider", "-c", "own.ini", "--rootdir", ".", ARRAY),
    )
    root = Path(__file__).resolve().parents[3]
    env = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for tool in tools:
        done = subprocess.run(
            [sys.executable, "-m", *tool], cwd=tmp_path, env=env, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("Mixed-Case",), 2, "A plugin's name is lower-case words joined by '-'"),
        (("my_model",), 2, "got 'my_model'; try 'my-model'."),
        (("two words",), 2, "try 'two-words'."),
        (("class",), 2, "class.py, cannot be imported; try 'my-class'."),
        (("2fast",), 2, "2fast.py, cannot be imported; try 'my-2fast'."),
        (("numpy",), 2, "numpy.py, would hide Python's numpy; try 'my-numpy'."),
        (("random", "--form", "recommender"), 2, "would hide Python's random"),
        (("sir",), 2, "A model named 'sir' exists already"),
        (("mine", "--form", "thresholds"), 2, "Did you mean 'threshold'?"),
        (("mine", "--out", "nowhere"), 3, "its folder does not exist"),
        (("taken",), 3, "taken.py: exists already"),
    ],
)
def test_new_refuses_before_it_writes(
    words: tuple[str, ...], code: int, sentence: str, hubbub: Hubbub
) -> None:
    Path("taken.py").write_text("mine")
    hubbub("plugin", "new", *words).refuses(sentence, code)
    assert [path.name for path in Path().glob("*.py")] == ["taken.py"]
    assert Path("taken.py").read_text() == "mine"


def test_a_foreign_plugin_is_listed_checked_enabled_and_disabled(hubbub: Hubbub) -> None:
    user_folder().mkdir(parents=True)
    file = written(hubbub, "array", user_folder())
    name = file.stem.replace("_", "-")
    said = hubbub("plugin", "list")
    (line,) = [line for line in said.out.splitlines() if line.startswith(name)]
    assert " off " in line
    assert "hubbub plugin enable NAME" in said.err
    said = hubbub("plugin", "enable", name).well()
    assert f"{name}: passes " in said.out
    assert "Enabled made_of_the_tests_array (version 0.1, API 1, SHA-256 " in said.out
    facts = {each["name"]: each for each in hubbub("plugin", "list", "--json").json}
    assert name not in facts  # on, and loaded by the next process
    file.write_text(file.read_text() + "# changed\n")
    assert "off: changed since it was enabled" in hubbub("plugin", "list").out
    assert hubbub("plugin", "reload", name).code == 0
    assert "Disabled made_of_the_tests_array" in hubbub("plugin", "disable", name).out
    assert "Was not enabled: made_of" in hubbub("plugin", "disable", name).out


def test_a_file_enabled_anywhere_is_found_and_listed_from_then_on(hubbub: Hubbub) -> None:
    folder = Path("elsewhere")
    folder.mkdir()
    file = written(hubbub, "array", folder).resolve()
    assert str(file) not in hubbub("plugin", "list").out
    assert hubbub("plugin", "enable", file).code == 0
    (found,) = [each for each in plugin_files.found() if each.place == str(file)]
    assert found.status == "on"
    file.write_text(file.read_text() + "# changed\n")
    assert "off: changed since it was enabled" in hubbub("plugin", "list").out
    assert str(file) in hubbub("plugin", "list").out
    file.unlink()
    assert str(file) not in hubbub("plugin", "list").out


def test_a_plugin_that_breaks_a_law_stays_off(hubbub: Hubbub) -> None:
    Path("loud.py").write_text(LOUD)
    said = hubbub("plugin", "enable", "loud.py")
    assert said.code == 5
    assert "writes text to the terminal" in said.out
    assert "loud stays off" in said.err


def test_a_missing_requirement_is_named_in_the_list_and_at_enabling(hubbub: Hubbub) -> None:
    Path("plugins").mkdir()
    Path("plugins/loud.py").write_text('requires = ("no-such-package",)\n' + LOUD)
    assert "off; needs no-such-package (not installed)" in hubbub("plugin", "list").out
    said = hubbub("plugin", "enable", "loud")
    assert said.code == 5
    assert "needs no-such-package (not installed); install it beside Hubbub" in said.err


def test_bench_says_contacts_a_second_and_where_time_goes(hubbub: Hubbub) -> None:
    words = ("--agents", "2000", "--ticks", "3", "--replicates", "1")
    said = hubbub("plugin", "bench", "si", "-p", "beta=0.3", *words).well()
    assert "M contacts/s" in said.out
    assert "times as many contacts per second as sir" in said.out
    assert "% your lines" in said.out
    told = hubbub("plugin", "bench", "viral", *words, "--json").json
    assert [each["name"] for each in told["models"]] == ["viral", "viral"]
    assert sum(told["shares"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("bench", "si", "--agents", "10"), 2, "at least 1,000 agents"),
        (("bench", "none"), 2, "No propagation model named 'none'"),
        (("check", "none"), 2, "No model named 'none'"),
        (("check", "none.py"), 3, "there is no such plugin file"),
        (("enable", "none"), 2, "No foreign plugin named 'none'"),
    ],
)
def test_refusals_name_what_is_wrong(
    words: tuple[str, ...], code: int, sentence: str, hubbub: Hubbub
) -> None:
    hubbub("plugin", *words).refuses(sentence, code)


def test_bench_tells_when_nothing_is_weighed_or_the_model_fails(hubbub: Hubbub) -> None:
    Path("still.py").write_text(LOUD.replace('print("over the screen")', "pass"))
    words = ("--agents", "1000", "--ticks", "2", "--replicates", "1")
    assert "It weighed no contacts" in hubbub("plugin", "bench", "still.py", *words).err
    Path("still.py").write_text(LOUD.replace('print("over the screen")', "1 / 0"))
    said = hubbub("plugin", "bench", "still.py", *words)
    assert said.code == 5
    assert "failed in the race: loud-of-the-tests: ZeroDivisionError" in said.err


def test_output_of_a_plugin_is_no_part_of_a_result(hubbub: Hubbub) -> None:
    Path("loud.py").write_text(LOUD)
    said = hubbub(
        "run", "new:200", "--plugin", "loud.py", "--model", "loud-of-the-tests",
        "--inject", "x", "--ticks", "1", "--json",
    )  # fmt: skip
    assert said.json["cascades"][0]["model"] == "loud-of-the-tests"
    assert "a plugin printed: over the screen" in said.err


def test_a_plugin_is_tried_once_before_the_screen_opens(
    items: tuple[registry.Spec, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Mock(return_value=())
    monkeypatch.setattr("sim.testing.judge.probe", tried)
    with monkeypatch.context() as nothing:
        nothing.setattr("sim.core.registry.foreign", lambda: ())
        probe_foreign()
    probe_foreign()
    probe_foreign()
    tried.assert_called_once_with(items[0].origin)


@pytest.mark.usefixtures("items")
def test_a_broken_law_is_told_and_the_screen_opens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.testing.judge.probe", lambda _path: ("It prints.",))
    for _ in range(2):
        probe_foreign()
        assert capsys.readouterr().err == "Trying loud.py ...\nIt prints.\n"


@pytest.mark.usefixtures("items")
def test_a_plugin_that_would_harm_the_screen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PluginError("loud", "hangs")

    monkeypatch.setattr("sim.testing.judge.probe", refuse)
    with pytest.raises(PluginError, match="hangs"):
        probe_foreign()
