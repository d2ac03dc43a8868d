"""What commands write: sentences, tables, JSON, CSV, files, and how far long work is."""

from __future__ import annotations

import codecs
import errno
import json
import math
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sim.cli.plugins.warden import require_nobody_stuck
from sim.cli.runs.interrupts import StoppedError, listening
from sim.core.files import write_whole
from sim.core.progress import Report
from sim.core.text import clean, one_line, width
from sim.errors import FileError, InputError

if TYPE_CHECKING:
    from sim.lab.tables import Table


Form = Literal["text", "json", "csv"]
"""How a result is printed."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a disk without room says."""

DATA = (".json", ".csv", ".jsonl", ".parquet")
FIGURES = (".png", ".svg", ".pdf")

TYPED: list[str] = []
"""The words of the command line."""

_NOT_PLAIN = re.compile(r"[^\n -~]")


def safe(text: str) -> str:
    """Return the whole of a text without what a terminal would obey; nothing is cut."""
    return clean(text, max(len(text), 1))


def again(seed: int | None = None, *more: str) -> str:
    """Return the command as it was typed, with the seed that was drawn and further options."""
    added = [] if seed is None else ["--seed", str(seed)]
    added += [word for word in more if word not in TYPED]
    end = TYPED.index("--") if "--" in TYPED else len(TYPED)
    return safe(shlex.join(["hubbub", *TYPED[:end], *added, *TYPED[end:]]))


def say(text: str) -> None:
    """Write a result: lines to standard output, clean whatever is in them."""
    sys.stdout.write(f"{safe(text)}\n")


def tell(text: str) -> None:
    """Write a remark: clean lines to standard error, so that results can be piped.

    Where a full disk takes none, the work goes on without it.
    """
    try:
        sys.stderr.write(f"{safe(text)}\n")
    except OSError as error:
        if error.errno not in FULL:
            raise
        _take(sys.stderr.fileno(), os.O_WRONLY)  # else the interpreter stumbles over it at its end


def writable_streams() -> None:
    """Let standard output and error take any text, and stand for those that are closed.

    What an encoding lacks is written as JSON escapes it. Standard output that is closed refuses
    what is written to it; remarks without a place are lost.
    """
    codecs.register_error("hubbub", _spelled)
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            _take(number, os.O_RDONLY if number < 2 else os.O_WRONLY)
            stream = os.fdopen(number, "r" if number == 0 else "w", closefd=False)
            setattr(sys, name, stream)
        if number and isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="hubbub")


def _take(number: int, flags: int) -> None:
    """Open nothing under a number, before another file gets it."""
    nowhere = os.open(os.devnull, flags)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def as_json(value: object) -> str:
    """Return JSON for programs: what is no number is null, paths and arrays are plain.

    What a terminal would obey, such as a reversal of the reading order, is written as an escape.
    """
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    return _NOT_PLAIN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if clean(character) == character else json.dumps(character)[1:-1]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned text; every cell is one clean line.

    Parameters
    ----------
    rows
        Cells of one number a row; the first row may be a heading.
    """
    cells_of = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells_of, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (cells - width(cell)) for cell, cells in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells_of
    )


def pairs(values: Mapping[str, object]) -> str:
    """Return names and values as an aligned table."""
    return table([(name, "" if value is None else str(value)) for name, value in values.items()])


def require_folder(path: Path | None) -> None:
    """Refuse before any work what could not be written after it.

    Raises
    ------
    FileError
        When the folder of ``path`` does not exist.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise FileError(path, "its folder does not exist; create it first")


def spare_worlds(path: Path | None) -> None:
    """Refuse to write a result over a world file, or any SQLite database.

    Raises
    ------
    FileError
        When the file there begins as one.
    """
    if path is None or not path.is_file():
        return
    with path.open("rb") as file:
        if file.read(16) == b"SQLite format 3\0":
            raise FileError(path, "is a world, which a result would replace; give another name")


