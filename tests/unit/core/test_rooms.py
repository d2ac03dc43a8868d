"""Packages of our names in the working folder take nobody's place."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sim import load_plugins
from sim.core import rooms
from sim.core.rooms import clashes, environment, is_own, own
from sim.errors import HubbubError
from tests.raising import raises

ROOT = Path(__file__).resolve().parents[3]
LOUD = "print('A stranger runs.'); raise SystemExit('a stranger')"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder with packages of all our names."""
    for name in ("plugins", "tui"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(LOUD)
        (tmp_path / name / "app.py").write_text(LOUD)
    return tmp_path


def run(
    folder: Path, *words: str, path: str = str(ROOT), more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONPATH": path, "HUBBUB_SAVES": str(folder), "HUBBUB_LOG_FOLDER": str(folder)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=os.environ | own | (more or {}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


MODELS = "import sim; print(len(sim.names()) > 50, *sim.core.failures())"
SCREEN = "from sim.core.rooms import own; own('tui'); import tui.app; print(tui.__file__)"


@pytest.mark.parametrize("path", [str(ROOT), f".:{ROOT}", f"{ROOT}:."])
def test_a_notebook_in_such_a_folder_has_our_models_and_is_told(elsewhere: Path, path: str) -> None:
    """``-c`` looks into the working folder first, as a notebook does."""
    done = run(elsewhere, "-c", MODELS, path=path)
    assert done.stdout == "True\n", done
    assert done.stderr.count("has the name of a package of Hubbub") == 2


def test_the_screen_is_ours(elsewhere: Path) -> None:
    done = run(elsewhere, "-c", SCREEN)
    assert done.stdout.strip() == str(ROOT / "tui" / "__init__.py"), done


@pytest.mark.parametrize("path", [str(ROOT), f".:{ROOT}"])
def test_the_command_line_runs_ours(elsewhere: Path, path: str) -> None:
    done = run(elsewhere, "-m", "sim", "models", "sir", path=path)
    assert done.returncode == 0, done
    assert "susceptible" in done.stdout
    said = done.stderr.count("whose own is used in its place; rename it to import it.")
    assert said == (2 if path.startswith(".") else 0), "what is in nobody's way is not mentioned"


def test_a_package_that_was_imported_before_is_said_in_one_sentence(elsewhere: Path) -> None:
    (elsewhere / "plugins" / "__init__.py").write_text("")
    code = (
        "import plugins, sim, sim.errors\n"
        "try: sim.names()\nexcept sim.errors.HubbubError as error: print(error)"
    )
    done = run(elsewhere, "-c", code, path=f".:{ROOT}")
    assert done.stdout == (
        f"The package 'plugins' of {elsewhere.resolve() / 'plugins'} was imported where Hubbub has "
        "its own of that name; rename it, or import sim before it.\n"
    ), done


@pytest.mark.parametrize(
    "module", ["sim.testing.trial", "sim.runtime.process.host", "sim.minds.models.local"]
)
def test_processes_that_are_started_find_ours(
    elsewhere: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "sim").mkdir()
    (elsewhere / "sim" / "__init__.py").write_text(LOUD)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "path", [str(elsewhere), *sys.path])
    code = f"import importlib.util as u; print(u.find_spec({module!r}).origin)"
    done = run(elsewhere, "-P", "-c", code, more=environment())
    assert done.stdout.strip() == str(ROOT.joinpath(*module.split(".")).with_suffix(".py")), done


def test_every_process_of_ours_is_started_so() -> None:
    """Whoever starts Python names ``-P``: the working folder is not looked into first."""
    for file in (ROOT / "sim").rglob("*.py"):
        text = file.read_text()
        words = re.findall(r"\[\s*sys\.executable,\s*([^\s,]+)", text)
        assert set(words) <= {'"-P"', "*_WORDS"}, file
        is_strange = file.name == "metrics_tracker.py"  # the alert_command of the person
        if "subprocess.Popen(" in text and not is_strange:
            assert '"-P"' in text, file
        if "import Parallel" in text:  # loky starts Python, which has no word for it
            assert "PYTHONSAFEPATH" in text, file


REPLICATES = """
import os
from sim import World
from sim.lab import (Messages, experiment_now)
world = World.create(agents=100, mean_degree=4, seed=1)
rumour = {"text": "x", "seeds": [0], "model": "si"}
found = experiment_now(world, [Messages([rumour])], [1, 2], ticks=1, workers=2)
print(found.finished, os.environ.get("PYTHONSAFEPATH"))
"""


def test_workers_do_not_look_into_the_working_folder_first(elsewhere: Path) -> None:
    for name in ("numpy", "xxhash", "joblib", "sim"):
        (elsewhere / f"{name}.py").write_text(LOUD)
    done = run(elsewhere, "-P", "-c", REPLICATES)
    assert (done.returncode, done.stdout) == (0, "2 None\n"), done
    assert "stranger" not in done.stderr


def test_what_surrounds_ours_stays_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs" / "sim").mkdir(parents=True)
    here, theirs = str(rooms.root()), str(tmp_path / "theirs")
    for before, after in (
        (["/a", theirs, here, "/b"], ["/a", here, theirs, "/b"]),
        (["/a", here, theirs], ["/a", here, theirs]),
        (["/a", "/b"], ["/a", "/b", here]),
        ([here, "/a"], [here, "/a"]),
    ):
        monkeypatch.setattr(sys, "path", before)
        assert environment()["PYTHONPATH"].split(os.pathsep) == after


def test_here_nothing_is_in_the_way_and_a_stranger_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_plugins()
    assert clashes() == ()
    assert is_own(sys.modules["plugins"])
    own("plugins")
    own("nothing-of-ours")
    monkeypatch.setitem(sys.modules, "tui", ModuleType("tui"))
    raises(HubbubError, "rename it, or import sim before it", own, "tui")


def test_a_package_that_fails_is_not_left_half_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halves").mkdir()
    (tmp_path / "halves" / "__init__.py").write_text("1 / 0")
    monkeypatch.setattr(rooms, "root", lambda: tmp_path)
    raises(ZeroDivisionError, "", own, "halves")
    assert "halves" not in sys.modules
