"""What tests of the world share."""

from tests.unit.spread.conftest import entered

__all__ = ["entered"]
