"""A parser of Python text from outside that several threads may call."""

from __future__ import annotations

import ast
import threading

_one_at_a_time = threading.Lock()
"""CPython 3.11 counts the depth of all trees that are being made in one number (gh-106905)."""


def parsed(text: bytes | str) -> ast.Module:
    """Return the syntax tree of a text.

    Examples
    --------
    >>> len(parsed("a = 1").body)
    1
    """
    with _one_at_a_time:
        return ast.parse(text)


def expression(text: str) -> ast.expr:
    """Return the syntax tree of an expression; parameters and errors as of :func:`parsed`.

    Examples
    --------
    >>> ast.unparse(expression("beta * trust"))
    'beta * trust'
    """
    with _one_at_a_time:
        return ast.parse(text, mode="eval").body
