"""Secrets that cannot be shown: every text that leaves this room is redacted here."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[secret]"
_LOOKS_SECRET = re.compile(
    r"(?:\b(?:sk|pk|rk|xai|gsk|hf|AIza)[-_][\w-]{8,}|(?<=Bearer )[\w.~+/=-]{8,})", re.ASCII
)


class Secret:
    """A key; neither ``str`` nor ``repr`` nor a pickle shows it.

    Examples
    --------
    >>> key = Secret("sk-canary-0123456789")
    >>> key, f"{key}"
    (Secret([secret]), '[secret]')
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself: for the one line that sends it."""
        return self._value

    def hidden_in(self, text: str) -> str:
        """Return a text in which the key is masked."""
        return text.replace(self._value, MASK) if self._value else text

    def __bool__(self) -> bool:
        return bool(self._value)

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, ("",)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return a text without the given keys, and without whatever else looks like one.

    Examples
    --------
    >>> redact("Incorrect API key provided: sk-canary-0123456789.")
    'Incorrect API key provided: [secret].'
    """
    for secret in secrets:
        text = secret.hidden_in(text)
    return _LOOKS_SECRET.sub(MASK, text)
