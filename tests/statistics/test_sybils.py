"""Rings of fakes against reputation, at the sizes that an attacker would buy."""

from __future__ import annotations

import pytest

from sim.network import reputation
from tests.unit.network.analysis.test_reputation import attacked

pytestmark = pytest.mark.slow

HONEST = 100_000


@pytest.mark.parametrize("ring", [10, 100, 1000, 10_000])
@pytest.mark.parametrize("edges", [100, 1000])
def test_a_ring_of_fakes_stays_within_three_times_the_trust_it_stole(ring: int, edges: int) -> None:
    ties, stolen = attacked(HONEST, ring, edges, seed=1)
    held = float(reputation(ties)[HONEST:].sum())
    assert 0.0 < held <= 3.0 * stolen
