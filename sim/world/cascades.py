""":class:`Cascades`: a world's messages: active cascades, and packed records of ended ones.

An ended message takes a few hundred bytes of memory: its record is packed into a scratch file, and
the message is rebuilt when it is accessed, or when an event occurs that may change it
(:class:`Stirs`). A tick visits the others alone (:attr:`Cascades.loose`), so its cost does not
depend on how many messages have ended.
"""

from __future__ import annotations

import json
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, MutableSequence, Sequence
from enum import IntFlag
from struct import Struct
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, overload
from weakref import ReferenceType, ref

import numpy as np
import numpy.typing as npt
import xxhash

from sim.core.append_log import SharedList
from sim.core.threads import interruptible
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Around
from sim.spread.cascade.faults import is_interruption
from sim.world.records import PACKED_BYTES, PackedRecord, read, resting, serialize

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.core.scratch import ScratchFiles
    from sim.spread.cascade.contacts import OpenedChannel
    from sim.spread.cascade.model import PropagationModel


Columns = dict[str, npt.NDArray[Any]]


class CascadeOwner(Around, Protocol):
    """The part of a world that its messages use."""

    agents: Agents
    cascades: Cascades
    rested_as: str

    def reopened(self, channel: OpenedChannel) -> OpenedChannel:
        """Return a channel opened in this world."""


CALM_TICKS = 16
"""Ticks after its last check for changes at which a rebuilt message is packed again."""

PILE_BYTES = 1 << 20
"""Size of the blocks that packed records share, in bytes."""


class RecordPile:
    """Append-only blocks in scratch files, each shared by many small records."""

    def __init__(self, spill: ScratchFiles) -> None:
        self._spill = spill
        self._room: npt.NDArray[np.uint8] | None = None
        self._taken = 0
        self._models: dict[Hashable, PropagationModel] = {}

    def put(self, data: bytes) -> tuple[npt.NDArray[np.uint8], int]:
        """Return the block, shared with other records, and the offset of the bytes in it."""
        if len(data) > PILE_BYTES:
            return self._spill.room(len(data)).hold(np.frombuffer(data, np.uint8)), 0
        if self._room is None or self._taken + len(data) > PILE_BYTES:
            self._room, self._taken = self._spill.empty(PILE_BYTES, np.uint8), 0
        begin, self._taken = self._taken, self._taken + len(data)
        self._room[begin : self._taken] = np.frombuffer(data, np.uint8)
        return self._room, begin

    def model(self, model: PropagationModel) -> PropagationModel:
        """Return one shared instance for all equal models."""
        said = json.dumps(model.values(), sort_keys=True, default=repr)
        return self._models.setdefault((type(model), model.plugin_name, said), model)

    def __deepcopy__(self, memo: dict[int, Any]) -> RecordPile:
        """Return this pile: stored bytes never change."""
        return self


class Stirs(IntFlag):
    """What may change an ended message, besides a command that names it."""

    NOTHING = 0
    SURROUNDINGS = 1
    """Ties, an agent's status, or opinions on its topic: the message may resume."""

    SUMS = 2
    """Ties or trust: its sums over them become invalid."""

    NEWCOMERS = 4
    """Agents that join: its model handles them."""


_making = RLock()
"""Held while a message is rebuilt, so that two threads get the same object."""

_ABOUT = Struct("=16s6q")
"""Seal, size, contacts seen, start, begin and end of the record, and its unpacked length."""


