"""GraphML and GEXF as rows: nested groups, directions of single ties and labels of yEd are kept.

The readers of igraph and networkx leave groups out, or refuse a tie with a direction of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse  # nosec B405 - entities are refused before

from sim.errors import InputError
from sim.io.importing.graph_rows import GraphRows

_TYPES: dict[str, Callable[[str], object]] = {
    "boolean": lambda text: text.lower() in {"true", "1"},
    "int": int, "integer": int, "long": int, "float": float, "double": float,
}  # fmt: skip
_BOTH, _ONE = {"undirected", "mutual", "false"}, {"directed", "true"}
_PASSING = {"node", "edge", "data", "attvalue"}


def read_xml(path: Path) -> GraphRows:
    """Return the rows of a file; ParseError, or InputError for an element that is incomplete."""
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
            reader.end(name, element)  # data of ports and graphs is of no member and no tie
        if name in _PASSING and around:
            around[-1].remove(element)  # what was read is let go
    reader.rows.complete()
    if reader.lost:
        reader.rows.notes.append(f"Ties of more than two members, left out: {reader.lost:,}.")
    return reader.rows


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


@dataclass(slots=True)
class _Attribute:
    """What a file declares of an attribute: its name and its type."""

    name: str
    kind: str

    def value(self, text: str) -> object:
        """Return a text as its type; as it stands where it is none of that type."""
        try:
            return _TYPES.get(self.kind.lower(), str)(text)
        except ValueError:
            return text


@dataclass(slots=True)
class _XmlReader:
    """Takes elements as they begin and end; an attribute belongs to the innermost node or edge."""

    rows: GraphRows = field(default_factory=GraphRows)
    lost: int = 0
    _known: dict[str, _Attribute] = field(default_factory=dict)
    _usual: dict[str, object] = field(default_factory=dict)
    _open: list[dict[str, object]] = field(default_factory=list)
    _directed: list[bool] = field(default_factory=list)
    _owner: str = "node"
    _inside: str = "node"

    def begin(self, name: str, element: Element) -> None:
        """Note what an element says of what is in it."""
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
        """Take what an element holds."""
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
        """Give the innermost node or edge an attribute; of drawings, its label."""
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
