"""Saves changing worlds to one file without end; run to be killed."""

import itertools
import sys
from pathlib import Path

from sim.store import save
from tests.unit.store.fake import FakeWorld


def main(path: Path) -> None:
    """Save turn 0, 1, 2, ...; print each turn once its save has returned."""
    for turn in itertools.count():
        save(FakeWorld.create(20_000, turn), path)
        print(turn, flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