class EndedCascade:
    """An ended message: the values that every tick needs, and its record, packed in one object."""

    __slots__ = (
        "_numbers", "_object", "_room", "agents", "channel", "id", "model", "rested", "status",
        "stirs",
    )  # fmt: skip

    def __init__(
        self,
        cascade: Cascade,
        pile: RecordPile,
        stirs: Stirs = Stirs.NOTHING,
        before: EndedCascade | None = None,
    ) -> None:
        # as they were when the cascade was packed
        self.id, self.status, self.stirs = cascade.id, cascade.status, stirs
        is_own = cascade.status == "quiet" and bool(getattr(cascade.model, "topic", ""))
        # the cascade's own value if it is quiet and has a topic; empty: the world's. It is
        # kept outside the record because it changes with every opinion, and nothing else does
        self.rested = cascade.rested if is_own else ""
        self.agents, self.channel = cascade.agents, cascade.channel
        self.model = pile.model(cascade.model)  # shared with equal models
        self.held = cascade
        data = serialize(*cascade.dump())
        seal = xxhash.xxh3_128_digest(data)
        self._room: npt.NDArray[np.uint8]
        self._numbers: bytes
        if before is not None and before._numbers.startswith(seal):  # noqa: SLF001 - its own kind
            self._room, self._numbers = before._room, before._numbers  # noqa: SLF001
            return
        packed = zlib.compress(data, 1) if len(data) <= PACKED_BYTES else data
        self._room, begin = pile.put(packed)
        numbers = (cascade.size, int(cascade.contacts_seen), cascade.started_at)
        place = (begin, begin + len(packed), len(data))
        about = _ABOUT.pack(seal, *numbers, *place)
        self._numbers = about + cascade.tally.tobytes()

    @property
    def _about(self) -> tuple[Any, ...]:
        return _ABOUT.unpack_from(self._numbers)

    @property
    def seal(self) -> int:
        """Digest of its record, and of its own ``rested`` where it has one."""
        own = self._numbers[:16]
        if self.rested:
            own = xxhash.xxh3_128_digest(own + self.rested.encode())
        return int.from_bytes(own, "big")

    @property
    def size(self) -> int:
        """Number of agents that ever adopted it."""
        return int(self._about[1])

    @property
    def contacts_seen(self) -> int:
        """Number of contacts it had."""
        return int(self._about[2])

    @property
    def started_at(self) -> int:
        """The tick at which it started."""
        return int(self._about[3])

    @property
    def held(self) -> Cascade | None:
        """The message itself while a reference to it exists; else None."""
        return None if self._object is None else self._object()

    @held.setter
    def held(self, cascade: Cascade) -> None:
        self._object: ReferenceType[Cascade] | None = ref(cascade, self._dropped)

    def _dropped(self, gone: ReferenceType[Cascade]) -> None:
        if self._object is gone:
            self._object = None

    def tally(self, agents: int) -> npt.NDArray[np.int64]:
        """Return the number of agents in each state, out of ``agents``."""
        found = np.frombuffer(self._numbers, np.int64, offset=_ABOUT.size).copy()
        found[0] += agents - self.agents
        return found

    def told(self, agents: int) -> bytes:
        """Return the bytes that go into a tick's digest."""
        said = f"{self.id} {self.status} {self.size} {self.contacts_seen}"
        return said.encode() + self.tally(agents).tobytes()

    def dump(self, agents: int, rested: str) -> tuple[dict[str, Any], Columns]:
        """Return what the message's own :meth:`~Cascade.dump` would."""
        if self.agents != agents:
            return self.made(agents, rested).dump()
        return self._unpacked(rested)

    def made(self, agents: int, rested: str) -> Cascade:
        """Return the message, rebuilt from its record."""
        meta, columns = self._unpacked(rested)
        cascade = Cascade.restore(
            meta, columns, model=self.model, agents=self.agents, channel=self.channel
        )
        if agents > self.agents:
            cascade.grow(agents - self.agents)
        return cascade

    def record(self, agents: int, rested: str) -> PackedRecord | None:
        """Return its record as stored in a file, for ``agents`` agents; None if too large."""
        *_, whole = self._about
        if whole > PACKED_BYTES:
            return None
        if self.agents == agents and not self.rested:
            return PackedRecord(self.id, whole, self._data)
        if self.agents == agents:
            data = zlib.decompress(self._data)
        else:
            data = serialize(*self.made(agents, rested).dump())
        data = resting(data, self.rested)
        if len(data) > PACKED_BYTES:
            return None
        return PackedRecord(self.id, len(data), zlib.compress(data, 1))

    def _unpacked(self, rested: str) -> tuple[dict[str, Any], Columns]:
        *_, whole = self._about
        data = zlib.decompress(self._data) if whole <= PACKED_BYTES else bytes(self._data)
        return read(data, self.rested or rested)

    @property
    def _data(self) -> memoryview:
        """The record's bytes as stored."""
        *_, begin, end, _ = self._about
        return self._room.data[begin:end]


