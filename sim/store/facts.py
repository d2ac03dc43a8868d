"""What a person finds in a world file with any SQLite client, mirrored from the metadata.

Loading reads none of these rows but ``digest`` and ``meta``: they may be missing or wrong in
detail without harm, so whatever the metadata lacks becomes NULL or an empty text.
"""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Iterable, Mapping, Sized
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from sim.store.columns import CHECKSUM, Columns
from sim.store.plain import to_json, utf8
from sim.store.trailer import LEAF_BYTES

__all__ = ["Meta", "Said", "counted", "versions", "write"]

Meta = dict[str, Any]
"""What ``World.dump()`` says beside its columns: everything in it can be written as JSON."""


Said = Mapping[str, object]
"""Rows of the table ``world``, before they are text."""


def counted(world: object, meta: Meta) -> dict[str, object]:
    """Return the numbers that ``info`` shows, as far as the world or its metadata know them."""
    agents, ties = getattr(world, "agents", None), getattr(world, "ties", None)
    models = {_model(cascade)[0] for cascade in _dicts(meta, "cascades")}
    return {
        "agents": len(agents) if isinstance(agents, Sized) else _integer(meta.get("agents"), None),
        "ties": _integer(getattr(ties, "count", meta.get("ties")), None),
        "tick": meta.get("tick"),
        "seed": meta.get("seed"),
        "models": sorted(models - {""}),
    }


def write(connection: sqlite3.Connection, meta: Meta, columns: Columns, said: Said) -> None:
    """Write the tables ``world``, ``plugins``, ``messages`` and ``cascades``.

    Parameters
    ----------
    connection
        A new file.
    meta
        The world's metadata; kept whole under the key ``meta``.
    columns
        Only for the number of seeds of each cascade, from ``cascade.ID.seeds``.
    said
        What else ``world`` says; None is left out.
    """
    rows: dict[str, object] = {
        "format": "Hubbub world; saves/README.md says how to read it",
        "saved_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "checksum": CHECKSUM,
        "trailer": f"BLAKE2b-256, tree of leaves of {LEAF_BYTES} bytes",
        "versions": to_json(versions()),
        "meta": to_json(meta),
    }
    rows |= {key: _text(value) for key, value in said.items() if value is not None}
    connection.executemany("INSERT INTO world VALUES (?, ?)", rows.items())
    _insert(connection, "plugins", map(_plugin, _dicts(meta, "plugins")))
    cascades = _dicts(meta, "cascades")
    messages = _dicts(meta, "messages") or [each | _dict(each.get("message")) for each in cascades]
    _insert(connection, "messages", (_message(i, each) for i, each in enumerate(messages)))
    rows_of_cascades = (_cascade(i, cascade, columns) for i, cascade in enumerate(cascades))
    _insert(connection, "cascades", rows_of_cascades)


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
    for row in rows:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)  # noqa: S608 - our names


def _plugin(plugin: Meta) -> tuple[object, ...]:
    fields = (plugin.get(key, "") for key in ("name", "version", "kind"))
    return (None, *map(utf8, fields), utf8(plugin.get("hash", plugin.get("sha256", ""))))


def _message(number: int, message: Meta) -> tuple[object, ...]:
    properties = {"tags": message.get("tags"), "priority": message.get("priority", 0)}
    return (
        _integer(message.get("id"), number),
        _author(message.get("author")),
        utf8(message.get("text", "")),
        utf8(message.get("kind", "post")),
        to_json(properties),
        _integer(message.get("created"), _integer(message.get("started_at"), 0)),
    )


def _cascade(number: int, cascade: Meta, columns: Columns) -> tuple[object, ...]:
    message = _dict(cascade.get("message"))
    model, parameters = _model(cascade)
    seeds = cascade.get("seeds", columns.get(f"cascade.{cascade.get('id')}.seeds"))
    return (
        _integer(cascade.get("id"), number),
        utf8(cascade.get("text", message.get("text", ""))),
        _author(cascade.get("author", message.get("author"))),
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


def _author(value: object) -> str | None:
    return None if value in (None, -1) else utf8(value)


def _integer(value: Any, default: int | None) -> int | None:
    fits = isinstance(value, int) and -(1 << 63) <= value < 1 << 63
    return int(value) if fits else default


def _text(value: object) -> str:
    return utf8(value) if isinstance(value, str) else to_json(value)
