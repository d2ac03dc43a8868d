"""Seed sets: an expression typed by a person selects the agents that hold a message first.

::

    ids:0,33              agents by foreign id (so does a bare list: 0,33 or Ana Silva,33);
                          one with a comma needs quotation marks: ids:"Silva, Ana",33
    top:40:pagerank       the 40 most central: degree (default), pagerank or core
    community:NAME:40     40 members drawn at random; without a number all, or :40:degree the top
    random:40             drawn at random
    best:20               highest expected spread under the message's own model, with a
                          guarantee (:class:`BestSeeds`); best:20:linear-threshold: under another
    state:0:infected      agents in a state of message 0 now; :40 for 40 of them at random
    interest:music openness>0.7     any query of sim.agents.select

Only active agents are chosen. The same world and expression choose the same agents.

``best`` maximises the expected number of adopters when every listener of an adopter hears it (the
broadcast channel), among active members; mutes, blocks, feeds and other messages are left out.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from sim.agents.select import check_query, labels_named, select
from sim.arrays import I32, Bools, Ids
from sim.core import rng
from sim.core.checks import shown, whole_of
from sim.core.progress import Report, part, quiet
from sim.core.registry import make
from sim.core.rng import Stream
from sim.errors import InputError, UnknownNameError
from sim.network.analysis.analysis import core_numbers, pagerank
from sim.spread.cascade.faults import asked
from sim.spread.influence.live_edges import Estimate, LiveEdges, LiveNetwork, spread_of
from sim.spread.influence.opim import Guarantee, best_seeds
from sim.world.base import WorldState

if TYPE_CHECKING:
    from sim.network.graph.ties import Ties
    from sim.spread.cascade.model import PropagationModel

KNOWN = "independent-cascade, linear-threshold, icp, continuous-cascade, time-decay"
_BEST = re.compile(r"^\s*best\s*:", re.IGNORECASE)
_NOT_OF_THE_MODEL = frozenset({
    "text", "seeds", "author", "tags", "kind", "at", "priority", "channel", "draws", "model",
    "image", "alt",
})  # fmt: skip


def live_edges_of(world: WorldState, model: str, parameters: Mapping[str, Any]) -> LiveEdges:
    """Return the live-edge form of a model; raise if it has none, or does not fit the world."""
    plugin = cast("PropagationModel", make(model, "propagation", **parameters))
    with asked(plugin):
        plugin.check()
        plugin.suits(world)
        edges = plugin.live_edges()
    if edges is None:
        raise InputError(
            f"Best seeds are found for models whose reach is that of random live ties ({KNOWN}); "
            f"{model!r}, as its parameters are, is none. Choose by another: best:20:NAME."
        )
    return edges


def live_network(world: WorldState, edges: LiveEdges) -> LiveNetwork:
    """Return the network of a world's active members with live ties."""
    return LiveNetwork(
        world.ties, edges, world.seed, active=_active_mask(world), labels=_labels(world)
    )


def _active_mask(world: WorldState) -> Bools:
    return np.asarray(world.agents.is_active(np.arange(len(world.agents))), np.bool_)


def _labels(world: WorldState) -> I32:
    return np.asarray(world.agents.community, np.int32)


class FoundSeeds(NamedTuple):
    """Seeds with the highest expected spread, with estimates."""

    seeds: Ids  # uint32, in the order of choice
    spread: Estimate  # expected number of adopters
    guarantee: Guarantee  # distance from the optimum


def is_best(expression: str) -> bool:
    """Return whether an expression of seeds has the form ``best:...``."""
    return _BEST.match(expression) is not None


def read_best(expression: str) -> tuple[int, str]:
    """Return the number of seeds to find, and the model's name; empty: the message's own."""
    number, _, named = expression.partition(":")[2].partition(":")
    count = whole_of(number.strip().replace("_", ""))
    if count is None or count < 1:
        raise InputError(
            f"How many seeds is a whole number from 1, as in best:20; got {shown(number)}."
        )
    return count, named.strip()


def found_before(
    world: WorldState, seeds: npt.ArrayLike | str, message: Mapping[str, Any]
) -> FoundSeeds | None:
    """Return the cached best seeds of a message; None for other expressions."""
    if not isinstance(seeds, str) or not is_best(seeds):
        return None
    return BestSeeds.of_message(world, seeds, message).find(world.ties)


