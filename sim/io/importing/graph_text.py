"""GML, Pajek, JSON and LGL as rows."""

from __future__ import annotations

import html
import json
import math
import re
import shlex
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sim.core.text import one_line
from sim.errors import InputError
from sim.io.importing.graph_rows import GraphRows

_OUTSIDE_TEXT = re.compile(r'"[^"]*"|(?:^|\n)\s*#[^\n]*')
_SHOWN: Final = 60


def read_gml(path: Path) -> GraphRows:
    """Read GML by igraph; by networkx where igraph refuses it or finds less than stands there."""
    text = _OUTSIDE_TEXT.sub(" ", path.read_text("utf-8"))
    declared = tuple(len(re.findall(rf"\b{each}\s*\[", text)) for each in ("node", "edge"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of attributes that are no text or number; counts follow
        try:
            rows = _by_igraph(path)
        except Exception:
            rows = _by_networkx(path)
        if (len(rows.members), len(rows.ends)) != declared:
            rows = _by_networkx(path)
    found = len(rows.members), len(rows.ends)
    if found != declared:
        rows.notes.append(
            "The file declares {:,} nodes and {:,} edges, and {:,} and {:,} were read.".format(
                *declared, *found
            )
        )
    rows.complete()
    return rows


def _by_igraph(path: Path) -> GraphRows:
    import igraph  # 0.3 s that only such files need

    graph = igraph.Graph.Read_GML(str(path))
    rows = GraphRows(directed=graph.is_directed())
    ids = [_text(each) for each in graph.vs["id"]]
    rows.members = {
        each: _said(node.attributes()) for each, node in zip(ids, graph.vs, strict=True)
    }
    for edge in graph.es:
        rows.tie(ids[edge.source], ids[edge.target], _said(edge.attributes()))
    return rows


def _by_networkx(path: Path) -> GraphRows:
    import networkx as nx

    lines = path.read_text("utf-8").encode("ascii", "xmlcharrefreplace").decode().splitlines()
    graph = nx.parse_gml(lines, label="id")
    rows = GraphRows(directed=graph.is_directed())
    rows.members = {_text(node): _said(data) for node, data in graph.nodes(data=True)}
    for source, target, data in graph.edges(data=True):
        rows.tie(_text(source), _text(target), _said(data))
    return rows


def _said(attributes: Mapping[str, Any]) -> dict[str, object]:
    """Return what attributes say: entities as letters, whole numbers whole, without what is not."""
    return {
        name: html.unescape(value) if isinstance(value, str) else _whole(value)
        for name, value in attributes.items()
        if value is not None
        and value != ""
        and not (isinstance(value, float) and math.isnan(value))
        and not isinstance(value, Mapping | list)
    }


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: object) -> str:
    return str(_whole(value)).strip()


_SECTION = re.compile(r"\*\s*(\w+)\s*(\d*)")
_PAJEK: Final = {"arcs", "edges", "arcslist", "edgeslist", "matrix"}
_UNREAD: Final = {"partition", "vector", "permutation", "cluster"}


def read_pajek(path: Path) -> GraphRows:
    """Read Pajek: vertices, arcs one way, edges both ways, lists of them, and a matrix.

    igraph and networkx read a file of arcs and edges as if all were of one kind.
    """
    rows, section, names = GraphRows(), "", dict[str, str]()
    wanted, seen = 0, dict[str, int]()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(("%", "/*")):
            continue
        if head := _SECTION.match(text):
            above, section = section, head[1].lower()
            if section == "vertices" and above in _UNREAD:
                section = above  # its own list of vertices
            elif section == "vertices":
                wanted = _vertices(text, int(head[2] or 0), again=bool(wanted))
            elif section not in {*_PAJEK, *_UNREAD, "network"}:
                raise InputError(f"line {number}: *{head[1]} of Pajek is not read; take it out")
            continue
        seen[section] = seen.get(section, 0) + 1
        if section == "vertices":
            own, name = _vertex(text)
            names[own] = name
        elif section in _PAJEK:
            _pajek_ties(rows, section, text, number, seen[section])
    numbers = (str(each) for each in range(1, wanted + 1))
    rows.members = {each: {"label": names.get(each, "")} for each in numbers}
    rows.directed = bool({"arcs", "arcslist", "matrix"} & set(seen))
    if left := sorted(_UNREAD & set(seen)):
        rows.notes.append(f"Left out: {', '.join('*' + each for each in left)}.")
    rows.complete()
    return rows


def _vertices(text: str, count: int, *, again: bool) -> int:
    if again:
        raise InputError("has several networks; keep one of them in a file")
    if len(text.split()) > 2:
        raise InputError(
            "has two kinds of vertices, and a world one kind of members; keep one with "
            "networkx.bipartite"
        )
    return count


def _vertex(text: str) -> tuple[str, str]:
    own, _, rest = text.partition(" ") if " " in text else text.partition("\t")
    rest = rest.strip()
    named = re.match(r'"([^"]*)"|(\S+)', rest)
    return own, html.unescape((named[1] or named[2] or "") if named else "")


def _pajek_ties(rows: GraphRows, section: str, text: str, number: int, at: int) -> None:
    both = section.startswith("edges")
    cells = text.split()
    if section == "matrix":
        for to, value in enumerate(cells, 1):
            if float(value):
                rows.tie(str(at), str(to), {"weight": float(value)}, both=False)
    elif len(cells) < 2 or not all(each.lstrip("-").isdecimal() for each in cells[:2]):
        raise InputError(f"line {number} is no tie of two vertices: {one_line(text, _SHOWN)}")
    elif section.endswith("list"):
        for target in cells[1:]:
            rows.tie(cells[0], target, {}, both=both)
    else:
        marks: dict[str, object] = {"weight": float(cells[2])} if cells[2:] else {}
        words = shlex.split(" ".join(cells[3:])) if '"' in text else []
        if "l" in words[:-1]:
            marks["label"] = words[words.index("l") + 1]
        rows.tie(cells[0], cells[1], marks, both=both)


_NODES = "write one tie a line, or give people with --profiles"


def read_json(path: Path) -> GraphRows:
    """Read nodes and links of JSON as networkx, D3, Cytoscape.js, graphology and JGF write them."""
    try:
        body = json.loads(path.read_text("utf-8"))
    except RecursionError:
        raise InputError("is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"is no whole JSON ({error}); {_NODES}") from None
    if isinstance(body, Mapping) and isinstance(body.get("graph"), Mapping):
        body = body["graph"] if "nodes" in body["graph"] else body
    way = _json_way(body) if isinstance(body, Mapping) else None
    if isinstance(body, Mapping) and isinstance(body.get("elements"), Mapping):
        body = body["elements"]
    said = [body.get(each) for each in ("links", "edges")] if isinstance(body, Mapping) else []
    ties = max((each for each in said if isinstance(each, list)), key=bool, default=None)
    if ties is None or "nodes" not in body:
        raise InputError(f"is JSON without nodes and links; {_NODES}")
    rows = GraphRows(directed=bool(way))
    rows.members = dict(_json_members(body["nodes"]))
    ids = list(rows.members)
    for tie in ties:
        _json_tie(rows, _data(tie), ids)
    if way is None and None in rows.both:
        rows.notes.append(
            "The file does not say whether ties are directed; each was read both ways."
        )
    rows.complete()
    return rows


def _json_way(body: Mapping[str, Any]) -> object:
    """Return whether ties are directed; those of a mixed graph of graphology are, as a rule."""
    options = body.get("options")
    kind = options.get("type") if isinstance(options, Mapping) else None
    is_said = "directed" not in body and kind in {"directed", "undirected", "mixed"}
    return kind != "undirected" if is_said else body.get("directed")


def _data(part: object) -> dict[str, Any]:
    """Return the fields of a node or link, with those in ``data`` or ``attributes`` beside."""
    if not isinstance(part, Mapping):
        raise InputError("has a node or link that is no object")
    inner: Mapping[str, Any] = next(
        (part[each] for each in _INNER if isinstance(part.get(each), Mapping)), {}
    )
    return {**inner, **{key: value for key, value in part.items() if key not in _INNER}}


_INNER = ("data", "attributes", "metadata")


def _json_members(nodes: object) -> Iterator[tuple[str, dict[str, object]]]:
    if isinstance(nodes, Mapping):
        nodes = [{"id": each, **_data(said or {})} for each, said in nodes.items()]
    if not isinstance(nodes, list):
        raise InputError("has nodes that are no list")
    for at, node in enumerate(nodes):
        said = _data(node) if isinstance(node, Mapping) else {"id": node}
        own = next((said[each] for each in ("id", "key") if said.get(each) is not None), at)
        yield _text(own), _said(said)


def _json_tie(rows: GraphRows, said: dict[str, Any], ids: list[str]) -> None:
    ends = []
    for names in (("source", "from", "src"), ("target", "to", "dst")):
        end = next((said.pop(each) for each in names if said.get(each) is not None), None)
        if isinstance(end, Mapping):  # as D3 leaves them after its layout
            end = end.get("id")
        if end is None:
            raise InputError("has a link without source or target")
        is_place = isinstance(end, int) and _text(end) not in rows.members and 0 <= end < len(ids)
        ends.append(ids[end] if is_place else _text(end))
    way, against = said.pop("directed", None), said.pop("undirected", None)
    both = against if isinstance(against, bool) else not way if isinstance(way, bool) else None
    said.pop("key", None)
    rows.tie(ends[0], ends[1], _said(said), both=both)


def read_lgl(path: Path) -> GraphRows:
    """Read LGL: ``# member`` above those it is tied to, both ways."""
    import igraph  # 0.3 s that only such files need

    graph = igraph.Graph.Read_Lgl(str(path), directed=False)
    rows = GraphRows()
    names = graph.vs["name"]
    rows.members = {str(each): {} for each in names}
    for edge in graph.es:
        rows.tie(str(names[edge.source]), str(names[edge.target]), _said(edge.attributes()))
    rows.complete()
    return rows
