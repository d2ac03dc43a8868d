"""Save and load against the same bytes written and read raw, in turn, in one run.

Run: ``python -m bench.store [--agents N] [--mean-degree K] [--rounds R] [--folder DIR]``.
Bars: save <= 4x raw write + fsync (aim 2x), load <= 5x raw read (aim 3x). "cold": the file was
dropped from the page cache before (where the system can), as after a restart of the machine.
Hashing takes both cores here, so a busy machine shows worse ratios than an idle one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from sim.store import read, save, verify
from sim.store.snapshot.opened import Restore, Storable

Columns = dict[str, npt.NDArray[Any]]
MIB = 1 << 20


class Arrays:
    """The columns of a world and nothing else; its digest costs nothing."""

    def __init__(self, meta: dict[str, Any], columns: Columns) -> None:
        self.meta, self.columns = meta, columns

    def dump(self) -> tuple[dict[str, Any], Columns]:
        """Return what is saved."""
        return self.meta, self.columns

    def digest(self) -> str:
        """Return a constant: the world's own digest is not what is timed here."""
        return "0"


def arrays(agents: int, ties: int) -> Arrays:
    """Return columns of the sizes that a world of these numbers has."""
    values = np.random.default_rng(1)
    columns: Columns = {
        "ties.targets": values.integers(0, agents, ties, dtype=np.uint32),
        "ties.lengths": values.integers(0, 40, agents, dtype=np.uint32),
        "agents.personality": values.integers(0, 256, (agents, 5), dtype=np.uint8),
        "agents.interests": values.integers(0, 1 << 63, agents, dtype=np.uint64),
        "agents.activity": values.random(agents, dtype=np.float32),
        "agents.community": values.integers(0, 100, agents, dtype=np.int32),
        "agents.status": np.ones(agents, np.uint8),
    }
    return Arrays({"agents": agents, "ties": ties, "tick": 0, "seed": 1}, columns)


def raw_write(columns: Columns, path: Path) -> None:
    """Write the bytes of all columns into a fresh file, and fsync it."""
    path.unlink(missing_ok=True)
    with path.open("wb", buffering=0) as file:
        for view in map(_view, columns.values()):
            for start in range(0, len(view), MIB):
                file.write(view[start : start + MIB])
        os.fsync(file.fileno())


def raw_read(columns: Columns, path: Path) -> None:
    """Read them into fresh arrays."""
    with path.open("rb", buffering=0) as file:
        for column in columns.values():
            view = _view(np.empty_like(column))
            for start in range(0, len(view), MIB):
                file.readinto(view[start : start + MIB])


def forget(path: Path) -> None:
    """Take a file out of the page cache, where the system can."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(name: str, world: Storable, restore: Restore[Any], folder: Path, rounds: int) -> None:
    """Print the table for one world: medians of interleaved rounds, and ratios to raw."""
    columns = world.dump()[1]
    raw, hub = folder / "raw.bin", folder / "world.hub"
    write, fetch = "raw write + fsync", "raw read"
    work: list[tuple[str, str, Path | None, Callable[[], object]]] = [
        (write, write, None, lambda: raw_write(columns, raw)),
        ("save", write, None, lambda: save(world, hub)),
        (fetch, fetch, None, lambda: raw_read(columns, raw)),
        ("load", fetch, None, lambda: read(hub, restore)),
        (f"{fetch}, cold", f"{fetch}, cold", raw, lambda: raw_read(columns, raw)),
        ("load, cold", f"{fetch}, cold", hub, lambda: read(hub, restore)),
        ("verify", fetch, None, lambda: verify(hub)),
        ("digest", fetch, None, world.digest),
    ]
    seconds: dict[str, list[float]] = {each: [] for each, *_ in work}
    for turn in range(rounds + 1):
        for each, _, cold, call in work:
            if cold:
                forget(cold)
            took = timed(call)
            if turn:  # the first round warms the caches of all
                seconds[each].append(took)
    print(f"\n{name}: {sum(c.nbytes for c in columns.values()) / 1e6:.0f} MB in columns")
    print(f"{'':20}{'median s':>10}{'best s':>10}{'ratio':>8}")
    for each, bar, *_ in work:
        ratio = statistics.median(
            took / least for took, least in zip(seconds[each], seconds[bar], strict=True)
        )
        median = statistics.median(seconds[each])
        print(f"{each:20}{median:10.3f}{min(seconds[each]):10.3f}{ratio:8.2f}")


def checksums(columns: Columns) -> None:
    """Print what the candidates for chunk checksum and trailer cost for these bytes."""
    views = [_view(column) for column in columns.values()]
    candidates: dict[str, Callable[[memoryview], object]] = {
        "xxh3_64": xxhash.xxh3_64_digest,
        "crc32": zlib.crc32,
        "sha256": lambda view: hashlib.sha256(view).digest(),
        "blake2b": lambda view: hashlib.blake2b(view, digest_size=32).digest(),
    }
    print("\nOne stream over all columns, ms")
    for name, call in candidates.items():
        took = [timed(lambda call=call: [call(view) for view in views]) for _ in range(5)]  # type: ignore[misc]
        print(f"{name:20}{statistics.median(took) * 1e3:10.1f}")


def real(agents: int, mean_degree: int) -> tuple[Storable, Restore[Any]] | None:
    """Return a generated world and its restorer."""
    try:
        from sim.world.world import World
    except ImportError:
        return None
    return World.create(agents=agents, mean_degree=mean_degree, seed=1), World.restore


def main() -> None:
    """Print all tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--agents", type=int, default=1_000_000)
    options.add_argument("--mean-degree", type=int, default=20)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--folder", type=Path, default=None)
    asked = options.parse_args()
    print(f"{sys.platform}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        made = arrays(asked.agents, asked.agents * asked.mean_degree)
        checksums(made.columns)
        compare("Arrays", made, Arrays, Path(folder), asked.rounds)
        if world := real(asked.agents, asked.mean_degree):
            compare("World", *world, Path(folder), asked.rounds)


def _view(column: npt.NDArray[Any]) -> memoryview:
    return column.reshape(-1).view(np.uint8).data


if __name__ == "__main__":
    main()
