"""Graphs of networkx and igraph, and graph files, as arcs between agents."""

from __future__ import annotations

import itertools
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I64, U32
from sim.core.progress import Report, quiet
from sim.core.text import one_line
from sim.errors import FileError, InputError
from sim.io.importing.edges import AUTO, Direction, ImportedArcs, both_ways, check_direction
from sim.io.importing.files import ImportReport, TextSource, opened
from sim.io.importing.formats import READ, format_of, refusal
from sim.io.importing.graph_text import (
    NAMES,
    GraphRows,
    read_gml,
    read_json,
    read_lgl,
    read_pajek,
    read_xml,
)
from sim.io.importing.labels import of_attributes
from sim.io.importing.sniff import WEIGHTS, decimal, plain_name, says_way, way_of, whole
from sim.network.relations.types import StatedTypes

_BLOCK: Final = 1 << 22
_OVERLAP: Final = 16
_MOST_WHOLE: Final = 1 << 29  # read as a whole, which takes about 10 times the file's size
_ENTITY = re.compile(rb"<!\s*ENTITY", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)[\"']")
_KNOWN_ENCODINGS: Final = {b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"latin-1"}
_READERS: Final[dict[str, Callable[[Path], GraphRows]]] = {
    "graphml": read_xml,
    "gexf": read_xml,
    "gml": read_gml,
    "pajek": read_pajek,
    "json": read_json,
    "lgl": read_lgl,
}
_XML: Final = {"graphml", "gexf"}
_MATRIX: Final = "matrix-market"


def read_graph(
    path: str | PathLike[str],
    *,
    direction: Direction = "influences",
    weight: str | None = AUTO,
    relations: str | None = None,
    properties: Sequence[str] | None = None,
    report: Report = quiet,
) -> ImportedArcs:
    """Read a graph file, plain or gzip; directions are as stated in the file and for each tie.

    Parameters
    ----------
    path
        GraphML, GEXF, GML, Pajek, JSON of nodes and links, Matrix Market or LGL.
    direction
        The meaning of an arc ``A -> B``: ``"influences"``: B follows A; ``"follows"``: A follows B.
    weight
        The attribute of ties with weights; ``"auto"``: one named ``weight``, ``edge
        weight`` or ``value``, in any case, if all its values are numbers; None: none.
    relations, properties
        As in :func:`sim.io.importing.labels.of_attributes`.
    report
        Told of progress; may cancel.

    Returns
    -------
    Edges
        With the file's ids, names (``label``, ``name``) and weights; whole-number ids are numbered
        in ascending order, others in order of first appearance in ties, as in edge lists.

    Raises
    ------
    FileError
        If the file cannot be used, has another format, or declares XML entities.
    """
    began = perf_counter()
    with opened(path) as source:
        kind = format_of(source.head, source.path)
        if kind not in _READERS and kind != _MATRIX:
            what = "is a table of ties; read it with read_edges" if kind in READ else refusal(kind)
            raise FileError(source.path, what)
        with _copy(source, kind, report) as copy:
            report("parsing the graph", 0.0)
            if kind == _MATRIX:
                wanted, name = weight is not None, source.path.name
                edges: ImportedArcs = _parsed(
                    source.path, lambda: _matrix(copy, name, direction, began, wanted)
                )
                return edges
            rows = _parsed(source.path, lambda: _READERS[kind](copy))
        if not rows.members:
            raise FileError(source.path, "has no nodes; a world needs at least 1 agent")
    return _of_rows(
        rows, Path(path).name, direction, began,
        weight=weight, relations=relations, properties=properties,
    )  # fmt: skip


@contextmanager
def _copy(source: TextSource, kind: str, report: Report) -> Iterator[Path]:
    """Unpack a file to a private folder, refusing content that is unsafe for XML parsers."""
    with tempfile.TemporaryDirectory(prefix="hubbub-import-") as folder:
        place = Path(folder) / f"graph.{kind}"
        written = 0
        tail = b""
        with place.open("wb") as out:
            while piece := source.read(_BLOCK):
                if kind in _XML:
                    _check_markup(source.path, tail + piece, first=written == 0)
                tail = piece[-_OVERLAP:]
                written += out.write(piece)
                if kind not in {*_XML, _MATRIX} and written > _MOST_WHOLE:
                    what = f"is more than 512 MiB of {READ[kind]}; use GraphML or a table of ties"
                    raise FileError(source.path, what)
                report("checking the file", source.share)
        yield place


