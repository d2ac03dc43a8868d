"""Planted defects, each caught and named by a trial in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sim.core import registry
from sim.errors import PluginError
from sim.testing import judge
from sim.testing.judge import TrialResult, judged, probe

DEFECTS = Path(__file__).with_name("defects.py")
SENTENCES = {
    "writes": ("runs", "writes into a column of agents or ties"),
    "forces": ("runs", "wrote into the column 'activity'"),
    "random": ("own draws", "draws from random.random() in line "),
    "randint": ("own draws", "draws from random.randint() in line "),
    "numpy": ("own draws", "draws from numpy.random.seed() in line "),
    "generator": ("own draws", "draws from numpy.random.default_rng() in line "),
    "urandom": ("own draws", "draws from os.urandom() in line "),
    "order": ("alike", "depends on the order of agents"),
    "timid": ("alike", "depends on the order of agents"),
    "leak": ("forgets", "bytes stay behind after every run"),
    "keeper": ("forgets", "keeps something of 4 of 4 worlds that are gone"),
    "hog": ("runs", "asks for more memory than there is"),
    "exit": ("runs", "raises SystemExit, which would end the program"),
    "interrupt": ("runs", "raises KeyboardInterrupt, which would end the program"),
    "print": ("silent", r"writes escape codes to the terminal ('\x1b[2J gone"),
    "terminal": ("silent", r"writes escape codes to the terminal ('\x1b[2J gone"),
    "clock": ("no clock", "reads a clock, time.time() in line "),
    "date": ("no clock", "reads a clock, datetime.now() in line "),
    "state": ("afresh", "State.heard"),
    "branch": ("runs", "chance() branches on a column (defects.py, line "),
    "shape": ("runs", "must return one number an exposure"),
    "rules": ("runs", "1.4"),
}
HANGS = '''
from sim import PropagationModel, register

@register("defect-hangs")
class Hangs(PropagationModel):
    """Never comes back."""

    def step(self, cascade, contacts, draws):
        while True:
            pass
'''
PIPES = '''
import os
import stat
from sim import PropagationModel, register

def is_pipe(descriptor):
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False

@register("defect-writes-to-the-pipe")
class WritesToThePipe(PropagationModel):
    """Says what nobody understands."""

    def step(self, cascade, contacts, draws):
        for descriptor in filter(is_pipe, range(3, 9)):
            os.write(descriptor, b"odd\\n{}\\n")

@register("defect-dies")
class Dies(PropagationModel):
    """Takes the process with it."""

    def step(self, cascade, contacts, draws):
        os._exit(0)
'''


@pytest.fixture(scope="module")
def verdicts() -> dict[str, TrialResult]:
    return {verdict.model.removeprefix("defect-"): verdict for verdict in judged(str(DEFECTS))}


@pytest.fixture(autouse=True)
def _nothing_is_loaded_here() -> Iterator[None]:
    yield
    assert not any(name.startswith("defect-") for name in registry.names())


def test_every_model_is_tried_and_what_has_no_defect_keeps_all_laws(
    verdicts: dict[str, TrialResult],
) -> None:
    assert set(verdicts) == {*SENTENCES, "none"}
    verdict = verdicts["none"]
    assert (verdict.broken, verdict.sentence) == ("", "")
    assert {"afresh", "alike", "forgets", "resumes"} <= set(verdict.kept)
    assert "source" in verdict.lacks


@pytest.mark.parametrize("defect", SENTENCES)
def test_a_defect_is_named_with_what_mends_it(
    defect: str, verdicts: dict[str, TrialResult]
) -> None:
    verdict = verdicts[defect]
    law, sentence = SENTENCES[defect]
    assert verdict.broken == law
    assert verdict.sentence.startswith(f"Plugin 'defect-{defect}': ")
    assert sentence in verdict.sentence
    assert verdict.sentence.isprintable()


ELSEWHERE = """
from sim import Mind, register


