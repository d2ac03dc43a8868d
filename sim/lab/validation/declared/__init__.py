"""The declared claims of built-in models, one module for a few families: ``declared_claims``."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from sim.lab.validation.claim import ModelClaim
from sim.lab.validation.declared import cascades, epidemics, opinions


@cache
def declared_claims() -> dict[str, tuple[ModelClaim, ...]]:
    """Return all declared claims by model name."""
    found: dict[str, list[ModelClaim]] = defaultdict(list)
    for family in (epidemics, cascades, opinions):
        for claim in family.CLAIMS:
            found[claim.model].append(claim)
    return {model: tuple(claims) for model, claims in found.items()}
