"""Counts of communities: how many there are, and how many have a row or a bubble of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.figures import count

if TYPE_CHECKING:
    from sim.runtime import Communities


def real_rows(found: Communities) -> int:
    """Return how many rows are communities; the last one may stand for all the rest."""
    rest = len(found.labels) and int(found.labels[-1]) < 0
    return len(found.names) - (1 if rest else 0)


def all_of(found: Communities) -> int:
    """Return how many communities there are, with a row of their own or not."""
    return max(found.total, real_rows(found))


def counted(shown: int, total: int) -> str:
    """Say how many of all are shown.

    Examples
    --------
    >>> counted(18, 18), counted(40, 802)
    ('18 communities', 'the 40 largest of 802 communities')
    """
    if shown < total:
        return f"the {count(shown)} largest of {count(total)} communities"
    return f"{count(total)} communit{'y' if total == 1 else 'ies'}"


def titled_count(found: Communities | None, shown: int | None = None) -> str:
    """Return what stands in the title of a pane after its name, such as ``" (40 of 802)"``."""
    if found is None:
        return ""
    total = all_of(found)
    shown = real_rows(found) if shown is None else shown
    return f" ({count(total)})" if shown >= total else f" ({count(shown)} of {count(total)})"
