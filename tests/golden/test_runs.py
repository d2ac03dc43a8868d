"""Seeded runs come to the digests that are held, on every way that leads there."""

import os

import pytest

from tests.golden.runs import come_to, every, known, short

HELD = known()
RUNS = every()
_FEW = {
    "model": "algorithmic-bias-media altafini competitive-cascade competitive-continuous "
    "competitive-threshold degroot generalised-threshold hegselmann-krause hoax icp ice "
    "k-fold-stifling k-fold-stifling-continuous limited-attention linear-threshold novelty-decay "
    "persuasion q-voter sair-continuous seis-continuous seis-durations social-impact sznajd "
    "triggering utldr voter weighted-hk",
    "network": "configuration erdos-renyi preferential-attachment small-world",
    "friends": "adamic-adar collaborative-follows random-walk two-hop-walk",
    "recommender": "collaborative-filtering diversity followed-ratio similar-users",
}
FEW = [
    *(f"{kind} {name}" for kind, told in _FEW.items() for name in told.split()),
    *(f"model {name} in feeds" for name in ("hybrid", "seir", "watts")),
    "interventions",
    "minds",
    "platform with two threads",
]
"""Runs that together call every kernel that any run calls: these are run as plain Python too."""
REFRESH = "if this change is meant, run python -m tests.golden.runs and say why in the commit"


def test_every_run_is_held() -> None:
    assert HELD.keys() == RUNS.keys(), REFRESH


@pytest.mark.parametrize("name", FEW if os.environ.get("NUMBA_DISABLE_JIT") else sorted(RUNS))
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