class BestSeeds:
    """A search for seeds with the highest spread; its result is cached until ties change.

    Examples
    --------
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 0, 0], [1, 2, 3])
    >>> BestSeeds(world, 1, "independent-cascade", {"probability": 1.0}).find(world.ties).seeds
    array([0], dtype=uint32)
    """

    def __init__(
        self, world: WorldState, count: int, model: str, parameters: Mapping[str, Any] | None = None
    ) -> None:
        self.edges = live_edges_of(world, model, parameters or {})
        self._count, self._seed = count, world.seed
        self._active, self._labels = _active_mask(world), _labels(world)
        there_are = int(self._active.sum())
        if count > there_are:
            raise InputError(
                f"{count:,} seeds are asked for, but only {there_are:,} agents can be."
            )
        known = blake2b(np.packbits(self._active).tobytes(), digest_size=16)
        if self.edges.across != 1.0:
            known.update(self._labels.tobytes())
        self._name = ("best seeds", count, self.edges, world.seed, known.digest())

    @classmethod
    def of_message(
        cls, world: WorldState, expression: str, message: Mapping[str, Any] | None
    ) -> BestSeeds:
        """Return the search of ``best:20``, which may name a model; default: the message's."""
        count, named = read_best(expression)
        if named:
            return cls(world, count, named)
        if message is None:
            raise InputError(
                "The best seeds of what? Name a model, as in best:20:linear-threshold; a message "
                "brings its own."
            )
        options = {k: v for k, v in message.items() if k not in _NOT_OF_THE_MODEL}
        return cls(world, count, str(message["model"]), options)

    def _network(self, ties: Ties) -> LiveNetwork:
        return LiveNetwork(ties, self.edges, self._seed, active=self._active, labels=self._labels)

    def find(self, ties: Ties, report: Report = quiet) -> FoundSeeds:
        """Return the seeds, cached or found now."""
        if self._name not in ties.memo:
            network, memo = self._network(ties), ties.memo
            best = best_seeds(network, self._count, report=part(report, 0.0, 0.85))
            spread = spread_of(network, best.seeds, report=part(report, 0.85, 0.15))
            best.seeds.flags.writeable = False
            memo[self._name] = FoundSeeds(best.seeds, spread, best.guarantee)
        found: FoundSeeds = ties.memo[self._name]
        return found


FORMS = (
    "ids:0,33",
    "top:40:pagerank",
    "best:20",
    "community:NAME:40",
    "random:40",
    "interest:music",
)
"""An example of each form, for help and error messages."""

MOST_NAMES = 100_000
"""Largest world in which agents are found by name: names are generated, not stored."""

_QUERY = re.compile(r"^!?\w+(:|[<>]=?)\S")
_OF_COMMUNITY = "community:NAME:40"
_MEMBERS = re.compile(r"^(.*?)\s*:\s*(-?\d+)\s*(?::\s*(\w+)\s*)?$")
_ALLOWED = f"Seeds are chosen by {', '.join(FORMS)}, or ids or names with commas between"


MEASURES: dict[str, Callable[[WorldState], npt.NDArray[Any]]] = {
    "degree": lambda world: world.ties.out_degree,
    "pagerank": lambda world: pagerank(world.ties),
    "core": lambda world: core_numbers(world.ties),
}
"""Measures that ``top`` ranks by: number of listeners, PageRank, k-core."""


def choose_seeds(
    world: WorldState,
    expression: str,
    *,
    key: np.uint64 | None = None,
    message: Mapping[str, Any] | None = None,
) -> Ids:
    """Return the agents that an expression selects.

    Parameters
    ----------
    world
        The world of the agents.
    expression
        As described in the module.
    key
        Key for the draws of ``random:`` and ``community:``; ``None``: each message draws its own.
    message
        Arguments of ``World.inject``, by name, for the message that ``best:`` is for.

    Returns
    -------
    uint32 (k,), ascending, distinct, k >= 1

    Raises
    ------
    InputError
        One sentence: what is wrong, what is allowed, and the nearest known name.

    Examples
    --------
    >>> from sim.world.world import World
    >>> world = World.from_edges([0, 0, 1], [1, 2, 2])
    >>> choose_seeds(world, "top:1:degree")
    array([0], dtype=uint32)
    """
    text = expression.strip()
    head, colon, rest = text.partition(":")
    form = _CHOICES.get(head.strip().lower()) if colon else None
    if is_best(text):
        chosen = BestSeeds.of_message(world, text, message).find(world.ties).seeds
    elif form is not None:
        lots = rng.key(world.seed, Stream.SEEDS, world.tick, world.made) if key is None else key
        chosen = form(world, rest.strip(), lots)
    elif _QUERY.match(text):
        chosen = _queried(world, text, head)
    else:
        chosen = _listed(world, text)
    if chosen.size == 0:
        raise InputError(f"Seeds {text!r}: no active agent fits. {_ALLOWED}.")
    return np.unique(chosen).astype(np.uint32)


