"""What a plugin file states of itself, read without running it: names, version, API, needs.

A file may say, at its top or in a class, ``version = "1.2"``, ``api = 1`` and
``requires = ("scipy>=1.14",)``; all three are plain values, so they are known before its first line
runs, and a missing package is named instead of an import that fails somewhere inside.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from sim.core.syntax import parsed
from sim.errors import PluginError

__all__ = ["API_VERSION", "PluginDeclaration", "demand", "stated", "unmet"]

API_VERSION = 1
"""The version of the contracts that plugins are written against."""


@dataclass(frozen=True, slots=True)
class PluginDeclaration:
    """What a plugin says of itself.

    Attributes
    ----------
    registers
        The names under which it registers classes, as far as they are written out.
    version
        Its own version, ``"1"`` unless it says another.
    api
        The version of the contracts that it is written against.
    requires
        Packages, such as ``"scipy>=1.14"``.
    """

    registers: tuple[str, ...] = ()
    version: str = "1"
    api: int = API_VERSION
    requires: tuple[str, ...] = ()


def stated(source: bytes | str) -> PluginDeclaration:
    """Return what a file says of itself; one that is no Python says nothing."""
    try:
        tree = parsed(source)
    except (SyntaxError, ValueError, RecursionError):
        return PluginDeclaration()
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    said = list(_assigned(tree.body))
    said += [pair for node in classes for pair in _assigned(node.body)]
    registers = tuple(name for node in classes for name in _registered(node))
    needs = [need for name, value in said if name == "requires" for need in _texts(value)]
    versions = [value for name, value in said if name == "version" and isinstance(value, str)]
    apis = [value for name, value in said if name == "api" and isinstance(value, int)]
    return PluginDeclaration(
        registers,
        versions[0] if versions else "1",
        max(apis, default=API_VERSION),
        tuple(dict.fromkeys(needs)),
    )


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, Any]]:
    for node in body:
        target: ast.expr | None = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        if isinstance(target, ast.Name) and target.id in {"requires", "version", "api"}:
            try:
                yield target.id, ast.literal_eval(node.value)  # type: ignore[attr-defined]
            except (ValueError, TypeError):
                continue


def _registered(node: ast.ClassDef) -> Iterator[str]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            name = call.func.id if isinstance(call.func, ast.Name) else name
            if name == "register" and isinstance(call.args[0].value, str):
                yield call.args[0].value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, tuple | list) else ()


def demand(plugin: str, said: PluginDeclaration) -> None:
    """Refuse a plugin that this program or this environment cannot serve.

    Raises
    ------
    PluginError
        Naming the API version, or every requirement that is missing.
    """
    if said.api != API_VERSION:
        side = "a newer Hubbub" if said.api > API_VERSION else "an older Hubbub, or change it"
        raise PluginError(
            plugin,
            f"is written for plugin API {said.api} and this Hubbub has {API_VERSION}; use {side}",
        )
    lacks = unmet(said.requires)
    if lacks:
        raise PluginError(plugin, f"needs {' and '.join(lacks)}; install it beside Hubbub")


def unmet(requires: Iterable[str]) -> tuple[str, ...]:
    """Return the requirements that the environment does not fulfil, and what it has instead.

    Parameters
    ----------
    requires
        As pip reads them (PEP 508): ``"scipy>=1.14,<2"``, ``"tomli; python_version < '3.11'"``.
        One whose marker does not hold here asks for nothing.
    """
    found = []
    for need in requires:
        try:
            said = Requirement(need)
        except InvalidRequirement:
            found.append(f"{need!r} (not a requirement such as 'scipy>=1.14')")
            continue
        if said.marker is not None and not said.marker.evaluate():
            continue
        try:
            have = metadata.version(said.name)
        except metadata.PackageNotFoundError:
            found.append(f"{need} (not installed)")
            continue
        if not said.specifier.contains(have, prereleases=True):
            found.append(f"{need} (installed is {have})")
    return tuple(found)
