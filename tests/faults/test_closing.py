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


def killed(what: str, agents: int, kills: int) -> str:
    words = [sys.executable, "-m", "tests.faults.killing", what]
    words += ["--agents", str(agents), "--kills", str(kills)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_kills_of_a_small_world_lose_nothing() -> None:
    assert killed("play", 2_000, 2).endswith(" 0 faults\n")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("what", "agents", "kills"),
    [("play", 100_000, 50), ("save", 100_000, 40), ("play", 1_000_000, 10)],
)
def test_kills_of_a_large_world_lose_nothing(what: str, agents: int, kills: int) -> None:
    said = killed(what, agents, kills)
    assert said.endswith(" 0 faults\n"), said
