"""Public import functions: ``import_world``, ``read_edges``, ``from_networkx``, ``from_igraph``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from os import PathLike
from typing import Any

from sim.core.progress import Report, quiet
from sim.errors import InputError
from sim.io.importing.convert import edges_of_igraph, edges_of_networkx
from sim.io.importing.edges import Direction, EdgeOptions, IdKind, Repeats, read_arcs
from sim.io.importing.files import opened
from sim.io.importing.follows import read_follows, says_follows
from sim.io.importing.graphs import graph_format, read_graph
from sim.io.importing.labels import ImportedLabels, read_labels
from sim.io.importing.profiles import Profiles
from sim.io.importing.sniff import Column
from sim.io.importing.worlds import ImportOutcome, world_of
from sim.world.profile_assignment import take
from sim.world.world import World

__all__ = ["digest_of", "from_igraph", "from_networkx", "import_world", "read_edges", "read_world"]

_Path = str | PathLike[str]
_IN_FRONT = (0, 1)


def import_world(
    path: _Path,
    *,
    options: EdgeOptions | None = None,
    labels: _Path | ImportedLabels | None = None,
    seed: int = 0,
    tick_minutes: float = 60.0,
    report: Report = quiet,
) -> ImportOutcome:
    """Make a world of a file, and say what was found, kept and dropped.

    Parameters
    ----------
    path
        An edge list, GraphML, GML or GEXF; or a table of people with a column
        ``following_agentid_list``, as OASIS's; plain or gzip. The content decides, not the name.
    options
        How to read it; of a graph file only ``direction``, ``signed``, ``repeats``, ``relations``
        and ``properties`` are asked, the rest it says itself.
    labels
        The members' communities, or a table of them (see :func:`read_labels`).
    seed
        Any integer: personalities, interests and activity follow from it.
    tick_minutes
        Simulated minutes in a tick.
    report
        Told of progress; may cancel, leaving nothing behind.

    Raises
    ------
    FileError, FormatError, InputError, CapacityError
        One clear sentence.
    """
    options = options or EdgeOptions()
    with opened(path) as source:
        kind, people = graph_format(source.head), None
        lists_people = says_follows(source.head)
    if lists_people:
        edges, people = read_follows(path, report=report)
        _refuse_idle(options, "people")
    elif kind == "edges":
        edges = read_arcs(path, options, report=report)
    else:
        edges = read_graph(
            path,
            direction=options.direction,
            relations=None if options.relations is None else str(options.relations),
            properties=None if options.properties is None else [*map(str, options.properties)],
            report=report,
        )
        _refuse_idle(options, kind)
    told = labels if labels is None or isinstance(labels, ImportedLabels) else read_labels(labels)
    made = world_of(
        edges,
        seed=seed,
        labels=told,
        signed=options.signed,
        repeats=options.repeats,
        tick_minutes=tick_minutes,
        report=report,
    )
    if people is not None:
        made = _known(made, people)
    if labels is None or told is not labels:
        _note(made.world, path, options, labels)
    return made


def _known(made: ImportOutcome, people: Profiles) -> ImportOutcome:
    """Give a world the profiles of its members, before its trail begins."""
    taken = take(made.world, people, "id" if _by_number(people) else "order")
    notes = (*made.report.notes, f"{len(people):,} profiles were given.", *taken.remarks)
    return replace(made, report=replace(made.report, notes=notes))


def _by_number(people: Profiles) -> bool:
    """Return whether all have whole numbers for ids, by which a world puts its members in order."""
    return all(isinstance(person.id, int) for person in people)


def _note(
    world: World, path: _Path, options: EdgeOptions, labels: _Path | ImportedLabels | None
) -> None:
    """Begin the trail of a world with all that imports it again, and the digests of its files."""
    said = {"path": str(path), "seed": world.seed, "tick_minutes": world.tick_minutes}
    files = [str(path)] if labels is None else [str(path), str(labels)]
    said |= {"options": asdict(options), "labels": None if labels is None else files[1]}
    world.trail.began(
        "import", said | {"digests": [digest_of(name) for name in files]},
        world.trail.acts[0].result,
    )  # fmt: skip


def digest_of(path: _Path) -> str:
    """Return the BLAKE2b-256 of a file, 64 hex digits: it tells whether a file is the same."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path-like is opened alike
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _refuse_idle(options: EdgeOptions, kind: str) -> None:
    """Refuse options of edge lists where a graph file is read; they would do nothing."""
    usual = asdict(EdgeOptions()) | {"direction": options.direction, "signed": options.signed}
    usual["repeats"] = options.repeats
    if kind != "people":
        usual |= {"relations": options.relations, "properties": options.properties}
    if options.columns == _IN_FRONT:
        usual["columns"] = _IN_FRONT
    idle = [name for name, value in asdict(options).items() if value != usual[name]]
    if idle:
        raise InputError(
            f"A {kind} file says itself what an edge list is asked; leave {', '.join(idle)} out."
        )


