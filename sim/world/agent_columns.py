"""The columns of agents that a model may read, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.character import DERIVED, derived
from sim.agents.columns import Agents
from sim.agents.lifecycle import belongs
from sim.errors import UnknownNameError

_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
_PLAIN = ("interests", "activity", "community", "status", "personality")


class AgentColumns:
    """The columns of a world's agents, as ``exposure.viewer.openness`` finds them."""

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._made: dict[str, npt.NDArray[Any]] = {}
        self._edition = (agents.edition, len(agents))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column over all agents."""
        if name == "proposable":  # made anew: a stage of life changes no edition
            return belongs(self._agents.status, "proposals")
        if name in _PLAIN:
            column: npt.NDArray[Any] = getattr(self._agents, name)
            return column
        if name not in _TRAITS and name not in DERIVED:
            raise UnknownNameError(
                "column of agents", name, (*_TRAITS, *DERIVED, *_PLAIN, "proposable")
            )
        edition = (self._agents.edition, len(self._agents))
        if self._edition != edition:
            self._made, self._edition = {}, edition
        if name not in self._made:
            made = self._make(name)
            made.flags.writeable = False
            self._made[name] = made
        return self._made[name]

    def _make(self, name: str) -> npt.NDArray[Any]:
        if name in DERIVED:
            return derived(self._agents, name)
        made: npt.NDArray[Any] = self._agents.personality[:, _TRAITS.index(name)] / np.float64(255)
        return made
