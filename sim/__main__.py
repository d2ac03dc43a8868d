"""``python -m sim`` is ``hubbub``: it does not look for packages in the working folder either."""

from __future__ import annotations

import os
import sys


def run() -> int:
    """Run the command line without the folder that ``-m`` puts in front, unless it is ours."""
    from sim.core.rooms import root

    here = os.getcwd()  # noqa: PTH109 - as Python wrote it
    if sys.path and sys.path[0] in {"", here} and here != str(root()):
        del sys.path[0]
    from sim.cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
