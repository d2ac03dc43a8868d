"""What agents think at the start."""

from typing import Any

import numpy as np
import pytest

from sim import World
from sim.core import rng
from sim.errors import ParameterError
from sim.spread.opinions.model import check_start, rescaled, started
from sim.testing import tiny_world

KEY = rng.key(3, rng.Stream.OPENINGS)
MANY = np.arange(200_000)


def begun(law: str, span: tuple[float, float] = (0.0, 1.0), agents: Any = MANY) -> Any:
    return started(check_start("x", law, span), span, agents, agents.size, KEY, None)


def test_uniform_fills_the_range() -> None:
    found = begun("uniform", (-1.0, 1.0))
    assert found.min() >= -1
    assert found.max() < 1
    assert abs(found.mean()) < 4 * np.sqrt(1 / 3 / MANY.size)
    np.testing.assert_allclose(begun("uniform:0.2:0.4"), 0.2 + 0.2 * (found + 1) / 2)


def test_normal_has_its_mean_and_spread() -> None:
    found = begun("normal:0.5:0.1")
    assert abs(found.mean() - 0.5) < 4 * 0.1 / np.sqrt(MANY.size)
    assert found.std() == pytest.approx(0.1, rel=0.01)
    assert np.mean(found > 0.7) == pytest.approx(0.02275, rel=0.1)
    assert (begun("normal:1:0.5") <= 1).all()


def test_even_first_and_column_and_a_larger_world_leaves_draws_alone() -> None:
    assert begun("even", agents=np.arange(5)).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert begun("even", agents=np.arange(1)).tolist() == [0]
    assert begun("first", (-1.0, 1.0), np.arange(2)).tolist() == [-1, -1]
    world = tiny_world()
    found = started(("column", ("openness",)), (-1.0, 1.0), np.arange(60), 60, KEY, world.people())
    np.testing.assert_allclose(found, 2 * world.people().column("openness") - 1)
    assert np.array_equal(begun("uniform", agents=np.arange(9))[:4], begun("uniform")[:4])


@pytest.mark.parametrize(
    "law",
    ["", "uniform:1", "uniform:0.5:0.2", "uniform:0:2", "normal:0.5", "normal:0.5:-1", "even:1",
     "normal:nan:1", "column", "column:", "uniform:a:b", "random"],
)  # fmt: skip
def test_no_law(law: str) -> None:
    with pytest.raises(ParameterError, match="x: start must be one of"):
        check_start("x", law, (0.0, 1.0))


def test_columns_outside_the_unit_range_are_refused() -> None:
    world = World.from_edges([0], [1], 3, community=[0, 1, 2])
    law = ("column", ("community",))
    with pytest.raises(ParameterError, match="must lie in"):
        started(law, (0.0, 1.0), np.arange(3), 3, KEY, world.people())
    with pytest.raises(ParameterError, match="no columns of agents"):
        started(law, (0.0, 1.0), np.arange(3), 3, KEY, None)


def test_rescaling_keeps_the_place_in_the_range() -> None:
    values = np.array([0.0, 0.25, 1.0])
    assert rescaled(values, (0.0, 1.0), (-1.0, 1.0)).tolist() == [-1, -0.5, 1]
    assert rescaled(values, (0.0, 1.0), (0.0, 1.0)) is values
