"""The door through which every plugin enters, ours and anybody's: ``register`` and ``make``."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sim.core.params import Parameters, describe
from sim.core.text import one_line
from sim.errors import FileError, InputError, PluginError, UnknownNameError

__all__ = ["Spec", "failures", "load_file", "load_plugins", "make", "names", "register", "spec"]

GROUP = "hubbub.plugins"
API_VERSION = 1
"""The version of the contracts that plugins are written against."""

C = TypeVar("C", bound=type[Parameters])


@dataclass(frozen=True, slots=True)
class Spec:
    """What is known of a registered plugin.

    Attributes
    ----------
    name, kind
        Its registered name and its kind, such as ``"propagation"``.
    cls
        The class; its fields are its parameters.
    origin
        The module or file that it came from.
    sha256
        Of the file that defines it, hex; empty when there is none.
    version
        The class attribute ``version``, else ``"1"``.
    """

    name: str
    kind: str
    cls: type[Parameters]
    origin: str
    sha256: str
    version: str

    @property
    def summary(self) -> str:
        """The first line of the class's docstring."""
        return (self.cls.__doc__ or "").strip().partition("\n")[0]


_known: dict[str, dict[str, Spec]] = {}
_failures: list[PluginError] = []
_loaded: set[str] = set()


def register(name: str) -> Callable[[C], C]:
    """Register a plugin class under ``name``; its kind follows from what it inherits.

    Parameters
    ----------
    name
        Lower-case words joined by ``-``.

    Returns
    -------
    The decorator; the class itself is unchanged.

    Raises
    ------
    InputError
        When the name is malformed or taken by another file's plugin, the class is of no kind, or
        a field of it is of a type that no flag or form can ask for.
    """

    def enter(cls: C) -> C:
        kind = getattr(cls, "plugin_kind", "")
        if not name.replace("-", "").isalnum() or name != name.lower():
            raise InputError(
                f"A plugin's name is lower-case words joined by '-', got {name!r} for "
                f"{cls.__name__}; try {name.lower().replace('_', '-').replace(' ', '-')!r}."
            )
        if not kind:
            raise InputError(
                f"{cls.__name__} is of no plugin kind; inherit a form such as PerExposure."
            )
        try:
            describe(cls)
        except TypeError as error:
            raise InputError(f"{cls.__name__}: {error}.") from None
        found = _describe(name, kind, cls)
        taken = _known.setdefault(kind, {}).get(name)
        if taken is not None and taken.origin != found.origin:
            raise InputError(
                f"The {kind} model {name!r} of {found.origin} is already registered by "
                f"{taken.origin}; choose another name."
            )
        cls.plugin_name = name
        _known[kind][name] = found
        return cls

    return enter


def _describe(name: str, kind: str, cls: type[Parameters]) -> Spec:
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    origin = str(path) if cls.__module__.startswith("hubbub_file_") else cls.__module__
    sha = hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""
    return Spec(name, kind, cls, origin, sha, str(getattr(cls, "version", "1")))


def spec(name: str, kind: str = "propagation") -> Spec:
    """Return what is registered under ``name``; an unknown name suggests the nearest."""
    load_plugins()
    known = _known.get(kind, {})
    if name not in known:
        raise UnknownNameError(f"{kind} model", name, known)
    return known[name]


def names(kind: str = "propagation") -> tuple[str, ...]:
    """Return the registered names of a kind, sorted."""
    load_plugins()
    return tuple(sorted(_known.get(kind, {})))


def make(name: str, kind: str = "propagation", **parameters: Any) -> Any:
    """Return a plugin ready to use.

    Parameters
    ----------
    name, kind
        What to make.
    **parameters
        Its parameters; what is missing takes its default.

    Raises
    ------
    UnknownNameError
        When nothing has that name.
    ParameterError
        When a parameter is unknown or out of range.
    """
    return spec(name, kind).cls(**parameters)


def load_plugins() -> None:
    """Import the plugins of every installed package, once; a failing one is noted, not fatal."""
    if GROUP in _loaded:
        return
    _loaded.add(GROUP)
    for entry in metadata.entry_points(group=GROUP):
        try:
            entry.load()
        except Exception as error:  # somebody else's code
            said = one_line(str(error))
            _failures.append(PluginError(entry.name, f"could not be imported: {said}"))


def failures() -> tuple[PluginError, ...]:
    """Return the plugins that could not be imported, and why."""
    return tuple(_failures)


def load_file(path: str | Path) -> tuple[Spec, ...]:
    """Import a plugin file that the user names, and return what it registered.

    Raises
    ------
    FileError
        When it cannot be read.
    PluginError
        When importing it fails, or it registers nothing.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise FileError(path, "there is no such plugin file; give the path of a .py file")
    load_plugins()
    tag = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    module = _import(file, f"hubbub_file_{file.stem}_{tag}")
    found = tuple(
        item
        for group in _known.values()
        for item in group.values()
        if item.cls.__module__ == module.__name__
    )
    if not found:
        raise PluginError(file.name, "registers nothing; decorate its class with @register(name)")
    return found


def _import(file: Path, name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    found = importlib.util.spec_from_file_location(name, file)
    if found is None or found.loader is None:
        raise FileError(file, "is not a Python file; a plugin's name ends in .py")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(file.name, f"could not be imported: {_sentence(error)}") from error
    return module


def _sentence(error: BaseException) -> str:
    return one_line(f"{type(error).__name__}: {error}").rstrip(".")
