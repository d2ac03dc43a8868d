"""Probability expressions of rules: numbers, parameter names, and arithmetic of both."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence

from sim.core.syntax import expression
from sim.errors import InputError, UnknownNameError

__all__ = ["Chance", "factors_of_trust", "names_trust", "value_of"]

Chance = str | float
_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def value_of(chance: Chance, names: Callable[[str], float], known: Sequence[str]) -> float:
    """Return the value of a chance: a number, a name, or arithmetic of both.

    Raises
    ------
    InputError
        When it is no arithmetic, or a name is unknown.
    """
    if not isinstance(chance, str):
        return float(chance)
    try:
        tree = expression(chance)
    except SyntaxError:
        raise InputError(f"The chance {chance!r} is no arithmetic of names and numbers.") from None

    def walk(node: ast.AST) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name):
            if node.id not in known:
                raise UnknownNameError("parameter of the model", node.id, known)
            return float(names(node.id))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            return _OPERATORS[type(node.op)](walk(node.operand))
        raise InputError(f"The chance {chance!r} is no arithmetic of names and numbers.")

    return walk(tree)


def names_trust(chance: str) -> bool:
    """Return whether trust multiplies a chance."""
    return _trusts(expression(chance)) > 0


def _trusts(node: ast.AST) -> int:
    return sum(isinstance(part, ast.Name) and part.id == "trust" for part in ast.walk(node))


def factors_of_trust(chance: Chance) -> int:
    """Return how often trust is a factor of the whole chance, -1 where it stands elsewhere."""
    if not isinstance(chance, str):
        return 0
    try:
        node = expression(chance)
    except SyntaxError:
        return 0  # no arithmetic: refused once it is evaluated
    return _factors_of(node)


def _factors_of(node: ast.AST) -> int:
    if isinstance(node, ast.Name):
        return int(node.id == "trust")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _factors_of(node.left), _factors_of(node.right)
        return -1 if min(left, right) < 0 else left + right
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _trusts(node.right):
        return _factors_of(node.left)
    return -1 if _trusts(node) else 0
