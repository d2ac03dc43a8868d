"""Read GML, Pajek, JSON, LGL, GraphML and GEXF as rows of members and ties."""

from __future__ import annotations

import html
import json
import math
import re
import shlex
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, iterparse  # nosec B405

from sim.core.text import one_line
from sim.errors import InputError

NAMES = ("label", "name", "nodelabel", "title")
"""Attributes that may hold the name of a member, in order of preference; case is ignored."""


@dataclass(slots=True)
class GraphRows:
    """Members and ties in the order of a file."""

    directed: bool = False  # whether ties are one-way, unless they say themselves
    # the attributes of each member by its id
    members: dict[str, Mapping[str, object]] = field(default_factory=dict)
    # source and target of each tie, by id
    ends: list[tuple[str, str]] = field(default_factory=list)
    marks: list[dict[str, object]] = field(default_factory=list)  # the attributes of each tie
    # whether each tie is mutual; None: as stated for the whole file
    both: list[bool | None] = field(default_factory=list)
    strangers: int = 0  # members that occur only in ties
    # sentences on what was decided, and what was omitted
    notes: list[str] = field(default_factory=list)

    def tie(
        self, source: str, target: str, marks: dict[str, object], *, both: bool | None = None
    ) -> None:
        """Add a tie."""
        self.ends.append((source, target))
        self.marks.append(marks)
        self.both.append(both)

    def complete(self) -> None:
        """Add members that occur only in ties, and note attributes that are not read."""
        for ends in self.ends:
            for each in ends:
                if each not in self.members:
                    self.members[each] = {}
                    self.strangers += 1
        if self.strangers:
            self.notes.append(f"Members that appear only in ties: {self.strangers:,}.")
        idle = dict.fromkeys(name for said in self.members.values() for name in said)
        left = [name for name in idle if name.lower() not in {*NAMES, "id", "key"}]
        if left:
            more = f" and {len(left) - 12} more" if len(left) > 12 else ""
            self.notes.append(
                f"Attributes of members that were not read: {', '.join(left[:12])}{more}."
            )


_OUTSIDE_TEXT = re.compile(r'"[^"]*"|(?:^|\n)\s*#[^\n]*')
_SHOWN: Final = 60


