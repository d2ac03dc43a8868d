"""Safe opening of files from outside, and the report of an import."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Final, cast

from sim.core.text import plural
from sim.errors import FileError, FormatError

_HEAD: Final = 1 << 18
_BLOCK: Final = 1 << 22
_MOST_LINE: Final = 1 << 20
_SMALL: Final = 1 << 28  # bytes that any file may unpack to
_MOST_RATIO: Final = 250  # edge lists shrink 4 to 20 times; a bomb 1,000 times
_PEEK: Final = 1 << 12
_TEXT: Final = bytes({*range(7, 14), 27, *range(32, 256)})
_GZIP = b"\x1f\x8b"
_FOREIGN = (
    (b"SQLite format 3\x00", "is a saved world or another database, not a table of text"),
    (b"PAR1", "is Parquet; write it as CSV with pandas, polars or pyarrow"),
    (b"ARROW1", "is Feather; write it as CSV with pandas, polars or pyarrow"),
    (b"\x93NUMPY", "is an array of NumPy; write it with numpy.savetxt"),
    (b"\x89HDF", "is HDF5; write the ties in it as CSV"),
    (
        b"MATLAB 5.0",
        "is a file of MATLAB; scipy.io.loadmat reads it, and from_networkx takes its graph",
    ),
    (b"\x80\x04", "is a pickle of Python; load it where it is from, and use from_networkx"),
    (b"\x80\x05", "is a pickle of Python; load it where it is from, and use from_networkx"),
    (b"\xd0\xcf\x11\xe0", "is a spreadsheet or document of Office; save it as CSV"),
    (b"%PDF", "is PDF; write its ties as CSV"),
    (b"{\\rtf", "is rich text; save it as plain text"),
    (b"PK\x03\x04\x14\x00\x06\x00", "is a spreadsheet or document of Office; save it as CSV"),
    (b"PK\x03\x04", "is a zip archive; unpack it first"),
    (b"BZh", "is packed with bzip2; unpack it first (plain text and gzip are read)"),
    (b"\xfd7zXZ\x00", "is packed with xz; unpack it first (plain text and gzip are read)"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd; unpack it first (plain text and gzip are read)"),
    (b"\xff\xfe", "is UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text; save it as UTF-8"),
)
_MARK = b"\xef\xbb\xbf"


class TextSource:
    """The bytes of a text file, unpacked, without byte order mark; made by :func:`opened`."""

    def __init__(self, path: Path, raw: BufferedReader, size: int) -> None:
        self.path = path
        self._raw = raw
        self._size = size
        self._packed = raw.peek(2)[:2] == _GZIP
        self._stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw) if self._packed else raw)
        self._given = 0
        self._lone_returns = False
        parts = [self._take(_HEAD)]
        while parts[-1] and sum(map(len, parts)) < _HEAD:
            parts.append(self._take(_HEAD))
        head = b"".join(parts)
        for magic, reason in _FOREIGN:
            if head.startswith(magic):
                raise FileError(self.path, reason)
        if b"\x00" in head or _looks_binary(head[:_PEEK]):
            raise FileError(self.path, "is a binary file, not text")
        head = head.removeprefix(_MARK)
        if not head.strip():
            raise FileError(self.path, "is empty")
        self._lone_returns = b"\r" in head and b"\n" not in head
        self.head = head.replace(b"\r", b"\n") if self._lone_returns else head
        self._pending = self.head

    def read(self, count: int) -> bytes:
        """Return up to ``count`` more bytes; ``b""`` at the end."""
        piece = self._pending or self._take(count)
        self._pending = b""
        return piece

    def blocks(self, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        """Yield whole lines from byte ``start`` of the head on, about ``size`` bytes at once."""
        rest = b""
        while piece := self.read(size or _BLOCK):
            block = rest + piece[start:]
            start = 0
            cut = block.rfind(b"\n") + 1
            rest = block[cut:]
            if len(rest) > _MOST_LINE:
                raise FileError(self.path, "has a line of more than 1 MiB, as no table has")
            if cut:
                yield block[:cut]
        if rest:
            yield rest + b"\n"

    @property
    def share(self) -> float:
        """The share of the file that has been read, 0..1."""
        return min(self._raw.tell() / self._size, 1.0)

    def _take(self, count: int) -> bytes:
        try:
            piece = self._stream.read(count)
        except EOFError:
            raise FileError(
                self.path, "ends in the middle of its packed data; copy or download it again"
            ) from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FileError(self.path, f"is damaged gzip data ({error})") from None
        except OSError as error:
            raise FileError(self.path, f"cannot be read ({error.strerror})") from None
        self._given += len(piece)
        if self._packed and self._given > max(_SMALL, _MOST_RATIO * self._raw.tell()):
            raise FileError(
                self.path,
                f"unpacks to more than {_MOST_RATIO} times its size, as bombs do and networks do "
                "not; unpack it yourself if it is honest",
            )
        return piece.replace(b"\r", b"\n") if self._lone_returns else piece


def _looks_binary(head: bytes) -> bool:
    """Return whether more than one byte in twenty is a control character not found in text."""
    return 20 * len(head.translate(None, _TEXT)) > len(head)


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return the path if it is a regular, non-empty file."""
    place = Path(path)
    try:
        found = place.stat()
    except OSError as error:
        raise FileError(place, _trouble(error)) from None
    except ValueError:
        raise FileError(repr(str(place)), "is no path") from None
    _check_kind(place, found)
    return place


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[TextSource]:
    """Open a text file, plain or gzip."""
    place = checked_path(path)
    try:
        # Without O_NONBLOCK, a pipe replacing the file meanwhile would block for ever.
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise FileError(place, _trouble(error)) from None
    with os.fdopen(descriptor, "rb") as raw:
        found = os.fstat(raw.fileno())
        _check_kind(place, found)
        yield TextSource(place, raw, found.st_size)


