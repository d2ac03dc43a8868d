"""What a model may read of agents: read-only columns by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sim.agents.columns import Agents
from sim.errors import UnknownNameError

__all__ = ["People"]

_TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
_PLAIN = ("interests", "activity", "community", "status", "personality")


class People:
    """The columns of a world's agents, as ``exposure.viewer.openness`` finds them.

    Parameters
    ----------
    agents
        The population.
    """

    def __init__(self, agents: Agents) -> None:
        self._agents = agents
        self._made: dict[str, npt.NDArray[Any]] = {}

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column over all agents.

        Parameters
        ----------
        name
            A trait (float64 in [0, 1]), ``interests`` (uint64), ``activity`` (float32),
            ``community`` (int32), ``status`` (uint8), or ``personality`` (uint8 (n, 5), in 1/255).

        Raises
        ------
        UnknownNameError
            For any other name.
        """
        if name in _PLAIN:
            column: npt.NDArray[Any] = getattr(self._agents, name)
            return column
        if name not in _TRAITS:
            raise UnknownNameError("column of agents", name, (*_TRAITS, *_PLAIN))
        if name not in self._made:
            made = self._agents.personality[:, _TRAITS.index(name)] / np.float64(255)
            made.flags.writeable = False
            self._made[name] = made
        return self._made[name]
