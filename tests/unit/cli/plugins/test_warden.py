import hashlib
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from sim.cli import running
from sim.cli.watch import probe_foreign
from sim.core.plugin_files import note_tried
from sim.errors import PluginError
from sim.lab.runs.results import finished_in
from sim.store import load
from tests.unit.cli.conftest import Hubbub
from tests.unit.runtime.worlds import blocked_until

ROOT = Path(__file__).resolve().parents[4]
STUCK = '''
import re, sqlite3, threading, time

from sim import PropagationModel, Recommender, register


class Stuck(PropagationModel):
    """Does not come back in its third tick, in a world that is not tiny."""

    def step(self, cascade, contacts, draws):
        if draws.tick >= cascade.started_at + 3 and len(contacts.degree) >= 300:
            self.hang()

    def is_quiet(self, cascade, contacts):
        return False


@register("stuck-python")
class Python(Stuck):
    """Loops."""

    def hang(self):
        while True:
            pass


@register("stuck-late")
class Late(Python):
    """Loops where the seed is 2."""

    def step(self, cascade, contacts, draws):
        if draws.seed == 2:
            super().step(cascade, contacts, draws)


@register("stuck-lock")
class Lock(Stuck):
    """Lets no other thread run."""

    def hang(self):
        re.match("(a+)+$", "a" * 60 + "b")


@register("stuck-asleep")
class Asleep(Stuck):
    """Waits in compiled code."""

    def hang(self):
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()


@register("stuck-sqlite")
class Query(Stuck):
    """Asks for more rows than there ever are."""

    def hang(self):
        sqlite3.connect(":memory:").execute(
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
        ).fetchall()


@register("stuck-greedy")
class Greedy(Stuck):
    """Takes all the memory there is."""

    def hang(self):
        kept = []
        while True:
            kept.append(b"x" * (1 << 26))


@register("stuck-ranking")
class Ranking(Recommender):
    """Never ranks."""

    def score(self, candidates):
        time.sleep(600)
'''
RUN = ("run", "new:300", "--inject", "x", "--ticks", "8", "--save", "end.hub")


