"""The plugin registry: ``register``, ``make`` and ``spec`` by kind and name; loads plugin files."""

from __future__ import annotations

import hashlib
import itertools
import linecache
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sim.core.authors import line_of, place_in, require_hooks, words_of
from sim.core.params import Parameters, describe
from sim.core.plugin_files import (
    API_VERSION,
    GROUP,
    OURS,
    PACKAGE,
    Candidate,
    PluginDeclaration,
    demand,
    found,
    is_ours,
    one,
    stated,
)
from sim.core.rooms import ClashWarning, clashes, own
from sim.errors import FileError, InputError, PluginError, PluginOffError, UnknownNameError

_FILE = "hubbub_file_"

C = TypeVar("C", bound=type[Parameters])


@dataclass(frozen=True, slots=True)
class Spec:
    """Description of a registered plugin.

    Attributes
    ----------
    name, kind
        Its registered name and its kind, such as ``"propagation"``.
    cls
        The class; its fields are its parameters.
    origin
        Module or file it came from.
    sha256
        Of the defining file, hex; empty without a file.
    version
        ``version`` of the class or its file, else ``"1"``.
    api
        Plugin API version it is written for.
    requires
        Packages it declares as required.
    is_foreign
        Whether it is a third-party plugin, not a built-in one.
    """

    name: str
    kind: str
    cls: type[Parameters]
    origin: str
    sha256: str
    version: str
    api: int = API_VERSION
    requires: tuple[str, ...] = ()
    is_foreign: bool = False

    @property
    def summary(self) -> str:
        """The first line of the class's docstring."""
        return (self.cls.__doc__ or "").strip().partition("\n")[0]


_known: dict[str, dict[str, Spec]] = {}
_ever: dict[type[Parameters], Spec] = {}
_failures: list[PluginError] = []
_loaded: set[str] = set()
_loading = threading.RLock()
_named: set[str] = set()


def require_name(name: str, whose: str = "") -> None:
    """Raise for an invalid plugin name, suggesting a valid one."""
    if not isinstance(name, str):
        raise InputError(f"@register takes a name, as @register('my-model'){whose}.")
    if not name.replace("-", "").isalnum() or name != name.lower():
        better = name.lower().replace("_", "-").replace(" ", "-")
        raise InputError(
            f"A plugin's name is lower-case words joined by '-', got {name!r}{whose}; "
            f"try {better!r}."
        )


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
        If the name is malformed or taken by another file's plugin, the class is of no kind, or
        the type of a field is not supported by flags and forms.
    """
    if isinstance(name, type):
        require_name(name, f" above class {name.__name__}")

    def enter(cls: C) -> C:
        kind = getattr(cls, "plugin_kind", "")
        require_name(name, f" for {cls.__name__}")
        if not kind:
            raise InputError(
                f"{cls.__name__} is of no plugin kind; inherit a form such as PerExposure."
            )
        try:
            describe(cls)
        except TypeError as error:
            raise InputError(f"{cls.__name__}: {error}.") from None
        found = _describe(name, kind, cls)
        if is_file := cls.__module__.startswith(_FILE):
            require_hooks(cls)
        taken = _known.setdefault(kind, {}).get(name)
        if (
            is_file
            and taken is not None
            and taken.cls.__module__ == cls.__module__
            and taken.cls.__name__ != cls.__name__  # otherwise the file was reloaded
        ):
            raise InputError(
                f"Two classes, {taken.cls.__name__} and {cls.__name__}, are registered "
                f"as {name!r}; choose another name."
            )
        if taken is not None and taken.origin != found.origin:
            raise InputError(
                f"The {kind} model {name!r} of {found.origin} is already registered by "
                f"{taken.origin}; choose another name."
            )
        cls.plugin_name = name
        _known[kind][name] = _ever[cls] = found
        return cls

    return enter


def _describe(name: str, kind: str, cls: type[Parameters]) -> Spec:
    module = sys.modules.get(cls.__module__)
    path = getattr(module, "__file__", None)
    is_file = cls.__module__.startswith(_FILE)
    said = PluginDeclaration(
        version=str(_said_by(cls, module, "version", "1")),
        api=int(_said_by(cls, module, "api", API_VERSION)),
        requires=tuple(_said_by(cls, module, "requires", ())),
    )
    demand(name, said)
    sha = getattr(module, "__sha256__", "") if is_file else ""
    if path and not sha and Path(path).is_file():  # not "<stdin>" or a notebook
        sha = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Spec(
        name,
        kind,
        cls,
        str(path) if is_file else cls.__module__,
        sha,
        said.version,
        said.api,
        said.requires,
        is_file or cls.__module__.partition(".")[0] not in {"plugins", "sim"},
    )


def _said_by(cls: type[Parameters], module: ModuleType | None, name: str, default: Any) -> Any:
    """Return a declaration of a class, ignoring built-in forms; else its file's; else a default."""
    for owner in cls.__mro__:
        if name in vars(owner) and not owner.__module__.startswith("sim."):
            return vars(owner)[name]
    return getattr(module, name, default)