def read_gml(path: Path) -> GraphRows:
    """Read GML with igraph; with networkx if igraph refuses it or misses some of its content."""
    text = _OUTSIDE_TEXT.sub(" ", path.read_text("utf-8"))
    declared = tuple(len(re.findall(rf"\b{each}\s*\[", text)) for each in ("node", "edge"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # attributes without text or number; counts follow
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
    import igraph  # takes 0.3 s, needed only here

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
    """Return cleaned attributes: entities decoded, whole numbers as int, empty ones dropped."""
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
    """Read Pajek: vertices, arcs (one-way), edges (mutual), lists of them, and a matrix."""
    rows, section, names = GraphRows(), "", dict[str, str]()
    wanted, seen = 0, dict[str, int]()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith(("%", "/*")):
            continue
        if head := _SECTION.match(text):
            above, section = section, head[1].lower()
            if section == "vertices" and above in _UNREAD:
                section = above  # the section has its own list of vertices
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
    """Read JSON nodes and links as written by networkx, D3, Cytoscape.js, graphology and JGF."""
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
    """Return whether ties are directed; those of a mixed graph in graphology are by default."""
    options = body.get("options")
    kind = options.get("type") if isinstance(options, Mapping) else None
    is_said = "directed" not in body and kind in {"directed", "undirected", "mixed"}
    return kind != "undirected" if is_said else body.get("directed")


def _data(part: object) -> dict[str, Any]:
    """Return the fields of a node or link, including those in ``data`` or ``attributes``."""
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
    """Read LGL: ``# member`` above the members that it is tied to; all ties are mutual."""
    import igraph  # takes 0.3 s, needed only here

    graph = igraph.Graph.Read_Lgl(str(path), directed=False)
    rows = GraphRows()
    names = graph.vs["name"]
    rows.members = {str(each): {} for each in names}
    for edge in graph.es:
        rows.tie(str(names[edge.source]), str(names[edge.target]), _said(edge.attributes()))
    rows.complete()
    return rows


_TYPES: dict[str, Callable[[str], object]] = {
    "boolean": lambda text: text.lower() in {"true", "1"},
    "int": int, "integer": int, "long": int, "float": float, "double": float,
}  # fmt: skip
_BOTH, _ONE = {"undirected", "mutual", "false"}, {"directed", "true"}
_PASSING = {"node", "edge", "data", "attvalue"}


def read_xml(path: Path) -> GraphRows:
    """Return the rows of a file; raise ParseError, or InputError for an incomplete element."""
    reader = _XmlReader()
    around: list[Element] = []
    for event, element in iterparse(path, ("start", "end")):  # noqa: S314 # nosec B314
        name = _plain(element.tag)
        if event == "start":
            around.append(element)
            reader.begin(name, element)
            continue
        around.pop()
        if name != "data" or (around and _plain(around[-1].tag) in {"node", "edge"}):
            reader.end(name, element)  # data of ports and graphs belongs to no member or tie
        if name in _PASSING and around:
            around[-1].remove(element)  # free what was read
    reader.rows.complete()
    if reader.lost:
        reader.rows.notes.append(f"Ties of more than two members, left out: {reader.lost:,}.")
    return reader.rows


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


@dataclass(slots=True)
class _Attribute:
    name: str
    kind: str

    def value(self, text: str) -> object:
        """Return a text converted to its type; unchanged if that fails."""
        try:
            return _TYPES.get(self.kind.lower(), str)(text)
        except ValueError:
            return text


@dataclass(slots=True)
class _XmlReader:
    """Handles elements as they begin and end; attributes belong to the innermost node or edge."""

    rows: GraphRows = field(default_factory=GraphRows)
    lost: int = 0
    _known: dict[str, _Attribute] = field(default_factory=dict)
    _usual: dict[str, object] = field(default_factory=dict)
    _open: list[dict[str, object]] = field(default_factory=list)
    _directed: list[bool] = field(default_factory=list)
    _owner: str = "node"
    _inside: str = "node"

    def begin(self, name: str, element: Element) -> None:
        """Record what an element says about its content."""
        if name == "graph":
            said = element.get("edgedefault") or element.get("defaultedgetype")
            outer = self._directed[-1] if self._directed else False
            self._directed.append(outer if said is None else said == "directed")
        elif name == "attributes":
            self._owner = element.get("class", "node")
        elif name == "node":
            said_here: dict[str, object] = {}
            if element.get("label"):
                said_here["label"] = element.get("label")
            self._open.append(said_here)
            self._inside = name
            self.rows.members.setdefault(_required(element, "id"), said_here)
        elif name == "edge":
            self._open.append({})
            self._inside = name

    def end(self, name: str, element: Element) -> None:
        """Take the content of an element."""
        if name == "graph":
            self._directed.pop()
        elif name in {"key", "attribute"}:
            self._declare(name, element)
        elif name == "data":
            self._say(element.get("key", ""), element.text, element)
        elif name == "attvalue":
            self._say(element.get("for") or element.get("id") or "", element.get("value"), element)
        elif name == "node":
            self._open.pop()
        elif name == "edge":
            self._tie(element, self._open.pop())
            self._inside = "node"
        elif name == "hyperedge":
            self.lost += 1

    def _declare(self, kind: str, element: Element) -> None:
        known = own = element.get("id", "")
        usual = next((each.text for each in element if _plain(each.tag) == "default"), None)
        if kind == "key":
            name, of, owner = element.get("attr.name"), "attr.type", element.get("for", "all")
        else:
            name, of, owner = element.get("title"), "type", self._owner
            known = f"{owner} {known}"
        found = self._known[known] = _Attribute(name or own, element.get(of, ""))
        if owner in {"edge", "all"} and usual and usual.strip():
            self._usual[found.name] = found.value(usual.strip())

    def _say(self, known: str, text: str | None, element: Element) -> None:
        """Add an attribute to the innermost node or edge; of a drawing, its label."""
        if not self._open:
            return
        inside = element.iter() if len(element) else ()
        drawn = [each for each in inside if _plain(each.tag) in {"NodeLabel", "EdgeLabel"}]
        if drawn:
            words = " ".join((drawn[0].text or "").split())
            if words:
                self._open[-1]["nodelabel" if "Node" in drawn[0].tag else "label"] = words
            return
        found = self._known.get(known) or self._known.get(f"{self._inside} {known}")
        if text is not None and text.strip():
            name, text = (found.name if found else known), text.strip()
            self._open[-1][name] = found.value(text) if found else text

    def _tie(self, element: Element, marks: dict[str, object]) -> None:
        way = (element.get("directed") or element.get("type") or "").lower()
        both = way not in _ONE if way in _BOTH | _ONE else None
        if both is None and self._directed:
            both = not self._directed[-1]
        for name in ("weight", "label", "kind"):
            if said := element.get(name):
                marks.setdefault(name, said)
        for name, usual in self._usual.items():
            marks.setdefault(name, usual)
        self.rows.tie(_required(element, "source"), _required(element, "target"), marks, both=both)


def _required(element: Element, name: str) -> str:
    found = element.get(name)
    if found is None or not found.strip():
        raise InputError(
            f"has a {_plain(element.tag)} without {name}; save it anew where it is from"
        )
    return found.strip()
