import json
from pathlib import Path

import numpy as np
import pytest

from sim.io import EdgeOptions, import_world
from sim.lab import best_seeds_now
from sim.spread.influence.live_edges import sizes_of
from sim.world.seeding import live_edges_of, live_network


@pytest.mark.slow
def test_spreads_on_nethept_are_those_of_the_papers(shared_data: Path) -> None:
    options = EdgeOptions(directed=False)
    world = import_world(shared_data / "nethept/nethept.txt.gz", options=options).world
    sets = json.loads((shared_data / "nethept/seeds.json").read_text())
    seeds = {name: [world.agents.index(str(one)) for one in ids] for name, ids in sets.items()}
    runs = 4000
    for p, name, mean, error in (
        (0.01, "degree50", 72.27, 0.12),
        (0.01, "degree_discount50_p001", 73.22, 0.12),
        (0.1, "degree50", 799.7, 3.2),
        (0.1, "degree_discount50_p001", 837.2, 3.2),
    ):
        edges = live_edges_of(world, "independent-cascade", {"probability": p})
        sizes = sizes_of(live_network(world, edges), np.array(seeds[name]), runs)
        own = float(sizes.std(ddof=1)) / runs**0.5
        assert abs(sizes.mean() - mean) <= 4 * (own**2 + error**2) ** 0.5
    assert best_seeds_now(world, 50, probability=0.01).spread.mean >= 0.97 * 73.22