def write_text(path: Path, text: str | bytes) -> None:
    """Write a result file whole or not at all, or a text to standard output when it is ``-``.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    if str(path) == "-" and isinstance(text, str):
        say(text.rstrip("\n"))
        return
    try:
        write_whole(path, text)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None


def form_of(*, json: bool, csv: bool) -> Form:
    """Return how a result is printed, of the flags ``--json`` and ``--csv``.

    Raises
    ------
    InputError
        For both.
    """
    if json and csv:
        raise InputError("Say --json or --csv, not both: one result is printed.")
    return "json" if json else "csv" if csv else "text"


def files_of(out: Iterable[Path], endings: Sequence[str]) -> dict[str, Path]:
    """Return the files of ``--out`` by their endings; refuse now what could not be written later.

    Parameters
    ----------
    out
        As typed, one for each ``--out``.
    endings
        That a verb can write; the empty one is a folder.

    Raises
    ------
    InputError
        For another ending, two files of one ending, or where a library is missing.
    FileError
        When the folder does not exist, or a world is there.
    """
    found: dict[str, Path] = {}
    for path in out:
        ending = "" if "" in endings and path.is_dir() else path.suffix.lower()
        if ending not in endings or str(path) == "-":
            *most, last = ["NAME" + each if each else "a folder" for each in endings]
            allowed = f"{', '.join(most)} or {last}" if most else last
            other = "--save keeps a world" if ending == ".hub" else "--json, --csv print"
            raise InputError(f"--out writes {allowed}, not {str(path)!r}; {other}.")
        if ending in found:
            raise InputError(f"--out names {found[ending]} and {path}, both {ending}; name one.")
        found[ending] = path
    for ending, path in found.items():
        require_folder(path)
        if path.exists() and path.is_dir() != (ending == ""):
            raise FileError(path, "is a folder; name a file" if ending else "is no folder")
        spare_worlds(path)
        if ending == ".parquet" or ending in FIGURES:
            from sim.core.data_frames import library

            library("pyarrow.parquet" if ending == ".parquet" else "matplotlib.figure")
    return found


@dataclass(frozen=True, slots=True)
class Output:
    """Where a result goes: it is printed in one form, and written to files by their endings.

    Parameters
    ----------
    form
        As of :func:`form_of`.
    files
        As of :func:`files_of`.
    """

    form: Form = "text"
    files: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def asked(
        cls, *, json: bool, csv: bool, out: Sequence[Path] | None, endings: Sequence[str] = DATA
    ) -> Output:
        """Return what ``--json``, ``--csv`` and ``--out`` ask for.

        Raises
        ------
        InputError, FileError
            As of :func:`form_of` and :func:`files_of`.
        """
        return cls(form_of(json=json, csv=csv), files_of(out or (), endings))

    def give(
        self, facts: Callable[[], object], rows: Callable[[], Table], text: Callable[[], str]
    ) -> None:
        """Write a result to its files, and print it.

        Parameters
        ----------
        facts
            Everything found, for JSON.
        rows
            Its main table, for CSV, JSON Lines and Parquet.
        text
            What people read.
        """
        for ending, path in self.files.items():
            if ending == ".json":
                write_text(path, as_json(facts()) + "\n")
            elif ending in DATA:
                rows().write(path)
        if self.form == "csv":
            say(csv_of(rows()))
        else:
            say(as_json(facts()) if self.form == "json" else text())


def csv_of(rows: Table) -> str:
    """Return a table as CSV, as its file would have it."""
    with tempfile.TemporaryDirectory(prefix="hubbub-") as folder:
        return rows.write(Path(folder) / "rows.csv").read_text("utf-8").rstrip("\n")


@contextmanager
def watched() -> Iterator[Report]:
    """Show on a terminal how far long work is, and let a signal cancel it at its next report.

    Yields
    ------
    Report
        Raises ``Cancelled`` after Ctrl-C, SIGTERM, SIGHUP, or when the terminal is gone; a second
        signal does not wait for it.
    """
    with listening() as asked, _bar() as show:

        def report(stage: str, share: float) -> None:
            if asked.is_set():
                asked.noted()
                raise StoppedError(f"Cancelled while {stage}; nothing was written.", asked.number)
            require_nobody_stuck()
            show(stage, share)

        yield report


@contextmanager
def _bar() -> Iterator[Report]:
    if not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("starting", total=1.0)

        def show(stage: str, share: float) -> None:
            progress.update(task, description=escape(one_line(stage)), completed=share)

        yield show
