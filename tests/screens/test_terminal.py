"""The program on a real pseudo-terminal: how it begins, ends, and what it lets through."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from ast import literal_eval
from contextlib import closing
from pathlib import Path

import pytest

from tui.terminal import NO_TERMINAL, obstacle

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.screens.fake import FakeSimulator
from tui.terminal import run_on_terminal
simulator = FakeSimulator(Path({saves!r}))
{more}
sys.exit(run_on_terminal(simulator.hubbub))
"""


class Child:
    """The program on a pty, with a scripted simulation."""

    def __init__(
        self,
        saves: Path,
        more: str = "",
        errors: int | None = None,
        size: tuple[int, int] = (24, 80),
    ) -> None:
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, size)
        self.before = termios.tcgetattr(self.slave)
        code = CHILD.format(root=str(ROOT), saves=str(saves), more=more)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=self.slave, stdout=self.slave, stderr=errors or self.slave,
            start_new_session=True,
            env={"HUBBUB_LOG_FOLDER": str(saves / "logs"), **os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip
        self.output = b""

    def read_until(self, text: bytes, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < end, self.output[-2000:]
            if select.select([self.master], [], [], 0.1)[0]:
                self.output += os.read(self.master, 1 << 16)

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                self.output += os.read(self.master, 1 << 16)

    def end(self) -> int:
        end = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < end:
            self.rest(0.05)
        self.rest(0.1)
        code = self.process.poll()
        if code is None:
            self.process.kill()
            pytest.fail("it did not end")
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        *(pytest.param(one, marks=pytest.mark.slow) for one in (signal.SIGHUP, signal.SIGINT)),
    ],
)
def test_a_signal_ends_it_with_the_terminal_restored(
    tmp_path: Path, number: signal.Signals
) -> None:
    with closing(Child(tmp_path)) as child:
        child.read_until(b"PAUSED")
        child.process.send_signal(number)
        assert child.end() == 128 + number
        assert child.output.rindex(b"\x1b[?1049l") > child.output.rindex(b"\x1b[?1049h")
        assert b"\x1b[?25h" in child.output
        assert termios.tcgetattr(child.slave)[3] == child.before[3]


def test_a_signal_ends_it_while_its_output_is_blocked(tmp_path: Path) -> None:
    more = """
import os, queue, tui.terminal
from tui.modes.stage import Stage
tui.terminal.GRACE_SECONDS = 0.1
full = queue.Queue(1)
full.put(None)
def blocked(self, frame, **_):
    os.write(2, b"BLOCKED")
    full.put(None)  # as the writer does once its terminal is gone
Stage.show = blocked
"""
    with closing(Child(tmp_path, more)) as child:
        child.read_until(b"BLOCKED")
        child.process.send_signal(signal.SIGHUP)
        assert child.end() == 128 + signal.SIGHUP


COLLECTING = """
import gc
told = []
class Telling(FakeSimulator):
    def prepare(self, app, report):
        told.append(gc.isenabled())
        if {fails}:
            raise OSError("no engine")
    def demo(self, report):
        told.append(gc.isenabled() and gc.get_freeze_count() > 10_000)
        return super().demo(report)
simulator = Telling(simulator.saves)
import atexit
atexit.register(lambda: Path({at!r}).write_text(str([*told, gc.isenabled()])))
"""


@pytest.mark.parametrize(
    ("fails", "shown", "told"),
    [(False, b"PAUSED", "[False, True, True]"), (True, b"no engine", "[False, True]")],
)
def test_the_collector_is_paused_until_the_engine_is_imported_and_looks_through_no_import(
    tmp_path: Path, fails: bool, shown: bytes, told: str
) -> None:
    at = tmp_path / "told"
    with closing(Child(tmp_path / "saves", COLLECTING.format(fails=fails, at=str(at)))) as child:
        child.read_until(shown)
        child.process.send_signal(signal.SIGTERM)
        child.end()
        assert at.read_text() == told


WITH_A_PLUGIN = """
from sim import load_file
from sim.runtime.engine.output_capture import output_aside
load_file({plugin!r})
aside = output_aside(Path({output!r}))
aside.__enter__()
from tui.terminal import obstacle
assert obstacle() == "", obstacle()
print("printed by a plugin", flush=True)
"""
PLUGIN = """
from sim import Compartments, after, register
@register("two-states")
class TwoStates(Compartments):
    states = ("unaware", "aware")
    seeded = "aware"
    rules = (after("aware", "unaware", chance=0.5),)
"""


