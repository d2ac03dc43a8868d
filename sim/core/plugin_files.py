"""Third-party plugins: their files, what they declare, and which ones the user has enabled.

Plugins are code and cannot be sandboxed; the guarantee is that nothing runs unless it was enabled
with its present content. So plugin files are listed and hashed here without being run, and enabled
ones are stored by path and SHA-256 in ``plugins.json`` of the settings' folder.

A file may declare, at its top or in a class, ``version = "1.2"``, ``api = 1`` and
``requires = ("scipy>=1.14",)``; all three are literals, so they are read before any line runs, and
a missing package is reported instead of a failing import.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import platformdirs

from sim.core.checks import parsed
from sim.core.files import write_whole
from sim.core.rooms import root
from sim.errors import FileError, InputError, PluginError, UnknownNameError

GROUP = "hubbub.plugins"
OURS = "plugins"
PACKAGE = "package "
"""Prefix of the place of an installed package."""
_APP = "hubbub"
_MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """A third-party plugin that could be used."""

    name: str  # for packages that of the entry point, or its own if it has several
    place: str  # path of the file; "package NAME VERSION" for an installed package
    sha256: str  # over all its code, hex
    status: Literal["on", "off", "changed"]  # changed since it was enabled, so disabled
    says: PluginDeclaration
    path: Path | None = None  # for a file; below: entry points of a package
    entries: tuple[metadata.EntryPoint, ...] = field(default=(), compare=False)

    @property
    def names(self) -> set[str]:
        """Its names: its own, those it registers, and those of its entry points."""
        return {self.name, self.place, *self.says.registers, *(each.name for each in self.entries)}


def user_folder() -> Path:
    """Return the folder for the user's plugins, which may not exist."""
    return platformdirs.user_data_path(_APP) / "plugins"


def record_path() -> Path:
    """Return the file that lists enabled plugins."""
    return platformdirs.user_config_path(_APP) / "plugins.json"


def found() -> tuple[Candidate, ...]:
    """Return third-party plugins by name: user's folder, ``./plugins``, packages, enabled files."""
    enabled = _record()
    every = [*_of_files(enabled), *_of_packages(enabled)]
    every += _elsewhere(enabled, {each.place for each in every})
    return tuple(sorted(every, key=lambda candidate: (candidate.name, candidate.place)))


def one(name: str) -> Candidate:
    """Return the third-party plugin with a name, registered name, path, or package's place."""
    if name.endswith(".py"):
        return _of_file(Path(name).resolve(), _record())
    every = found()
    fits = [item for item in every if name in item.names]
    if not fits:
        known = {item.name for item in every}
        raise UnknownNameError("foreign plugin", name, known)
    if len(fits) > 1:
        places = " and ".join(item.place for item in fits)
        raise InputError(f"Several plugins are called {name!r}: {places}; give the path of one.")
    return fits[0]


def enable(candidate: Candidate) -> None:
    """Enable a plugin, for as long as it is unchanged."""
    kept = _record()
    kept[candidate.place] = {"name": candidate.name, "sha256": candidate.sha256}
    _write(kept)


def disable(candidate: Candidate) -> bool:
    """Disable a plugin; return whether it was enabled."""
    kept = _record()
    was = kept.pop(candidate.place, None)
    _write(kept)
    return was is not None


def was_tried(digest: str) -> bool:
    """Return whether content with this digest passed its trial under this API version."""
    return (_tried_folder() / f"{digest}-{API_VERSION}").is_file()


def note_tried(digest: str) -> None:
    """Record that content passed its trial; if that cannot be written, it is tried again."""
    folder = _tried_folder()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{digest}-{API_VERSION}").touch()


def _tried_folder() -> Path:
    return platformdirs.user_cache_path(_APP) / "tried"


def _of_files(enabled: dict[str, Any]) -> Iterator[Candidate]:
    for folder in (user_folder(), Path(OURS)):
        if folder.is_dir() and folder.resolve() != root() / OURS:  # not that of built-in models
            for path in sorted(folder.glob("*.py")):
                if _could_be_one(path):
                    with suppress(FileError):  # an unreadable file cannot be used
                        yield _of_file(path.resolve(), enabled)


def _elsewhere(enabled: dict[str, Any], known: set[str]) -> Iterator[Candidate]:
    """Yield enabled files outside the plugin folders, if they exist."""
    for place in enabled:
        path = Path(place)
        if place not in known and path.suffix == ".py" and path.is_absolute():
            with suppress(FileError, OSError):  # a missing file cannot be used
                if path.is_file():
                    yield _of_file(path, enabled)


