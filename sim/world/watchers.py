"""The watchers of a world, told what happens while it happens; no part of its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from sim.world.world import World

__all__ = ["Watcher"]


class Watcher(Protocol):
    """Is told of every tick, and of what minds are asked and decide; changes nothing."""

    def ticked(self, world: World) -> None:
        """Take note of a tick that ended."""

    def asked(self, question: str, turns: Sequence[tuple[str, str]]) -> None:
        """Take note of what a model is asked, in any thread: its fingerprint, (role, text) each."""

    def decided(self, world: World, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take note of what minds decided on the last tick, before anything comes of it."""