def _check_markup(path: Path, piece: bytes, *, first: bool) -> None:
    if _ENTITY.search(piece):
        raise FileError(
            path,
            "declares <!ENTITY, which can make a parser use up all memory; remove the declaration",
        )
    if b"\x00" in piece:
        raise FileError(path, "has zero bytes in it, as no text has")
    encoding = _ENCODING.search(piece) if first else None
    if encoding and encoding.group(1).lower() not in _KNOWN_ENCODINGS:
        raise FileError(
            path, f"is encoded as {encoding.group(1).decode('ascii', 'replace')}; save it as UTF-8"
        )


def _parsed(path: Path, parse: Callable[[], Any]) -> Any:
    """Run a parser; any error becomes one sentence without internal details."""
    try:
        return parse()
    except InputError as error:
        raise FileError(path, str(error).rstrip(".")) from None
    except UnicodeDecodeError:
        raise FileError(path, "is not UTF-8 text; save it as UTF-8") from None
    except Exception as error:
        said = " ".join(str(error).split())
        said = re.sub(r"^Error at \S+: ", "", said).split(" -- ")[0].rstrip(". ")
        raise FileError(path, f"cannot be parsed ({said[:160] or type(error).__name__})") from None


_NAMES = ("label", "name")
_LONGEST = 200


def _matrix(
    path: Path, name: str, direction: Direction, began: float, weighted: bool
) -> ImportedArcs:
    """Read a square matrix with scipy: an entry is a tie, a symmetric one a mutual tie."""
    import scipy.io  # takes 0.2 s, needed only here
    from scipy.sparse import coo_array

    count, columns, _, _, values, symmetry = scipy.io.mminfo(path)
    if count != columns:
        raise InputError(
            f"has {count:,} rows and {columns:,} columns, which are two kinds of members; make one "
            "kind of them with networkx.bipartite.from_biadjacency_matrix and from_networkx"
        )
    if values == "complex":
        raise InputError("has complex numbers, which cannot be weights; write their magnitudes")
    check_direction(direction)
    entries = coo_array(scipy.io.mmread(path))
    pairs = np.stack(entries.coords, axis=1).astype(np.uint32)
    one_way = symmetry not in {"symmetric", "hermitian"}
    kept = slice(None) if one_way else pairs[:, 0] >= pairs[:, 1]
    weights = None if values == "pattern" else entries.data[kept].astype(np.float64)
    return _edges(
        name,
        pairs[kept],
        np.arange(1, count + 1),
        None,
        (weights if weighted else None, ()),
        (None, ()),
        agents=count,
        directed=one_way,
        direction=direction,
        began=began,
    )


def _of_rows(
    rows: GraphRows,
    name: str,
    direction: Direction,
    began: float,
    *,
    weight: str | None,
    relations: str | None,
    properties: Sequence[str] | None,
) -> ImportedArcs:
    """Return the arcs of a graph file, numbered like those of an edge list."""
    check_direction(direction)
    both = _ways(rows, relations)
    known = list(dict.fromkeys(name for marks in rows.marks for name in marks))
    weight, told = _weight(rows, known, weight)
    said = of_attributes(known, rows.marks, weight, relations, properties)
    given = [decimal(str(m[weight])) if weight in m else None for m in rows.marks] if weight else []
    weights, missing = _weights(given)
    ids, place = _numbered(rows)
    order = sorted(rows.members, key=place.__getitem__)
    called = [_named(rows.members[each]) for each in order]
    own = map(str, range(len(order)) if ids is None else ids)
    names = _names(["" if n == i else n for n, i in zip(called, own, strict=True)], ids)
    edges = _edges(
        name,
        _pairs(((place[a], place[b]) for a, b in rows.ends), len(rows.ends)),
        ids,
        names,
        (weights, (*told, *missing, *rows.notes)),
        said,
        agents=len(order),
        directed=True,
        direction=direction,
        began=began,
    )
    return both_ways(edges, both)


