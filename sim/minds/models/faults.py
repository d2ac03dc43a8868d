"""Faults of a model server, by kind: what each means for the call and the rest."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from sim.errors import HubbubError

if TYPE_CHECKING:
    from sim.minds.models.prices import Spend


class Fault(StrEnum):
    """Why a call brought no usable reply."""

    TIMEOUT = "no answer in time"
    CONNECTION = "the connection broke"
    RATE_LIMITED = "too many requests"
    SERVER = "the server failed"
    QUOTA = "the account is out of quota"
    UNAUTHORIZED = "the key was refused"
    FORBIDDEN = "access was refused"
    NOT_FOUND = "no such model or address"
    TOO_LONG = "the prompt is longer than the model reads"
    FILTERED = "the provider's filter held it back"
    REJECTED = "the request was refused"
    REDIRECTED = "the server sent the request elsewhere"
    TOO_LARGE = "the answer is larger than allowed"
    MALFORMED = "the answer cannot be used"
    EMPTY = "the answer is empty"
    REFUSED = "the model refused"
    CUT = "the answer was cut off"
    BUDGET = "the budget is spent"
    RESTING = "no provider takes calls just now"
    MISSING = "a package or a key is missing"

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed a moment later."""
        return self in _PASSING

    @property
    def is_congestion(self) -> bool:
        """Whether fewer calls at once would help."""
        return self is Fault.TIMEOUT

    @property
    def ends_provider(self) -> bool:
        """Whether a provider that answers so is of no use for the rest of the run."""
        return self in _ENDING

    @property
    def is_of_provider(self) -> bool:
        """Whether it says something about the provider, not about this one prompt."""
        return self in _PASSING or self in _ENDING or self in _BROKEN


_PASSING = {Fault.TIMEOUT, Fault.CONNECTION, Fault.RATE_LIMITED, Fault.SERVER}
_ENDING = {Fault.QUOTA, Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.NOT_FOUND, Fault.REDIRECTED}
_BROKEN = {Fault.TOO_LARGE, Fault.MALFORMED}
_WORDLESS = re.compile(r"(?:HTTP \d+(?: \w+Error)?)?")
"""A refusal of which the server said nothing more."""


class ModelError(HubbubError):
    """A call to a language model brought no usable reply.

    Parameters
    ----------
    fault
        The kind.
    detail
        What the server or the library said, redacted and short; may be empty.
    wait
        Seconds that the server asked to wait, or None.
    text
        What came of a reply that was cut off.
    sent
        Whether the request may have gone out.

    Attributes
    ----------
    spent
        What was booked for it, retries included; None: nothing was sent.
    """

    def __init__(
        self,
        fault: Fault,
        detail: str = "",
        wait: float | None = None,
        *,
        text: str = "",
        sent: bool = True,
    ) -> None:
        said = f": {detail}" if detail else ""
        super().__init__(f"Language model: {fault.value}{said}.")
        self.fault = fault
        self.detail = detail
        self.wait = wait
        self.text = text
        self.sent = sent
        self.spent: Spend | None = None

    @property
    def reason(self) -> str:
        """What went wrong, to be counted: with what an answer lacks, or a server says of it."""
        is_told = self.fault is Fault.MALFORMED or self.says_why
        return f"{self.fault}: {self.detail}" if is_told and self.detail else str(self.fault)

    @property
    def says_why(self) -> bool:
        """Whether a server refused the request in words of its own."""
        return self.fault is Fault.REJECTED and not _WORDLESS.fullmatch(self.detail)
