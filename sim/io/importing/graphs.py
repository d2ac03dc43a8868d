"""GraphML, GML and GEXF files, read by igraph and networkx from a checked private copy."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Final

from sim.core.progress import Report, quiet
from sim.errors import FileError
from sim.io.importing.convert import edges_of_igraph, edges_of_networkx
from sim.io.importing.edges import Direction, ImportedArcs
from sim.io.importing.files import TextSource, opened

__all__ = ["graph_format", "read_graph"]

_BLOCK: Final = 1 << 22
_OVERLAP: Final = 16
_MOST_GEXF: Final = 1 << 29  # networkx builds the whole tree, some 10 times the file
_DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)[\"']")
_KNOWN_ENCODINGS: Final = {b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"latin-1"}
_ROOT = re.compile(rb"<\s*(?:\w+:)?(graphml|gexf)\b", re.IGNORECASE)
_GML = re.compile(rb"(?:^|\n)\s*graph\s*\[", re.IGNORECASE)


def graph_format(head: bytes) -> str:
    """Return ``"graphml"``, ``"gexf"``, ``"gml"`` or ``"edges"``, by the first bytes of a file."""
    if head.lstrip().startswith(b"<"):
        root = _ROOT.search(head)
        return root.group(1).decode().lower() if root else "xml"
    return "gml" if _GML.search(head) else "edges"


def read_graph(
    path: str | PathLike[str],
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
    report: Report = quiet,
) -> ImportedArcs:
    """Read a GraphML, GML or GEXF file, plain or gzip; directed as the file says.

    Parameters
    ----------
    path
        The file.
    direction
        What an arc ``A -> B`` says: ``"influences"``: B hears A; ``"follows"``: A hears B.
    weight
        The edge attribute that holds weights, where it is there; None: none.
    relations, properties
        As of :func:`sim.io.importing.relations.of_attributes`.
    report
        Told of progress; may cancel.

    Returns
    -------
    Edges
        With the file's ids, names (``label``, ``name``) and weights.

    Raises
    ------
    FileError
        When the file cannot be used, is of another format, or declares XML entities.
    """
    with opened(path) as source:
        kind = graph_format(source.head)
        if kind not in _READERS:
            raise FileError(source.path, "is neither GraphML, GML nor GEXF")
        with _copy(source, kind, report) as copy:
            report("parsing the graph", 0.0)
            told: dict[str, Any] = {"direction": direction, "weight": weight}
            told |= {"relations": relations, "properties": properties}
            edges = _READERS[kind](copy, source.path, told)
    return replace(edges, report=replace(edges.report, name=source.path.name))


@contextmanager
def _copy(source: TextSource, kind: str, report: Report) -> Iterator[Path]:
    """Unpack a file to a private place, refusing what a parser of XML must not meet."""
    with tempfile.TemporaryDirectory(prefix="hubbub-import-") as folder:
        place = Path(folder) / f"graph.{kind}"
        written = 0
        tail = b""
        with place.open("wb") as out:
            while piece := source.read(_BLOCK):
                if kind != "gml":
                    _check_markup(source.path, tail + piece, first=written == 0)
                tail = piece[-_OVERLAP:]
                written += out.write(piece)
                if kind == "gexf" and written > _MOST_GEXF:
                    raise FileError(source.path, "is more than 512 MiB of GEXF; use GraphML")
                report("checking the file", source.share)
        yield place


def _check_markup(path: Path, piece: bytes, *, first: bool) -> None:
    found = _DECLARATION.search(piece)
    if found:
        raise FileError(
            path,
            f"declares <!{found.group(1).decode().upper()}, which can make a parser use up all "
            "memory; remove the declaration",
        )
    if b"\x00" in piece:
        raise FileError(path, "has zero bytes in it, as no text has")
    encoding = _ENCODING.search(piece) if first else None
    if encoding and encoding.group(1).lower() not in _KNOWN_ENCODINGS:
        raise FileError(
            path, f"is encoded as {encoding.group(1).decode('ascii', 'replace')}; save it as UTF-8"
        )


def _by_igraph(method: str) -> Callable[[Path, Path, dict[str, Any]], ImportedArcs]:
    def read(copy: Path, path: Path, told: dict[str, Any]) -> ImportedArcs:
        import igraph  # 0.3 s that only graph files need

        graph = _parsed(path, lambda: getattr(igraph.Graph, method)(str(copy)))
        return edges_of_igraph(graph, **told)

    return read


def _by_networkx(copy: Path, path: Path, told: dict[str, Any]) -> ImportedArcs:
    import networkx as nx  # only GEXF needs it

    graph = _parsed(path, lambda: nx.read_gexf(copy))
    return edges_of_networkx(graph, **told)


def _parsed(path: Path, parse: Callable[[], Any]) -> Any:
    """Run a parser; whatever it raises becomes one sentence without its inner places."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse()
    except Exception as error:
        said = " ".join(str(error).split())
        said = re.sub(r"^Error at \S+: ", "", said).split(" -- ")[0].rstrip(". ")
        raise FileError(path, f"cannot be parsed ({said[:160] or type(error).__name__})") from None


_READERS: Final[dict[str, Callable[[Path, Path, dict[str, Any]], ImportedArcs]]] = {
    "graphml": _by_igraph("Read_GraphML"),
    "gml": _by_igraph("Read_GML"),
    "gexf": _by_networkx,
}
