"""Minds that decide members' acts: language models, archetypes, surrogates, and their prompts."""

from __future__ import annotations

from sim.core.face import face

__getattr__, __dir__, __all__ = face(__name__)
