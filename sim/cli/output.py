"""What commands write: sentences, tables, JSON, CSV and files, and the options for them."""

from __future__ import annotations

import codecs
import csv
import errno
import io
import json
import math
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.core.files import write_whole
from sim.core.text import clean, one_line, width
from sim.errors import FileError, InputError

if TYPE_CHECKING:
    from sim.lab.tables import Table


Form = Literal["text", "json", "csv"]
"""How a result is printed."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Error numbers of a full disk."""

DATA = (".json", ".csv", ".jsonl", ".parquet")
FIGURES = (".png", ".svg", ".pdf")

TYPED: list[str] = []
"""The words that were typed on the command line."""

_REMARKS = 5
_NOT_PLAIN = re.compile(r"[^\n -~]")


def safe(text: str) -> str:
    """Return the whole text without terminal control characters; nothing is cut."""
    return clean(text, max(len(text), 1))


def again(seed: int | None = None, *more: str) -> str:
    """Return the command as typed, with the seed that was drawn and further options."""
    added = [] if seed is None else ["--seed", str(seed)]
    added += [word for word in more if word not in TYPED]
    end = TYPED.index("--") if "--" in TYPED else len(TYPED)
    return safe(shlex.join(["hubbub", *TYPED[:end], *added, *TYPED[end:]]))


def say(text: str) -> None:
    """Write a result: lines to standard output, without control characters."""
    sys.stdout.write(f"{safe(text)}\n")


def tell(text: str) -> None:
    """Write a remark: lines to standard error, so that results can be piped."""
    try:
        sys.stderr.write(f"{safe(text)}\n")
    except OSError as error:
        if error.errno not in FULL:
            raise
        _take(sys.stderr.fileno(), os.O_WRONLY)  # else the interpreter fails on it at exit


def agreed(question: str) -> bool:
    """Ask a question on the terminal; return whether the answer is yes."""
    if not sys.stdin.isatty():
        raise InputError(f"{question} There is no terminal to ask on; add --yes.")
    tell(f"{question} Type yes:")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def writable_streams() -> None:
    """Let standard output and error accept any text, and replace closed streams."""
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
    """Open the null device under a descriptor number, before another file gets it."""
    nowhere = os.open(os.devnull, flags)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def as_json(value: object) -> str:
    """Return JSON for programs: non-finite numbers become null, paths and arrays plain values."""
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
    """Return rows as aligned text; every cell is one clean line."""
    cells_of = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells_of, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (cells - width(cell)) for cell, cells in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells_of
    )


def table_of(rows: Table) -> str:
    """Return a result's table as text, below its caption if it has one."""
    from sim.lab.tables import shown

    text = table([rows.names, *([shown(value) for value in row.values()] for row in rows.rows())])
    return f"{rows.caption}\n{text}" if rows.caption else text


def tell_remarks(remarks: Iterable[str]) -> None:
    """Print the first few distinct remarks of many runs."""
    every = list(dict.fromkeys(map(one_line, remarks)))
    for remark in every[:_REMARKS]:
        tell(remark)
    if len(every) > _REMARKS:
        tell(f"{len(every) - _REMARKS} more remarks.")


def pairs(values: Mapping[str, object]) -> str:
    """Return names and values as an aligned table."""
    return table([(name, "" if value is None else str(value)) for name, value in values.items()])


def require_folder(path: Path | None) -> None:
    """Refuse, before any work, a path whose folder does not exist."""
    if path is not None and not path.absolute().parent.is_dir():
        raise FileError(path, "its folder does not exist; create it first")


def spare_worlds(path: Path | None) -> None:
    """Refuse to write a result over a world file, or any SQLite database."""
    if path is None or not path.is_file():
        return
    with path.open("rb") as file:
        if file.read(16) == b"SQLite format 3\0":
            raise FileError(path, "is a world, which a result would replace; give another name")


def write_text(path: Path, text: str | bytes) -> None:
    """Write a result file atomically, or to standard output if the path is ``-``."""
    if str(path) == "-" and isinstance(text, str):
        say(text.rstrip("\n"))
        return
    try:
        write_whole(path, text)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror}") from None


