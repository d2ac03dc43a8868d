"""What the process tells its caller when it ends."""

from __future__ import annotations

from sim import errors

__all__ = ["CANCELLED", "CAPACITY", "ERROR", "EXITS", "FILE", "OK", "PLUGIN", "USAGE", "code_of"]

OK, ERROR, USAGE, FILE, CAPACITY, PLUGIN, CANCELLED = 0, 1, 2, 3, 4, 5, 130

EXITS = {
    OK: "done",
    ERROR: "an error inside Hubbub, or a problem that doctor found",
    USAGE: "a wrong option or value, or no terminal for the screen",
    FILE: "a file is missing, damaged, foreign or cannot be written",
    CAPACITY: "it would not fit in memory",
    PLUGIN: "a plugin failed",
    CANCELLED: "cancelled (Ctrl-C)",
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
    # A file too large for the memory is both; what helps is more memory.
    kinds = {
        errors.Cancelled: CANCELLED,
        errors.CapacityError: CAPACITY,
        errors.FileError: FILE,
        errors.PluginError: PLUGIN,
        errors.InputError: USAGE,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), ERROR)
