"""The runner of laws: a class is held to one after another, whatever its kind of plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.core.params import Parameters
from sim.core.registry import register


def hold(
    cls: type[Parameters], laws: Mapping[str, Callable[..., object]], parameters: dict[str, Any]
) -> tuple[str, ...]:
    """Hold a plugin class to laws; returns their names.

    Parameters
    ----------
    cls
        Registered or not; one that is not gets its own name in lower case.
    laws
        By name; each raises where it is broken.
    parameters
        Where its defaults do not show what it does.

    Raises
    ------
    PluginError
        From the first law that is broken.
    """
    if not cls.plugin_name:
        register(cls.__name__.lower())(cls)
    for law in laws.values():
        law(cls, parameters)
    return tuple(laws)
