"""Rendering of tables: in a terminal (rich) and in notebooks (HTML), with text escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from sim.core.text import one_line

if TYPE_CHECKING:
    from rich.console import Group

    from sim.lab.tables.table import Table

__all__ = ["as_html", "as_rich", "shown"]

_WIDEST = 60
_LARGE = 1_000


def shown(value: Any) -> str:
    r"""Return a value as one clean line; numbers to four digits, nothing as an empty text.

    Examples
    --------
    >>> shown(0.123456), shown(12345), shown(float("nan")), shown("a\x1b[31m\nb")
    ('0.1235', '12,345', '', 'a�[31m b')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10 * _LARGE else str(value)
    if isinstance(value, float):
        return f"{value:,.0f}" if _LARGE <= abs(value) < _LARGE**5 else f"{value:.4g}"
    return one_line(str(value), _WIDEST)


def as_rich(table: Table, rows: int) -> Group:
    """Return its caption and first rows for rich; markup in texts is not obeyed."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=SIMPLE_HEAD)
    for name in table.names:
        is_number = table[name].dtype.kind in "iuf"
        drawn.add_column(Text(_heading(table, name)), justify="right" if is_number else "left")
    for values in _cells(table, rows):
        drawn.add_row(*map(Text, values))
    above = [Text(one_line(table.caption), "bold")] if table.caption else []
    below = [Text(_rest(table, rows), "dim")] if len(table) > rows else []
    return Group(*above, drawn, *below)


def as_html(table: Table, rows: int) -> str:
    """Return its first rows as HTML, every text of it escaped."""
    head = "".join(f"<th>{escape(_heading(table, name))}</th>" for name in table.names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in values) + "</tr>"
        for values in _cells(table, rows)
    )
    caption = f"<caption>{escape(one_line(table.caption))}</caption>" if table.caption else ""
    rest = f"<p>{_rest(table, rows)}</p>" if len(table) > rows else ""
    whole = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div>{whole}{rest}</div>"


def _heading(table: Table, name: str) -> str:
    unit = table.units.get(name, "")
    return one_line(f"{name} ({unit})" if unit else name, _WIDEST)


def _cells(table: Table, rows: int) -> list[tuple[str, ...]]:
    columns = [[shown(value) for value in table[name][:rows].tolist()] for name in table.names]
    return list(zip(*columns, strict=True))


def _rest(table: Table, rows: int) -> str:
    return f"{len(table) - rows:,} more of {len(table):,} rows"
