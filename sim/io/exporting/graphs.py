"""Networks as GraphML and GEXF: XML streamed as the world is read, no document in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape  # nosec B406 - writes, parses nothing

from sim.core.text import clean
from sim.io.exporting.lines import Tell, encoded
from sim.io.exporting.tables import ExportColumn, ExportTable, Kind

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_TYPES = {"text": "string", "words": "string", "integer": "long", "number": "double"}
_ENTITIES = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;"}


def write_graphml(agents: ExportTable, ties: ExportTable, path: Path, tell: Tell) -> None:
    """Write members and ties as GraphML; trust is the attribute ``weight`` of an edge."""
    nodes, edges, facts, marks = _parts(agents, ties)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{_HEAD}<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for owner, columns in (("node", facts), ("edge", marks)):
            for column in columns:
                kind = _TYPES[column.kind]
                said = f'for="{owner}" attr.name="{column.name}" attr.type="{kind}"'
                file.write(f'<key id="{owner}.{column.name}" {said}/>\n')
        file.write('<graph edgedefault="directed">\n')
        node = f'<node id="%s">{_data("node", facts)}</node>\n'
        _write(file, node, encoded([nodes, *facts], agents.rows, _value, tell))
        edge = f'<edge source="%s" target="%s">{_data("edge", marks)}</edge>\n'
        _write(file, edge, encoded([*edges, *marks], ties.rows, _value, tell))
        file.write("</graph>\n</graphml>\n")


def write_gexf(agents: ExportTable, ties: ExportTable, path: Path, tell: Tell) -> None:
    """Write members and ties as GEXF 1.2; trust is the weight of an edge."""
    nodes, edges, facts, marks = _parts(agents, ties)
    name, *facts = facts
    weight, *marks = marks
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'{_HEAD}<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n')
        file.write('<graph mode="static" defaultedgetype="directed">\n')
        for owner, columns in (("node", facts), ("edge", marks)):
            file.writelines(_attributes(owner, columns))
        file.write("<nodes>\n")
        known, said = _attvalues("node", facts), _attvalues("edge", marks)
        node = f'<node id="%s" label="%s">{known}</node>\n'
        _write(file, node, encoded([nodes, name, *facts], agents.rows, _value, tell))
        file.write("</nodes>\n<edges>\n")
        edge = f'<edge id="%s" source="%s" target="%s" weight="%s">{said}</edge>\n'
        number = ExportColumn("id", "integer", range(ties.rows))
        _write(file, edge, encoded([number, *edges, weight, *marks], ties.rows, _value, tell))
        file.write("</edges>\n</graph>\n</gexf>\n")


def _parts(
    agents: ExportTable, ties: ExportTable
) -> tuple[ExportColumn, list[ExportColumn], list[ExportColumn], list[ExportColumn]]:
    """Return ids of nodes, ends of edges, and what else is known of each, weight first."""
    own, *facts = agents.columns
    source, target, trust, *marks = ties.columns
    ids = _different(own.words or ())
    nodes, *ends = (replace(column, words=ids, kind="text") for column in (own, source, target))
    facts = [_of_node(fact, ids) for fact in facts]
    return nodes, ends, facts, [replace(trust, name="weight"), *marks]


def _of_node(fact: ExportColumn, ids: Sequence[str]) -> ExportColumn:
    """Return a fact that names members by the ids that nodes have here."""
    is_member = fact.name.endswith("_source") and fact.kind == "text" and fact.words is not None
    return replace(fact, words=[*ids, ""]) if is_member else fact


def _different(ids: Sequence[Any]) -> Sequence[str]:
    """Return ids as XML can hold them; where that makes two alike, numbers in their place."""
    clean_ids = [_clean(str(each)) for each in ids]
    if len(set(clean_ids)) == len(clean_ids):
        return clean_ids
    return [f"n{index}" for index in range(len(clean_ids))]


def _clean(text: str) -> str:
    return clean(text, max(len(text), 1))


def _value(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind in {"integer", "number"}:
        return repr(value)
    return escape(_clean("; ".join(value) if kind == "words" else value), _ENTITIES)


def _data(owner: str, columns: Iterable[ExportColumn]) -> str:
    return "".join(f'<data key="{owner}.{column.name}">%s</data>' for column in columns)


def _attributes(owner: str, columns: Sequence[ExportColumn]) -> Iterator[str]:
    yield f'<attributes class="{owner}">\n'
    for place, column in enumerate(columns):
        title, kind = f'"{column.name}"', _TYPES[column.kind]
        yield f'<attribute id="{owner}{place}" title={title} type="{kind}"/>\n'
    yield "</attributes>\n"


def _attvalues(owner: str, columns: Sequence[ExportColumn]) -> str:
    values = (f'<attvalue for="{owner}{place}" value="%s"/>' for place, _ in enumerate(columns))
    return f"<attvalues>{''.join(values)}</attvalues>" if columns else ""


def _write(file: IO[str], line: str, batches: Iterable[Iterator[tuple[str, ...]]]) -> None:
    for batch in batches:
        file.write("".join(map(line.__mod__, batch)))