def check_seeds(expression: str) -> None:
    """Raise for an expression that selects nobody in any world.

    Whether the agents exist depends on the world; :func:`choose_seeds` checks it.

    Examples
    --------
    >>> check_seeds("community:North:40")
    >>> check_seeds("random:many")
    Traceback (most recent call last):
    sim.errors.InputError: How many seeds is a whole number from 1, as in random:40; got 'many'.
    """
    text = expression.strip()
    head, colon, rest = text.partition(":")
    check = _CHECKS.get(head.strip().lower()) if colon else None
    if check is not None:
        check(rest.strip())
    elif _QUERY.match(text):
        with _query_named(text, head):
            check_query(text)
    elif not _words(text):
        raise InputError(f"Seeds are empty. {_ALLOWED}.")


def seeds_of(
    world: WorldState, seeds: npt.ArrayLike | str, message: Mapping[str, Any] | None = None
) -> npt.NDArray[Any]:
    """Return seeds as indices: expressions are evaluated, anything else is used unchanged."""
    if isinstance(seeds, str):
        return choose_seeds(world, seeds, message=message)
    return np.asarray(seeds)


def author_of(world: WorldState, author: int | str | None) -> int | None:
    """Return the index of an author; a text is an id or a name, and must match one agent."""
    if not isinstance(author, str):
        return author
    chosen = choose_seeds(world, author)
    if chosen.size != 1:
        raise InputError(f"A message has one author, {author!r} are {chosen.size:,}.")
    return int(chosen[0])


def takes_long(expression: object) -> bool:
    """Return whether finding these seeds may visit all ties: seconds in a world of a million."""
    if not isinstance(expression, str):
        return False
    return is_best(expression) or expression.rpartition(":")[2] in {"pagerank", "core"}


def _active(world: WorldState, ids: npt.NDArray[Any] | None = None) -> Ids:
    everybody = np.arange(len(world.agents), dtype=np.uint32) if ids is None else ids
    return np.asarray(everybody[world.agents.is_active(everybody)], np.uint32)


def _listed(world: WorldState, text: str) -> Ids:
    """Return the agents of foreign ids or names, separated by commas."""
    words = _words(text)
    if not words:
        raise InputError(f"Seeds are empty. {_ALLOWED}.")
    found: dict[str, int] = {}
    unknown: dict[str, InputError] = {}
    for word in words:
        try:
            found[word] = world.agents.index(word)
        except InputError as error:
            unknown[word] = error
    found |= _by_name(world, unknown)
    for word, refusal in unknown.items():
        if word not in found:
            near = difflib.get_close_matches(text.partition(":")[0].lower(), [*_CHOICES, "best"], 1)
            hint = f" Did you mean {near[0] + ':'!r}?" if near else ""
            raise InputError(f"Seeds {text!r}: {refusal} {_ALLOWED}.{hint}")
    return np.array([found[word] for word in words], np.uint32)


def _words(text: str) -> list[str]:
    """Return the words between commas; a comma in quotation marks does not separate."""
    try:
        (parts,) = csv.reader([" ".join(text.splitlines())], skipinitialspace=True)
    except (csv.Error, ValueError):
        return []
    return [part.strip() for part in parts if part.strip()]


def _by_name(world: WorldState, words: Iterable[str]) -> dict[str, int]:
    """Return the first agent with each name, ignoring case, in one pass; small worlds only."""
    wanted: dict[str, list[str]] = {}
    for word in words:
        wanted.setdefault(word.casefold(), []).append(word)
    found: dict[str, int] = {}
    for agent in range(len(world.agents) if len(world.agents) <= MOST_NAMES else 0):
        if not wanted:
            break
        found |= dict.fromkeys(wanted.pop(world.agents.name(agent).casefold(), ()), agent)
    return found


def _ids(world: WorldState, rest: str, key: np.uint64) -> Ids:
    return np.array([world.agents.index(word) for word in _read_ids(rest)], np.uint32)


def _read_ids(rest: str) -> list[str]:
    words = _words(rest)
    if not words:
        raise InputError("Seeds 'ids:' need at least one id, such as ids:0,33.")
    return words


def _top(world: WorldState, rest: str, key: np.uint64) -> Ids:
    count, measure = _read_top(rest)
    return best_of(world, _active(world), count, measure)


def _read_top(rest: str) -> tuple[int, str]:
    count, _, measure = rest.partition(":")
    return _count(count, "top:40:pagerank"), _measure(measure)


def _measure(name: str) -> str:
    found = name.strip().lower() or "degree"
    if found not in MEASURES:
        raise UnknownNameError("measure of centrality", found, MEASURES)
    return found


