"""Worlds from imported ties: ``import_world``, ``read_edges`` and more; and the demo world."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from os import PathLike
from string import ascii_uppercase
from time import perf_counter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, I8
from sim.core.progress import Report, quiet
from sim.core.text import plural
from sim.errors import InputError
from sim.io.importing.edges import (
    AUTO,
    Direction,
    EdgeOptions,
    IdKind,
    ImportedArcs,
    Repeats,
    read_arcs,
)
from sim.io.importing.files import ImportReport, opened
from sim.io.importing.formats import READ, format_of
from sim.io.importing.graphs import edges_of_igraph, edges_of_networkx, read_graph
from sim.io.importing.labels import NOTHING, ImportedLabels, read_labels
from sim.io.importing.profiles import Profiles, read_follows, says_follows
from sim.io.importing.sniff import Column
from sim.network.graph.interactions import Interactions
from sim.network.relations.types import MOST_TYPES, StatedTypes, TieRecords
from sim.world.generation import refuse_what_does_not_fit
from sim.world.members import take
from sim.world.world import World

_TIMED = 4
"""Factor by which ties with times take more memory while a world is made."""

_LATEST = 1 << 33
"""Seconds since 1970 (the year 2242) up to which times are shown as dates."""


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """An imported world.

    Parameters
    ----------
    world
        The world, at tick 0.
    report
        What was found, kept and dropped.
    """

    world: World
    report: ImportReport


def world_of(
    edges: ImportedArcs,
    *,
    seed: int = 0,
    labels: ImportedLabels | None = None,
    signed: bool = False,
    repeats: Repeats = "once",
    tick_minutes: float = 60.0,
    report: Report = quiet,
) -> ImportOutcome:
    """Make a world from imported arcs.

    Parameters
    ----------
    edges
        Arcs in the direction of influence.
    seed
        Any integer: personalities, interests and activity follow from it.
    labels
        The communities of the members.
    signed
        Weights may be negative; their ties are hostile.
    repeats
        As in :class:`~sim.io.importing.edges.EdgeOptions`.
    tick_minutes
        Simulated minutes in a tick.
    report
        Called with the progress; may raise to cancel.

    Raises
    ------
    InputError
        For negative weights that are not ``signed``.
    CapacityError
        If the world would not fit in memory.
    """
    began = perf_counter()
    agents, arcs = edges.agents, edges.sources.size
    ties = arcs * (1 if edges.report.directed else 2)
    refuse_what_does_not_fit(agents, ties * (1 if edges.times is None else _TIMED) / agents)
    records, typed = _records(edges)
    if repeats == "weight":
        edges = added_up(edges)
    trust, sign, notes = trust_of(edges.weights, signed=signed)
    ids = edges.ids
    community, communities = None, list[str]()
    if labels is not None:
        community, communities = labels.community(_plain(ids, agents))
    world = World.from_edges(
        edges.sources,
        edges.targets,
        agents,
        directed=edges.report.directed,
        trust=trust,
        sign=sign,
        times=edges.times,
        weights=None if edges.times is None else edges.weights,
        seed=seed,
        ids=None if _are_indices(ids) else ids,
        names=edges.names,
        community=community,
        communities=communities,
        tick_minutes=tick_minutes,
        report=report,
    )
    world.tie_records, notes = records, (*notes, *typed)
    if community is not None:
        without = int((community < 0).sum())
        tail = f"; {plural(without, 'member')} without one" if without else ""
        said = plural(len(communities), "community", "communities")
        notes = (*notes, f"Labels define {said}{tail}.")
    if world.interactions is not None:
        notes = (*notes, _timed(world.interactions))
    elif world.ties.dropped.duplicates:
        repeated = world.ties.dropped.duplicates
        once = "counts" if repeated == 1 else "count"
        notes = (*notes, _REPEATED.format(_repeat(repeated), once))
    return ImportOutcome(world, _counted(edges.report, world, notes, perf_counter() - began))


def _records(edges: ImportedArcs) -> tuple[TieRecords, tuple[str, ...]]:
    """Return the types and properties of ties, and notes on them."""
    if edges.relations is None:
        return TieRecords.none(), ()
    told, many = edges.relations, len(set(edges.relations.types))
    if not told.is_asked and many > MOST_TYPES:
        kept = [at for at, text in enumerate(told.properties) if text]
        texts = [told.properties[at] for at in kept]
        bare = StatedTypes(told.places[kept], [""] * len(kept), texts)
        records, notes = _records(replace(edges, relations=bare if kept else None))
        return records, (f"Not read as tie types: a column with {many:,} values.", *notes)
    records, repeated = TieRecords.from_arcs(
        edges.sources, edges.targets, told, directed=edges.report.directed
    )
    counts = sorted(records.counts.items(), key=lambda each: (-each[1], each[0]))
    types = ", ".join(f"{name} {count:,}" for name, count in counts[:_SHOWN])
    more = f" and {len(counts) - _SHOWN:,} types more" if len(counts) > _SHOWN else ""
    said = f"{plural(len(records), 'tie')} with a type or properties"
    said += f"{': ' if types else ''}{types}{more}."
    if not repeated:
        return records, (said,)
    return records, (said, f"{plural(repeated, 'duplicate')} of these; the last one was used.")


_SHOWN = 8
"""Maximum number of types named in a report."""

_REPEATED = (
    "{} and {} once; to use the number of repeats as weight, and so as trust, use --repeats weight "
    "(in Python: repeats='weight')."
)


def _repeat(count: int) -> str:
    return plural(count, "repeated line or tie", "repeated lines or ties")


def added_up(edges: ImportedArcs) -> ImportedArcs:
    """Return each tie, or undirected pair, once, with its weights added up; a missing one is 1."""
    sources, targets = edges.sources.astype(np.uint64), edges.targets.astype(np.uint64)
    if not edges.report.directed:
        sources, targets = np.minimum(sources, targets), np.maximum(sources, targets)
    keys, places = np.unique(sources << np.uint64(32) | targets, return_inverse=True)
    weights = np.bincount(places, edges.weights, keys.size).astype(np.float64)
    repeated = edges.sources.size - keys.size
    note = f"{_repeat(repeated)}; weights were added up."
    return replace(
        edges,
        sources=(keys >> np.uint64(32)).astype(np.uint32),
        targets=(keys & np.uint64(0xFFFF_FFFF)).astype(np.uint32),
        weights=weights,
        report=replace(edges.report, notes=(*edges.report.notes, note)),
    )


def trust_of(
    weights: F64 | None, *, signed: bool = False
) -> tuple[F64 | None, I8 | None, tuple[str, ...]]:
    """Return weights as trust in [0, 1], their signs, and notes on the conversion."""
    if weights is None or not weights.size:
        if signed:
            raise InputError("Signs come from weights; name the weight column too.")
        return None, None, ()
    low, high = float(weights.min()), float(weights.max())
    if low < 0 and not signed:
        raise InputError(
            f"Weights must be at least 0 to become trust, the smallest is {low:g}; leave the "
            "weight column out to treat all ties alike, or treat negative weights as hostile ties "
            "with --signed (in Python: signed=True)."
        )
    span, notes = f"Weights ({low:g} to {high:g})", list[str]()
    sign = np.where(weights < 0, -1, 1).astype(np.int8) if signed else None
    if sign is not None:
        weights, high = np.abs(weights), max(-low, high)
        notes.append(f"{int((sign < 0).sum()):,} of {plural(sign.size, 'tie')} are hostile.")
    if high <= 1:
        return weights, sign, (f"{span} were used as trust.", *notes)
    return weights / high, sign, (f"{span} were divided by {high:g} and used as trust.", *notes)


def _timed(met: Interactions) -> str:
    begin = datetime.fromtimestamp(met.origin, UTC) if 0 <= met.origin < _LATEST else None
    since = f", since {begin:%Y-%m-%d %H:%M} UTC" if begin is not None and met.origin else ""
    days = f"{met.span / 86_400:,.1f} days"
    return f"Kept {plural(len(met), 'interaction')} in {days}{since}."


def _plain(ids: npt.NDArray[np.int64] | list[str] | None, agents: int) -> Iterable[object]:
    if ids is None:
        return range(agents)
    return ids if isinstance(ids, list) else map(int, ids)


def _are_indices(ids: npt.NDArray[np.int64] | list[str] | None) -> bool:
    """Return whether ascending integer ids are 0, 1, ... n - 1."""
    if not isinstance(ids, np.ndarray):
        return ids is None
    return int(ids[0]) == 0 and int(ids[-1]) == len(ids) - 1


def _counted(
    report: ImportReport, world: World, notes: tuple[str, ...], seconds: float
) -> ImportReport:
    ties = world.ties
    alone = (ties.out_degree == 0) & (ties.in_degree == 0)
    return replace(
        report,
        loops=ties.dropped.loops,
        duplicates=ties.dropped.duplicates,
        ties=ties.count,
        isolated=int(alone.sum()),
        seconds=report.seconds + seconds,
        notes=(*report.notes, *notes),
    )


_Path = str | PathLike[str]
_IN_FRONT = (0, 1)


def import_world(
    path: _Path,
    *,
    options: EdgeOptions | None = None,
    labels: _Path | ImportedLabels | None = None,
    seed: int = 0,
    tick_minutes: float = 60.0,
    people: Literal["own", "invented"] = "invented",
    report: Report = quiet,
) -> ImportOutcome:
    """Make a world from a file, and report what was found, kept and dropped.

    Parameters
    ----------
    path
        An edge list, or a graph file (see :func:`read_graph`); or a table of people with a column
        ``following_agentid_list``, like OASIS's; plain or gzip. The content decides, not the name.
    options
        How to read it; for a graph file, only ``direction``, ``weight_column``, ``signed``,
        ``repeats``, ``relations`` and ``properties`` apply; the file states the rest.
    labels
        The members' communities, or a table of them (see :func:`read_labels`).
    seed
        Any integer: personalities, interests and activity follow from it.
    tick_minutes
        Simulated minutes in a tick.
    people
        Names and interests of members whom the file gives none: ``"invented"`` from the seed, or
        ``"own"``: they are called by their ids (member 12) and have no interests.
    report
        Called with the progress; may raise to cancel, leaving nothing behind.

    Raises
    ------
    FileError, FormatError, InputError, CapacityError
        One sentence.
    """
    options, listed = options or EdgeOptions(), None
    if people not in {"own", "invented"}:
        raise InputError(f"people must be 'own' or 'invented', got {people!r}.")
    with opened(path) as source:
        kind = format_of(source.head, source.path)
        lists_people = says_follows(source.head)
    if lists_people:
        edges, listed = read_follows(path, report=report)
        _refuse_idle(options, "table of people")
    elif kind not in READ or kind == "edges" or options.adjacency:
        edges = read_arcs(path, options, report=report)
    else:
        asked = options.weight_column
        weight = AUTO if asked is None else None if asked == NOTHING else str(asked)
        edges = read_graph(
            path,
            direction=options.direction,
            weight=weight,
            relations=None if options.relations is None else str(options.relations),
            properties=None if options.properties is None else [*map(str, options.properties)],
            report=report,
        )
        _refuse_idle(options, READ[kind])
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
    if people == "own":
        made.world.agents.be_anonymous()
    if listed is not None:
        made = _known(made, listed)
    if labels is None or told is not labels:
        _note(made.world, path, options, labels)
    return made


def _known(made: ImportOutcome, people: Profiles) -> ImportOutcome:
    """Assign the profiles of its members to a world, before its command log begins."""
    # A world orders its members by ids if these are whole numbers.
    by = "id" if all(isinstance(person.id, int) for person in people) else "order"
    taken = take(made.world, people, by)
    notes = (*made.report.notes, f"Loaded {plural(len(people), 'profile')}.", *taken.remarks)
    return replace(made, report=replace(made.report, notes=notes))


def _note(
    world: World, path: _Path, options: EdgeOptions, labels: _Path | ImportedLabels | None
) -> None:
    """Begin the world's log with what is needed to repeat the import, and digests of its files."""
    said = {"path": str(path), "seed": world.seed, "tick_minutes": world.tick_minutes}
    files = [str(path)] if labels is None else [str(path), str(labels)]
    said |= {"options": asdict(options), "labels": None if labels is None else files[1]}
    said |= {"people": "own"} if world.agents.is_anonymous else {}
    world.trail.began(
        "import", said | {"digests": [digest_of(name) for name in files]},
        world.trail.acts[0].result,
    )  # fmt: skip


