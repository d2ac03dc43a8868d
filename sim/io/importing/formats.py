"""Detect a file's format from its first bytes and its suffix; messages about each format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from sim.core.checks import whole_of

READ = {
    "edges": "a table of ties",
    "graphml": "GraphML",
    "gexf": "GEXF",
    "gml": "GML",
    "pajek": "Pajek",
    "json": "JSON",
    "matrix-market": "Matrix Market",
    "lgl": "LGL",
}
"""The formats that can be read, and their names."""

_LIBRARY = "read it with {} and make the world with from_networkx, or save it as GraphML"
_TABLE = "; if it is a table of ties, say so with --no-header (in Python: header=False)"
_SAVE = "save it as GraphML or as a table of ties"
REFUSED = {
    "dot": ("Graphviz DOT", _LIBRARY.format("networkx.nx_pydot.read_dot")),
    "gdf": ("GDF of GUESS", "open it with Gephi and save it as GraphML"),
    "vna": ("VNA of NetDraw", "save it as Pajek or as a table of ties"),
    "dl": ("DL of UCINET", "save it as Pajek or as a table of ties"),
    "tgf": ("TGF", "keep the lines below # as a table of ties" + _TABLE),
    "sif": ("SIF of Cytoscape", "read three columns with --columns 0,2 --relations 1" + _TABLE),
    "metis": ("METIS", _SAVE + _TABLE),
    "dimacs": ("DIMACS", "keep the lines of e or a, and read them with --columns 1,2" + _TABLE),
    "matrix": (
        "a matrix, a row and a column for each member",
        _LIBRARY.format("numpy.loadtxt and networkx.from_numpy_array") + _TABLE,
    ),
    "leda": ("LEDA", _LIBRARY.format("networkx.read_leda")),
    "graph6": ("graph6 or sparse6", _LIBRARY.format("networkx.read_graph6 or read_sparse6")),
    "tulip": ("TLP of Tulip", _SAVE),
    "rdf": ("RDF", _SAVE),
    "html": ("a web page", "it may stand where a download failed; fetch the file itself"),
    "xgmml": ("XGMML of Cytoscape", "export it from there as GraphML or SIF"),
    "xml": ("XML of another kind", "GraphML and GEXF are read; save it as one of them"),
}
"""Known formats that cannot be read: the name, and what to do instead."""

_ROOT = re.compile(r"<\s*(?:\w+:)?(graphml|gexf)\b", re.IGNORECASE)
_FIRST = (
    ("rdf", re.compile(r"<\w+:[^<>\s]*>\s+<\w+:|@prefix\s")),
    ("html", re.compile(r"<(!doctype\s+)?html\b", re.IGNORECASE)),
    ("xgmml", re.compile(r"<(?:[?!][^>]*>|\s|<)*graph\b")),
    ("xml", re.compile(r"<")),
    ("json", re.compile(r"[{\[]")),
    ("matrix-market", re.compile(r"%%MatrixMarket\b", re.IGNORECASE)),
    ("gdf", re.compile(r"nodedef\s*>", re.IGNORECASE)),
    ("dl", re.compile(r"dl\b[\s,]*(n|nr|nc|nm|format|data)\s*[=:]", re.IGNORECASE)),
    ("leda", re.compile(r"LEDA\.GRAPH\b")),
    ("graph6", re.compile(r">>(di)?(graph|sparse)6<<")),
    ("tulip", re.compile(r"\(tlp\s")),
)
_COMMENT = r"(?:\s|[#%][^\n]*\n|//[^\n]*\n|/\*.*?\*/)*"
_BEHIND_COMMENTS = (
    ("gml", re.compile(r"(?:.*\n)??\s*graph\s*\[", re.IGNORECASE)),
    ("vna", re.compile(r"\*\s*(node|tie)\s+(data|properties)\b", re.IGNORECASE)),
    (
        "pajek",
        re.compile(
            r"\*\s*(network|vertices|arcs|edges|arcslist|edgeslist|matrix|partition|vector)\b",
            re.IGNORECASE,
        ),
    ),
    ("dot", re.compile(r'(strict\s+)?(di)?graph\b\s*("[^"]*"|[^\s{\["]*)\s*\{', re.IGNORECASE)),
)
_GML = re.compile(r"(?:^|\n)\s*graph\s*\[", re.IGNORECASE)
_DIMACS = re.compile(r"(?:\s*\n|c(?: [^\n]*)?\n)*p\s+[a-z]+\s+\d+\s+\d+\s*\n", re.IGNORECASE)
_ENDINGS = {".sif": "sif", ".lgl": "lgl", ".tgf": "tgf", ".g6": "graph6", ".s6": "graph6"}
_CELLS = re.compile(r"[\s,;|]+")
_WIDE = 20  # columns above which zeros and ones alone are a matrix, whatever is below


def format_of(head: bytes, path: Path, *, is_table: bool = False) -> str:
    """Return the name of a file's format: a key of :data:`READ` or :data:`REFUSED`."""
    text = head.decode("utf-8", "replace").lstrip()
    if text.startswith("<") and (root := _ROOT.search(text)):
        return root[1].lower()
    behind = text[re.match(_COMMENT, text, re.DOTALL).end() :]  # type: ignore[union-attr]  # may be empty
    found = next((kind for kind, sign in _FIRST if sign.match(text)), None)
    found = found or next((kind for kind, sign in _BEHIND_COMMENTS if sign.match(behind)), None)
    if found or _GML.search(text):
        return found or "gml"
    return "edges" if is_table else _guessed(text, path, is_whole=len(head) < 1 << 18)


def refusal(kind: str) -> str:
    """Return the message about a format that is not read here."""
    if kind in READ:
        return f"is {READ[kind]}; read it with hubbub import (in Python: import_world)"
    name, instead = REFUSED[kind]
    return f"is {name}, which is not supported; {instead}"


