""":class:`ChangeDetector`: compares a world before and after a call; emits events between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy.typing as npt
import xxhash

from sim.core.events import AgentCreated, AgentUpdated, Event, ParameterChanged, TiesChanged
from sim.spread.cascade.model import PropagationModel
from sim.world.world import World

__all__ = ["ChangeDetector"]


class ChangeDetector(NamedTuple):
    """What tells two states of a world apart, as far as a call may have changed it."""

    tick: int
    agents: int
    ties: int
    version: int
    columns: tuple[tuple[str, int], ...]
    statuses: list[str]
    models: dict[int, PropagationModel]

    @classmethod
    def of(cls, world: World) -> ChangeDetector:
        """Look at a world."""
        agents, cascades = world.agents, world.cascades
        columns: dict[str, npt.NDArray[Any]] = {
            "status": agents.status,
            "community": agents.community,
            "interests": agents.interests,
            "activity": agents.activity,
        }
        return cls(
            world.tick,
            len(agents),
            world.ties.count,
            world.ties.version,
            tuple((name, xxhash.xxh3_64_intdigest(c.data)) for name, c in columns.items()),
            [each.status for each in cascades.items],
            {each.id: each.model for each in cascades.items},
        )

    def since(self, before: ChangeDetector) -> Iterator[Event]:
        """Yield the events of what happened to agents, ties and models."""
        tick, more = self.tick, self.agents - before.agents
        if more > 0:
            yield AgentCreated(tick=tick, first=before.agents, count=more)
        elif self.columns != before.columns:
            for (name, now), (_, then) in zip(self.columns, before.columns, strict=True):
                if now != then:
                    yield AgentUpdated(tick=tick, what=name)
        if self.version != before.version and self.ties != before.ties:
            yield TiesChanged(tick=tick, added=self.ties - before.ties, count=self.ties)
        for number, model in self.models.items():
            if before.models.get(number, model) is model:
                continue
            earlier = before.models[number].values()
            for name, value in model.values().items():
                if value != earlier.get(name):
                    yield ParameterChanged(tick=tick, cascade=number, name=name, value=value)