class Cascades(MutableSequence[Cascade]):
    """All messages of a world, in order of their numbers.

    Ended messages of a contest stay unpacked as long as it runs: the other messages write into
    their columns.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=500, mean_degree=4, seed=1)
    >>> for _ in range(40):
    ...     _ = world.inject("x", seeds=[0], model="independent-cascade", probability=0.0)
    >>> world.step(3)
    >>> len(world.cascades), len(world.cascades.loose), world.cascades[3].status
    (40, 16, 'quiet')
    """

    def __init__(self, world: CascadeOwner, items: Iterable[Cascade | EndedCascade] = ()) -> None:
        self._world = ref(world)
        self._holds: CascadeOwner | None = None
        self._settle(list(items))

    def _settle(self, items: list[Cascade | EndedCascade]) -> None:
        loose = {place: e for place, e in enumerate(items) if isinstance(e, Cascade)}
        self._items: SharedList[Cascade | EndedCascade] = SharedList(items, loose)
        self._loose = list(loose.values())
        ended = [each for each in items if isinstance(each, EndedCascade)]
        self.adoptions = sum(each.size for each in ended)
        self.contacts = sum(each.contacts_seen for each in ended)
        self.seals = 0
        for each in ended:
            self.seals ^= each.seal
        self._forget()
        self._before: dict[int, EndedCascade] = {}
        self._sizes: array[int] | None = None
        self._holds = self._world() if ended else None  # messages are rebuilt in it

    def _forget(self) -> None:
        """Drop what was derived from the items."""
        self._runs: tuple[int, list[bytes | Cascade]] | None = None
        self._stirred: list[EndedCascade] | None = None
        self._packed: dict[Hashable, list[EndedCascade]] | None = None
        self._peers: dict[Hashable, tuple[Cascade, ...]] | None = None

    def twin(self, world: CascadeOwner, of: Callable[[Cascade], Cascade]) -> Cascades:
        """Return the messages for a copy of the world, with ``of(message)`` for each loose one.

        Totals of ended messages are taken over instead of computed again. The messages hold no
        strong reference to the copy, so that it is freed as soon as the last reference to it goes,
        and its copies of large columns do not wait for the garbage collector.
        """
        found = Cascades(world)
        twins = [of(each) for each in self._loose]
        found._items = self._items.copied(dict(zip(self._items.own, twins, strict=True)))
        found._loose = twins
        found.adoptions, found.contacts, found.seals = self.adoptions, self.contacts, self.seals
        return found

    # What a tick visits

    @property
    def loose(self) -> list[Cascade]:
        """Messages that may still change, and some that ended recently; do not modify."""
        return self._loose

    @property
    def ended(self) -> Iterator[EndedCascade]:
        """Packed messages."""
        return (each for each in self._items if isinstance(each, EndedCascade))

    @property
    def items(self) -> Sequence[Cascade | EndedCascade]:
        """All items, packed ones too, in order; do not modify."""
        return self._items

    @property
    def at_rest(self) -> npt.NDArray[np.int64]:
        """Sizes of the messages that died out, int64, in no particular order."""
        if self._sizes is None:
            self._sizes = array("q", (e.size for e in self.ended if e.status == "quiet"))
        loose = array("q", (each.size for each in self._loose if each.status == "quiet"))
        return np.array(self._sizes + loose, np.int64)

    def runs(self, agents: int) -> list[bytes | Cascade]:
        """Return all for a digest, in order: messages, and joined bytes of runs of packed ones."""
        if self._runs is None or self._runs[0] != agents:
            found: list[bytes | Cascade] = []
            told: list[bytes] = []
            for each in self._items:
                if isinstance(each, EndedCascade):
                    told.append(each.told(agents))
                    continue
                found += [b"".join(told), each]
                told = []
            self._runs = (agents, [*found, b"".join(told)])
        return self._runs[1]

    # What changes

    def pack(self, cascade: Cascade, pile: RecordPile, stirs: Stirs = Stirs.NOTHING) -> None:
        """Pack an ended message; ``stirs``: what may change it."""
        place = self.place_of(cascade.id)
        ended = EndedCascade(cascade, pile, stirs, self._before.pop(cascade.id, None))
        self._items.settle(place, ended)
        self._holds = self._world()
        self._loose.remove(cascade)
        self.adoptions += ended.size
        self.contacts += ended.contacts_seen
        self.seals ^= ended.seal
        if ended.status == "quiet" and self._sizes is not None:
            self._sizes.append(ended.size)
        if self._stirred is not None and stirs:
            self._stirred.append(ended)
        if self._packed is not None and (group := contest_of(ended)) is not None:
            self._packed.setdefault(group, []).append(ended)
        self._runs = self._peers = None

    def is_calm(self, cascade: Cascade, tick: int) -> bool:
        """Return whether packing pays: the message was not rebuilt and checked recently."""
        return cascade.id not in self._before or tick - cascade.asked_at >= CALM_TICKS

    def take_up(self, cascade: Cascade) -> None:
        """Replace a packed message by its rebuilt cascade, which may change again."""
        self._peers = None
        place = self.place_of(cascade.id)
        if place < len(self._items) and isinstance(self._items[place], EndedCascade):
            self._settle([*self._items[:place], cascade, *self._items[place + 1 :]])
        self.gather(cascade)

    def rouse(self, stirs: Stirs, topics: Callable[[EndedCascade], bool] | None = None) -> None:
        """Unpack the messages that ``stirs`` may change now, or for which ``topics`` is true."""
        self._hold_whole(
            each for each in self._stirring()
            if each.stirs & stirs or (topics is not None and each.rested and topics(each))
        )  # fmt: skip

    def gather(self, cascade: Cascade) -> None:
        """Unpack the rivals of a message that starts running, since it writes into them."""
        contest = contest_of(cascade)
        if contest is not None:
            self._hold_whole(self._grouped().get(contest, ()))

    def _stirring(self) -> list[EndedCascade]:
        """Return the packed messages that something may change."""
        if self._stirred is None:
            self._stirred = [each for each in self.ended if each.stirs]
        return self._stirred

    def _grouped(self) -> dict[Hashable, list[EndedCascade]]:
        """Return the packed messages that have a group, by group."""
        if self._packed is None:
            self._packed = {}
            for each in self.ended:
                if (group := contest_of(each)) is not None:
                    self._packed.setdefault(group, []).append(each)
        return self._packed

    def _hold_whole(self, found: Iterable[EndedCascade]) -> None:
        known = {each.id: each for each in found}
        if known:
            before = self._before | known
            self._settle([
                self._as_cascade(each) if each.id in known else each for each in self._items
            ])  # fmt: skip
            self._before = before

    def peers_of(self, group: Hashable) -> tuple[Cascade, ...]:
        """Return the messages of a group in order; they are grouped once per tick."""
        if self._peers is None:
            peers: dict[Hashable, list[Cascade]] = {}
            for each in self._loose:
                peers.setdefault(contest_of(each), []).append(each)
            self._peers = {one: tuple(known) for one, known in peers.items()}
        found = self._peers.get(group, ())
        packed = self._grouped().get(group)
        if not packed:
            return found
        return tuple(sorted([*found, *map(self._as_cascade, packed)], key=_number))

    def regroup(self) -> None:
        """Forget which messages are stepped together; models are asked again."""
        self._peers = None

    def hold(self, items: Iterable[Cascade | EndedCascade]) -> None:
        """Replace all messages."""
        self._settle(list(items))

    def grow(self, count: int) -> None:
        """Make room for agents that joined; they count as unreached."""
        self._hold_whole(each for each in self._stirring() if each.stirs & Stirs.NEWCOMERS)
        for each in self._loose:
            each.grow(count)
        for ended in self.ended:
            if (held := ended.held) is not None:
                held.grow(count)

    # A sequence

    def find(self, number: int) -> Cascade | None:
        """Return the message with a number, or None."""
        items = self._items  # read once: another thread may replace them
        place = bisect_left(items, number, key=_number)
        if place == len(items) or items[place].id != number:
            return None
        return self._as_cascade(items[place])

    def newest(self, most: int) -> list[Cascade]:
        """Return the newest messages that have started, at most ``most``, in order."""
        begun = [each for each in self._items if each.started_at >= 0][-most:]
        return [self._as_cascade(each) for each in begun]

    def place_of(self, number: int) -> int:
        """Return the place of the message with a number, or where it would be inserted."""
        return bisect_left(self._items, number, key=_number)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Cascade]:
        return map(self._as_cascade, list(self._items))

    @overload
    def __getitem__(self, place: SupportsIndex) -> Cascade: ...
    @overload
    def __getitem__(self, place: slice) -> list[Cascade]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Cascade | list[Cascade]:
        if isinstance(place, slice):
            return [self._as_cascade(each) for each in self._items[place]]
        return self._as_cascade(self._items[place])

    def __setitem__(self, place: Any, value: Any) -> None:
        items = list(self._items)
        items[place] = value
        self._settle(items)

    def __delitem__(self, place: SupportsIndex | slice) -> None:
        items = list(self._items)
        del items[place]
        self._settle(items)

    def insert(self, place: SupportsIndex, value: Cascade) -> None:
        """Insert a message at a place."""
        at = place.__index__()
        if at >= len(self._items):
            self._items.append(value, is_own=True)
            self._loose.append(value)
            self._runs = self._peers = None
            return
        self._settle([*self._items[:at], value, *self._items[at:]])

    def clear(self) -> None:
        """Forget all of them."""
        self._settle([])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Cascades):
            return self._items == other._items
        return isinstance(other, list) and list(self) == other

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"<{len(self):,} messages>"

    def _as_cascade(self, item: Cascade | EndedCascade) -> Cascade:
        if isinstance(item, Cascade):
            return item
        with _making:
            return item.held or self._made(item)

    def _made(self, item: EndedCascade) -> Cascade:
        world = self._world()
        assert world is not None  # noqa: S101 - it owns these
        stirred = item.stirs & Stirs.NEWCOMERS  # nobody has joined since, or grow() is running
        agents = item.agents if stirred else len(world.agents)
        found = item.made(agents, world.rested_as)
        found.around, found.siblings = world, self
        found.channel = world.reopened(item.channel)
        item.held = found
        return found