def spec(name: str, kind: str = "propagation") -> Spec:
    """Return what is registered under ``name``; for an unknown name the error suggests one."""
    load_plugins()
    known = _known.get(kind, {})
    if not isinstance(name, str) or name not in known:
        refuse_off(name)
        is_model = kind in {"propagation", "opinion"}
        raise UnknownNameError(f"{kind} model" if is_model else kind, str(name), known)
    return known[name]


def refuse_off(name: str) -> None:
    """Raise if a disabled plugin would register ``name``, naming it."""
    off = [each for each in found() if each.status != "on" and name in each.says.registers]
    if off:
        said = "is off" if off[0].status == "off" else "has changed since it was enabled"
        raise PluginOffError(
            name,
            f"The plugin {name!r} lies in {off[0].place} and {said}; read it, then let it run: "
            f"hubbub plugin enable {off[0].name}",
        )


def is_foreign(cls: type[Parameters]) -> bool:
    """Return whether a class comes from a third-party plugin."""
    known = _ever.get(cls)
    return known is not None and known.is_foreign


def spec_of(cls: type[Parameters]) -> Spec | None:
    """Return the spec of a class, even if another class has its name by now."""
    return _ever.get(cls)


def names(kind: str = "propagation") -> tuple[str, ...]:
    """Return the registered names of a kind, sorted."""
    load_plugins()
    return tuple(sorted(_known.get(kind, {})))


def kinds() -> tuple[str, ...]:
    """Return the kinds of plugins, propagation models first."""
    load_plugins()
    others = sorted(kind for kind, entries in _known.items() if entries and kind != "propagation")
    return ("propagation", *others)


def make(name: str, kind: str = "propagation", **parameters: Any) -> Any:
    """Return a plugin ready to use.

    Parameters
    ----------
    name, kind
        Name and kind of the plugin.
    **parameters
        Its parameters; missing ones take their defaults.

    Raises
    ------
    UnknownNameError
        If nothing has that name.
    ParameterError
        If a parameter is unknown or out of range.
    """
    return spec(name, kind).cls(**parameters)


def load_plugins() -> None:
    """Import the built-in plugins and the enabled third-party ones, once.

    A failing one is recorded (:func:`failures`), not fatal; disabled ones are not run.
    """
    with _loading:  # other threads wait instead of finding half of the names
        if GROUP not in _loaded:
            own(OURS)
            _loaded.add(GROUP)
            _load_all()


def _load_all() -> None:
    for entry in metadata.entry_points(group=GROUP):
        if is_ours(entry):
            _try(entry.name, partial(_load_ours, entry))
    for candidate in found():
        if candidate.status == "on":
            _try(candidate.name, partial(load_candidate, candidate))
        elif candidate.status == "changed":
            said = "has changed since it was enabled, and is off; to let it run again: "
            reload = f"hubbub plugin reload {candidate.name}"
            _failures.append(PluginError(candidate.name, said + reload))


def _load_ours(entry: metadata.EntryPoint) -> None:
    for said in clashes():
        warnings.warn(said, ClashWarning, stacklevel=2)
    entry.load()


def _try(name: str, load: Callable[[], object]) -> None:
    try:
        load()
    except PluginError as error:
        _failures.append(error)
    except (Exception, SystemExit) as error:  # plugin code
        _failures.append(PluginError(name, f"could not be imported: {words_of(error)}"))


