"""The population as columns: an agent is an index, its properties are rows of arrays."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property, lru_cache
from typing import Any, SupportsIndex, SupportsInt

import numpy as np
import numpy.typing as npt

from sim.agents.languages import LANGUAGES, joined
from sim.agents.lifecycle import Lifecycle, belongs, check_moves, lifecycle
from sim.agents.names import NameSnapshot, anonymous, community_titles, handle, name_of
from sim.agents.records import AgentRecords
from sim.agents.table import (
    COLUMNS,
    MOST,
    Texts,
    labelled,
    labels_of,
    packed_names,
    room_for,
    shares,
    texts_in,
)  # fmt: skip
from sim.agents.traits_kernels import (
    SLOTS,
    TABLE,
    fill_activity,
    fill_interests,
    fill_personality,
    fill_topics,
)
from sim.agents.vocabulary import Vocabulary
from sim.core.bounds import declared, require
from sim.core.progress import Report, quiet
from sim.core.rng import Stream, key
from sim.errors import InputError

ForeignIds = npt.NDArray[np.int64] | Sequence[str] | Texts
"""Ids from the file a world was imported from: integers or strings."""

_EXPONENT = 0.6  # popularity of the topic of rank r is r ** -0.6: first 33 %, last 3 % of agents
_CHUNK = 1 << 18  # rows between two progress reports: 25 ms
_CANDIDATES = 4000  # strings compared when searching for a suggestion: 30 ms


class Identities:
    """The foreign ids of agents 0..n-1, immutable; equal to the index if none were given."""

    def __init__(self, count: int, foreign: npt.NDArray[np.int64] | Texts | None = None) -> None:
        self.count = count
        self.foreign = foreign

    @classmethod
    def of(cls, count: int, ids: ForeignIds | None) -> Identities:
        """Return ids as a caller passes them, checked: ``count`` of them, all different."""
        identities = cls(count, _packed(ids))
        if identities.foreign is not None:
            if len(identities.foreign) != count:
                raise InputError(f"{count} agents need {count} ids, got {len(identities.foreign)}.")
            identities.check_unique()
        return identities

    def __getitem__(self, index: int) -> int | str:
        if self.foreign is None:
            return index
        return self.foreign[index] if isinstance(self.foreign, Texts) else int(self.foreign[index])

    @property
    def nbytes(self) -> int:
        """Size in bytes of the ids, and of the lookup once it is built."""
        own = 0 if self.foreign is None else self.foreign.nbytes
        lookup: tuple[npt.NDArray[Any], ...] = self.__dict__.get("_lookup", ())
        return own + sum(part.nbytes for part in lookup)

    def index(self, foreign: SupportsIndex | str) -> int:
        """Return the agent that has a foreign id; a number may be given as digits."""
        if isinstance(self.foreign, Texts):
            return self._index_of_text(str(foreign))
        return self._index_of_number(_number(foreign))

    def extended(self, more: int, ids: ForeignIds | None = None) -> Identities:
        """Return these ids plus ``more`` new ones: given, or generated without collisions."""
        count = self.count + more
        if self.foreign is None:
            if ids is not None:
                raise InputError("Agents of this world are called by their index; leave out ids.")
            return Identities(count)
        fresh = self._made_up(more) if ids is None else ids
        if isinstance(self.foreign, Texts):
            return Identities.of(count, self.foreign + _texts(fresh))
        if isinstance(fresh, Texts) or not _are_integers(fresh):
            raise InputError("The ids of this world are integers; the new ones must be too.")
        added = np.asarray(fresh, np.int64)
        return Identities.of(count, np.concatenate([self.foreign, added]))

    def check_unique(self) -> None:
        """Raise InputError if two agents share an id."""
        keys, order = self._lookup
        seen: dict[int | str, int] = {}
        before = -1
        for at in np.flatnonzero(keys[1:] == keys[:-1]).tolist():
            if at != before + 1:  # another run of equal hashes
                seen = {}
            before = at
            for agent in order[at : at + 2].tolist():
                if seen.setdefault(self[agent], agent) != agent:
                    twins = f"{seen[self[agent]]} and {agent}"
                    raise InputError(f"Agents {twins} share the id {self[agent]!r}.")

    @cached_property
    def _lookup(
        self,
    ) -> tuple[npt.NDArray[np.int64] | npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
        """Return the sorted integers or hashes, and the agent of each."""
        if self.foreign is None:
            raise InputError("Agents without foreign ids need no lookup.")
        keys = self.foreign.hashes() if isinstance(self.foreign, Texts) else self.foreign
        order = np.argsort(keys, kind="stable").astype(np.uint32)
        return keys[order], order

    def _index_of_number(self, number: int) -> int:
        if self.foreign is None:
            if 0 <= number < self.count:
                return number
            raise InputError(f"No member {number}: ids are 0 to {self.count - 1}.")
        keys, order = self._lookup
        at = int(np.searchsorted(keys, number)) if abs(number) < 1 << 63 else 0
        if at < len(keys) and int(keys[at]) == number:
            return int(order[at])
        near = min(keys[max(at - 1, 0) : at + 1].tolist(), key=lambda one: abs(one - number))
        raise InputError(
            f"No member has the id {number}: ids are between {keys[0]} and {keys[-1]}, "
            f"the nearest is {near}."
        )

    def _index_of_text(self, text: str) -> int:
        keys, order = self._lookup
        mark = Texts.of([text]).hashes()[0]
        for at in range(int(np.searchsorted(keys, mark)), len(keys)):
            if keys[at] != mark:
                break
            if self[int(order[at])] == text:
                return int(order[at])
        near = difflib.get_close_matches(text, self._alike(text), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the first one is {self[0]!r}."
        raise InputError(f"No member has the id {text!r}; {hint}")

    def _alike(self, text: str) -> list[str]:
        """Return at most a few thousand ids of similar length with the same beginning or end."""
        texts, raw = self.foreign, text.encode("utf-8", "replace")
        if not isinstance(texts, Texts) or not raw:
            return []
        lengths = np.diff(texts.offsets)
        rows = np.flatnonzero((lengths > 0) & (np.abs(lengths - len(raw)) <= 2))
        first = texts.blob[texts.offsets[rows]] == raw[0]
        last = texts.blob[texts.offsets[rows + 1] - 1] == raw[-1]
        return [texts[row] for row in rows[first | last][:_CANDIDATES].tolist()]

    def _made_up(self, more: int) -> npt.NDArray[np.int64] | list[str]:
        if not isinstance(self.foreign, Texts):
            keys, _ = self._lookup
            return np.arange(1, more + 1, dtype=np.int64) + int(keys[-1])
        names = [f"agent-{self.count + one}" for one in range(more)]
        taken = set(self.foreign)
        while any(name in taken for name in names):
            names = [f"new-{name}" for name in names]
        return names


def _packed(ids: ForeignIds | None) -> npt.NDArray[np.int64] | Texts | None:
    if ids is None or isinstance(ids, Texts):
        return ids
    if not _are_integers(ids):
        return _texts(ids)
    array = np.array(ids, np.int64)
    array.flags.writeable = False
    return array


def _are_integers(ids: npt.NDArray[np.int64] | Sequence[str]) -> bool:
    return isinstance(ids, np.ndarray) and ids.dtype.kind in "iu"


def _texts(ids: Iterable[object]) -> Texts:
    return ids if isinstance(ids, Texts) else Texts.of(str(one) for one in ids)


def _number(foreign: SupportsIndex | str) -> int:
    if not isinstance(foreign, str):
        return operator.index(foreign)
    try:
        return int(foreign)
    except ValueError:
        raise InputError(
            f"{foreign!r} is not a member id (a number). Try interest:music or activity>0.5."
        ) from None


_OUTSIDE = "The columns of the agents hold values outside their range."


class Agents:
    """A growable population: 22 bytes per agent, reproducible from its seed.

    Created by :meth:`create` or :meth:`restore`. Columns are read-only views of length n; change
    them through the ``set_`` methods. Fetch the views again after :meth:`grow`.

    Attributes
    ----------
    lore
        Sparse per-agent data: :class:`~sim.agents.records.AgentRecords`.
    edition
        Increases when personality or activity changes; derived columns check it.

    Examples
    --------
    >>> agents = Agents.create(3, seed=7)
    >>> len(agents), agents.interests.dtype, int(agents.status[0])
    (3, dtype('uint64'), 1)
    """

    def __init__(
        self,
        seed: int,
        columns: dict[str, npt.NDArray[Any]],
        identities: Identities,
        *,
        names: Texts | None,
        communities: Iterable[str],
        vocabulary: Vocabulary,
    ) -> None:
        self._seed = seed
        self._count = identities.count
        self._columns = columns
        self._views: dict[str, npt.NDArray[Any]] = {}
        self._unlabelled = not identities.count
        self._identities = identities
        self._names = names
        self._communities = list(communities)
        self._titles: list[str] | None = None
        self._vocabulary = vocabulary
        self.lore = AgentRecords()
        self.edition = 0
        self.is_anonymous = False
        self._refresh()

    @classmethod
    def create(
        cls,
        count: int,
        *,
        seed: int,
        community: npt.ArrayLike | None = None,
        communities: Sequence[str] = (),
        ids: ForeignIds | None = None,
        names: Sequence[str] | Texts | None = None,
        vocabulary: Vocabulary | None = None,
        report: Report = quiet,
    ) -> Agents:
        """Return a new population, all of it active.

        Parameters
        ----------
        count
            Agents, 1 to 2**31 - 1.
        seed
            Any integer. Agent i depends only on it, on i and on the community of i.
        community
            int (count,): label of each agent, -1 none; members favour its topics.
        communities
            A name for each label; generated if omitted.
        ids
            Foreign ids: int64 (count,) or strings, all different; the index if omitted.
        names
            Imported names; agents beyond its end, or with an empty name, get a generated one.
        vocabulary
            The named interests; the built-in vocabulary if omitted.
        report
            Progress callback; may cancel by raising.

        Raises
        ------
        InputError
            Lengths do not match, a label has no name, or two agents share an id.
        """
        if not 1 <= count <= MOST:
            raise InputError(f"A world has 1 to {MOST:,} agents, got {count:,}.")
        vocabulary = Vocabulary.default() if vocabulary is None else vocabulary
        labels, titles = labelled(count, community, communities)
        identities = Identities.of(count, ids)
        agents = cls(
            seed, room_for(0), Identities(0), communities=titles, vocabulary=vocabulary,
            names=None if names is None else packed_names(names, count),
        )  # fmt: skip
        agents._append(labels, identities, report)
        return agents

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Agents: {self._count:,} in {len(self._communities)} communities>"

    @property
    def seed(self) -> int:
        """The seed from which the columns were drawn."""
        return self._seed

    @property
    def personality(self) -> npt.NDArray[np.uint8]:
        """uint8 (n, 5): the Big Five in the order of ``TRAITS``; value / 255 in [0, 1]."""
        return self._views["personality"]

    @property
    def interests(self) -> npt.NDArray[np.uint64]:
        """uint64 (n,): bit i is interest i of the vocabulary."""
        return self._views["interests"]

    @property
    def activity(self) -> npt.NDArray[np.float32]:
        """float32 (n,): share of ticks online, in [0, 1]."""
        return self._views["activity"]

    @property
    def community(self) -> npt.NDArray[np.int32]:
        """int32 (n,): index into ``communities``, -1 none."""
        return self._labelled()["community"]

    def _labelled(self) -> dict[str, npt.NDArray[Any]]:
        """Return the views; fill the community column with -1 on first access if it is unset."""
        if self._unlabelled:
            self._columns["community"][: self._count], self._unlabelled = -1, False
        return self._views

    @property
    def status(self) -> npt.NDArray[np.uint8]:
        """uint8 (n,): a ``Lifecycle``."""
        return self._views["status"]

    @property
    def language(self) -> npt.NDArray[np.uint8]:
        """uint8 (n,): place in :data:`~sim.agents.languages.LANGUAGES`; 0, English, unless set."""
        own = self.lore.languages
        found = own if own.size else np.broadcast_to(np.uint8(0), self._count)
        found.flags.writeable = False
        return found

    @property
    def is_multilingual(self) -> bool:
        """Whether languages were set."""
        return self.lore.languages.size > 0

    def language_name(self, index: int) -> str:
        """Return the name of an agent's language; empty if no languages were set."""
        return [*LANGUAGES.values()][self.language[index]] if self.is_multilingual else ""

    @property
    def communities(self) -> list[str]:
        """Names of the communities, coined for those that were given none (a copy)."""
        if self._titles is None:
            self._titles = community_titles(self._seed, self._communities)
        return list(self._titles)

    @property
    def stored_communities(self) -> list[str]:
        """As :attr:`communities`, but ``group 0``, ... for those that were given none."""
        return list(self._communities)

    @property
    def vocabulary(self) -> Vocabulary:
        """The named interests."""
        return self._vocabulary

    @property
    def nbytes(self) -> int:
        """Size in bytes, including spare capacity for growth."""
        names = 0 if self._names is None else self._names.nbytes
        own = sum(c.nbytes for c in self._columns.values()) + self.lore.nbytes
        return own + self._identities.nbytes + names

    def id(self, index: SupportsIndex) -> int | str:
        """Return the foreign id of an agent; raise InputError if the agent does not exist."""
        return self._identities[self._known(index)]

    def index(self, foreign: SupportsIndex | str) -> int:
        """Return the agent that has a foreign id (a number may be given as digits).

        Raises
        ------
        InputError
            No agent has it; the message suggests the nearest id, or gives the range.
        """
        return self._identities.index(foreign)

    def name(self, index: SupportsIndex) -> str:
        """Return the name of an agent: the imported one, or one generated from (seed, index)."""
        at = self._known(index)
        imported = self._names[at] if self._names is not None and at < len(self._names) else ""
        return self.lore.cold.text(at, "name") or imported or self.unnamed(at)

    def unnamed(self, at: int) -> str:
        """Return the name of an agent that was given none: an invented one, or its id."""
        if not self.is_anonymous:
            return name_of(self._seed, at)
        return anonymous(self.id(at))

    def be_anonymous(self) -> None:
        """Invent no names and no interests: agents are called by their ids."""
        self.is_anonymous = True
        self._own("interests")[: self._count] = 0

    def handle(self, index: SupportsIndex) -> str:
        """Return the handle of an agent, "@ada.lovelace42": its name and its index."""
        return handle(self.name(index), int(index.__index__()))

    def naming(self) -> NameSnapshot:
        """Return a snapshot of all names, for sorting; see :mod:`sim.agents.names`."""
        ids, cold = self._identities.foreign, self.lore.cold.copied()
        return NameSnapshot(
            self._seed, self._count, ids, self._names, cold, is_anonymous=self.is_anonymous
        )

    def grow(
        self,
        count: int,
        *,
        community: npt.ArrayLike | None = None,
        ids: ForeignIds | None = None,
        report: Report = quiet,
    ) -> range:
        """Append active agents (amortised); views taken earlier do not include them.

        Parameters
        ----------
        count
            New agents, at least 0.
        community
            int (count,): their labels among the existing ones; -1 if omitted.
        ids
            Their foreign ids, if the world has such ids; generated if omitted.
        report
            Progress callback; may cancel by raising, which leaves everything unchanged.

        Returns
        -------
        range of the new indices
        """
        if not 0 <= count <= MOST - self._count:
            raise InputError(f"{MOST:,} agents are the limit, {self._count:,} + {count:,} asked.")
        labels = labels_of(count, community, len(self._communities))
        before = self._count
        self._append(labels, self._identities.extended(count, ids), report)
        if self.is_multilingual:
            self.lore.languages = joined(self.lore.languages, self._count, self._seed)
        return range(before, self._count)

    def is_active(self, ids: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether each agent of ``ids`` is ACTIVE; bool of the shape of ``ids``."""
        return belongs(self.status[self._checked(ids)], "feeds")

    def set_status(self, ids: npt.ArrayLike, status: str | SupportsInt) -> None:
        """Move agents to a lifecycle stage; raise InputError if one of them may not move there."""
        who, goal = np.atleast_1d(self._checked(ids)), lifecycle(status)
        before = self.status[who]
        check_moves(who, before, goal)
        self._own("status")[who] = goal
        self.lore.moves.note(who, before, goal)

    def set_community(self, labels: npt.ArrayLike, names: Sequence[str] = ()) -> None:
        """Replace all communities.

        Parameters
        ----------
        labels
            int (n,): label of each agent, -1 none.
        names
            A name for each label; generated if omitted.
        """
        fresh, titles = labelled(self._count, labels, names)
        coined = community_titles(self._seed, self._communities)
        for label, stored in enumerate(self._communities[: len(titles)]):
            if titles[label] == coined[label]:  # as it was read: it still has no own name
                titles[label] = stored
        self._own("community")[: self._count] = fresh
        self._communities, self._titles, self._unlabelled = titles, None, False

    def set_interests(self, ids: npt.ArrayLike, masks: npt.ArrayLike) -> None:
        """Replace the interests of agents; ``masks`` are bit masks over the vocabulary."""
        values, size = np.asarray(masks), len(self._vocabulary)
        if values.size and (int(values.min()) < 0 or int(values.max()) >> size):
            raise InputError(f"Interests are bits 0 to {size - 1} of this vocabulary.")
        self._own("interests")[self._checked(ids)] = values

    def speak_of(self, vocabulary: Vocabulary) -> None:
        """Replace the vocabulary; agents have no interests in the new one yet."""
        self._vocabulary = vocabulary
        self._own("interests")[: self._count] = 0

    def set_activity(self, ids: npt.ArrayLike, share: npt.ArrayLike) -> None:
        """Replace the share of ticks online, in [0, 1]."""
        self._own("activity")[self._checked(ids)] = shares(share, "activity")
        self.edition += 1

    def set_personality(self, ids: npt.ArrayLike, traits: npt.ArrayLike) -> None:
        """Replace the Big Five: (k, 5) shares in [0, 1], stored in steps of 1/255."""
        values = shares(traits, "personality")
        chosen = self._checked(ids)
        self._own("personality")[chosen] = np.rint(values * 255).astype(np.uint8)
        self.edition += 1

    def set_language(self, ids: npt.ArrayLike, languages: npt.ArrayLike) -> None:
        """Replace languages, given as places in :data:`~sim.agents.languages.LANGUAGES`."""
        own = self.language.copy()
        own[self._checked(ids)] = languages
        self.lore.languages = own

    def still(self, copied: Callable[[str, npt.NDArray[Any]], npt.NDArray[Any]]) -> Agents:
        """Return a read-only snapshot whose columns are ``copied(name, column)``."""
        twin = copy(self)
        columns = {name: copied(name, view) for name, view in self._labelled().items()}
        vars(twin).update(_columns=columns, _views=columns, _communities=list(self._communities))
        twin.lore = self.lore.copied()
        return twin

    def dump(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole state: JSON-able values, and read-only views of the columns.

        Independent of how the population grew. Copy the columns to keep them across a change.
        """
        meta = {"count": self._count, "seed": self._seed, "vocabulary": self._vocabulary.dump()}
        meta |= {"is_anonymous": True} if self.is_anonymous else {}
        columns = self._labelled() | self.lore.dump()
        foreign = self._identities.foreign
        if isinstance(foreign, np.ndarray):
            columns["ids"] = foreign
        texts = {"ids": foreign, "names": self._names, "communities": Texts.of(self._communities)}
        for field, value in texts.items():
            if isinstance(value, Texts):
                columns[f"{field}_text"] = value.blob
                columns[f"{field}_offsets"] = value.offsets
        return meta, columns

    @classmethod
    def restore(
        cls, meta: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]], *, lent: bool = False
    ) -> Agents:
        """Return the population that was dumped; copies the columns.

        ``lent``: the columns never change, and each is copied only before it is written to;
        status and community, which every world writes to, are copied at once.

        Raises
        ------
        InputError
            A column is missing or does not match the others.
        """
        try:
            count, seed = int(meta["count"]), int(meta["seed"])
            vocabulary = Vocabulary.restore(meta["vocabulary"])
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"The description of the agents is damaged: {error!r}.") from None
        sizes = {"agents": count, "masks": 1 << len(vocabulary)}
        own = declared(columns, COLUMNS, sizes, "The column {!r} of the agents")
        for name, column in own.items():
            if lent and name not in {"status", "community"}:
                own[name] = column.view()
                own[name].flags.writeable = False
            else:
                own[name] = np.array(column, order="C")
        communities = texts_in(columns, "communities") or Texts.of(())
        foreign: npt.NDArray[np.int64] | Texts | None = texts_in(columns, "ids")
        if foreign is None and "ids" in columns:
            foreign = np.array(columns["ids"], np.int64)
        sizes["communities"] = len(communities)
        require(own.items(), COLUMNS, sizes, "the agents", _OUTSIDE)
        names = texts_in(columns, "names")
        if (foreign is not None and len(foreign) != count) or len(names or ()) > count:
            raise InputError(f"The ids or names of the agents do not fit {count} agents.")
        agents = cls(
            seed, own, Identities(count, foreign), names=names, communities=communities,
            vocabulary=vocabulary,
        )  # fmt: skip
        agents.lore = AgentRecords.restore(columns, count)
        agents.is_anonymous = meta.get("is_anonymous") is True
        return agents

    def _append(
        self, labels: npt.NDArray[np.int32], identities: Identities, report: Report
    ) -> None:
        """Write new rows past the end, then expose them; if the report raises, nothing changes."""
        start, end = self._count, identities.count
        self._reserve(end)
        fresh = {name: self._own(name)[start:end] for name in self._columns}
        if not self._unlabelled or labels.max(initial=-1) >= 0:
            self._labelled()
            fresh["community"][:] = labels
        fresh["status"][:] = Lifecycle.ACTIVE
        drawn = (fresh["personality"], fresh["interests"], fresh["activity"])
        topics = community_topics(self._seed, len(self._communities), self._vocabulary)
        draw(self._seed, start, labels, topics, self._vocabulary, drawn, report)
        self._count, self._identities = end, identities
        self._refresh()

    def _reserve(self, count: int) -> None:
        held = len(self._columns["status"])
        if count <= held:
            return
        room = count if held == 0 else max(count, held + held // 2)
        larger = room_for(room)
        for name, column in self._columns.items():
            larger[name][: self._count] = column[: self._count]
        self._columns = larger
        self._refresh()

    def _own(self, name: str) -> npt.NDArray[Any]:
        """Return a column to write to; a lent column is first replaced by a copy."""
        column = self._columns[name]
        if not column.flags.writeable:
            column = self._columns[name] = column.copy()
            self._refresh()
        return column

    def _refresh(self) -> None:
        for name, column in self._columns.items():
            view = column[: self._count]
            view.flags.writeable = False
            self._views[name] = view

    def _known(self, index: SupportsIndex) -> int:
        at = int(index.__index__())
        if not 0 <= at < self._count:
            raise InputError(f"No agent {at}: agents are 0 to {self._count - 1}.")
        return at

    def _checked(self, ids: npt.ArrayLike) -> npt.NDArray[np.uint32]:
        array = np.asarray(ids)
        if array.size == 0:
            return array.astype(np.uint32)
        if array.dtype.kind not in "iu":
            raise InputError(f"Agents are integers, got an array of {array.dtype}.")
        for extreme in (int(array.min()), int(array.max())):
            self._known(extreme)
        return array.astype(np.uint32)


@lru_cache(maxsize=64)
def popularity_table(size: int) -> npt.NDArray[np.uint8]:
    """Return topics 0..size-1, each repeated in proportion to its popularity (rank ** -0.6)."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -_EXPONENT
    ends = np.rint(np.cumsum(weights) / weights.sum() * TABLE).astype(np.int64)
    table = np.searchsorted(ends, np.arange(TABLE), side="right").astype(np.uint8)
    table.flags.writeable = False
    return table


def community_topics(seed: int, communities: int, vocabulary: Vocabulary) -> npt.NDArray[np.uint8]:
    """Return each community's topics, uint8 (communities, 8), padded by repeating the first."""
    out = np.empty((communities, SLOTS), np.uint8)
    with np.errstate(over="ignore"):
        fill_topics(key(seed, Stream.TOPICS), popularity_table(len(vocabulary)), out)
    return out


def draw(
    seed: int,
    start: int,
    community: npt.NDArray[np.int32],
    topics: npt.NDArray[np.uint8],
    vocabulary: Vocabulary,
    columns: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64], npt.NDArray[np.float32]],
    report: Report = quiet,
) -> None:
    """Fill the drawn columns of agents ``start .. start + len(community)``.

    An agent depends only on the seed, its index and its community, which has 4 to 6 topics of its
    own: a member draws an interest from these with chance 0.6, otherwise from the whole vocabulary
    by popularity. A small share of members writes most of the posts (Wojcik & Hughes 2019).
    """
    keys = [key(seed, s) for s in (Stream.PERSONALITY, Stream.INTERESTS, Stream.ACTIVITY)]
    table = popularity_table(len(vocabulary))
    personality, interests, activity = columns
    count = len(community)
    for low in range(0, count, _CHUNK):
        report("agents", low / count)
        part = slice(low, low + _CHUNK)
        at = start + low
        with np.errstate(over="ignore"):
            fill_personality(keys[0], at, personality[part])
            fill_interests(
                keys[1], at, community[part], topics, table, len(vocabulary), interests[part]
            )
            fill_activity(keys[2], at, activity[part])
    report("agents", 1.0)