def _number(item: Cascade | EndedCascade) -> int:
    return item.id


def contest_of(item: Cascade | EndedCascade) -> Hashable | None:
    """Return the messages that write one another's columns, or None; faults show in their step."""
    try:
        with interruptible():
            group = item.model.together()
    except BaseException as error:  # whatever an author's code raises
        if is_interruption(error):
            raise
        return None
    return None if group is None else (type(item.model), group)


def adoptions_of(world: CascadeOwner) -> int:
    """Return the number of recorded adoptions of all messages."""
    cascades = world.cascades
    return cascades.adoptions + sum(each.size for each in cascades.loose)


def dumped(world: CascadeOwner) -> Iterator[tuple[dict[str, Any], Columns]]:
    """Yield the dump of each message of a world, in order."""
    agents = len(world.agents)
    for each in world.cascades.items:
        yield each.dump(agents, world.rested_as) if isinstance(each, EndedCascade) else each.dump()


def packed(
    world: CascadeOwner,
) -> tuple[list[PackedRecord], Iterator[tuple[dict[str, Any], Columns]]]:
    """Return a world's packed records, and dumps of the others; in order, as :func:`dumped`."""
    agents, rested = len(world.agents), world.rested_as
    found: list[PackedRecord] = []
    others: list[Cascade | EndedCascade] = []
    for each in world.cascades.items:
        record = each.record(agents, rested) if isinstance(each, EndedCascade) else None
        if record is None:
            others.append(each)
        else:
            found.append(record)
    told = (e.dump(agents, rested) if isinstance(e, EndedCascade) else e.dump() for e in others)
    return found, told


def models_of(world: CascadeOwner) -> Iterable[PropagationModel]:
    """Return the models of a world's messages, in order; packed messages share equal ones."""
    seen: set[int] = set()
    for each in world.cascades.items:
        if isinstance(each, EndedCascade):
            if id(each.model) in seen:
                continue
            seen.add(id(each.model))
        yield each.model