def decoded(raw: bytes, path: Path, line: int) -> str:
    """Return the text of a line, stripped of spaces; tabs are kept, except around comments."""
    try:
        text = raw.decode().strip(" \r\n")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "replace")
        raise FormatError(path, line, text, "is no UTF-8 text; save the file as UTF-8") from None
    bare = text.strip()
    return bare if bare.startswith(("#", "%", "//")) or not bare else text


def _check_kind(place: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise FileError(place, "is a directory; name a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise FileError(place, "is a pipe or a device; save its content to a file first")
    if found.st_size == 0:
        raise FileError(place, "is empty")


def _trouble(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, PermissionError):
        return "may not be read; check its permissions"
    return f"cannot be opened ({error.strerror})"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The report of an import from a file, or from another library's graph.

    Parameters
    ----------
    name
        The file, or the kind of graph.
    lines, comments, empty
        Lines of the file, and those without a tie; 0 if there are no lines. The header counts as
        neither a comment nor an empty line.
    arcs
        Ties in the file, with a pair of an undirected network counted once.
    loops, duplicates
        Dropped ties: of an agent with itself; repeated ones. Known once a world is made.
    agents, ties, isolated
        Numbers in the world; isolated agents have no ties.
    directed
        Whether a line is one tie; else two.
    seconds
        Time taken.
    notes
        Sentences on decisions made during the import.
    """

    name: str
    lines: int = 0
    comments: int = 0
    empty: int = 0
    arcs: int = 0
    loops: int = 0
    duplicates: int = 0
    agents: int = 0
    ties: int = 0
    isolated: int = 0
    directed: bool = True
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return one paragraph for people."""
        told = [
            f"{self.name}: imported {plural(self.agents, 'member')} and {plural(self.ties, 'tie')}"
            f"{'' if self.directed else ' (two per pair)'} in {self.seconds:.1f} s.",
            _listed("Dropped", [(self.loops, "loop"), (self.duplicates, "duplicate")]),
            _listed("Skipped", [(self.comments, "comment line"), (self.empty, "empty line")]),
            f"{plural(self.isolated, 'member')} without ties." if self.isolated else "",
            *self.notes,
        ]
        return " ".join(filter(None, told))


def _listed(verb: str, counts: Sequence[tuple[int, str]]) -> str:
    """Return a sentence of counts, omitting zeros."""
    named = " and ".join(plural(count, noun) for count, noun in counts if count)
    return f"{verb} {named}." if named else ""
