"""The laws of a model as one claim: those that ``hubbub plugin check`` holds plugins to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.lab.validation.claim import Compared, ModelClaim

__all__ = ["LAW_CLAIM", "law_claim"]

LAW_CLAIM = "keeps its laws"
"""What the claim is called."""


def law_claim(model: str, parameters: Mapping[str, Any] | None = None) -> ModelClaim:
    """Return the claim that a model keeps every law of propagation models.

    Parameters
    ----------
    model
        Its registered name.
    parameters
        Where its defaults do not show what it does.

    Raises
    ------
    UnknownNameError
        When there is no such model.
    """
    from sim.core.registry import spec
    from sim.testing import LAWS

    cls: Any = spec(model).cls
    given = dict(parameters or {})

    def measure(_: int) -> Sequence[Compared]:
        for law in LAWS.values():  # the first that is broken raises, and says so
            law(cls, given)
        return [Compared(len(LAWS), len(LAWS), label="laws kept")]

    return ModelClaim(model, LAW_CLAIM, measure, "laws", "hubbub plugin check", "tiny worlds")
