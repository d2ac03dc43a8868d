"""Large worlds killed while they play or are saved; small ones: unit/run and unit/store."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


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