@register("defect-elsewhere")
class Elsewhere(Mind):
    '''Thinks for ever, in a thread that minds have of their own.'''

    async def decide(self, member, feed, memory):
        while True:
            pass
"""


def test_a_loop_without_end_is_stopped_and_its_line_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hangs.py"
    path.write_text(HANGS)
    doing: list[str] = []
    (verdict,) = judged(str(path), deadline=1.0, watch=doing.append)
    assert verdict.broken == "runs"
    assert "does not return: after " in verdict.sentence
    assert "in step() (hangs.py, line " in verdict.sentence
    assert "defect-hangs: runs" in doing
    monkeypatch.setattr(judge, "judged", lambda *_, **__: (verdict,))
    with pytest.raises(PluginError, match="'defect-hangs': does not return"):
        probe(str(path))


def test_the_line_is_the_plugins_own_in_whatever_thread_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.py"
    path.write_text(ELSEWHERE)
    (verdict,) = judged(str(path), deadline=1.0)
    assert "in decide() (elsewhere.py, line " in verdict.sentence


def test_a_plugin_that_sleeps_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.testing.judge._ASLEEP_SECONDS", 1.0)
    monkeypatch.setattr("sim.testing.judge._STILL_SECONDS", 100.0)
    path = tmp_path / "sleeps.py"
    path.write_text("import time\n" + HANGS.replace("pass", "time.sleep(60)"))
    (verdict,) = judged(str(path), deadline=1.0)
    assert (verdict.broken, verdict.is_harmful) == ("runs", True)
    assert "in step() (sleeps.py, line " in verdict.sentence


@pytest.mark.slow
def test_files_that_are_not_a_plugins_own_are_not_closed(tmp_path: Path) -> None:
    path = tmp_path / "closes.py"
    line = "os.closerange(3, 100)\n        while True: pass"
    path.write_text(PIPES.replace("os._exit(0)", line))
    *_, verdict = judged(str(path), deadline=30.0)
    assert "closes files that are not its own" in verdict.sentence


def test_the_judge_goes_on_after_odd_words_and_tells_of_a_process_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "pipes.py"
    path.write_text(PIPES)
    writes, dies = judged(str(path), laws=("runs",))
    assert writes.sentence == ""
    assert "ended the whole process with exit code 0" in dies.sentence


def test_a_file_that_cannot_be_imported_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text("raise KeyboardInterrupt")
    (verdict,) = judged(str(path))
    said = f"Plugin '{path}': raised KeyboardInterrupt while it was imported."
    assert verdict == TrialResult(str(path), (), "importing", said)


def test_a_probe_names_defects_and_lets_pass_what_harms_nobody(tmp_path: Path) -> None:
    path = tmp_path / "prints.py"
    ends = HANGS.replace("while True:\n            pass", "pass")
    prints = ends.replace("pass", "print('gone')").replace("defect-hangs", "defect-print")
    path.write_text(ends + prints.replace("Hangs", "Prints"))
    (sentence,) = probe(str(path))
    assert sentence.startswith("Plugin 'defect-print': writes text to the terminal")


def test_a_trial_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.testing.judge._WORDS", ("-m", "no_such_module"))
    (verdict,) = judged("si")
    assert "the trial could not start: " in verdict.sentence
    assert "No module named no_such_module" in verdict.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell of a parent's end")
def test_a_plugin_that_loops_ends_with_the_process_that_tries_it(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    code = (
        "from sim.testing.judge import judged\n"
        "judged('hangs.py', deadline=1e6, watch=lambda doing: print(doing, flush=True))\n"
    )
    paths = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | paths, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert parent.stdout is not None
    with parent.stdout:
        next(line for line in parent.stdout if line == "defect-hangs: runs\n")
        (trial,) = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until = time.monotonic() + 60
    while trial.is_running() and trial.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, trial.kill()
        time.sleep(0.05)