def read_world(path: _Path, **options: Any) -> World:
    """Return the world of :func:`import_world`, which takes the same, without the report."""
    return import_world(path, **options).world


def read_edges(
    path: _Path,
    *,
    direction: Direction = "influences",
    directed: bool = True,
    columns: tuple[Column, Column] | None = None,
    weight_column: Column | None = None,
    time_column: Column | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    ids: IdKind = "auto",
    limit: int | None = None,
    signed: bool = False,
    repeats: Repeats = "once",
    adjacency: bool = False,
    relations: Column | None = None,
    properties: tuple[Column, ...] | None = None,
    labels: _Path | ImportedLabels | None = None,
    seed: int = 0,
    tick_minutes: float = 60.0,
    report: Report = quiet,
) -> World:
    """Make a world of an edge list: one tie a line.

    Parameters
    ----------
    path
        Text or gzip; separated by blanks, tabs, commas, semicolons or pipes; comments begin with
        ``#``, ``%`` or ``//``.
    direction
        What a line ``A B`` says: ``"influences"``: B hears A. ``"follows"``: A hears B.
    directed
        False: each line is a tie both ways.
    columns, weight_column, time_column, delimiter, header, ids, limit, signed, repeats, adjacency,
    relations, properties
        See :class:`EdgeOptions`. Weights become trust: in [0, 1] as they are, else divided by the
        largest. With times every line is kept in ``world.interactions``, repeated ones too.
    labels, seed, tick_minutes, report
        See :func:`import_world`, which also returns the report.

    Raises
    ------
    FileError, FormatError, InputError, CapacityError
        One clear sentence; a malformed line gets its number, text and the rule it breaks.

    Examples
    --------
    >>> world = read_edges("wiki-vote.tsv.gz", direction="follows")  # doctest: +SKIP
    """
    options = EdgeOptions(
        direction=direction,
        directed=directed,
        columns=columns,
        weight_column=weight_column,
        time_column=time_column,
        delimiter=delimiter,
        header=header,
        ids=ids,
        limit=limit,
        signed=signed,
        repeats=repeats,
        adjacency=adjacency,
        relations=relations,
        properties=properties,
    )
    told = labels if labels is None or isinstance(labels, ImportedLabels) else read_labels(labels)
    edges = read_arcs(path, options, report=report)
    world = world_of(
        edges,
        seed=seed,
        labels=told,
        signed=signed,
        repeats=repeats,
        tick_minutes=tick_minutes,
        report=report,
    ).world
    if labels is None or told is not labels:
        _note(world, path, options, labels)
    return world


def from_networkx(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    signed: bool = False,
    repeats: Repeats = "once",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
    seed: int = 0,
    report: Report = quiet,
) -> World:
    """Make a world of a networkx graph; nodes become ids, ``label`` or ``name`` names.

    Parameters
    ----------
    graph
        Any of networkx's graphs; an undirected tie goes both ways.
    direction
        What an arc ``A -> B`` says: ``"influences"``: B hears A; ``"follows"``: A hears B.
    weight
        The edge attribute that becomes trust, where it is there; None: none.
    signed, repeats
        Weights may be negative, ties may repeat: see :class:`EdgeOptions`.
    relations, properties
        The edge attribute that says of what type a tie is (None: ``type``, ``relation``, ``kind``
        or ``label``; ``"none"``), and those that are kept (None: all), see ``world.relation``.
    seed, report
        As in :func:`import_world`.

    Examples
    --------
    >>> import networkx as nx
    >>> world = from_networkx(nx.karate_club_graph(), weight=None)
    >>> len(world.agents), world.ties.count
    (34, 156)
    """
    edges = edges_of_networkx(
        graph, direction=direction, weight=weight, relations=relations, properties=properties
    )
    return world_of(edges, seed=seed, signed=signed, repeats=repeats, report=report).world


def from_igraph(
    graph: Any,
    *,
    direction: Direction = "influences",
    weight: str | None = "weight",
    signed: bool = False,
    repeats: Repeats = "once",
    relations: str | None = None,
    properties: Sequence[str] | None = None,
    seed: int = 0,
    report: Report = quiet,
) -> World:
    """Make a world of an igraph graph; parameters as in :func:`from_networkx`.

    Ids are the vertex attribute ``id``, else ``name``, else the index; names ``label`` or ``name``.

    Examples
    --------
    >>> import igraph
    >>> world = from_igraph(igraph.Graph.Famous("Zachary"))
    >>> len(world.agents), world.ties.count
    (34, 156)
    """
    edges = edges_of_igraph(
        graph, direction=direction, weight=weight, relations=relations, properties=properties
    )
    return world_of(edges, seed=seed, signed=signed, repeats=repeats, report=report).world
