"""The rows of a journal: tables, entries, checkpoints, and the digest that chains them."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import xxhash

from sim.store.snapshot.json_values import plain

APPLICATION_ID = int.from_bytes(b"HUBJ", "big")
VERSION = 3
"""Of the journal. What earlier ones tell cannot be done again here: their steps draw otherwise."""

NO_DIGEST = bytes(16)
ROW_BYTES = 100
"""What a row takes beside its command or its adoptions, about."""

TABLES: dict[str, str] = {
    "entries": """CREATE TABLE entries (
  number INTEGER PRIMARY KEY,
  tick INTEGER NOT NULL,
  ticks INTEGER NOT NULL,
  kind TEXT NOT NULL,
  command TEXT NOT NULL,
  author TEXT NOT NULL,
  state BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT""",
    "adoptions": """CREATE TABLE adoptions (
  number INTEGER NOT NULL,
  cascade INTEGER NOT NULL,
  count INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (number, cascade)
) STRICT, WITHOUT ROWID""",
    "metrics": """CREATE TABLE metrics (
  number INTEGER PRIMARY KEY,
  tick INTEGER NOT NULL,
  running INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  adopters INTEGER NOT NULL,
  contacts INTEGER NOT NULL
) STRICT""",
    "checkpoints": """CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,
  tick INTEGER NOT NULL,
  file TEXT NOT NULL,
  world TEXT NOT NULL,
  digest BLOB NOT NULL
) STRICT""",
}
"""Exact SQL text: a journal whose tables differ is refused."""


@dataclass(frozen=True, slots=True)
class EntryAdoptions:
    """Who adopted one message in the ticks of an entry."""

    cascade: int
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class EntryCounts:
    """Messages that run and wait, adoptions and contacts of all messages so far."""

    running: int
    queued: int
    adopters: int
    contacts: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One acknowledged command, or a stretch of ticks: one transaction."""

    number: int
    tick: int
    ticks: int
    kind: str
    command: str
    author: str
    adoptions: tuple[EntryAdoptions, ...]
    metrics: EntryCounts
    state: bytes
    digest: bytes = NO_DIGEST

    @property
    def size(self) -> int:
        """About how many bytes it takes in the journal."""
        own = sum(ROW_BYTES + len(each.data) for each in self.adoptions)
        return ROW_BYTES + len(self.command) + own

    def chained(self, previous: bytes) -> bytes:
        """Return the digest that this entry must have behind one whose digest is ``previous``."""
        state = xxhash.xxh3_128(previous)
        state.update(struct.pack("<qqq", self.number, self.tick, self.ticks))
        for text in (self.kind, self.command, self.author):
            data = text.encode()
            state.update(struct.pack("<q", len(data)) + data)
        for each in self.adoptions:
            state.update(struct.pack("<qqq", each.cascade, each.count, len(each.data)))
            state.update(each.data)
        numbers = self.metrics
        state.update(
            struct.pack(
                "<qqqq", numbers.running, numbers.queued, numbers.adopters, numbers.contacts
            )
        )
        state.update(self.state)
        return state.digest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A snapshot of the world as it was right after an entry."""

    number: int
    tick: int
    file: str
    world: str
    digest: bytes


def canonical(value: Any) -> str:
    """Return JSON text that is the same for the same value, whatever its order was."""
    kept = plain(value, "command")
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
