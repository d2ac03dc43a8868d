"""Runs of scenarios by the command, as of ``tests/unit/cli``."""

from tests.unit.cli.conftest import elsewhere, hubbub, in_a_thread

__all__ = ["elsewhere", "hubbub", "in_a_thread"]
