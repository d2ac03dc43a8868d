"""How opinions lie."""

import numpy as np
import pytest

from sim.spread.opinions.model import clusters, measured


def test_two_camps_are_wholly_polarised_and_small_groups_do_not_count() -> None:
    found = measured(np.repeat([-1.0, 1.0], 50), (-1.0, 1.0))
    assert found == {"mean": 0.0, "variance": 1.0, "clusters": 2.0, "polarisation": 1.0}
    opinions = np.concatenate([np.full(90, 0.2), np.full(6, 0.6), np.full(4, 0.9)])
    assert measured(opinions, (0.0, 1.0))["clusters"] == 2
    assert [members for _, members in clusters(opinions, (0.0, 1.0))] == [90, 6]
    assert len(clusters(opinions, (0.0, 1.0), least=0)) == 3
    found = measured(np.linspace(0, 1, 1001), (0.0, 1.0))
    assert found["clusters"] == 1
    assert found["polarisation"] == pytest.approx(1 / 3, rel=0.01)


def test_those_without_an_opinion_are_left_out() -> None:
    found = measured(np.array([np.nan, 0.5, 0.5]), (0.0, 1.0))
    assert found["mean"] == 0.5
    assert found["clusters"] == 1
    empty = measured(np.array([np.nan]), (0.0, 1.0))
    assert np.isnan(empty["mean"])
    assert empty["clusters"] == 0