@pytest.fixture
def stuck(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin file, and little patience with it."""
    monkeypatch.setenv("HUBBUB_PLUGIN_PATIENCE", "1")
    path = elsewhere / "stuck.py"
    path.write_text(STUCK)
    note_tried(hashlib.sha256(STUCK.encode()).hexdigest())  # or else it would be refused at once
    return path


def after_waiting(said: str) -> str:
    """Return the one sentence; that somebody is waited for is told where that takes long."""
    *waiting, sentence = said.splitlines()
    assert all(line.startswith("Waiting for plugin ") for line in waiting), said
    assert len(waiting) <= 1, said
    return sentence


@pytest.mark.parametrize("model", ["python", "asleep", "greedy"])
def test_a_run_ends_by_name_and_its_last_completed_tick_is_kept(
    hubbub: Hubbub, stuck: Path, elsewhere: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if model == "greedy":
        monkeypatch.setenv("HUBBUB_PLUGIN_PATIENCE", "60")
    said = hubbub("--plugin", stuck, *RUN, "--model", f"stuck-{model}")
    why = "uses 1" if model == "greedy" else "has not returned after"
    assert said.code == 5, said
    sentence = after_waiting(said.err)
    assert sentence.startswith(f"Plugin 'stuck-{model}': {why}"), said
    assert "in hang); end every loop, or raise the setting plugin_patience; " in sentence
    assert "the world at tick 3 is kept in end.rescued.hub" in sentence
    world = load(elsewhere / "end.rescued.hub")
    assert (world.tick, world.cascades[0].status) == (3, "failed")


def test_a_run_ends_with_all_in_its_journal(hubbub: Hubbub, stuck: Path, elsewhere: Path) -> None:
    said = hubbub("--plugin", stuck, *RUN, "--model", "stuck-python", "--journal")
    assert said.code == 5
    assert said.err.endswith("everything is in its journal.\n"), said
    assert not (elsewhere / "end.rescued.hub").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "new:300", "--platform", "stuck-ranking", "--ticks", "3"),
        ("compare", "new:300", "--recommenders", "stuck-ranking,popularity", "--replicates", "1"),
    ],
)
def test_a_recommender_ends_a_run_and_a_comparison_by_name(
    hubbub: Hubbub, stuck: Path, words: tuple[str, ...]
) -> None:
    said = hubbub("--plugin", stuck, *words)
    assert said.code == 5, said
    assert "Plugin 'stuck-ranking': has not returned" in said.err


@pytest.mark.parametrize("verb", [["models"], ["info", "demo"], ["plugin", "list"]])
def test_a_file_that_loops_as_it_is_imported_ends_any_verb(
    hubbub: Hubbub, stuck: Path, verb: list[str]
) -> None:
    stuck.write_text("while True:\n    pass\n")
    said = hubbub("--plugin", stuck, *verb)
    assert (said.code, said.out) == (5, "")
    assert after_waiting(said.err).startswith("Plugin 'stuck.py': has not returned after"), said


def test_a_run_is_probed_before_a_world_is_made(
    hubbub: Hubbub, stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise PluginError("stuck", "would harm the run")

    monkeypatch.setattr(running, "probe_foreign", refuse)
    said = hubbub("--plugin", stuck, *RUN, "--model", "sir")
    assert said.err == "Plugin 'stuck': would harm the run.\n"
    assert probe_foreign is not refuse


MANY = ("run", "new:300", "--inject", "x", "--ticks", "8", "--replicates", "3", "--workers", "2")


def workers() -> list[psutil.Process]:
    """Return the processes that this one has run replicates with, and that are still there."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found += [child] if any("popen_loky" in word for word in child.cmdline()) else []
    return found


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_replicates_end_by_name_and_what_is_finished_is_kept(
    hubbub: Hubbub, stuck: Path, elsewhere: Path, backend: str
) -> None:
    words = ("--model", "stuck-late", "--into", "r.runs", "--backend", backend)
    said = hubbub("--plugin", stuck, *MANY, *words)
    assert said.code == 5, said
    sentence = said.err.splitlines()[-1]
    assert re.fullmatch(
        r"Plugin 'stuck-late': has not returned after \d+ s \(stuck.py, line \d+, in hang\); "
        "end every loop, or raise the setting plugin_patience.",
        sentence,
    ), said
    # Whoever was done first took the third; a worker that was slow to start was stopped with it.
    assert 1 <= finished_in(elsewhere / "r.runs") <= 2
    blocked_until(lambda: not workers())


def in_a_process(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    known = {"PYTHONPATH": str(ROOT), "HUBBUB_PLUGIN_PATIENCE": "2"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "sim", *map(str, words)], cwd=folder,
        env=os.environ | known | {"HUBBUB_LOG_FOLDER": str(folder)},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", ["python", "asleep", "sqlite"])
def test_three_kinds_of_endless_loop_end_by_name(stuck: Path, elsewhere: Path, model: str) -> None:
    done = in_a_process(elsewhere, "--plugin", stuck, *RUN, "--model", f"stuck-{model}")
    assert done.returncode == 5, done
    told = f"Plugin 'stuck-{model}': has not returned after"
    assert done.stderr.splitlines()[-1].startswith(told)
    tick = 2 if model == "sqlite" else 3
    assert f"the world at tick {tick} is kept in end.rescued.hub" in done.stderr
    assert load(elsewhere / "end.rescued.hub").tick == tick


COMPARED = (
    "compare", "new:300", "--ticks", "8", "--replicates", "2", "--workers", "2",
    "--arm", "b: do=ban agents=top:5:degree at=1", "--inject",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["run", "compare"])
@pytest.mark.parametrize("model", ["python", "asleep", "sqlite", "lock"])
def test_four_kinds_of_endless_loop_in_workers_end_by_name(
    stuck: Path, elsewhere: Path, model: str, verb: str
) -> None:
    compared = (*COMPARED, f"text=x model=stuck-{model}")
    words = (*MANY, "--model", f"stuck-{model}") if verb == "run" else compared
    done = in_a_process(elsewhere, "--plugin", stuck, *words)
    assert done.returncode == 5, done
    name = "stuck.py" if model == "lock" else f"stuck-{model}"  # whose line it is, only a file says
    assert done.stderr.splitlines()[-1].startswith(f"Plugin '{name}': has not returned after")
    is_ended = model in {"sqlite", "lock"}
    assert ("the unfinished runs of its worker are lost" in done.stderr) == is_ended


@pytest.mark.slow
@pytest.mark.parametrize("model", ["python", "asleep", "sqlite", "greedy"])
def test_an_isolated_run_goes_on_without_them(stuck: Path, elsewhere: Path, model: str) -> None:
    words = ("--plugin", stuck, "--isolated", *RUN, "--model", f"stuck-{model}")
    done = in_a_process(elsewhere, *words)
    assert done.returncode == 5, done
    assert f"stuck-{model}" in done.stdout
    why = "MemoryError" if model == "greedy" else "did not return (stuck.py, line"
    assert why in done.stdout
    assert load(elsewhere / "end.hub").tick == 8


@pytest.mark.slow
def test_an_isolated_run_ends_by_name_without_a_message(stuck: Path, elsewhere: Path) -> None:
    words = ("run", "new:300", "--platform", "stuck-ranking", "--ticks", "3", "--save", "end.hub")
    done = in_a_process(elsewhere, "--plugin", stuck, "--isolated", *words)
    assert done.returncode == 5, done
    assert "Plugin 'stuck-ranking': did not return (stuck.py, line" in done.stderr
    assert load(elsewhere / "end.rescued.hub").tick == 0