def digest_of(path: _Path) -> str:
    """Return the BLAKE2b-256 digest of a file, 64 hex digits, to detect changes."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path-like is opened alike
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _refuse_idle(options: EdgeOptions, kind: str) -> None:
    """Refuse options of edge lists for a graph file, as they would have no effect."""
    usual = asdict(EdgeOptions()) | {"direction": options.direction, "signed": options.signed}
    usual["repeats"] = options.repeats
    usual |= {} if options.directed is False else {"directed": options.directed}
    if options.weight_column in {None, NOTHING}:
        usual["weight_column"] = options.weight_column
    if kind != "table of people":
        usual |= {"relations": options.relations, "properties": options.properties}
        usual["weight_column"] = options.weight_column
    if options.columns == _IN_FRONT:
        usual["columns"] = _IN_FRONT
    idle = [name for name, value in asdict(options).items() if value != usual[name]]
    if idle:
        raise InputError(
            f"A {kind} file says itself what an edge list is asked; leave {', '.join(idle)} out."
        )


def read_world(path: _Path, **options: Any) -> World:
    """Return the world of :func:`import_world`, with the same parameters, without the report."""
    return import_world(path, **options).world


def read_edges(
    path: _Path,
    *,
    direction: Direction = "influences",
    directed: bool | None = None,
    columns: tuple[Column, Column] | None = None,
    weight_column: Column | None = AUTO,
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
    """Make a world from an edge list: one tie per line.

    Parameters
    ----------
    path
        Text or gzip; separated by blanks, tabs, commas, semicolons or pipes; comments begin with
        ``#``, ``%`` or ``//``.
    direction
        The meaning of a line ``A B``: ``"influences"``: B follows A. ``"follows"``: A follows B.
    directed
        False: each line is a mutual tie; None: as stated in the file, else one-way.
    columns, weight_column, time_column, delimiter, header, ids, limit, signed, repeats, adjacency,
    relations, properties
        See :class:`EdgeOptions`. Weights become trust: unchanged in [0, 1], else divided by the
        largest. With times, every line is kept in ``world.interactions``, including repeated ones.
    labels, seed, tick_minutes, report
        See :func:`import_world`, which also returns the report.

    Raises
    ------
    FileError, FormatError, InputError, CapacityError
        One sentence; for a malformed line with its number, its text and the rule that it breaks.

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
    return import_world(
        path, options=options, labels=labels, seed=seed, tick_minutes=tick_minutes, report=report
    ).world


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
    """Make a world from a networkx graph; nodes become ids, ``label`` or ``name`` names.

    Parameters
    ----------
    graph
        Any networkx graph; an undirected edge is a mutual tie.
    direction
        The meaning of an arc ``A -> B``: ``"influences"``: B follows A; ``"follows"``: A follows B.
    weight
        The edge attribute that becomes trust, if present; None: none.
    signed, repeats
        Weights may be negative, ties may repeat: see :class:`EdgeOptions`.
    relations, properties
        The edge attribute with the type of a tie (None: ``type``, ``relation``, ``kind``
        or ``label``; ``"none"``), and those to keep (None: all); see ``world.relation``.
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
    """Make a world from an igraph graph; parameters as in :func:`from_networkx`.

    Ids: the vertex attribute ``id``, else ``name``, else the index. Names: ``label`` or ``name``.

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


