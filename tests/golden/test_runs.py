"""Seeded runs come to the digests that are held, on every way that leads there."""

import pytest

from tests.golden.runs import come_to, every, known, short

HELD = known()
RUNS = every()
REFRESH = "if this change is meant, run python -m tests.golden.runs and say why in the commit"


def test_every_run_is_held() -> None:
    assert HELD.keys() == RUNS.keys(), REFRESH


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_run_comes_to_its_digest(name: str) -> None:
    assert short(come_to(RUNS[name])) == HELD.get(name), REFRESH


@pytest.mark.parametrize(
    "same",
    [
        ("platform with one thread", "platform with two threads"),
        ("minds", "minds again"),
        ("engine in a thread", "engine in a process"),
    ],
)
def test_ways_that_lead_to_one_world_hold_one_digest(same: tuple[str, str]) -> None:
    assert HELD[same[0]] == HELD[same[1]]