def _ways(rows: GraphRows, relations: str | None) -> npt.NDArray[np.bool_]:
    """Return which ties are mutual: as each tie says, else as stated for the whole file."""
    for name in dict.fromkeys(name for marks in rows.marks for name in marks):
        said = (str(marks[name]) for marks in rows.marks if name in marks)
        if name != relations and says_way(name, said):
            for at, marks in enumerate(rows.marks):
                if name in marks:
                    rows.both[at] = way_of(name, str(marks.pop(name)))
            break
    return np.array([not rows.directed if each is None else each for each in rows.both], np.bool_)


def _weight(
    rows: GraphRows, known: Sequence[str], asked: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """Return the attribute of weights, and notes if it was detected."""
    if asked != AUTO:
        if asked is not None and asked not in known:
            there = ", ".join(sorted(known)) or "none at all"
            raise InputError(f"No edge has the attribute {asked!r}; there are {there}.")
        return asked, ()
    for word in WEIGHTS:
        for name in (each for each in known if plain_name(each) == word):
            cells = [str(marks[name]) for marks in rows.marks if name in marks]
            if all(math.isfinite(decimal(cell)) for cell in cells):
                return name, () if name == "weight" else (f"Weights are those of {name!r}.",)
            if word != WEIGHTS[-1]:
                return None, (
                    f"Column {name!r} does not contain only numbers and was not read as weights.",
                )
    return None, ()


def _numbered(rows: GraphRows) -> tuple[I64 | list[str] | None, dict[str, int]]:
    """Return the ids of agents in order, and the index of each member of the file."""
    own = list(rows.members)
    called = [str(rows.members[each].get("name", "")) for each in own]
    if own == [f"n{at}" for at in range(len(own))] and all(called) and len({*called}) == len(own):
        ids = dict(zip(own, called, strict=True))  # igraph numbers its nodes so; ids are names
    else:
        ids = {each: each for each in own}
    order = list(dict.fromkeys([each for ends in rows.ends for each in ends] + own))
    if all(whole(each) for each in ids.values()):
        order.sort(key=lambda each: int(ids[each]))
    return _ids([ids[each] for each in order]), {each: at for at, each in enumerate(order)}


def _named(said: Mapping[str, object]) -> object:
    """Return the name of a member, from the first of its name attributes."""
    words = {key.lower(): value for key, value in reversed([*said.items()])}
    return next((words[each] for each in NAMES if words.get(each) not in {None, ""}), None)


def edges_of_networkx(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
) -> ImportedArcs:
    """Return the arcs of a networkx graph."""
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
    """Return the arcs of an igraph graph."""
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
    pairs: U32,
    ids: I64 | list[str] | None,
    names: list[str] | None,
    weights: tuple[F64 | None, tuple[str, ...]],
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


def _pairs(pairs: Iterable[tuple[int, int]], count: int) -> U32:
    flat = np.fromiter(itertools.chain.from_iterable(pairs), np.uint32, 2 * count)
    return flat.reshape(count, 2)


def _ids(nodes: Sequence[object]) -> I64 | list[str] | None:
    """Return nodes as integer ids if all are whole numbers, else as texts; all distinct."""
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
        return str(int(node))  # GML and GraphML return ids as floats
    return str(node)


def _are_distinct(values: Sequence[object] | None) -> bool:
    if not values or any(value is None for value in values):
        return False
    return len({_text(value) for value in values}) == len(values)


def _first(data: dict[str, object], keys: Sequence[str]) -> object:
    return next((data[key] for key in keys if data.get(key) is not None), None)


def _names(given: Sequence[object], ids: I64 | list[str] | None) -> list[str] | None:
    """Return a name for each agent: as given, else an id that is a text; "": to be generated."""
    if all(name is None or name == "" for name in given):
        return ids if isinstance(ids, list) else None
    texts = ["" if name is None else one_line(_text(name), _LONGEST) for name in given]
    if isinstance(ids, list):
        return [text or each for text, each in zip(texts, ids, strict=True)]
    return texts


def _weights(given: Sequence[object]) -> tuple[F64 | None, tuple[str, ...]]:
    """Return weights, with 1 for missing ones, and notes on these."""
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
    bare = int(missing.sum())
    tie, count = ("tie", "counts") if bare == 1 else ("ties", "count")
    return weights, (f"{bare:,} {tie} without a weight {count} 1.",) if bare else ()