@pytest.mark.parametrize("has_plugin", [False, True])
def test_it_is_drawn_on_the_output_where_errors_go_to_a_file(
    tmp_path: Path, has_plugin: bool
) -> None:
    place, plugin, output = (tmp_path / name for name in ("errors.txt", "two.py", "output.log"))
    plugin.write_text(PLUGIN)
    more = WITH_A_PLUGIN.format(plugin=str(plugin), output=str(output)) if has_plugin else ""
    with (
        place.open("wb") as errors,
        closing(Child(tmp_path, more, errors=errors.fileno())) as child,
    ):
        child.read_until(b"Press i")
        os.write(child.master, b"q")
        assert child.end() == 0
        assert termios.tcgetattr(child.slave)[3] == child.before[3]
    assert b"\x1b" not in place.read_bytes()
    assert b"printed by a plugin" not in child.output
    if has_plugin:
        assert output.read_bytes() == b"printed by a plugin\n"


HOSTILE = r"\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1bP1;2|x\x1b\\\x9b31m\x07[/b]\u202eevil"


def test_no_control_of_foreign_text_reaches_the_terminal(tmp_path: Path) -> None:
    more = f"""
old = simulator.simulation
def simulation(world, name, **said):
    made = old(world, name="{HOSTILE}", **said)
    made.events.append((0, "{HOSTILE}"))
    made.banner = "{HOSTILE}"
    made.frame = made._frame()
    return made
simulator.simulation = simulation
"""
    with closing(Child(tmp_path, more)) as child:
        child.read_until(b"PAUSED")
        child.read_until(b"[/b]")
        os.write(child.master, b"2")
        child.read_until(b"Most followed")
        os.write(child.master, b"q")
        assert child.end() == 0
        assert termios.tcgetattr(child.slave)[3] == child.before[3]
    for payload in (b"\x1b]0;owned", b"\x1b]52;", b"\x1bP1;2", "\x9b".encode(), "\u202e".encode()):
        assert payload not in child.output
    ours = re.sub(rb"\x1b]22;[a-z-]*\x07", b"", child.output)  # the shape of the pointer
    assert b"\x07" not in ours, ours[max(0, ours.find(b"\x07") - 60) :][:80]


def test_an_error_of_its_own_gives_the_terminal_back_and_shows_no_values(tmp_path: Path) -> None:
    more = """
from tui.modes.stage import Stage
def broken(self, frame, **_):
    secret = "sk-" + "12345"
    raise RuntimeError("tripped \\x1b]0;owned\\x07")
Stage.show = broken
"""
    with closing(Child(tmp_path, more)) as child:
        assert child.end() == 1
        assert termios.tcgetattr(child.slave)[3] == child.before[3]
    assert b"Hubbub stopped because of an internal error" in child.output
    assert b"tripped" in child.output
    assert b"\x1b]0;owned" not in child.output
    assert b"sk-12345" not in child.output


def test_a_pipe_or_a_dumb_terminal_is_refused_with_the_headless_command(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tui.app import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "hubbub run" in done.stderr
    assert done.stdout == ""
    assert "TERM=dumb" in obstacle({"TERM": "dumb"})
    assert NO_TERMINAL.partition("{")[0] in obstacle({"TERM": "xterm"}, (None,))


def test_errors_that_go_to_a_file_are_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        closed = False

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "__stdin__", Terminal())
    monkeypatch.setattr(sys, "__stdout__", Terminal())
    monkeypatch.setattr(sys, "__stderr__", None)
    assert obstacle({"TERM": "xterm"}) == ""


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("sim, sim.runtime, sim.io, sim.store", {"tui", "textual"}),
        ("tui.app", {"numba", "scipy", "sim.world.world", "sim.runtime.simulation"}),
    ],
)
def test_the_engine_imports_no_screen_and_the_first_paint_no_engine(
    modules: str, unwanted: set[str]
) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {modules}; print([*sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=170, check=True
    )
    assert not unwanted & set(literal_eval(done.stdout))
