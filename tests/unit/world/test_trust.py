"""Trust by a named law."""

import tracemalloc

import numpy as np
import pytest

from sim import World
from sim.errors import InputError


def test_full_trust_takes_no_room() -> None:
    assert World.create(200, mean_degree=6).ties.trust.size == 0


def test_uniform_trust_has_its_bounds_and_mean() -> None:
    trust = World.create(3000, mean_degree=10, trust="uniform:0.2-0.6").ties.trust / 65535
    assert abs(trust.min() - 0.2) < 1e-3
    assert abs(trust.max() - 0.6) < 1e-3
    assert abs(trust.mean() - 0.4) < 4 * 0.4 / 12**0.5 / np.sqrt(trust.size)


def test_trust_follows_the_seed() -> None:
    one, two, other = (World.create(200, mean_degree=6, trust="uniform", seed=s) for s in (1, 1, 2))
    assert one.digest() == two.digest() != other.digest()


@pytest.mark.parametrize("law", ["high", "uniform:2-3", "uniform:0.9-0.1", "uniform:a-b", "full:1"])
def test_unknown_laws_are_refused(law: str) -> None:
    with pytest.raises(InputError, match="uniform:LOW-HIGH"):
        World.create(100, mean_degree=4, trust=law)


def test_the_first_new_trust_gives_up_the_old_rows_before_it_turns_them_round() -> None:
    _first_trust(200)  # kernels are loaded
    grown, slabs, tight = _first_trust(20_000)
    assert grown < slabs - tight // 2


def _first_trust(agents: int) -> tuple[int, int, int]:
    """Return the bytes that it took at most, and those of the new rows and of the old."""
    tracemalloc.start()
    world = World.create(agents, mean_degree=20, trust="uniform:0.2-0.6", seed=3)
    heard = world.ties.listeners(0)[:1].copy()
    assert world.ties.reverse.is_still
    world.network()
    tight = sum(column.nbytes for column in world.ties.parts)
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    assert world.learn(heard, 0, True) == 1
    grown = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return grown, sum(each.melt().nbytes for each in (world.ties, world.ties.reverse)), tight
