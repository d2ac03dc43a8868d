"""Graphs of networkx and igraph, and files of GraphML, GML and GEXF, as arcs between agents."""

from __future__ import annotations

import itertools
import math
import re
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import FileError, InputError
from sim.io.importing.edges import Direction, ImportedArcs, check_direction
from sim.io.importing.files import TextSource, opened
from sim.io.importing.relations import of_attributes
from sim.io.importing.report import ImportReport
from sim.io.importing.sniff import whole
from sim.network.relations.types import StatedTypes

__all__ = ["edges_of_igraph", "edges_of_networkx", "graph_format", "read_graph"]

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

Words = npt.NDArray[np.uint32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NAMES = ("label", "name")
_LONGEST = 200


def edges_of_networkx(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
) -> ImportedArcs:
    """Return the arcs of a networkx graph.

    Parameters
    ----------
    graph
        Any of networkx's graphs; directed as it says itself.
    direction
        What an arc ``A -> B`` says: ``"influences"``: B hears A; ``"follows"``: A hears B.
    weight
        The edge attribute that holds weights, where it is there; None: none.
    relations, properties
        As of :func:`sim.io.importing.relations.of_attributes`.

    Returns
    -------
    Edges
        Agents in the order of the nodes; ids are the nodes, names their ``label`` or ``name``.
    """
    began = perf_counter()
    check_direction(direction)
    nodes = list(graph.nodes(data=True))
    place = {node: at for at, (node, _) in enumerate(nodes)}
    arcs = list(graph.edges(data=True))
    ids = _ids([node for node, _ in nodes])
    names = list(dict.fromkeys(name for *_, data in arcs for name in data))
    rows = (data for *_, data in arcs)
    said = of_attributes(names, rows, weight, relations, properties)
    return _edges(
        "networkx graph",
        _pairs(((place[a], place[b]) for a, b, _ in arcs), len(arcs)),
        ids,
        _names([_first(data, _NAMES) for _, data in nodes], ids),
        _weights([data.get(weight) for *_, data in arcs] if weight else []),
        said,
        agents=len(nodes),
        directed=bool(graph.is_directed()),
        direction=direction,
        began=began,
    )


def edges_of_igraph(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
) -> ImportedArcs:
    """Return the arcs of an igraph graph.

    Parameters
    ----------
    graph
        An ``igraph.Graph``; directed as it says itself.
    direction, weight, relations, properties
        As in :func:`edges_of_networkx`.

    Returns
    -------
    Edges
        Agents in the order of the vertices; ids are the vertex attribute ``id``, else ``name``,
        where it is there and all are different; names are ``label``, else ``name``.
    """
    began = perf_counter()
    check_direction(direction)
    columns = {key: graph.vs[key] for key in graph.vs.attributes() if key in {"id", *_NAMES}}
    distinct = [columns[key] for key in ("id", "name") if _are_distinct(columns.get(key))]
    ids = _ids(distinct[0]) if distinct else None
    given: list[object] = next((columns[key] for key in _NAMES if key in columns), [])
    known = graph.es.attributes()
    weighted = weight is not None and weight in known
    rows = (edge.attributes() for edge in graph.es)
    said = of_attributes(known, rows, weight, relations, properties)
    return _edges(
        "igraph graph",
        _pairs(graph.get_edgelist(), graph.ecount()),
        ids,
        _names(given, ids),
        _weights(graph.es[weight] if weighted else []),
        said,
        agents=graph.vcount(),
        directed=bool(graph.is_directed()),
        direction=direction,
        began=began,
    )


def _edges(
    name: str,
    pairs: Words,
    ids: Longs | list[str] | None,
    names: list[str] | None,
    weights: tuple[Floats | None, tuple[str, ...]],
    said: tuple[StatedTypes | None, tuple[str, ...]],
    *,
    agents: int,
    directed: bool,
    direction: Direction,
    began: float,
) -> ImportedArcs:
    if not agents:
        raise InputError(f"The {name} has no nodes; a world needs at least 1 agent.")
    ends = (pairs[:, 0].copy(), pairs[:, 1].copy())
    sources, targets = reversed(ends) if direction == "follows" else ends
    told = ImportReport(
        name=name,
        arcs=len(pairs),
        agents=agents,
        directed=directed,
        seconds=perf_counter() - began,
        notes=(*weights[1], *said[1]),
    )
    return ImportedArcs(sources, targets, ids, names, weights[0], None, told, said[0])


def _pairs(pairs: Iterable[tuple[int, int]], count: int) -> Words:
    flat = np.fromiter(itertools.chain.from_iterable(pairs), np.uint32, 2 * count)
    return flat.reshape(count, 2)


def _ids(nodes: Sequence[object]) -> Longs | list[str] | None:
    """Return nodes as integer ids where all are whole numbers, else as texts; all different."""
    texts = [_text(node) for node in nodes]
    if all(whole(text) for text in texts):
        numbers = [int(text) for text in texts]
        if numbers == list(range(len(numbers))):
            return None
        if len(set(numbers)) == len(numbers):
            return np.array(numbers, np.int64)
    if len(set(texts)) < len(texts):
        raise InputError("Two nodes are written alike; give the nodes of the graph different ids.")
    return texts


def _text(node: object) -> str:
    if isinstance(node, float) and node.is_integer() and abs(node) < 2**53:
        return str(int(node))  # GML and GraphML give ids back as floats
    return str(node)


def _are_distinct(values: Sequence[object] | None) -> bool:
    if not values or any(value is None for value in values):
        return False
    return len({_text(value) for value in values}) == len(values)


def _first(data: dict[str, object], keys: Sequence[str]) -> object:
    return next((data[key] for key in keys if data.get(key) is not None), None)


def _names(given: Sequence[object], ids: Longs | list[str] | None) -> list[str] | None:
    """Return a name for each agent: the given ones, else ids that are texts; "" makes one up."""
    if all(name is None or name == "" for name in given):
        return ids if isinstance(ids, list) else None
    texts = ["" if name is None else one_line(_text(name), _LONGEST) for name in given]
    if isinstance(ids, list):
        return [text or each for text, each in zip(texts, ids, strict=True)]
    return texts


def _weights(given: Sequence[object]) -> tuple[Floats | None, tuple[str, ...]]:
    """Return weights with 1 where there is none, and what to say of that."""
    if all(weight is None for weight in given):
        return None, ()
    try:
        weights = np.array([math.nan if w is None else float(w) for w in given])  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError(f"A weight is no number: {error}.") from None
    missing = np.isnan(weights)
    if not np.isfinite(weights[~missing]).all():
        raise InputError("Weights must be finite numbers.")
    weights[missing] = 1.0
    note = f"{int(missing.sum()):,} ties without a weight count 1."
    return weights, (note,) if missing.any() else ()
