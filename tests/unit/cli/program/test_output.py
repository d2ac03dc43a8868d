import json
import math
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.cli import exits as stopping
from sim.cli.exits import StoppedError
from sim.cli.output import as_json, files_of, spare_worlds, table
from sim.cli.watch import watched
from sim.errors import FileError
from sim.settings import load_settings
from sim.settings.logging import log
from sim.settings.settings import use
from tests.raising import raises

ROOT = Path(sim.__file__).parents[1]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no clock end this very process on a busy machine."""
    monkeypatch.setattr(stopping, "GRACE_SECONDS", 600)
    monkeypatch.setattr(stopping, "END_SECONDS", 600)


def test_json_is_plain_and_strict() -> None:
    array = np.array([1.5, math.nan])
    value = {"path": Path("a"), "array": array, 1: (np.int64(3), None, True), "inf": math.inf}
    told = json.loads(as_json(value))
    assert told == {"path": "a", "array": [1.5, None], "1": [3, None, True], "inf": None}


def test_tables_align_wide_characters_and_keep_one_line() -> None:
    text = table([("桥", "a"), ("bridge\nx", "\x1b[31mred")])
    first, second = text.splitlines()
    assert first.index("a") == second.index("\N{REPLACEMENT CHARACTER}") - 1
    assert "\x1b" not in text


def test_a_second_ctrl_c_does_not_wait() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(StoppedError):
        twice_interrupted()
    assert signal.getsignal(signal.SIGINT) is before


def twice_interrupted() -> None:
    with watched():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)  # is never slept to its end


def test_work_that_never_reports_again_ends_after_a_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "GRACE_SECONDS", 0.05)

    def spin() -> None:
        with watched():
            os.kill(os.getpid(), signal.SIGINT)
            while True:  # as a plugin that loops for ever
                pass

    raises(StoppedError, "Cancelled", spin)


async def test_work_is_watched_in_any_thread() -> None:
    import asyncio

    def work() -> None:
        with watched() as report:
            report("reading", 0.5)

    await asyncio.to_thread(work)


def test_a_terminal_sees_a_bar_and_the_pipe_only_results() -> None:
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "sim", "run", "new:3000", "--inject", "x", "--json"]
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=slave, cwd=ROOT, env={**os.environ, "TERM": "xterm"}
    )
    os.close(slave)
    seen = read(master)
    os.close(master)
    out, _ = child.communicate(timeout=150)
    assert child.returncode == 0
    assert json.loads(out)["world"]["agents"] == 3000
    assert b"100%" in seen or "━".encode() in seen


def read(master: int) -> bytes:
    """Read a terminal until whoever writes on it has ended."""
    seen = b""
    with suppress(OSError):  # the other end is closed
        while True:
            seen += os.read(master, 65536)
    return seen


def test_the_log_has_a_line_for_what_is_grave_and_stops_nothing(tmp_path: Path) -> None:
    use(load_settings(log_folder=tmp_path, log_level="warning"))
    log("too small to tell")
    log("heard", "warning", text="one\ntwo", path=tmp_path)
    (line,) = (tmp_path / "hubbub.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert (record["event"], record["level"], record["text"]) == ("heard", "warning", "one\ntwo")
    (tmp_path / "file").touch()
    use(load_settings(log_folder=tmp_path / "file"))
    log("nowhere")


def test_a_result_never_replaces_a_world(tmp_path: Path) -> None:
    world = tmp_path / "w.hub"
    world.write_bytes(b"SQLite format 3\0" + bytes(84))
    raises(FileError, "is a world", spare_worlds, world)
    for free in (tmp_path / "new.json", None):
        spare_worlds(free)


def test_files_that_could_not_be_written_are_refused_before_work(tmp_path: Path) -> None:
    (tmp_path / "r.json").mkdir()
    (tmp_path / "report").touch()
    (tmp_path / "fits.v2").mkdir()
    with pytest.raises(FileError, match=r"r\.json: is a folder; name a file"):
        files_of([tmp_path / "r.json"], (".json",))
    raises(FileError, "report: is no folder", files_of, [tmp_path / "report"], (".json", ""))
    assert files_of([tmp_path / "fits.v2"], (".json", "")) == {"": tmp_path / "fits.v2"}