def around_marks(path: Path, begin: str, end: str) -> tuple[str, str]:
    """Return a page's text up to the first mark and from the second on, to write between them."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}") from None
    before, found, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not closing:
        raise FileError(path, f"has no marks {begin} and {end} to write between")
    return before + found, closing + after


def form_of(*, json: bool, csv: bool) -> Form:
    """Return the output form that the flags ``--json`` and ``--csv`` ask for."""
    if json and csv:
        raise InputError("--json and --csv exclude each other.")
    return "json" if json else "csv" if csv else "text"


def files_of(out: Iterable[Path], endings: Sequence[str]) -> dict[str, Path]:
    """Return the files of ``--out`` by suffix; refuse now what could not be written later."""
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
    """Where a result goes: it is printed in one form, and written to files by their suffixes."""

    form: Form = "text"
    files: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def asked(
        cls, *, json: bool, csv: bool, out: Sequence[Path] | None, endings: Sequence[str] = DATA
    ) -> Output:
        """Return the output that ``--json``, ``--csv`` and ``--out`` ask for."""
        return cls(form_of(json=json, csv=csv), files_of(out or (), endings))

    def give(
        self, facts: Callable[[], object], rows: Callable[[], Table], text: Callable[[], str]
    ) -> None:
        """Write a result to its files, and print it."""
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
    """Return a table as the text of a CSV file."""
    with tempfile.TemporaryDirectory(prefix="hubbub-") as folder:
        return rows.write(Path(folder) / "rows.csv").read_text("utf-8").rstrip("\n")


Facts = dict[str, Any]

Limit = Annotated[
    int | None, typer.Option(min=1, help="Rows at most; else 20 of a table, all of JSON and CSV.")
]

_ROWS = 20


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """How an answer is printed."""

    json: bool = False
    csv: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        """Raise ``InputError`` if two forms are asked for."""
        form_of(json=self.json, csv=self.csv)

    @property
    def rows(self) -> int:
        """Rows of a table for people."""
        return self.limit or _ROWS

    @property
    def most(self) -> int | None:
        """Rows to look up; None: all."""
        return self.limit if self.json or self.csv else self.rows


def answer(shape: OutputFormat, facts: Facts, text: Callable[[Facts, int], str]) -> None:
    """Print facts: JSON as one object, CSV as rows, else the table that ``text`` makes of them."""
    rows = facts.get("rows")
    if not (shape.json or shape.csv):
        say(text(facts, shape.rows))
    elif rows is None:
        named = [{"name": name, "value": value} for name, value in facts.items()]
        say(as_json(facts) if shape.json else as_csv(named))
    else:
        kept = rows[: shape.limit]
        say(as_json({"count": len(rows), **facts, "rows": kept}) if shape.json else as_csv(kept))


def listed(heading: Sequence[str], rows: Sequence[Sequence[str]], count: int) -> str:
    """Return rows as a table, and how many of the ``count`` rows are not shown."""
    more = count - len(rows)
    return table([heading, *rows]) + (f"\nand {more:,} more (--limit)" if more > 0 else "")


def as_csv(rows: Sequence[Facts]) -> str:
    """Return rows as CSV with a column per name that occurs; a compound value becomes JSON."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue().rstrip("\n")


def _cell(value: Any) -> object:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "; ".join(value)
    return value if isinstance(value, str | int | float) else " ".join(as_json(value).split())


Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Out = Annotated[
    list[Path] | None,
    typer.Option(
        "--out", "-o", metavar="FILE",
        help="Write it to NAME.json, .csv, .jsonl or .parquet; one of each.",
    ),
]  # fmt: skip
Pairs = Annotated[
    list[str] | None,
    typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter; may be repeated."),
]
WorldName = Annotated[
    str, typer.Argument(metavar="WORLD", help="A world file, a saved name, demo, or new:AGENTS.")
]
SavedName = Annotated[str, typer.Argument(help="A world file, or the name of a saved world.")]