def load_candidate(candidate: Candidate) -> tuple[Spec, ...]:
    """Import an enabled or named third-party plugin; return what it registers."""
    if candidate.path is not None:
        return _load(candidate.path, "")
    demand(candidate.name, candidate.says)
    before = {id(item) for item in _all()}
    for entry in candidate.entries:
        entry.load()
    brought = tuple(item for item in _all() if id(item) not in before)
    known = tuple(each for each in foreign() if each.name in candidate.says.registers)
    if not brought and not known:
        raise PluginError(
            candidate.name, "registers nothing; decorate its classes with @register(name)"
        )
    return brought or known


def load_named(what: str) -> tuple[Spec, ...]:
    """Import a plugin file, or a package by its place; return what it registers."""
    if what.startswith(PACKAGE):
        load_plugins()
        return load_candidate(one(what))
    return load_file(what)


def failures() -> tuple[PluginError, ...]:
    """Return the plugins that could not be imported, and why."""
    return tuple(_failures)


def foreign() -> tuple[Spec, ...]:
    """Return what third-party plugins have registered in this process."""
    return tuple(item for item in _all() if item.is_foreign)


def _all() -> list[Spec]:
    return [item for group in _known.values() for item in group.values()]


def load_file(path: str | Path) -> tuple[Spec, ...]:
    """Import a plugin file named by the user, and return what it registered.

    A changed file is imported again, and its classes replace the old ones; running cascades keep
    the class that started them.

    Raises
    ------
    FileError
        If it cannot be read.
    PluginError
        If a requirement is missing, importing it fails, or it registers nothing.
    """
    brought = _load(path, "")
    _named.add(str(Path(path).resolve()))
    return brought


def has_consent(path: str | Path) -> bool:
    """Return whether a file may run: named in this run, or enabled with its present content."""
    place = str(Path(path).resolve())
    return place in _named or one(place).status == "on"


def named_plugins() -> tuple[Spec, ...]:
    """Return what the files named for this run have registered, in order."""
    return tuple(item for item in foreign() if item.origin in _named)


def again(path: str | Path) -> tuple[Spec, ...]:
    """Import a plugin file as a new module, even if it is unchanged."""
    return _load(path, f"_{next(_turns)}")


_turns = itertools.count(1)


def _load(path: str | Path, turn: str) -> tuple[Spec, ...]:
    file = Path(path).resolve()
    if not file.is_file():
        raise FileError(path, "there is no such plugin file; give the path of a .py file")
    if file.suffix != ".py":
        raise FileError(file, "is not a Python file; a plugin's name ends in .py")
    load_plugins()
    source = file.read_bytes()
    demand(file.name, stated(source))
    sha = hashlib.sha256(source).hexdigest()
    place = hashlib.sha256(str(file).encode()).hexdigest()[:8]
    name = f"{_FILE}{file.stem}_{sha[:16]}{place}"
    if name in sys.modules and not _brought(name):  # it was replaced or removed since
        turn = turn or f"_{next(_turns)}"
    module = _import(file, source, sha, name + turn)
    brought = _brought(module.__name__)
    if not brought:
        raise PluginError(file.name, _nothing(module))
    for item in _all():  # what the file registered before it changed
        if item.origin == str(file) and item not in brought:
            del _known[item.kind][item.name]
    return brought


def _refused(error: BaseException) -> str:
    said = words_of(error)
    return said if ", line " in said else f"{said}{line_of(error)}"


def _nothing(module: ModuleType) -> str:
    """Return a sentence that a file registers nothing, with a likely class."""
    said = "registers nothing; decorate its class with @register(name)"
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == module.__name__:
            return f"{said}: {each.__name__}{place_in(each)}"
    return said


def _brought(module: str) -> tuple[Spec, ...]:
    return tuple(item for item in _all() if item.cls.__module__ == module)


def _import(file: Path, source: bytes, sha: str, name: str) -> ModuleType:
    """Run exactly the bytes that were hashed, without reading or writing a .pyc file."""
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file)
    vars(module)["__sha256__"] = sha
    sys.modules[name] = module
    before = {kind: dict(known) for kind, known in _known.items()}
    linecache.checkcache(str(file))
    try:
        exec(compile(source, str(file), "exec"), vars(module))  # noqa: S102  # nosec B102
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        _known.clear()
        _known.update(before)
        if isinstance(error, PluginError):
            raise
        raise PluginError(file.name, f"could not be imported: {_refused(error)}") from error
    return module
