"""Trust by a named law."""

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
