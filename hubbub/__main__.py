"""``python -m hubbub`` is ``hubbub``."""

import sys

from sim.__main__ import run

if __name__ == "__main__":
    sys.exit(run())
