"""Facts for any SQLite client in a world file, mirrored from the metadata.

Loading reads none of these rows but ``digest`` and ``meta``: they may be missing or wrong in
detail without harm, so whatever the metadata lacks becomes NULL or an empty text.
"""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from datetime import UTC, datetime
from heapq import merge
from importlib import metadata
from itertools import chain, islice
from typing import Any

from sim.store.snapshot.columns import CHECKSUM, Columns
from sim.store.snapshot.json_values import to_json, utf8
from sim.store.snapshot.trailer import LEAF_BYTES
from sim.world.records import heads

Meta = dict[str, Any]
"""What ``World.dump()`` says beside its columns: everything in it can be written as JSON."""


Said = Mapping[str, object]
"""Rows of the table ``world``, before they are text."""


Who = Callable[[object], str | None]
NOBODY = -1
_AT_A_TIME = 256
"""Messages whose rows are made together."""

_TYPES = 100
"""Types of ties that ``info`` knows; more are in the world itself."""


def counted(world: object, meta: Meta, models: set[str]) -> dict[str, object]:
    """Return the numbers that ``info`` shows, as far as the world or its metadata know them.

    ``models``: the names of its messages' models, as :func:`mirror` tells them.
    """
    agents, ties = getattr(world, "agents", None), getattr(world, "ties", None)
    hosted = _dict(meta.get("platform"))
    types = _dict(meta.get("relations")).get("types")
    return ({"relations": types[:_TYPES]} if isinstance(types, list) else {}) | {
        "agents": len(agents) if isinstance(agents, Sized) else _integer(meta.get("agents"), None),
        "ties": _integer(getattr(ties, "count", meta.get("ties")), None),
        "interactions": _integer(_dict(meta.get("interactions")).get("count"), None),
        "tick": meta.get("tick"),
        "seed": meta.get("seed"),
        "models": sorted(models - {""}),
        "recommenders": [str(each.get("name", "")) for each in _dicts(hosted, "recommenders")],
        "policies": [
            str(each.get("name", ""))
            for each in (_dict(hosted.get("policy")), *_dicts(hosted, "policies"))
            if each
        ],
        "minds": _minds(_dict(hosted.get("minds"))),
    }


def _minds(said: Meta) -> list[str]:
    """Return what decides for members, with its parameters, and for how many."""
    options: dict[object, Meta] = dict(said.get("options", ()))
    named = Counter(
        ",".join([str(kind), *(f"{key}={value}" for key, value in options.get(who, {}).items())])
        for who, kind in said.get("kinds", ())
    )
    return [f"{name} ({number:,})" for name, number in sorted(named.items())]


def naming(world: object) -> Who:
    """Return how this world's agents are called where people read: by their foreign ids."""
    agents = getattr(world, "agents", None)
    count = len(agents) if isinstance(agents, Sized) else 0
    name = getattr(agents, "id", str)

    def who(author: object) -> str | None:
        if author is None or author == NOBODY:
            return None
        if isinstance(author, int) and 0 <= author < count:
            return utf8(name(author))
        return utf8(author)

    return who


def write(connection: sqlite3.Connection, meta: Meta, said: Said) -> None:
    """Write the table ``world``."""
    rows: dict[str, object] = {
        "format": "Hubbub world; saves/README.md says how to read it",
        "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "checksum": CHECKSUM,
        "trailer": f"BLAKE2b-256 (tree, leaves of {LEAF_BYTES} bytes), xxh3_128",
        "versions": to_json(versions()),
        "meta": to_json(meta),
    }
    rows |= {key: _text(value) for key, value in said.items() if value is not None}
    connection.executemany("INSERT INTO world VALUES (?, ?)", rows.items())


