"""Players killed at any moment: nothing acknowledged is lost, and the rest is as if unbroken."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.runtime.journal_config import faults

ROOT = Path(__file__).resolve().parents[4]
KILLS = 10
BUGS = {
    "ack-before-commit": "entry 25 was acknowledged, 24 is the last",
    "split-transaction": "entry 25 cannot be read",
    "missing-digest": "does not match its digest",
}


def kill(folder: Path, kills: int, seed: int, *bugs: str) -> list[list[str]]:
    """Return the faults that each killed player left."""
    told = (str(folder), str(kills), str(seed), *bugs)
    words = [sys.executable, "-m", "tests.unit.runtime.player", *told]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
    assert len(lines) == kills + len(bugs)
    return [faults(Path(path), int(acked)) for path, acked in lines]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What is wrong after ten kills, and after one for each planted bug."""
    return kill(tmp_path_factory.mktemp("kills"), KILLS, 1, *BUGS)


def test_ten_kills_lose_nothing_acknowledged(left: list[list[str]]) -> None:
    assert left[:KILLS] == [[]] * KILLS


@pytest.mark.slow
def test_fifty_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    assert kill(tmp_path, 50, 2) == [[]] * 50


@pytest.mark.parametrize("bug", BUGS)
def test_the_check_finds_a_planted_bug(left: list[list[str]], bug: str) -> None:
    found = left[KILLS + list(BUGS).index(bug)]
    assert any(BUGS[bug] in each for each in found), found
