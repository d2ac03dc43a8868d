from pathlib import Path

import pytest

from sim import World

STUDY = """
[network]
kind = "small-world"
agents = 200
mean_degree = 6
seed = 3

[[messages]]
text = "The bridge is closed."
seeds = "ids:0,1"
model = "sir"
parameters = { gamma = 0.3 }

[stop]
ticks = 12

[sweep]
replicates = 2
measure = "size"
parameters = { beta = "0.1:0.5:3" }
"""


@pytest.fixture(scope="session")
def world() -> World:
    return World.create(agents=200, mean_degree=6, seed=3)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    return file
