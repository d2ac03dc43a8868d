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

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
