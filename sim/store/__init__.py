"""Saving of worlds in SQLite files: ``save``, ``load``, ``info``, ``verify``."""

from __future__ import annotations

from sim.store.snapshot.inspect import Info, Verification, info, verify
from sim.store.snapshot.memory import available_bytes
from sim.store.snapshot.opened import SnapshotCapacityError, Storable
from sim.store.snapshot.snapshot import SaveReport, load, read, save

__all__ = [
    "Info",
    "SaveReport",
    "SnapshotCapacityError",
    "Storable",
    "Verification",
    "available_bytes",
    "info",
    "load",
    "read",
    "save",
    "verify",
]
