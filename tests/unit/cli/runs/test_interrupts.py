import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import sim
from sim import World
from sim.cli import exits as stopping
from sim.cli.exits import (
    EXITS,
    SIGNALS,
    StoppedError,
    StopRequest,
    hung_up,
    kept_when_stopped,
    listening,
)
from sim.cli.main import main
from sim.cli.watch import watched
from sim.errors import Cancelled
from sim.runtime.journal.writer import recover
from sim.runtime.saves.places import place_of
from sim.store import load

ROOT = Path(sim.__file__).parents[1]
PATIENCE = 120.0

CODE = """
import signal
import sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may run under nohup
import sim.cli.exits as stopping
stopping.GRACE_SECONDS = stopping.END_SECONDS = 600  # the machine of a test may be busy
{more}
from sim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
LONG = ("--inject", "x", "--model", "sis", "-p", "beta=0.5", "--ticks", "100000000")


class Child:
    """A command whose standard error is a terminal of its own."""

    def __init__(self, folder: Path, *words: str, more: str = "") -> None:
        self.master, slave = pty.openpty()
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE.format(more=more), *words],
            stdin=slave, stdout=subprocess.DEVNULL, stderr=slave, cwd=folder,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm",
                 "HUBBUB_SAVES": str(folder / "saves"), "HUBBUB_LOG_FOLDER": str(folder / "logs")},
        )  # fmt: skip
        os.close(slave)

    def until(self, text: bytes) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < end, self.seen[-2000:]
            self._read()

    def _read(self) -> None:
        if select.select([self.master], [], [], 0.1)[0]:
            try:
                self.seen += os.read(self.master, 1 << 16)
            except OSError:  # nobody writes any more
                time.sleep(0.02)

    def end(self) -> int:
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen[-2000:]
            self._read()
        for _ in range(3):
            self._read()
        os.close(self.master)
        return int(self.process.returncode)

    def vanish(self) -> int:
        os.close(self.master)
        return self.process.wait(PATIENCE)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)]
)
def test_a_signal_keeps_the_world_of_a_run(tmp_path: Path, number: signal.Signals) -> None:
    child = Child(tmp_path, "run", "new:500", *LONG, "--save", "end.hub")
    child.until(b"running tick")
    child.process.send_signal(number)
    assert child.end() == 128 + number
    assert not (tmp_path / "end.hub").exists()
    assert load(tmp_path / "end.rescued.hub").tick > 0
    assert b"Cancelled while running tick" in child.seen
    assert b"is kept in end.rescued.hub" in child.seen


def test_a_terminal_that_is_gone_keeps_the_world_in_the_saves_folder(tmp_path: Path) -> None:
    child = Child(tmp_path, "run", "new:500", *LONG)
    child.until(b"running tick")
    assert child.vanish() == 129
    (kept,) = (tmp_path / "saves").glob("rescued-*.hub")
    assert load(kept).tick > 0


def test_a_signal_leaves_a_whole_journal(tmp_path: Path) -> None:
    child = Child(tmp_path, "run", "new:500", *LONG, "--save", "live.hub", "--journal")
    child.until(b"running tick")
    child.process.send_signal(signal.SIGTERM)
    assert child.end() == 143
    found, place = recover(tmp_path / "live.hub"), place_of(tmp_path / "live.hub")
    assert found.is_whole
    assert found.tick > 0
    assert place is not None
    assert place.was_closed
    assert b"everything is in its journal" in child.seen
    assert not (tmp_path / "live.rescued.hub").exists()


def test_a_signal_ends_an_import_with_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "edges.txt").write_text("0 1\n1 2\n")
    more = """
import time
import sim.io.importing.worlds as importing
def forever(*_, report, **__):
    while True:
        report("drawing ties", 0.5)
        time.sleep(0.01)
importing.world_of = forever
"""
    child = Child(tmp_path, "import", "edges.txt", "--out", "a.hub", more=more)
    child.until(b"drawing ties")
    child.process.send_signal(signal.SIGTERM)
    assert child.end() == 143
    assert b"nothing was written" in child.seen
    assert {path.name for path in tmp_path.iterdir()} <= {"edges.txt", "logs"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stopping, "GRACE_SECONDS", 600)
    monkeypatch.setattr(stopping, "END_SECONDS", 600)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may run under nohup
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before
    signal.signal(signal.SIGHUP, hangup)


def test_ctrl_c_cancels_with_nothing_written_and_each_signal_has_its_code() -> None:
    assert set(EXITS) >= {128 + number for number in SIGNALS}
    with pytest.raises(Cancelled, match=r"^Cancelled while drawing; nothing was"):
        interrupted(signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_cancels_at_the_next_report(number: signal.Signals) -> None:
    with pytest.raises(StoppedError) as caught:
        interrupted(number)
    assert caught.value.number == number


def interrupted(number: signal.Signals) -> None:
    with watched() as report:
        report("drawing", 0.4)
        os.kill(os.getpid(), number)
        report("drawing", 0.5)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening() as asked:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not asked.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_hear_no_signals() -> None:
    heard: list[bool] = []

    def work() -> None:
        with listening() as asked:
            heard.append(asked.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == [False]


def test_a_terminal_is_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with open(slave, "w") as terminal:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stderr", terminal)
        asked = StopRequest()
        asked._looked = -1e9
        assert not asked.is_set()
        os.close(master)
        assert not asked.is_set(), "it does not look again at once"
        asked._looked = -1e9
        assert asked.is_set()
        assert asked.number == signal.SIGHUP
        monkeypatch.undo()
    assert hung_up(-1)


def small() -> World:
    return World.create(agents=40, mean_degree=4, seed=2)


def test_a_cancelled_run_is_kept_where_it_was_to_be_saved_if_it_had_begun(tmp_path: Path) -> None:
    with pytest.raises(Cancelled, match=r"^Nothing"), kept_when_stopped(small(), None, tmp_path):
        raise Cancelled("Nothing.")
    world = small()
    with pytest.raises(StoppedError, match=r"^Cancelled; the world at tick 2 is kept in .*a\.resc"):
        run_two_ticks(world, tmp_path / "a.hub")
    assert load(tmp_path / "a.rescued.hub").digest() == world.digest()


def run_two_ticks(world: World, target: Path) -> None:
    with kept_when_stopped(world, None, target):
        world.step(2)
        raise Cancelled("Cancelled; nothing was written.")


def test_a_terminal_that_ends_before_the_last_word_ends_quietly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import errno

    def gone(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    ended: list[int] = []

    def end(code: int) -> int:
        ended.append(code)
        return code

    monkeypatch.setattr("sim.cli.main._nobody_there", end)
    monkeypatch.setattr("sim.cli.main.tell", gone)
    assert main(["run", "new:0"]) == 2
    monkeypatch.setattr("sim.cli.main._run", gone)
    assert main(["info", "demo"]) == 129
    assert ended == [2, 129]
