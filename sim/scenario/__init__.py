"""Scenarios: whole runs as files and as plans, and the driver that carries them out.

A scenario (:mod:`~sim.scenario.spec`) describes how to make a base world and has a plan; a plan
(:mod:`~sim.scenario.plan`) is a value that describes what is done in a world; the driver
(:mod:`~sim.scenario.driver`) carries it out, by ticks, for runs without a screen, in this process
or another, and for the lab. The gallery (:mod:`~sim.scenario.gallery`) has ready-made ones; a
scenario can be described by the ODD protocol (:mod:`~sim.scenario.odd`), its variants compared
(:mod:`~sim.scenario.variants`), and what was done to a world written as one
(:mod:`~sim.scenario.from_world`).

Names are loaded when first used.
"""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
