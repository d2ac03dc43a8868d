"""How long a key takes to be painted while a large world plays: through a real pseudo-terminal.

    python -m bench.keys --agents 1000000 --size 160x48

The program runs in a child on a pty. A world is made, saved and opened, an SIS message keeps every
tie busy, and the speed is set to max. Then keys are typed, and for each the time is taken until
the cell it should change has changed on a small emulated screen. With ``--modes`` the world has a
platform, and the keys are those of Agents, Messages and the dialogs, each to the first paint that
answers it (``bench/modes_keys.py``).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

from bench.modes_keys import pressed

ROOT = Path(__file__).resolve().parents[1]
CHILD = """
import sys
sys.path.insert(0, {root!r})
from tui.app import main
sys.exit(main({path!r}, saves={saves!r}))
"""
LETTERS = "zqxjvkwzqxjvkwzqxjvk"
FIRST_COLUMN = 2
DAY = 24
MEDIAN_MS, P95_MS = 50.0, 150.0
_SEQUENCE = re.compile(
    r"\x1b(?:\[([0-9;?<>=$]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|[=>78cDEHMNOZ])"
)


class Screen:
    """The cells of a terminal, as far as Textual's output needs them.

    Parameters
    ----------
    columns, rows
        Its size.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.bytes = 0
        self.painted: set[int] = set()
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Take what the program wrote."""
        self.bytes += len(data)
        text, self._rest = self._rest + data.decode("utf-8", "ignore"), ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                if found is None:
                    if len(text) - at < 64:
                        self._rest = text[at:]
                        return
                    at += 1
                    continue
                self._obey(found.group(1) or "", found.group(2) or "")
                at = found.end()
            else:
                self._write(text[at])
                at += 1

    def _obey(self, arguments: str, letter: str) -> None:
        if letter == "H":
            row, _, column = arguments.partition(";")
            self.y, self.x = int(row or 1) - 1, int(column or 1) - 1

    def _write(self, letter: str) -> None:
        if letter == "\r":
            self.x = 0
        elif letter == "\n":
            self.y, self.x = self.y + 1, 0
        elif self.y < self.rows and self.x < self.columns:
            self.cells[self.y][self.x] = letter
            self.painted.add(self.y)
            self.x += 1

    def line(self, row: int) -> str:
        """Return a row as text."""
        return "".join(self.cells[row])

    def text(self) -> str:
        """Return every row."""
        return "\n".join(self.line(row) for row in range(self.rows))


class Program:
    """The program on a pty, and the screen that it draws.

    Parameters
    ----------
    path, saves
        The world to open, and the saves folder.
    columns, rows
        Size of the terminal.
    """

    def __init__(self, path: Path | None, saves: Path, columns: int, rows: int) -> None:
        self.screen = Screen(columns, rows)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
            child = CHILD.format(root=str(ROOT), path=str(path) if path else None, saves=str(saves))
            os.execv(sys.executable, [sys.executable, "-c", child])  # noqa: S606 - a fresh process
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.fd, text.encode())

    def read(self, seconds: float) -> bool:
        """Take what has been written; False when nothing came in time."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            self.screen.feed(os.read(self.fd, 1 << 16))
        except OSError:
            return False
        return True

    def wait(self, shown: str, seconds: float = 120.0) -> float:
        """Return the seconds until a text is on the screen."""
        began = time.perf_counter()
        while shown not in self.screen.text():
            if time.perf_counter() - began > seconds:
                raise TimeoutError(f"{shown!r} did not appear:\n{self.screen.text()}")
            self.read(0.05)
        return time.perf_counter() - began

    def idle(self, seconds: float) -> None:
        """Let time pass, reading on."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def command(self, line: str) -> None:
        """Type a command."""
        self.type(":")
        self.idle(0.3)
        self.type(line)
        self.idle(0.3)
        self.type("\r")
        self.idle(0.5)

    def until_cell(self, row: int, column: int, letter: str) -> float:
        """Return the milliseconds until a cell holds a letter."""
        began = time.perf_counter()
        while self.screen.cells[row][column] != letter:
            if time.perf_counter() - began > 10:
                raise TimeoutError(f"{letter!r} was not painted:\n{self.screen.text()}")
            self.read(0.5)
        return 1000 * (time.perf_counter() - began)

    def end(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGTERM)
        self.idle(2.0)
        os.waitpid(self.pid, 0)


def typing(program: Program, presses: int) -> list[float]:
    """Type letters in the ``:`` line; milliseconds from each key to its cell."""
    row = program.screen.rows - 2
    program.type(":")
    program.idle(0.5)
    taken = []
    for press in range(presses):
        column = press % len(LETTERS)
        if press and column == 0:
            program.type("\x1b")
            program.idle(0.6)
            program.type(":")
            program.idle(0.5)
        program.idle(0.03 + 0.013 * (press % 11))
        program.type(LETTERS[column])
        taken.append(program.until_cell(row, FIRST_COLUMN + column, LETTERS[column]))
    program.type("\x1b")
    program.idle(0.5)
    return taken


def turning(program: Program, presses: int) -> list[float]:
    """Go to and fro between Live and Groups; milliseconds until the other mode is painted."""
    taken = []
    for press in range(presses):
        program.idle(0.1 + 0.017 * (press % 7))
        key, shown = ("2", "Most followed") if press % 2 == 0 else ("1", "─ Parameters ─")
        program.type(key)
        began = time.perf_counter()
        program.wait(shown, 10)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def answering(program: Program, presses: int) -> list[float]:
    """Turn the mode; milliseconds until anything is painted on the line of the modes."""
    taken = []
    for press in range(presses):
        program.idle(0.4 + 0.017 * (press % 7))
        program.screen.painted.clear()
        program.type("21"[press % 2])
        began = time.perf_counter()
        while 1 not in program.screen.painted and time.perf_counter() - began < 10:
            program.read(0.5)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def summary(name: str, taken: list[float]) -> dict[str, float | str]:
    """Return median, 95th percentile and worst of some milliseconds."""
    ranked = sorted(taken)
    return {
        "what": name,
        "median_ms": round(statistics.median(ranked), 1),
        "p95_ms": round(ranked[int(0.95 * (len(ranked) - 1))], 1),
        "worst_ms": round(ranked[-1], 1),
        "presses": len(ranked),
    }


def prepared(folder: Path, agents: int, degree: float, *, platform: bool) -> Path:
    """Make and save the world that is played."""
    from sim import World, save

    world = World.create(
        agents=agents, network="planted-communities", mean_degree=degree, seed=7,
        platform={} if platform else None,
    )  # fmt: skip
    if platform:
        world.step(DAY)  # so that members have said something
    path = folder / "bench.hub"
    save(world, path)
    return path


def main() -> int:
    """Run the measurement; 1 when a figure misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000_000)
    parser.add_argument("--degree", type=float, default=20.0)
    parser.add_argument("--size", default="160x48")
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--modes", action="store_true", help="the keys of Agents and Messages")
    parser.add_argument("--world", type=Path, help="a saved world instead of a new one")
    asked = parser.parse_args()
    columns, rows = (int(part) for part in asked.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        saves = Path(folder)
        if asked.world is not None:  # a copy: what the program writes beside it goes with it
            path = Path(shutil.copy(asked.world, saves / "bench.hub"))
        else:
            path = prepared(saves, asked.agents, asked.degree, platform=asked.modes)
        began = time.perf_counter()
        program = Program(path, saves, columns, rows)
        try:
            program.wait(" members ")
            first = time.perf_counter() - began
            program.wait("PAUSED", 300)
            opened = time.perf_counter() - began
            program.idle(3)
            if not asked.modes:
                rests = typing(program, asked.presses // 2)
            program.command("inject text=news model=sis seeds=random:1000 beta=0.05 gamma=0.3")
            program.idle(5)
            if asked.modes:
                still = pressed(program, 1)
            program.command("speed max")
            program.type(" ")
            program.wait("RUNNING")
            program.idle(5)
            status = program.screen.line(0)
            written, since = program.screen.bytes, time.perf_counter()
            program.idle(5)
            rate = (program.screen.bytes - written) / (time.perf_counter() - since) / 1024
            if asked.modes:
                found = pressed(program, max(1, asked.presses // 20))
                rows_ = [summary(name, taken) for name, taken in found.items()]
                rows_ = [summary("all first paints, paused", still["all first paints"]), *rows_]
            else:
                rows_ = [
                    summary("typing, paused", rests),
                    summary("typing, playing", typing(program, asked.presses)),
                    summary("turning modes, first paint", answering(program, asked.presses // 2)),
                    summary("turning modes, every pane", turning(program, asked.presses // 2)),
                ]
        finally:
            program.end()
    report = {
        "size": asked.size, "first_paint_s": round(first, 2), "opened_s": round(opened, 2),
        "output_kib_s": round(rate, 1), "status": status.strip(), "keys": rows_,
    }  # fmt: skip
    print(json.dumps(report, indent=2, ensure_ascii=False))
    playing = rows_[-1] if asked.modes else rows_[1]
    return int(playing["median_ms"] > MEDIAN_MS or playing["p95_ms"] > P95_MS)  # type: ignore[operator]


if __name__ == "__main__":
    sys.exit(main())
