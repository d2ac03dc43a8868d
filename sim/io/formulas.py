"""Cells that a spreadsheet would calculate: how exports guard them, and imports read them back."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How a cell begins that a spreadsheet would calculate; the last four are full-width forms."""


def guarded(text: str) -> str:
    """Return a text as a cell of CSV; an apostrophe stands before what looks like a formula.

    One stands before what a guard would look like too, so that :func:`unguarded` gives back
    every text that there is.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'=1+1"), guarded("O'Neill")
    ("'=1+1", "''=1+1", "O'Neill")
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def unguarded(cell: str) -> str:
    """Return the text of a cell that :func:`guarded` wrote.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("'s-Hertogenbosch")
    ('=1+1', "'=1+1", "'s-Hertogenbosch")
    """
    return cell[1:] if cell[:1] == "'" and cell.lstrip("'").startswith(FORMULA) else cell
