"""Prices of tokens: a table that the user may edit, in whole nano-dollars for exact sums."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from sim.core.bounded_files import read_bounded_text
from sim.core.toml import from_toml
from sim.core.whole_files import write_whole
from sim.errors import FileError, UnknownNameError

_NANO = 1_000_000_000
_PER_MILLION = _NANO // 1_000_000


class Price(NamedTuple):
    """Nano-dollars a token.

    Attributes
    ----------
    read, written
        For tokens of the prompt, and of the reply.
    """

    read: int
    written: int

    def of(self, read: int, written: int) -> int:
        """Return what a call costs, in nano-dollars."""
        return read * self.read + written * self.written


FREE = Price(0, 0)
"""Of a model on this machine."""


def in_nano(dollars: float) -> int:
    """Return dollars as whole nano-dollars, rounded up: a price is never taken for less."""
    return -int(-dollars * _NANO // 1)


def in_dollars(nano: int) -> float:
    """Return nano-dollars as dollars."""
    return nano / _NANO


class Spend(NamedTuple):
    """What calls cost.

    Attributes
    ----------
    requests, tokens
        Counts, of both directions.
    nano
        Nano-dollars.
    """

    requests: int = 0
    tokens: int = 0
    nano: int = 0

    @property
    def dollars(self) -> float:
        """The money in dollars."""
        return in_dollars(self.nano)

    def plus(self, other: Spend) -> Spend:
        """Return both together."""
        return Spend(*(mine + more for mine, more in zip(self, other, strict=True)))

    def minus(self, other: Spend) -> Spend:
        """Return what is left without the other."""
        return Spend(*(mine - less for mine, less in zip(self, other, strict=True)))


@lru_cache(maxsize=1)
def built_in_prices() -> Mapping[str, Price]:
    """Return the packaged table; providers change theirs, so look before relying on it."""
    text = files("sim.minds.models").joinpath("prices.toml").read_text("utf-8")
    return _table(from_toml(text), "prices.toml")


def read_prices(path: Path) -> Mapping[str, Price]:
    """Return the user's table over the packaged one."""
    try:
        said = from_toml(read_bounded_text(path))
    except (OSError, ValueError) as error:
        raise FileError(
            path, f"the price table cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from error
    return {**built_in_prices(), **_table(said, path)}


def read_own(path: Path) -> dict[str, Any]:
    """Return the user's own table as it stands in its file; checked as by :func:`read_prices`."""
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
    """Nobody knows what a model costs; says where to write it."""

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
