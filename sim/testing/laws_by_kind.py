"""The laws by kind of plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.core.registry import load_plugins, names
from sim.errors import UnknownNameError

KINDS = ("propagation", "recommender", "friend-recommender", "policy", "mind", "intervention",
         "metric", "channel")  # fmt: skip
"""Kinds of plugins that there are laws for."""


def kinds_of(name: str) -> tuple[str, ...]:
    """Return the kinds of the registered plugins of a name that there are laws for."""
    from sim.core.registry import refuse_off

    load_plugins()
    found = tuple(kind for kind in KINDS if name in names(kind))
    if found:
        return found
    refuse_off(name)
    raise UnknownNameError("model", name, [one for kind in KINDS for one in names(kind)])


def laws_of(kind: str) -> Mapping[str, Callable[..., object]]:
    """Return the laws of a kind by name; empty for a kind that has none."""
    from sim.testing import LAWS
    from sim.testing.channel_laws import CHANNEL_LAWS
    from sim.testing.mind_laws import MINDS_LAWS
    from sim.testing.policy_laws import ACTING_LAWS
    from sim.testing.recommender_laws import LAWS_OF

    of: dict[str, Mapping[str, Callable[..., object]]] = {
        "propagation": LAWS, "mind": MINDS_LAWS, "channel": CHANNEL_LAWS, **LAWS_OF,
        **ACTING_LAWS,
    }  # fmt: skip
    return of.get(kind, {})
