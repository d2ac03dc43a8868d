"""Prometheus export of a headless run's metrics, by ``--metrics-port`` or the setting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.program.output import tell

if TYPE_CHECKING:
    from sim.runtime.journal.writer import JournalWriter
    from sim.world.world import World


@contextmanager
def served(world: World, keeper: JournalWriter | None) -> Iterator[None]:
    """Serve the numbers of a world that runs in this thread, and say where.

    Raises
    ------
    InputError
        When the port is taken, or the package for it is missing.
    """
    from sim.settings.settings import current

    port = current().metrics_port
    if port is None:
        yield
        return
    from sim.runtime.export import Exporter, WorldSource

    folder = Path() if keeper is None else keeper.folder
    exporter = Exporter(WorldSource(world, keeper, folder.absolute()), port)
    tell(f"Metrics: {exporter.url}")
    try:
        yield
    finally:
        exporter.close()
