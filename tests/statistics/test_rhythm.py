"""Hourly activity against the configured law."""

import numpy as np
import pytest

from sim import World


@pytest.mark.slow
def test_hourly_activity_is_within_two_percent_of_the_law_over_thirty_days() -> None:
    """100,000 agents, 720 ticks of an hour; the largest relative error over the 24 hours."""
    told = {"slots": 1, "candidates": 1, "posting": 0.0, "log_ticks": 0}
    world = World.create(agents=100_000, mean_degree=2, seed=11, platform=told)
    platform = world.platform
    assert platform is not None
    law = np.array([platform.law(hour + 1) for hour in range(24)])
    counts = np.zeros(24)
    for tick in range(24 * 30):
        world.step()
        counts[tick % 24] += platform.online.size
    assert np.abs(counts / 30 / law - 1).max() < 0.02
