"""Intervals of the lab over 200 studies of outbreaks whose truth is computed exactly."""

from functools import cache
from math import comb

import numpy as np
import pytest

from sim.lab import mean_interval, paired_difference, share_interval, takeoff
from sim.lab.statistics import power, takeoff_threshold
from tests.statistics.small import complete, copies, outbreak

pytestmark = pytest.mark.slow

STUDIES, RUNS, MEMBERS = 200, 30, 10
GAMMA = 0.2


def chances(count: int, chance: float) -> list[float]:
    """The binomial law."""
    return [comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(count + 1)]


@cache
def final_sizes(susceptible: int, infected: int, beta: float) -> tuple[float, ...]:
    """The law of how many more are infected: a naive walk through every state of the chain."""
    if not infected or not susceptible:
        return (1.0, *[0.0] * susceptible)
    law = np.zeros(susceptible + 1)
    stays = 0.0
    for new, a in enumerate(chances(susceptible, 1 - (1 - beta) ** infected)):
        for gone, b in enumerate(chances(infected, GAMMA)):
            if not new and not gone:
                stays = a * b
                continue
            after = final_sizes(susceptible - new, infected + new - gone, beta)
            law[new:] += a * b * np.array(after)
    return tuple((law / (1 - stays)).tolist())


def exact(beta: float) -> tuple[float, float]:
    """Mean final size, and the chance of one beyond the threshold, on a complete network."""
    law = np.array(final_sizes(MEMBERS - 1, 1, beta))
    sizes = np.arange(1, MEMBERS + 1)
    return float(law @ sizes), float(law[sizes > takeoff_threshold(MEMBERS)].sum())


def studies(beta: float) -> np.ndarray:
    """Final sizes (studies, runs); the same draws whatever beta is."""
    world = copies(complete(MEMBERS), MEMBERS, STUDIES * RUNS, seed=11)
    sizes = outbreak(world, MEMBERS, "sir", beta=beta, gamma=GAMMA)
    return sizes.reshape(STUDIES, RUNS).astype(float)


def test_the_reference_has_the_number_of_the_tables() -> None:
    assert exact(0.05)[0] == pytest.approx(5.8949893, abs=1e-7)


def test_intervals_of_a_final_size_cover_it_in_95_of_100_studies() -> None:
    truth, _ = exact(0.05)
    found = np.mean([mean_interval(runs).holds(truth) for runs in studies(0.05)])
    assert 0.92 <= found <= 0.98


def test_intervals_of_the_chance_to_take_off_cover_it_in_95_of_100_studies() -> None:
    _, truth = exact(0.05)
    found = [takeoff(runs, members=MEMBERS) for runs in studies(0.05)]
    assert 0.92 <= np.mean([one.interval.holds(truth) for one in found]) <= 0.98
    whole = share_interval(sum(one.runs for one in found), STUDIES * RUNS, confidence=0.9999)
    assert whole.holds(truth)


def test_intervals_of_a_paired_difference_cover_it_and_power_is_as_stated() -> None:
    one, other = studies(0.05), studies(0.07)
    truth = exact(0.07)[0] - exact(0.05)[0]
    found = [paired_difference(a, b) for a, b in zip(one, other, strict=True)]
    assert 0.92 <= np.mean([each.interval.holds(truth) for each in found]) <= 0.98
    spread = (other - one).std(ddof=1)
    few = [paired_difference(a[:8], b[:8]) for a, b in zip(one, other, strict=True)]
    shown = np.mean([each.sign == 1 for each in few])
    assert shown == pytest.approx(power(truth / spread, 8), abs=0.12)


def test_arms_that_are_the_same_differ_by_exactly_nothing() -> None:
    found = paired_difference(studies(0.05).ravel(), studies(0.05).ravel())
    assert (found.mean, found.interval.width) == (0, 0)