def mirror(connection: sqlite3.Connection, meta: Meta, columns: Columns, who: Who) -> set[str]:
    """Write the tables ``plugins``, ``messages`` and ``cascades``; returns the models' names.

    Few messages are held at a time: of those that ended there may be any number.
    """
    _insert(connection, "plugins", map(_plugin, _dicts(meta, "plugins")))
    messages = _dicts(meta, "messages")
    _insert(connection, "messages", (_message(i, each, who) for i, each in enumerate(messages)))
    models: set[str] = set()
    number, every = 0, _cascades(meta, columns)
    while some := [*islice(every, _AT_A_TIME)]:
        models |= {_model(each)[0] for each in some}
        if not messages:
            said = (each | _dict(each.get("message")) for each in some)
            rows = [_message(i, each, who) for i, each in enumerate(said, number)]
            _insert(connection, "messages", rows)
        found = enumerate(_seeded(some, columns), number)
        _insert(connection, "cascades", [_cascade(i, each, who) for i, each in found])
        number += len(some)
    return models


def _cascades(meta: Meta, columns: Columns) -> Iterator[Meta]:
    """Yield what is said of each message, by number where records of some are packed."""
    own, ended = _dicts(meta, "cascades"), heads(columns)
    first = next(ended, None)
    if first is None:
        return iter(own)
    own.sort(key=_id)
    return merge(own, chain([first], ended), key=_id)


def _id(cascade: Meta) -> int:
    return int(cascade["id"])


def versions() -> dict[str, str]:
    """Return the versions and the architecture that equal digests are promised for."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("hubbub", "numpy", "numba"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # run from a checkout that is not installed
            found[package] = "unknown"
    return found | {"sqlite": sqlite3.sqlite_version, "byteorder": sys.byteorder}


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    every = [*rows]
    if every:
        marks = ", ".join("?" * len(every[0]))
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", every)  # noqa: S608 - our names


def _plugin(plugin: Meta) -> tuple[object, ...]:
    fields = (plugin.get(key, "") for key in ("name", "version", "kind"))
    return (None, *map(utf8, fields), utf8(plugin.get("hash", plugin.get("sha256", ""))))


def _message(number: int, message: Meta, who: Who) -> tuple[object, ...]:
    properties = {"tags": message.get("tags"), "priority": message.get("priority", 0)}
    return (
        _integer(message.get("id"), number),
        who(message.get("author")),
        utf8(message.get("text", "")),
        utf8(message.get("kind", "post")),
        to_json(properties),
        _integer(message.get("created"), _integer(message.get("started_at"), 0)),
    )


def _cascade(number: int, cascade: Meta, who: Who) -> tuple[object, ...]:
    message = _dict(cascade.get("message"))
    model, parameters = _model(cascade)
    seeds = cascade.get("seeds")
    return (
        _integer(cascade.get("id"), number),
        utf8(cascade.get("text", message.get("text", ""))),
        who(cascade.get("author", message.get("author"))),
        model,
        to_json(parameters),
        utf8(cascade.get("status", "")),
        len(seeds) if isinstance(seeds, Sized) else _integer(seeds, None),
        _integer(cascade.get("size"), None),
        _integer(cascade.get("started_at"), None),
    )


def _model(cascade: Meta) -> tuple[str, object]:
    """Return a cascade's model as (name, parameters), whether it is text or a row of its own."""
    model = cascade.get("model", "")
    own = _dict(model)
    parameters = cascade.get("parameters", own.get("parameters", {}))
    return utf8(own.get("name", "") if own else model), parameters


def _dicts(meta: Meta, key: str) -> list[Meta]:
    found = meta.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _dict(value: object) -> Meta:
    return value if isinstance(value, dict) else {}


def _seeded(cascades: list[Meta], columns: Columns) -> list[Meta]:
    found = [columns.get(f"cascade.{each.get('id')}.seeds") for each in cascades]
    return [{"seeds": seeds} | each for seeds, each in zip(found, cascades, strict=True)]


def _integer(value: Any, default: int | None) -> int | None:
    fits = isinstance(value, int) and -(1 << 63) <= value < 1 << 63
    return int(value) if fits else default


def _text(value: object) -> str:
    return utf8(value) if isinstance(value, str) else to_json(value)
