"""Hubbub: a social network of a million members, simulated.

Public names are loaded when first used, so that ``import sim`` is immediate.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim import io as io
    from sim.core.params import Field as Field
    from sim.core.registry import make as make
    from sim.core.registry import register as register
    from sim.core.text import clean as clean
    from sim.core.text import clip as clip
    from sim.run.simulation import Simulation as Simulation
    from sim.spread.cascade import Cascade as Cascade
    from sim.spread.compartments import Compartments as Compartments
    from sim.spread.contacts import Contacts as Contacts
    from sim.spread.contacts import DrawMode as DrawMode
    from sim.spread.contacts import Draws as Draws
    from sim.spread.exposures import Exposure as Exposure
    from sim.spread.exposures import Floats as Floats
    from sim.spread.exposures import PerExposure as PerExposure
    from sim.spread.model import PropagationModel as PropagationModel
    from sim.spread.model import convince as convince
    from sim.spread.rules import after as after
    from sim.spread.rules import contact as contact
    from sim.spread.threshold import Threshold as Threshold
    from sim.store import load as load
    from sim.store import save as save
    from sim.world.world import World as World

__version__ = "0.1.0"

_HOMES = {
    "Cascade": "sim.spread.cascade",
    "Compartments": "sim.spread.compartments",
    "Contacts": "sim.spread.contacts",
    "DrawMode": "sim.spread.contacts",
    "Draws": "sim.spread.contacts",
    "Exposure": "sim.spread.exposures",
    "Field": "sim.core.params",
    "Floats": "sim.spread.exposures",
    "PerExposure": "sim.spread.exposures",
    "PropagationModel": "sim.spread.model",
    "Simulation": "sim.run.simulation",
    "Threshold": "sim.spread.threshold",
    "World": "sim.world.world",
    "after": "sim.spread.rules",
    "clean": "sim.core.text",
    "clip": "sim.core.text",
    "contact": "sim.spread.rules",
    "convince": "sim.spread.model",
    "load": "sim.store",
    "make": "sim.core.registry",
    "register": "sim.core.registry",
    "save": "sim.store",
}

__all__ = ["__version__", "io", *sorted(_HOMES)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "io":
        return importlib.import_module("sim.io")
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
