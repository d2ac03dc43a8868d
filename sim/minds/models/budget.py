"""Prices, and a budget: the worst case of a call is set aside before anything is sent.

A reservation that exceeds a cap is refused. A call whose usage is missing, absurd or never arrives
keeps its reservation: it may have been billed in full. A call is booked with more than its worst
case only if a server states it: a cap may be exceeded by that surplus, and nothing is sent
afterwards. If calls under way hold the remaining budget, others wait for them to settle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from sim.core.files import from_toml, read_bounded_text, write_whole
from sim.errors import FileError, InputError, UnknownNameError
from sim.minds.models.asks import Fault, ModelError, Spend

_NANO = 1_000_000_000
_PER_MILLION = _NANO // 1_000_000


class Price(NamedTuple):
    """Nano-dollars per token."""

    read: int  # read, written: for tokens of the prompt, and of the reply
    written: int

    def of(self, read: int, written: int) -> int:
        """Return the cost of a call, in nano-dollars."""
        return read * self.read + written * self.written


FREE = Price(0, 0)
"""Price of a model on this machine."""


def in_nano(dollars: float) -> int:
    """Convert dollars to whole nano-dollars, rounded up: a price is never underestimated."""
    return -int(-dollars * _NANO // 1)


@lru_cache(maxsize=1)
def built_in_prices() -> Mapping[str, Price]:
    """Return the packaged table; providers change prices, so check before relying on it."""
    text = files("sim.minds.models").joinpath("prices.toml").read_text("utf-8")
    return _table(from_toml(text), "prices.toml")


def read_prices(path: Path) -> Mapping[str, Price]:
    """Return the packaged table, overridden by the user's."""
    try:
        said = from_toml(read_bounded_text(path))
    except (OSError, ValueError) as error:
        raise FileError(
            path, f"the price table cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    return {**built_in_prices(), **_table(said, path)}


def read_own(path: Path) -> dict[str, Any]:
    """Return only the user's own table; checked as by :func:`read_prices`."""
    read_prices(path)
    return from_toml(read_bounded_text(path))


def write_own(path: Path, table: Mapping[str, Any]) -> None:
    """Write the user's own table."""
    _table(table, path)
    rows = (
        f"[{json.dumps(model)}]\nread = {float(price['read'])!r}\n"
        f"written = {float(price['written'])!r}\n"
        for model, price in table.items()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, "\n".join(rows))
    except OSError as error:
        raise FileError(path, f"the price table cannot be written ({error.strerror})") from error


def _table(said: Mapping[str, Any], path: str | Path) -> dict[str, Price]:
    return {model: _price(model, entry, path) for model, entry in said.items()}


def _price(model: str, entry: Any, path: str | Path) -> Price:
    fits = isinstance(entry, dict) and set(entry) == {"read", "written"}
    if not fits or not all(_is_price(value) for value in entry.values()):
        raise FileError(
            path,
            f"[{model!r}] needs 'read' and 'written', dollars (0 or more) for a million tokens",
        )
    return Price(*(-int(-entry[part] * _PER_MILLION // 1) for part in Price._fields))


def _is_price(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < 1e6


class UnpricedError(UnknownNameError):
    """The price of a model is unknown; the message says where to write it."""

    def __init__(self, model: str, prices: Mapping[str, Price]) -> None:
        super().__init__("price of a language model", model, prices)
        self.args = (
            f"{self.args[0]} Its own may stand in llm_prices.toml, beside the settings: "
            f'["{model}"] with read and written, dollars for a million tokens.',
        )


def price_of(model: str, prices: Mapping[str, Price], *, local: bool) -> Price:
    """Return the price of a model."""
    if model in prices:
        return prices[model]
    families = [name for name in prices if model.startswith(f"{name}-20")]
    if families:
        return prices[max(families, key=len)]
    if local:
        return FREE
    raise UnpricedError(model, prices)


_CAPS = {
    word: cap
    for cap, words in (
        ("requests", "requests request"),
        ("tokens", "tokens token"),
        ("dollars", "dollars dollar $"),
    )
    for word in words.split()
}


class Budget:
    """Caps on requests, tokens and money; safe to use from any thread.

    Parameters
    ----------
    requests, tokens
        Maximum of each; None: no cap.
    dollars
        Maximum cost; None: no cap.

    Examples
    --------
    >>> budget = Budget(dollars=0.01)
    >>> held = budget.reserve(Spend(1, 500, 4_000_000))
    >>> held.settle(Spend(1, 300, 2_000_000)).dollars
    0.002
    >>> budget.settled.dollars, budget.reserved.requests
    (0.002, 0)
    """

    def __init__(
        self,
        *,
        requests: int | None = None,
        tokens: int | None = None,
        dollars: float | None = None,
    ) -> None:
        for name, cap in (("requests", requests), ("tokens", tokens), ("dollars", dollars)):
            if cap is not None and not 0 <= cap < float("inf"):
                raise InputError(f"A budget's {name} are 0 or more, got {cap!r}.")
        self.caps = (requests, tokens, None if dollars is None else int(in_nano(dollars)))
        self._settled = Spend()
        self._reserved = Spend()
        self._lock = Lock()
        self._changed: Future[None] = Future()

    @property
    def settled(self) -> Spend:
        """What was spent."""
        return self._settled

    @property
    def reserved(self) -> Spend:
        """The worst-case cost of calls under way."""
        return self._reserved

    @property
    def is_spent(self) -> bool:
        """Whether not even one request is left."""
        return self._lacking(Spend(1)) is not None

    def set_cap(self, name: str, most: float | None) -> None:
        """Change a cap; it cannot fall below what is already spent or set aside.

        Parameters
        ----------
        name
            ``"requests"``, ``"tokens"`` or ``"dollars"``.
        most
            At least 0; None: no cap.
        """
        place = ("requests", "tokens", "dollars").index(name)
        new = Budget(**{name: most}).caps[place]  # type: ignore[arg-type]  # it refuses absurd ones
        with self._lock:
            used = self._settled.plus(self._reserved)[place]
            caps = list(self.caps)
            caps[place] = None if new is None else max(new, used)
            self.caps = (caps[0], caps[1], caps[2])
        self._tell()

    def restore(self, settled: Spend) -> None:
        """Set the amount that an earlier part of the run spent."""
        with self._lock:
            self._settled = settled
        self._tell()

    def changed(self) -> Future[None]:
        """Return a future that is done once there may be more room; all that wait share it."""
        with self._lock:
            return self._changed

    def _tell(self) -> None:
        with self._lock:
            told, self._changed = self._changed, Future()
        told.set_result(None)

    def may_fit(self, worst: Spend) -> bool:
        """Return whether a call would fit if all calls under way cost nothing."""
        with self._lock:
            return self._lacking(worst, Spend()) is None

    def reserve(self, worst: Spend) -> Reservation:
        """Set aside the worst case of a call.

        Raises
        ------
        ModelError
            BUDGET: it no longer fits under a cap; nothing is set aside.
        """
        with self._lock:
            lacking = self._lacking(worst)
            if lacking is not None:
                raise ModelError(Fault.BUDGET, f"the cap on {lacking} leaves no room for a call")
            self._reserved = self._reserved.plus(worst)
        return Reservation(self, worst)

    def _lacking(self, more: Spend, reserved: Spend | None = None) -> str | None:
        """Return the cap that ``more`` would exceed, or None; ``reserved`` overrides ours."""
        held = self._reserved if reserved is None else reserved
        total = self._settled.plus(held).plus(more)
        for name, used, cap in zip(("requests", "tokens", "money"), total, self.caps, strict=True):
            if cap is not None and used > cap:
                return name
        return None

    def _close(self, held: Spend, spent: Spend, most: Spend) -> Spend:
        """Book the cost of a call, up to its worst case; return what was booked."""
        booked = Spend(*map(min, spent, most))
        with self._lock:
            self._reserved = self._reserved.minus(held)
            self._settled = self._settled.plus(booked)
        self._tell()
        return booked


class Reservation:
    """The worst case of one call, set aside; closed once, at its real cost or in full."""

    __slots__ = ("_budget", "_open", "worst")

    def __init__(self, budget: Budget, worst: Spend) -> None:
        self._budget = budget
        self._open = True
        self.worst = worst

    def settle(self, spent: Spend, *, beyond: bool = False) -> Spend:
        """Replace it, once, by the cost of the call; beyond the worst case if ``beyond``."""
        if not self._open:
            return Spend()
        self._open = False
        most = spent if beyond else self.worst
        return self._budget._close(self.worst, spent, most)  # noqa: SLF001 - the two are one

    def keep(self) -> Spend:
        """Book it in full: the cost of the call is unknown; return what was booked."""
        return self.settle(self.worst)

    def release(self) -> None:
        """Release it: nothing was sent."""
        self.settle(Spend())


def cap_of(words: Sequence[str]) -> tuple[str, float | None]:
    """Parse a cap as typed.

    Examples
    --------
    >>> cap_of(("$0.5",)), cap_of(("200", "requests")), cap_of(("none", "tokens"))
    (('dollars', 0.5), ('requests', 200), ('tokens', None))
    """
    name = _CAPS.get(words[1]) if len(words) == 2 else "dollars"
    said = words[0].removeprefix("$").replace(",", "")
    if name is None or len(words) > 2:
        raise InputError("A budget is $0.50, 200 requests or 50000 tokens; none takes a cap away.")
    if said == "none":
        return name, None
    try:
        most = float(said)
    except ValueError:
        most = -1.0
    if not 0 <= most < float("inf"):
        raise InputError(f"A budget is a number of at least 0, got {words[0]!r}.")
    return name, most if name == "dollars" else int(most)
