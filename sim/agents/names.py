"""Names of people, made on demand: a function of the seed and the agent's index."""

from __future__ import annotations

__all__ = ["name_of"]


def name_of(seed: int, index: int) -> str:
    """Return the name of an agent."""
    return f"Agent {index}"
