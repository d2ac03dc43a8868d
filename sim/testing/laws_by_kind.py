"""The laws by kind of plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sim.core.registry import load_plugins, names, refuse_off
from sim.errors import UnknownNameError
from sim.testing.channel_laws import CHANNEL_LAWS
from sim.testing.mind_laws import MINDS_LAWS
from sim.testing.model_laws import LAWS
from sim.testing.policy_laws import ACTING_LAWS
from sim.testing.recommender_laws import LAWS_OF

LAWS_BY_KIND: dict[str, Mapping[str, Callable[..., object]]] = {
    "propagation": LAWS,
    **LAWS_OF,
    **ACTING_LAWS,
    "mind": MINDS_LAWS,
    "channel": CHANNEL_LAWS,
}


def kinds_of(name: str) -> tuple[str, ...]:
    """Return the kinds with laws under which a plugin with this name is registered."""
    load_plugins()
    found = tuple(kind for kind in LAWS_BY_KIND if name in names(kind))
    if found:
        return found
    refuse_off(name)
    raise UnknownNameError("model", name, [one for kind in LAWS_BY_KIND for one in names(kind)])