DEMO_SEED = 7
_NETWORK = "lastfm-asia.npz"


def demo(*, seed: int = DEMO_SEED, tick_minutes: float = 60.0, report: Report = quiet) -> World:
    """Return 7,624 members of LastFM in 18 Asian countries, and who follows whom.

    The 25,026 friendships are real, and so is each member's country, under a code that its
    publisher anonymised: communities are ``"Country A"`` to ``"Country R"``. Names, interests
    (alike within a country) and personalities are made up from the seed. Rozemberczki & Sarkar,
    CIKM 2020; MIT licence, see ``data/README.md``.

    Parameters
    ----------
    seed
        Any integer.
    tick_minutes
        Simulated minutes in a tick.
    report
        Called with the progress; may raise to cancel.

    Examples
    --------
    >>> world = demo()
    >>> len(world.agents), world.ties.count, world.agents.communities[:2]
    (7624, 50052, ['Country A', 'Country B'])
    """
    packed = files("sim.io.importing").joinpath("data", _NETWORK)
    with packed.open("rb") as raw, np.load(raw, allow_pickle=False) as columns:
        first, second, country = (columns[key] for key in ("first", "second", "country"))
    world = World.from_edges(
        first,
        second,
        len(country),
        directed=False,
        seed=seed,
        community=country.astype(np.int32),
        communities=[f"Country {letter}" for letter in ascii_uppercase[: int(country.max()) + 1]],
        tick_minutes=tick_minutes,
        report=report,
    )
    said = {"seed": seed, "tick_minutes": tick_minutes}
    world.trail.began("demo", said, world.trail.acts[0].result)
    return world
