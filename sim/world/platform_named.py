"""Recommenders as a person names them."""

from __future__ import annotations

from typing import Any

from sim.core.registry import make
from sim.errors import InputError
from sim.feed.recommender import Recommender

__all__ = ["recommender_of", "same"]


def recommender_of(said: Recommender | str, parameters: dict[str, Any]) -> Recommender:
    """Return a recommender by name, or the one given, checked."""
    chosen = make(said, "recommender", **parameters) if isinstance(said, str) else said
    if not isinstance(chosen, Recommender):
        raise InputError(f"A recommender is a name or a Recommender, got {type(said).__name__}.")
    chosen.check()
    return chosen


def same(one: Recommender, other: Recommender) -> bool:
    """Whether two recommenders rank alike: of one class, told the same."""
    return type(one) is type(other) and one.values() == other.values()
