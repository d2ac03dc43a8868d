"""What is acknowledged while a world ends is on the disk; what is not is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from sim.runtime.journal.writer import recover

ROOT = Path(__file__).resolve().parents[2]
KILLED = -9


@pytest.mark.parametrize(
    ("kind", "how"),
    [("thread", "close"), ("process", "close"), ("thread", "fail"), ("thread", "restart")],
)
def test_what_is_acknowledged_while_a_world_ends_outlasts_a_kill(
    tmp_path: Path, kind: str, how: str
) -> None:
    path = tmp_path / "a.hub"
    words = [sys.executable, "-m", "tests.faults.closing", str(path), kind, how]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("acknowledged\n", KILLED), done.stderr
    found = recover(path)
    assert found.is_whole
    assert [each.text for each in found.world.cascades] == ["First", "News"]
