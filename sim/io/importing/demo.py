"""The demo world: a real network that comes with the program."""

from __future__ import annotations

from importlib.resources import files
from string import ascii_uppercase

import numpy as np

from sim.core.progress import Report, quiet
from sim.world.world import World

DEMO_SEED = 7
_NETWORK = "lastfm-asia.npz"


def demo(*, seed: int = DEMO_SEED, tick_minutes: float = 60.0, report: Report = quiet) -> World:
    """Return 7,624 members of LastFM in 18 Asian countries, and who follows whom.

    The 25,026 friendships are real, and so is each member's country, under a code that its
    publisher made anonymous: communities are ``"Country A"`` to ``"Country R"``. Names, interests
    (alike within a country) and personalities are made up from the seed. Rozemberczki & Sarkar,
    CIKM 2020; MIT licence, see ``data/README.md``.

    Parameters
    ----------
    seed
        Any integer.
    tick_minutes
        Simulated minutes in a tick.
    report
        Told of progress; may cancel.

    Examples
    --------
    >>> world = demo()
    >>> len(world.agents), world.ties.count, world.agents.communities[:2]
    (7624, 50052, ['Country A', 'Country B'])
    """
    packed = files("sim.io.importing").joinpath("data", _NETWORK)
    with packed.open("rb") as raw, np.load(raw, allow_pickle=False) as columns:
        first, second, country = (columns[key] for key in ("first", "second", "country"))
    world = World.from_edges(
        first,
        second,
        len(country),
        directed=False,
        seed=seed,
        community=country.astype(np.int32),
        communities=[f"Country {letter}" for letter in ascii_uppercase[: int(country.max()) + 1]],
        tick_minutes=tick_minutes,
        report=report,
    )
    said = {"seed": seed, "tick_minutes": tick_minutes}
    world.trail.began("demo", said, world.trail.acts[0].result)
    return world