def _could_be_one(path: Path) -> bool:
    """Return whether a file may be a plugin: no test, draft or pipe, and not huge."""
    if path.name.startswith(("_", ".", "test_")):
        return False
    try:
        return path.is_file() and path.stat().st_size <= _MOST_BYTES
    except OSError:
        return False


def _of_file(path: Path, enabled: dict[str, Any]) -> Candidate:
    try:
        source = path.read_bytes()
    except OSError:
        raise FileError(path, "there is no such plugin file; give the path of a .py file") from None
    digest = hashlib.sha256(source).hexdigest()
    status = _status(enabled, str(path), digest)
    return Candidate(path.stem, str(path), digest, status, stated(source), path=path)


def _of_packages(enabled: dict[str, Any]) -> Iterator[Candidate]:
    packages: dict[str, list[metadata.EntryPoint]] = {}
    for entry in metadata.entry_points(group=GROUP):
        if not is_ours(entry):
            packages.setdefault(_place_of(entry), []).append(entry)
    for place, entries in packages.items():
        made_by = getattr(entries[0], "dist", None)
        files = dict.fromkeys(path for entry in entries for path in _sources(entry))
        sources = [path.read_bytes() for path in files]
        digest = hashlib.sha256(b"\0".join(sources)).hexdigest()
        said = [stated(source) for source in sources]
        names = tuple(dict.fromkeys(name for part in said for name in part.registers))
        needs = tuple(dict.fromkeys(need for part in said for need in part.requires))
        api = max((part.api for part in said), default=API_VERSION)
        says = PluginDeclaration(names, made_by.version if made_by else "1", api, needs)
        name = entries[0].name if len(entries) == 1 or made_by is None else made_by.name
        status = _status(enabled, place, digest)
        yield Candidate(name, place, digest, status, says, entries=tuple(entries))


def _place_of(entry: metadata.EntryPoint) -> str:
    made_by = getattr(entry, "dist", None)
    return f"{PACKAGE}{made_by.name} {made_by.version}" if made_by else f"entry {entry.name}"


def is_ours(entry: Any) -> bool:
    """Return whether an entry point belongs to the built-in models."""
    return bool(getattr(entry, "value", "") == OURS)


def _sources(entry: metadata.EntryPoint) -> Iterable[Path]:
    """Return the files of a package without importing it."""
    top = str(getattr(entry, "module", "")).partition(".")[0]
    try:
        there = importlib.util.find_spec(top) if top else None
    except (ImportError, ValueError):
        return []
    if there is None:
        return []
    if there.submodule_search_locations:
        folders = [Path(place) for place in there.submodule_search_locations]
        return sorted(path for folder in folders for path in folder.rglob("*.py"))
    return [Path(there.origin)] if there.origin and Path(there.origin).is_file() else []


def _status(enabled: dict[str, Any], place: str, digest: str) -> Literal["on", "off", "changed"]:
    kept = enabled.get(place)
    if not isinstance(kept, dict):
        return "off"
    return "on" if kept.get("sha256") == digest else "changed"


def _record() -> dict[str, Any]:
    """Return the record of enabled plugins; an unreadable record enables nothing."""
    try:
        kept = json.loads(record_path().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(kept: dict[str, Any]) -> None:
    path = record_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(kept, indent=2, sort_keys=True) + "\n")
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None


API_VERSION = 1
"""Version of the plugin API."""


@dataclass(frozen=True, slots=True)
class PluginDeclaration:
    """Declarations of a plugin file."""

    registers: tuple[str, ...] = ()
    version: str = "1"  # its own version, "1" by default
    api: int = API_VERSION  # the API version it is written for
    requires: tuple[str, ...] = ()  # packages, such as "scipy>=1.14"


def stated(source: bytes | str) -> PluginDeclaration:
    """Return the declarations of a file; defaults if it is not Python."""
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
    """Raise for a plugin that does not fit this program or environment."""
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
    """Return unmet requirements, with what is installed instead."""
    return tuple(said for said in map(_unmet, requires) if said)


def _unmet(need: str) -> str:
    """Return a requirement and what is installed instead; empty if it is met."""
    from packaging.requirements import InvalidRequirement, Requirement  # 45 ms, hardly ever needed

    try:
        said = Requirement(need)
    except InvalidRequirement:
        return f"{need!r} (not a requirement such as 'scipy>=1.14')"
    if said.marker is not None and not said.marker.evaluate():
        return ""
    try:
        have = metadata.version(said.name)
    except metadata.PackageNotFoundError:
        return f"{need} (not installed)"
    if not said.specifier.contains(have, prereleases=True):
        return f"{need} (installed is {have})"
    return ""
