"""The schema of a world file, as exact SQL text, and its JSON; anything else is refused."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from sim.errors import InputError

APPLICATION_ID = int.from_bytes(b"HUBB", "big")
"""Bytes 68-71 of the file: identifies an SQLite file as a Hubbub world."""

VERSION = 3
"""Version of the file format, bytes 60-63 (``user_version``); grows with every change below, and
with every change of what a world dumps (:mod:`sim.store.snapshot.opened`)."""

PAGE_BYTES = 65_536
CHUNK_BYTES = 1 << 20
LARGEST_VALUE = 64 << 20
"""Limit for a single value (the metadata, one chunk), also in a hostile file."""

# Columns that hold numbers of the world are INTEGER NOT NULL in STRICT tables: a numpy scalar
# that slips in is then an error, where an ordinary table would silently keep its bytes.
CORE_TABLES: dict[str, str] = {
    "world": """CREATE TABLE world (
  key TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
    "plugins": """CREATE TABLE plugins (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  kind TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT""",
    "messages": """CREATE TABLE messages (
  message_id INTEGER PRIMARY KEY,
  sender_id TEXT,
  content TEXT NOT NULL,
  message_type TEXT NOT NULL,
  properties TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT""",
    "cascades": """CREATE TABLE cascades (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  author TEXT,
  model TEXT NOT NULL,
  parameters TEXT NOT NULL,
  status TEXT NOT NULL,
  seeds INTEGER,
  size INTEGER,
  started_at INTEGER
) STRICT""",
    "columns": """CREATE TABLE columns (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  dtype TEXT NOT NULL,
  shape TEXT NOT NULL,
  "order" TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  chunks INTEGER NOT NULL,
  checksum TEXT NOT NULL
) STRICT""",
    "chunks": """CREATE TABLE chunks (
  id INTEGER PRIMARY KEY,
  column TEXT NOT NULL,
  number INTEGER NOT NULL,
  checksum TEXT NOT NULL,
  data BLOB NOT NULL
) STRICT""",
}

RELATIONAL_TABLES: dict[str, str] = {
    "agents": """CREATE TABLE agents (
  agent_id TEXT PRIMARY KEY NOT NULL,
  agent_type TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  properties TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER,
  updated_at INTEGER,
  version INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    "agent_states": """CREATE TABLE agent_states (
  agent_id TEXT NOT NULL REFERENCES agents (agent_id),
  state_type TEXT NOT NULL,
  state_data TEXT NOT NULL,
  timestamp INTEGER,
  version INTEGER NOT NULL,
  PRIMARY KEY (agent_id, state_type, version)
) STRICT""",
    "agent_relationships": """CREATE TABLE agent_relationships (
  relationship_id INTEGER PRIMARY KEY,
  source_agent_id TEXT NOT NULL REFERENCES agents (agent_id),
  target_agent_id TEXT NOT NULL REFERENCES agents (agent_id),
  relationship_type TEXT NOT NULL,
  properties TEXT NOT NULL,
  strength REAL NOT NULL,
  created_at INTEGER,
  updated_at INTEGER,
  UNIQUE (source_agent_id, target_agent_id, relationship_type)
) STRICT""",
    "propagation_sessions": """CREATE TABLE propagation_sessions (
  session_id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES messages (message_id),
  seed_agents TEXT NOT NULL,
  propagation_model TEXT NOT NULL,
  model_parameters TEXT NOT NULL,
  status TEXT NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  total_influenced INTEGER NOT NULL
) STRICT""",
    "propagation_events": """CREATE TABLE propagation_events (
  event_id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES messages (message_id),
  source_agent_id TEXT REFERENCES agents (agent_id),
  target_agent_id TEXT REFERENCES agents (agent_id),
  event_type TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  properties TEXT NOT NULL
) STRICT""",
}
"""Tables of the classical schema; ``messages``, the sixth, is always written. All or none."""

_REFERENCES = re.compile(r" REFERENCES \w+ \(\w+\)")


def _before(sql: str) -> str:
    """Return a table as version 1 wrote it."""
    for new, old in (
        ("updated_at INTEGER,", "updated_at INTEGER NOT NULL,"),
        ("timestamp INTEGER,", "timestamp INTEGER NOT NULL,"),
        ("state_type, version)\n) STRICT", "state_type)\n) STRICT, WITHOUT ROWID"),
    ):
        sql = sql.replace(new, old)
    return _REFERENCES.sub("", sql)


_VERSION_1 = {name: _before(sql) for name, sql in RELATIONAL_TABLES.items()}
"""The same tables as written by version 1."""


def create_tables(connection: sqlite3.Connection, tables: dict[str, str]) -> None:
    """Create ``tables`` (name -> SQL) in an open file, in their order."""
    for sql in tables.values():
        connection.execute(sql)


def known_tables(found: list[tuple[str, str, str | None]]) -> str | None:
    """Check that a file's schema is one of those that this program writes."""
    allowed = CORE_TABLES | RELATIONAL_TABLES
    is_old = ("table", "agents", _VERSION_1["agents"]) in found
    if is_old:
        allowed |= _VERSION_1
    for kind, name, sql in found:
        if kind == "index" and sql is None and str(name).startswith("sqlite_autoindex_"):
            continue  # made by SQLite for our UNIQUE constraint
        if kind != "table" or allowed.get(name) != sql:
            return f"its {kind} {str(name)[:40]!r} is none that this program writes"
    names = {name for _, name, _ in found}
    missing = [name for name in CORE_TABLES if name not in names]
    partly = [name for name in RELATIONAL_TABLES if name not in names]
    if missing or (partly and len(partly) < len(RELATIONAL_TABLES)):
        return f"its table {(missing or partly)[0]!r} is missing"
    return None


DEEPEST = 64
OBJECT_BYTES = 64
SPARE_BYTES = 64 << 20
"""A JSON value takes some 64 bytes of memory, but as little as two bytes of text."""


def plain(value: Any, where: str = "meta", depth: int = 0) -> Any:
    """Return ``value`` with Python's own types only."""
    if isinstance(value, (np.generic, np.ndarray)):  # first: some are also Python's str or float
        return plain(value.tolist(), where, depth + 1)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where} is {value}; a snapshot holds finite numbers only.")
        return float(value)
    if depth > DEEPEST:
        raise InputError(f"{where} lies more than {DEEPEST} levels deep.")
    if isinstance(value, Mapping):
        return {_key(k, where): plain(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    raise InputError(f"{where} is a {type(value).__name__}, which a snapshot cannot hold.")


def to_json(value: Any, where: str = "meta") -> str:
    """Return readable JSON that any reader of UTF-8 accepts, and that reads back unchanged."""
    converted = plain(value, where)
    text = json.dumps(converted, allow_nan=False, ensure_ascii=False)
    if text.isascii() or _is_unicode(text):
        return text
    return json.dumps(converted, allow_nan=False)  # lone surrogates: only an escape keeps them


def from_json(text: str) -> Any:
    """Parse JSON from an untrusted file."""
    if OBJECT_BYTES * sum(map(text.count, "[{,")) > SPARE_BYTES + 4 * len(text):
        raise ValueError("too many values for its size")
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def utf8(value: object) -> str:
    """Return text for a descriptive table; characters that UTF-8 cannot encode become ``?``."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise InputError(f"{where} has the key {key!r}; keys must be text.")
    return key


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