def best_of(world: WorldState, among: Ids, count: int, measure: str = "degree") -> Ids:
    """Return the ``count`` agents with the highest measure; ties are broken by the world's draw.

    If all are equal, as in a ring, taking the lowest ids would depend on the order in a file.
    """
    name = _measure(measure)
    _refuse_too_many(count, among.size)
    values = MEASURES[name](world)[among]
    lots = rng.words(rng.key(world.seed, Stream.EQUALS), among)
    order = np.lexsort((lots, -values.astype(np.float64)))
    return among[order[:count]]


def _random(world: WorldState, rest: str, key: np.uint64) -> Ids:
    return _drawn(_active(world), _read_random(rest), key)


def _read_random(rest: str) -> int:
    return _count(rest, "random:40")


def _drawn(among: Ids, count: int, key: np.uint64) -> Ids:
    _refuse_too_many(count, among.size)
    return among[np.argsort(rng.words(key, among), kind="stable")[:count]]


def _community(world: WorldState, rest: str, key: np.uint64) -> Ids:
    parts = _MEMBERS.match(rest)
    name, count, measure = parts.groups() if parts else (rest, None, None)
    try:
        label = _label(world, name)
    except UnknownNameError:
        chosen = _terms(world, f"community:{rest}")
        if chosen is None:
            raise
        return chosen
    members = _active(world, np.flatnonzero(world.agents.community == label))
    if count is None:
        return members
    wanted = _count(count, _OF_COMMUNITY)
    return best_of(world, members, wanted, measure) if measure else _drawn(members, wanted, key)


def _check_community(rest: str) -> None:
    parts = _MEMBERS.match(rest)
    if parts is not None and " " not in rest:  # with a space it may be a query of several terms
        _count(parts[2], _OF_COMMUNITY)
        _measure(parts[3] or "")
    elif not rest:
        raise InputError(f"Seeds 'community:' need a name. {_ALLOWED}.")


def _in_state(world: WorldState, rest: str, key: np.uint64) -> Ids:
    number, name, count = _read_state(rest)
    story = next((one for one in world.cascades if str(one.id) == number), None)
    if story is None:
        raise _no_message(number)
    found = story.in_state(name)
    found = found[world.agents.is_active(found)]
    return _drawn(found, count, key) if count else found


def _read_state(rest: str) -> tuple[str, str, int]:
    """Return the message number, the state's name, and the number of agents; 0: all."""
    number, name, count = (*(each.strip() for each in rest.split(":", 2)), "", "")[:3]
    if not number.isdecimal():
        raise _no_message(number)
    return number, name, _count(count, "state:0:infected:40") if count else 0


def _no_message(number: str) -> InputError:
    return InputError(f"There is no message {shown(number)}; write state:0:infected.")


def _terms(world: WorldState, query: str) -> Ids | None:
    """Return the agents of a query of several terms; None if it is not such a query."""
    try:
        return _active(world, select(world.agents, query)) if " " in query else None
    except InputError:
        return None


def _label(world: WorldState, name: str) -> int:
    labels = labels_named(world.agents, name.strip().strip("\"'"))
    if not labels:
        raise UnknownNameError("community", name, world.agents.communities)
    return labels[0]


def _queried(world: WorldState, query: str, head: str) -> Ids:
    with _query_named(query, head):
        return _active(world, select(world.agents, query))


@contextmanager
def _query_named(query: str, head: str) -> Iterator[None]:
    """Make errors name the query, and the form that was perhaps meant."""
    try:
        yield
    except InputError as error:
        near = difflib.get_close_matches(head.lower(), [*_CHOICES, "best"], n=1)
        hint = f" Did you mean {near[0] + ':'!r}?" if near and near[0] != head.lower() else ""
        raise InputError(f"Seeds {query!r}: {error}{hint}") from None


def _count(text: str, example: str) -> int:
    count = whole_of(text.strip().replace("_", ""))
    if count is None or count < 1:
        raise InputError(
            f"How many seeds is a whole number from 1, as in {example}; got {shown(text)}."
        )
    return count


def _refuse_too_many(count: int, there_are: int) -> None:
    if count > there_are:
        raise InputError(f"{count:,} seeds are asked for, but only {there_are:,} agents can be.")


_CHOICES: dict[str, Callable[[WorldState, str, np.uint64], Ids]] = {
    "state": _in_state,
    "ids": _ids,
    "top": _top,
    "community": _community,
    "random": _random,
}

_CHECKS: dict[str, Callable[[str], object]] = {
    "ids": _read_ids,
    "top": _read_top,
    "random": _read_random,
    "community": _check_community,
    "state": _read_state,
    "best": lambda rest: read_best(f"best:{rest}"),
}
"""Checks of each form that need no world."""
