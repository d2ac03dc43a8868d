"""``export``: a world in the formats of other programs."""

from __future__ import annotations

import shlex
from pathlib import Path

from sim.cli.program.output import say, tell, watched

_ENDINGS = {".sqlite": "sqlite", ".db": "sqlite", ".graphml": "graphml", ".gexf": "gexf"}


def export_world(where: str, to: str, out: Path, *, force: bool) -> None:
    """Export a world, and say so in one line.

    Parameters
    ----------
    where
        A file, a saved name, ``demo`` or ``new:...``.
    to, out, force
        As typed; an empty format is that of the file's ending.

    Raises
    ------
    InputError
        When neither says which.
    """
    from sim.cli.show.history import not_kept
    from sim.cli.worlds.open_save import open_world
    from sim.errors import InputError, UnknownNameError
    from sim.io import EXPORTS, export
    from sim.scenario.worlds import file_of

    named = to or _ENDINGS.get(out.suffix.lower(), "")
    if not named:
        raise InputError(
            f"{str(out)!r} does not say which format; add --format {', '.join(EXPORTS)} (csv, "
            f"jsonl and parquet are a folder of tables)."
        )
    if named not in EXPORTS:  # before a large world is loaded
        raise UnknownNameError("export format", named, EXPORTS)
    with watched() as report:
        world, history = open_world(where, report), file_of(where)
        done = export(world, out, to=named, history=history, force=force, report=report)
    files = f" ({len(done.paths)} files)" if len(done.paths) > 1 else ""
    size = f"{done.rows:,} rows, {done.bytes / 2**20:,.1f} MB in {done.seconds:.2f} s"
    say(f"Exported {shlex.quote(str(out))}{files}: {size}.")
    for line in not_kept(done.missing):
        tell(line)
