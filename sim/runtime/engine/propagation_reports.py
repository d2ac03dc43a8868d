""":class:`ModelReports`: metrics and text lines of propagation models, sanitised for display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.core.text import clip, one_line
from sim.core.threads import interruptible
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.faults import is_interruption, said_by

_MOST_METRICS, _MOST_LINES = 12, 8
_NAME_CELLS, _LINE_CELLS = 32, 120
_STRIKES = 3

Numbers = tuple[tuple[str, float], ...]
Lines = tuple[str, ...]


class ModelReports:
    """Asks models for metrics and panel lines; one that fails three times is asked no more."""

    def __init__(self) -> None:
        self._strikes: dict[tuple[type, str], int] = {}

    def metrics(self, cascade: Cascade) -> Numbers:
        """Return (name, value) of the numbers of a cascade's model, at most 12; clean names."""
        found: Numbers = self._asked(cascade, "metrics", _numbers)
        return found

    def panel(self, cascade: Cascade) -> Lines:
        """Return the lines that a cascade's model wants shown, at most 8; clean and clipped."""
        found: Lines = self._asked(cascade, "panel", _lines)
        return found

    def _asked(self, cascade: Cascade, what: str, ask: Callable[[Cascade], Any]) -> Any:
        """Return what a method says; what it raises becomes a line, three times at most."""
        key = type(cascade.model), what
        if cascade.started_at < 0 or self._strikes.get(key, 0) >= _STRIKES:
            return ()
        try:
            with interruptible():
                return ask(cascade)
        except BaseException as error:  # somebody else's code, outside the tick
            if is_interruption(error):
                raise
            self._strikes[key] = self._strikes.get(key, 0) + 1
            said = clip(f"{what}() raised {said_by(error)}", _LINE_CELLS)
            return (said,) if what == "panel" else ()


def _numbers(cascade: Cascade) -> Numbers:
    said = cascade.model.metrics(cascade)
    pairs = list(said.items())[:_MOST_METRICS] if isinstance(said, Mapping) else []
    return tuple((_name(name), float(value)) for name, value in pairs if _is_number(value))


def _lines(cascade: Cascade) -> Lines:
    said: Any = cascade.model.panel(cascade)
    lines = [said] if isinstance(said, str) else said if isinstance(said, list | tuple) else []
    return tuple(clip(one_line(str(line)), _LINE_CELLS) for line in lines[:_MOST_LINES])


def _name(name: object) -> str:
    return clip(one_line(str(name)), _NAME_CELLS)


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]  # asking is the test
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, str | bytes)
