"""Free memory: how much a process may still take, asked before anything is allocated."""

from __future__ import annotations

import resource
from pathlib import Path

__all__ = ["available_bytes"]

UNLIMITED = 1 << 62
CGROUP = Path("/sys/fs/cgroup")
"""Inside a container the machine's free memory says nothing; its own limit stands here."""


def available_bytes() -> int:
    """Return the bytes that can be allocated now: of the machine, the container, the process."""
    import psutil

    machine = int(psutil.virtual_memory().available)
    taken = int(psutil.Process().memory_info().vms)
    return max(0, min(machine, _container(), _process(taken)))


def _container() -> int:
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        kept = _reclaimable((CGROUP / "memory.stat").read_text())
        return UNLIMITED if limit == "max" else int(limit) - used + kept
    except (OSError, ValueError):
        return UNLIMITED


def _reclaimable(text: str) -> int:
    """Return the bytes of cached files, which count as used and are given up on demand."""
    counts = dict(line.split() for line in text.splitlines())
    return int(counts.get("active_file", 0)) + int(counts.get("inactive_file", 0))


def _process(used: int) -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return UNLIMITED if limit == resource.RLIM_INFINITY else limit - used