def _guessed(text: str, path: Path, *, is_whole: bool) -> str:
    """Return the format of lines that resemble ties but may not be, or ``edges``."""
    endings = [each.lower() for each in path.suffixes if each.lower() != ".gz"]
    if endings and endings[-1] in _ENDINGS:
        return _ENDINGS[endings[-1]]
    if _DIMACS.match(text):
        return "dimacs"
    lines = [line.strip() for line in text.splitlines()]
    lines = lines if is_whole else lines[:-1]
    if _is_tgf(lines) or (not is_whole and _begins_tgf(lines)):
        return "tgf"
    if _is_lgl(lines):
        return "lgl"
    rows = [_CELLS.split(line) for line in lines if line and not line.startswith(("#", "%", "//"))]
    if _is_metis([line for line in lines if not line.startswith("%")], is_whole=is_whole):
        return "metis"
    return "matrix" if _is_matrix(rows, is_whole=is_whole) else "edges"


def _is_tgf(lines: Sequence[str]) -> bool:
    """Return whether nodes with labels are above a line with only ``#``, and ties below it."""
    if lines.count("#") != 1:
        return False
    cut = lines.index("#")
    nodes = [line.split(None, 1) for line in lines[:cut] if line]
    ties = [line.split(None, 2) for line in lines[cut + 1 :] if line]
    ids = {node[0] for node in nodes}
    labelled = [node for node in nodes if len(node) == 1 or node[1] not in ids]
    return (
        bool(labelled and ties)
        and len(ids) == len(nodes)
        and all(len(tie) > 1 and {*tie[:2]} <= ids for tie in ties)
    )


def _begins_tgf(lines: Sequence[str]) -> bool:
    """Return whether all lines are numbered nodes with labels, as above the ``#`` of a long TGF."""
    nodes = [line.partition(" ") for line in lines]
    return (
        all(own.isdecimal() and not label.isdecimal() for own, _, label in nodes)
        and all(label[:1].isalpha() and not set(label) & set(",;|\t") for _, _, label in nodes)
        and len({own for own, *_ in nodes}) == len(nodes)
    )


def _is_lgl(lines: Sequence[str]) -> bool:
    """Return whether ``# member`` lines precede the members that it is tied to, one per line."""
    rows = [line.split() for line in lines if line]
    if any(sign in line for line in lines for sign in ",;|"):
        return False
    heads = [row for row in rows if row[0] == "#"]
    ties = [row for row in rows if row[0] != "#"]
    return (
        bool(heads and ties)
        and rows[0][0] == "#"
        and (len({*map(tuple, heads)}) > 1 or all(map(_is_weighed, ties)))
        and all(len(row) == 2 for row in heads)
        and all(len(row) == 1 or (len(row) == 2 and _is_number(row[1])) for row in ties)
        and any(len(row) == 1 or whole_of(row[1]) is None for row in ties)
    )


def _is_weighed(row: Sequence[str]) -> bool:
    return len(row) == 2 and not _is_number(row[0]) and whole_of(row[1]) is None


def _is_metis(lines: Sequence[str], *, is_whole: bool) -> bool:
    """Return whether ``agents pairs`` is the first line, followed by each member's friends."""
    sizes = lines[0].split() if lines else []
    if not 2 <= len(sizes) <= 3 or not all(map(str.isdecimal, sizes)):
        return False
    agents, pairs, kind = int(sizes[0]), int(sizes[1]), (sizes[2:] or ["0"])[0]
    rows = [line.split() for line in lines[1:]]
    while rows and not rows[-1] and len(rows) > agents:
        rows.pop()
    if (
        (len(rows) != agents if is_whole else len(rows) > agents)
        or set(kind) - {"0", "1"}
        or not all(c.isdecimal() for row in rows for c in row)
    ):
        return False
    if kind.zfill(3)[-2] == "1":
        rows = [row[1:] for row in rows]
    rows = [row[:: 2 if kind.endswith("1") else 1] for row in rows]
    ties = {(at, int(other)) for at, row in enumerate(rows, 1) for other in row}
    inner = [(a, b) for a, b in ties if b <= len(rows)]
    fits = len(ties) == 2 * pairs if is_whole else len(ties) <= 2 * pairs
    return bool(inner and fits) and all((b, a) in ties and a != b for a, b in inner)


def _is_matrix(rows: Sequence[Sequence[str]], *, is_whole: bool) -> bool:
    """Return whether there is a square of numbers, with or without names on top and in front."""
    if len(rows) < 3:
        return False
    count = len(rows) - 1 if is_whole else len(rows[1]) - 1
    below = [row[0] for row in rows[1:]]
    on_top = [cell for cell in rows[0] if cell][-count:][: len(below)]
    named = count and on_top == below and len(set(below)) == len(below)
    if named and all(len(row) == count + 1 and all(map(_is_number, row[1:])) for row in rows[1:]):
        return True
    width = len(rows[0])
    if width < 3 or any(len(row) != width for row in rows):
        return False
    is_square = len(rows) == width
    if all(cell in {"0", "1", "0.0", "1.0"} for row in rows for cell in row):
        return is_square or (width > _WIDE and not is_whole)
    fits = is_square or (not is_whole and width > _WIDE and len(rows) < width)
    if width <= 3 or not fits or not all(_is_number(c) for row in rows for c in row):
        return False
    no_ids = width > _WIDE and any(not float(row[0]).is_integer() for row in rows)
    return no_ids or {float(row[at]) for at, row in enumerate(rows)} in ({0.0}, {1.0})


def _is_number(cell: str) -> bool:
    try:
        return float(cell) == float(cell)
    except ValueError:
        return False
