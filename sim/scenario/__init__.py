"""Scenarios: whole runs as files and as plans, and the driver that carries them out.

A scenario (:mod:`~sim.scenario.spec`) says how a base world is made and gives a plan; a plan
(:mod:`~sim.scenario.plan`) is a value that says what is done in a world; the driver
(:mod:`~sim.scenario.driver`) does it, tick after tick, for runs without a screen, in this process
or another, and for the lab. The gallery (:mod:`~sim.scenario.gallery`) comes with the program; a
scenario can be described by the ODD protocol (:mod:`~sim.scenario.odd`), its variants compared
(:mod:`~sim.scenario.variants`), and what was done to a world written as one
(:mod:`~sim.scenario.from_world`).

Names are loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.scenario.driver import Program as Program
    from sim.scenario.driver import RunOutcome as RunOutcome
    from sim.scenario.driver import drive as drive
    from sim.scenario.driver import run_plan as run_plan
    from sim.scenario.gallery import gallery_names as gallery_names
    from sim.scenario.gallery import is_scenario as is_scenario
    from sim.scenario.gallery import open_scenario as open_scenario
    from sim.scenario.minds import MindsRequest as MindsRequest
    from sim.scenario.odd import described as described
    from sim.scenario.plan import Command as Command
    from sim.scenario.plan import MessageSpec as MessageSpec
    from sim.scenario.plan import RunPlan as RunPlan
    from sim.scenario.plan import Stop as Stop
    from sim.scenario.setup import WorldSetup as WorldSetup
    from sim.scenario.spec import Scenario as Scenario
    from sim.scenario.spec import read_scenario as read_scenario
    from sim.scenario.variants import VariantFindings as VariantFindings
    from sim.scenario.variants import compare_variants as compare_variants
    from sim.scenario.worlds import named_world as named_world

_HOMES = {
    "driver": ("Program", "RunOutcome", "drive", "run_plan"),
    "gallery": ("gallery_names", "is_scenario", "open_scenario"),
    "minds": ("MindsRequest",),
    "odd": ("described",),
    "plan": ("Command", "MessageSpec", "RunPlan", "Stop"),
    "setup": ("WorldSetup",),
    "spec": ("Scenario", "read_scenario"),
    "variants": ("VariantFindings", "compare_variants"),
    "worlds": ("named_world",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
