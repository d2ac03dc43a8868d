"""Exit codes of the process, by kind of error."""

from __future__ import annotations

from sim import errors

OK, ERROR, USAGE, FILE, CAPACITY, PLUGIN = 0, 1, 2, 3, 4, 5
CANCELLED, TERMINATED, HUNG_UP = 130, 143, 129

EXITS = {
    OK: "done",
    ERROR: (
        "an error inside Hubbub, a problem that doctor found, a claim that validate found not to "
        "hold, or models that decided too few or did not answer"
    ),
    USAGE: "a wrong option or value, or no terminal for the screen",
    FILE: "a file is missing, damaged, foreign or cannot be written",
    CAPACITY: "it would not fit in memory",
    PLUGIN: "a plugin failed",
    HUNG_UP: "stopped by SIGHUP or the end of the terminal; what was running is kept",
    CANCELLED: "cancelled (Ctrl-C); what was running is kept",
    TERMINATED: "stopped by SIGTERM; what was running is kept",
}
"""Every exit code and what it means."""


def code_of(error: errors.HubbubError) -> int:
    """Return the exit code of an error.

    Parameters
    ----------
    error
        What stopped the command.

    Returns
    -------
    int
        A key of :data:`EXITS`.
    """
    if isinstance(error, errors.Cancelled):
        return 128 + int(getattr(error, "number", 2))
    # A file too large for the memory is both; what helps is more memory.
    kinds = {
        errors.CapacityError: CAPACITY,
        errors.FileError: FILE,
        errors.PluginError: PLUGIN,
        errors.InputError: USAGE,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), ERROR)
