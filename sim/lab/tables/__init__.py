"""Tables: named columns of equal length, with units, which every tool of data science can read."""

from sim.lab.tables.result import Result
from sim.lab.tables.table import Table

__all__ = ["Result", "Table"]
