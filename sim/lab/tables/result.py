"""The base class of lab results: tables, conversion and rendering that they share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.text import one_line
from sim.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.figure import Figure
    from rich.console import Group

    from sim.lab.tables.table import Table

__all__ = ["Result"]


class Result:
    """A result of the lab: one table or more, and what follows from them.

    A result gives :attr:`tables`; it may say more in :meth:`conclusion` and draw better in
    :meth:`plot`. The first table is the one that it is when none is named.

    Examples
    --------
    >>> from sim.lab.tables import Table
    >>> class Reach(Result):
    ...     @property
    ...     def tables(self):
    ...         return {"runs": Table({"seed": [1, 2], "reach": [30, 50]})}
    >>> len(Reach().to_pandas())
    2
    """

    __slots__ = ()

    @property
    def tables(self) -> Mapping[str, Table]:
        """Its tables by name, the main one first; one or more."""
        raise NotImplementedError

    def conclusion(self) -> str:
        """Return what follows, in sentences; empty where nothing is to be said."""
        return ""

    def table(self, name: str | None = None) -> Table:
        """Return a table by its name; None: the main one.

        Raises
        ------
        UnknownNameError
            When there is none of that name.
        """
        tables = self.tables
        if name is None:
            return next(iter(tables.values()))
        if name not in tables:
            raise UnknownNameError("table", name, tables)
        return tables[name]

    def to_arrow(self, table: str | None = None) -> pa.Table:
        """Return a table as pyarrow's; None: the main one."""
        return self.table(table).to_arrow()

    def to_pandas(self, table: str | None = None) -> pd.DataFrame:
        """Return a table as a data frame of pandas; None: the main one."""
        return self.table(table).to_pandas()

    def to_polars(self, table: str | None = None) -> pl.DataFrame:
        """Return a table as a data frame of polars; None: the main one."""
        return self.table(table).to_polars()

    def write(self, path: str | Path, table: str | None = None, *, force: bool = True) -> Path:
        """Write a table to ``.csv``, ``.jsonl`` or ``.parquet``; None: the main one."""
        return self.table(table).write(path, force=force)

    def write_all(self, folder: str | Path, ending: str = "csv") -> tuple[Path, ...]:
        """Write every table into a folder, which is made when missing.

        Parameters
        ----------
        folder
            Where to.
        ending
            ``csv``, ``jsonl`` or ``parquet``.

        Returns
        -------
        The files, each named as its table.

        Raises
        ------
        InputError, FileError
            As of :meth:`~sim.lab.tables.table.Table.write`.
        """
        from sim.errors import FileError

        into = Path(folder)
        try:
            into.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(into, f"cannot be made a folder: {error.strerror}") from None
        name = ending.lstrip(".")
        return tuple(table.write(into / f"{key}.{name}") for key, table in self.tables.items())

    def plot(self, **how: Any) -> Figure:
        """Draw the main table; how: as of :meth:`~sim.lab.tables.table.Table.plot`."""
        return self.table().plot(**how)

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {len(table):,}" for name, table in self.tables.items())
        return f"{type(self).__name__}({said})"

    def __rich__(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        shown: list[Any] = [table.__rich__() for table in self._in_short()]
        lines = [Text(one_line(line)) for line in self.conclusion().splitlines()]
        return Group(*shown, *lines)

    def _repr_html_(self) -> str:
        from html import escape

        shown = [table._repr_html_() for table in self._in_short()]
        lines = [f"<p>{escape(one_line(line))}</p>" for line in self.conclusion().splitlines()]
        return f"<div>{''.join(shown)}{''.join(lines)}</div>"

    def _in_short(self) -> list[Table]:
        """Return the tables that are shown: all; a result with long ones may choose."""
        found = list(self.tables.values())
        if not found:
            raise InputError("A result has one table or more.")
        return found
