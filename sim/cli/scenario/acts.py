"""What a scenario lets members do about each other between two ticks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sim.cli.scenario.places import placed
from sim.errors import InputError

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World

__all__ = ["Deed", "do_due"]

Ids = npt.NDArray[np.uint32]
Named = str | Sequence[str | int]

MOST_PAIRS = 10_000_000
"""Pairs that one command may name."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One command: each of some agents does something about each of some others.

    Parameters
    ----------
    do
        The name of a command of a world: ``follow``, ``unfollow``, ``befriend`` ...
    agents, others
        Foreign ids, or an expression as for seeds. An agent that is among both leaves itself out.
    at
        Ticks after the start.
    place
        The file and section that it comes from, for errors.
    """

    do: str
    agents: Named
    others: Named
    at: int = 0
    place: tuple[Path, str] | None = None

    def carry_out(self, world: World, keeper: JournalWriter | None = None) -> None:
        """Do it; ``keeper`` is told, if the world has a journal.

        Raises
        ------
        InputError, FileError
            One sentence; nothing is changed.
        """
        from sim.runtime.journal.writer import done

        with placed(self.place):
            who, whom = self._pairs(_chosen(world, self.agents), _chosen(world, self.others))
            with done(keeper, world, self.do, (who, whom)):
                getattr(world, self.do)(who, whom)

    def _pairs(self, agents: Ids, others: Ids) -> tuple[Ids, Ids]:
        if agents.size * others.size > MOST_PAIRS:
            raise InputError(
                f"A command is about at most {MOST_PAIRS:,} pairs, and {agents.size:,} agents with "
                f"{others.size:,} others are {agents.size * others.size:,}."
            )
        who, whom = np.repeat(agents, others.size), np.tile(others, agents.size)
        apart = who != whom
        if who.size and not apart.any():
            raise InputError(f"nobody can {self.do} itself; name others")
        return who[apart], whom[apart]


def do_due(deeds: Sequence[Deed], world: World, ticks: int, keeper: JournalWriter | None) -> bool:
    """Do what is to be done after ``ticks`` ticks; return whether anything is left for later."""
    for deed in deeds:
        if deed.at == ticks:
            deed.carry_out(world, keeper)
    return any(deed.at > ticks for deed in deeds)


def _chosen(world: World, named: Named) -> Ids:
    from sim.world.seeding import choose_seeds

    if isinstance(named, str):
        return choose_seeds(world, named)
    return np.array([world.agents.index(one) for one in named], np.uint32)
