"""A plugin that holds Python's lock, so that no thread moves, is named and ended from outside."""

import subprocess
import sys
from pathlib import Path

import pytest

from sim.runtime.engine.watchdog import place_in

PLUGIN = """
import collections, itertools, re
from sim import PerExposure, register

@register("lock-holder")
class LockHolder(PerExposure):
    '''Holds the lock.'''

    def chance(self, exposure):
        if exposure == "regex":
            re.match("(a+)+$", "a" * 60 + "b")
        if exposure == "count":
            collections.deque(itertools.count(), maxlen=0)
        return 0.0
"""
PROGRAM = """
import collections, itertools, sys, time
from sim import load_file
from sim.runtime.engine import warden as wardens

wardens._patience, wardens._SILENT = (lambda: 0.5), 0.0
(spec,) = load_file(sys.argv[1])
with wardens.warden(print):
    wardens.on_watch().patience = 0.5
    time.sleep(1)
    if sys.argv[2] == "ours":
        collections.deque(itertools.repeat(0, 300_000_000), maxlen=0)
    print(spec.cls().chance(sys.argv[2]))
"""


@pytest.mark.parametrize("how", ["regex", "count", "ours"])
def test_what_lets_no_thread_move_is_named_and_ended_unless_ours(how: str, tmp_path: Path) -> None:
    file = tmp_path / "holder.py"
    file.write_text(PLUGIN)
    words = [sys.executable, "-c", PROGRAM, str(file), how]
    found = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if how == "ours":
        assert (found.returncode, found.stdout, found.stderr) == (0, "0.0\n", "")
        return
    assert found.returncode < 0, found.stderr
    line = {"regex": 11, "count": 13}[how]
    assert found.stderr.startswith("Plugin 'lock-holder': has not returned after ")
    assert f"s (holder.py, line {line}, in chance); it blocks everything else" in found.stderr
    assert found.stderr.count("\n") == 1


def test_the_innermost_line_of_a_plugin_is_the_place() -> None:
    said = 'File "/r.py", line 2 in f\n  File "/p.py", line 8 in g\n  File "/p.py", line 1 in h\n'
    assert place_in(said, {"/p.py": "mine", "/q.py": "other"}) == ("mine", "p.py, line 8, in g")
    assert place_in(said, {"/q.py": "other"}) is None
