"""Cold and warm start: ``python -m bench.start``; ``--check`` fails above the bars.

Processor seconds of what a newcomer gives first, with nothing compiled and then again, beside a
reference in the same run: a program that imports numba and compiles a loop for eight types. Seconds
differ between machines and hours, so the bars are in references.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

REFERENCE = """
import numpy as np
from numba import njit

def loop(values, places, out):
    total = values[0]
    for i in range(places.size):
        at = places[i] % values.size
        if values[at] > total:
            out[i] = values[at] - total
        else:
            total += values[at]
            out[i] = total
    return total

for one in (np.int8, np.int32, np.int64, np.float64):
    for other in (np.uint32, np.int64):
        njit(loop)(np.ones(9, one), np.ones(9, other), np.ones(9, one))
"""


class Step(NamedTuple):
    """A program and its bars: references with an empty cache, and with a full one."""

    title: str
    words: tuple[str, ...]
    cold: float
    warm: float


HUBBUB = ("-m", "hubbub")
STEPS = (
    Step("from sim import World", ("-c", "from sim import World"), 0.4, 0.4),
    Step(
        "new: 20,000 members",
        (*HUBBUB, "new", "--agents", "20000", "--seed", "7", "--out", "city.hub", "--force"),
        4, 1.5,
    ),
    Step(
        "run: a cascade",
        (*HUBBUB, "run", "city.hub", "--inject", "Hi", "--seeds", "top:5:degree",
         "--model", "independent-cascade", "-p", "probability=0.1", "--until-quiet"),
        3.2, 1.6,
    ),
    Step(
        "run: a platform",
        (*HUBBUB, "run", "city.hub", "--platform", "blend", "--ticks", "5"),
        11, 2,
    ),
)  # fmt: skip


def seconds_of(words: Sequence[str], folder: Path) -> float:
    """Return the processor seconds that a Python program takes in a folder with its own cache."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    given = os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache"), "HOME": str(folder)}
    subprocess.run(
        [sys.executable, *words], cwd=folder, env=given, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; with ``--check``, return 1 where a bar is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail above the bars")
    told, over = parser.parse_args(arguments), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{'processor seconds; in references, and the bar':<48}{'cold':>22}{'warm':>22}")
        cold, warm = (
            [
                (seconds_of(step.words, folder), seconds_of(("-c", REFERENCE), folder))
                for step in STEPS
            ]
            for _ in range(2)
        )
    for step, *found in zip(STEPS, cold, warm, strict=True):
        print(f"{step.title:<48}", end="")
        for (took, reference), bar in zip(found, (step.cold, step.warm), strict=True):
            over += took / reference > bar
            print(f"{took:8.2f} s {took / reference:5.2f} /{bar:4.1f}", end="")
        print()
    print(f"the reference: {min(r for _, r in (*cold, *warm)):.2f} s")
    return int(told.check and over > 0)


if __name__ == "__main__":
    sys.exit(main())
