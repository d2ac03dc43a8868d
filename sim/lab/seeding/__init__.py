"""Seeding: whom to tell first for most reach, whom to silence for least, beside plain choices."""

from sim.lab.seeding.blocking import BlockingResult, block, find_blocks
from sim.lab.seeding.selection import (
    BASELINES,
    METHODS,
    SeedResult,
    best_seeds,
    find_seeds,
    prices_of,
)

__all__ = [
    "BASELINES",
    "METHODS",
    "BlockingResult",
    "SeedResult",
    "best_seeds",
    "block",
    "find_blocks",
    "find_seeds",
    "prices_of",
]
