"""What plugins print is kept off the screen; a plugin file that is saved is taken up again."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sim import World, load_file, spec
from sim.core import registry
from sim.runtime import Simulation
from sim.runtime.engine.output_capture import OutputCapture, PluginFiles
from tests.unit.runtime.isolating import thread_of
from tests.unit.runtime.worlds import until

NAME = "loud-of-the-tests"
SOURCE = '''
from sim import PropagationModel, convince, register

@register("{name}")
class Loud(PropagationModel):
    """Version {version}."""
    version = "{version}"

    def step(self, cascade, contacts, draws):
        {line}
        convince(cascade, contacts, draws, chance=0.3)
'''


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home"))
    registry.load_plugins()
    named = set(registry._named)
    yield
    registry._named.intersection_update(named)
    registry._known["propagation"].pop(NAME, None)


def noting(tried: list[str]) -> Callable[[str], tuple[str, ...]]:
    """A probe that only notes what it was asked to try."""

    def probe(path: str) -> tuple[str, ...]:
        tried.append(path)
        return ()

    return probe


def written(folder: Path, version: str = "1", line: str = "pass") -> Path:
    path = folder / "loud.py"
    path.write_text(SOURCE.format(name=NAME, version=version, line=line))
    return path


async def test_what_a_plugin_prints_becomes_a_note(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load_file(written(tmp_path, line='print("\\x1b[2J over the screen")'))
    async with Simulation(world) as simulation:
        await simulation.inject("Hello.", seeds=[1], model=NAME)
        await simulation.step(3)
        lines = [line for _, line in simulation.frame.events]
    assert any(line.endswith("over the screen") for line in lines)
    assert not any("\x1b" in line for line in lines)
    assert capsys.readouterr() == ("", "")


def test_a_flood_of_output_is_cut_short(tmp_path: Path) -> None:
    load_file(written(tmp_path))
    notes: list[str] = []
    output_capture = OutputCapture(notes.append)
    with output_capture:
        for _ in range(1000):
            sys.stdout.write("again\n")
            sys.stderr.write("and again\n")
    with output_capture:
        sys.stdout.write("more\n")
    assert len(notes) == 20
    assert notes[-1].endswith("(no more is noted)")


def test_what_others_print_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import threading

    load_file(written(tmp_path))
    notes: list[str] = []

    def others() -> None:
        sys.stdout.write("mine\n")
        sys.stdout.flush()
        assert sys.stdout.writable()

    with OutputCapture(notes.append):
        other = threading.Thread(target=others)
        other.start()
        other.join()
        sys.stdout.write("theirs\n")
        sys.stdout.flush()
        assert not sys.stdout.isatty()
    assert capsys.readouterr().out == "mine\n"
    assert notes == ["a plugin printed: theirs"]


def test_two_engines_that_overlap_leave_the_output_as_it_was(tmp_path: Path) -> None:
    load_file(written(tmp_path))
    before, one, two = (
        (sys.stdout, sys.stderr),
        OutputCapture(lambda _: None),
        OutputCapture(lambda _: None),
    )
    for _ in range(3):
        one.__enter__()
        two.__enter__()
        one.__exit__(None, None, None)
        two.__exit__(None, None, None)
        assert (sys.stdout, sys.stderr) == before


def test_without_foreign_plugins_nothing_is_caught(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.runtime.engine.output_capture.foreign", lambda: ())
    with OutputCapture(lambda _line: None):
        sys.stdout.write("mine\n")
    assert capsys.readouterr().out == "mine\n"


def test_a_named_file_is_reloaded_if_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr("sim.testing.judge.probe", noting(tried))
    path = written(tmp_path)
    load_file(path)
    files = PluginFiles()
    assert files.changed() == []
    written(tmp_path, version="2.0.1")
    assert files.changed() == [str(path)]
    assert files.changed() == []
    assert files.take_up(str(path)) == f"loud.py is reloaded: {NAME} 2.0.1"
    assert tried == [str(path)]
    assert spec(NAME).version == "2.0.1"
    assert files.take_up(str(path)) == ""


def test_a_file_that_breaks_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.testing.judge.probe", lambda _path: ())
    path = written(tmp_path)
    load_file(path)
    path.write_text("1 / 0")
    said = PluginFiles().take_up(str(path))
    assert said.startswith("loud.py is not reloaded: Plugin 'loud.py': could not be imported")
    assert spec(NAME).version == "1"


def test_an_enabled_file_that_changed_asks_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    load_file(path)
    registry._named.clear()
    written(tmp_path, version="2")
    assert "hubbub plugin reload loud" in PluginFiles().take_up(str(path))
    assert spec(NAME).version == "1"
    path.unlink()
    assert PluginFiles().take_up(str(path)) == ""


async def test_an_open_simulation_takes_up_what_is_saved(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.testing.judge.probe", lambda _path: ())
    monkeypatch.setattr("sim.runtime.engine.thread_client._PULSE_SECONDS", 0.02)
    load_file(written(tmp_path))
    async with Simulation(world) as simulation:
        old = await simulation.inject("Old.", seeds=[1], model=NAME)
        await until(lambda: bool(thread_of(simulation)._files._seen), 60)
        written(tmp_path, version="2.0.1")
        await until(lambda: "is reloaded" in str(simulation.frame.banner), 60)
        new = await simulation.inject("New.", seeds=[2], model=NAME)
        assert type(old.cascade.model) is not type(new.cascade.model)


def test_output_past_python_goes_to_a_file(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from sim.runtime.engine.output_capture import output_aside\n"
        "os.write(1, b'first ')\n"
        "with output_aside(Path('logs/plugins.log')):\n"
        "    os.write(1, b'hidden'); print('too'); sys.stdout.flush()\n"
        "    print('and this', file=sys.__stdout__, flush=True)\n"
        "    assert sys.__stdout__.fileno() != 1 and not sys.__stdout__.isatty()\n"
        "Path('flat').write_text('')\n"
        "with output_aside(Path('flat/x.log')): os.write(1, b'nowhere')\n"
        "os.write(1, b'last')\n"
    )
    written(tmp_path)
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "first last"
    assert (tmp_path / "logs/plugins.log").read_text() == "hiddentoo\nand this\n"
