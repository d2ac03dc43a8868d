"""The log of commands on a world: tick, author, arguments and result; older ones are compressed.

The trail is not part of the state: equal worlds may have different histories, and have the same
digest. It is saved with the world, and its commands can be replayed (:mod:`sim.runtime.replay`).
The digest of each act covers the act and the digest before it, which reveals an act that was
changed, removed or moved, but not a trail that was rewritten as a whole.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import wraps
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from sim.core.params import Parameters
from sim.core.registry import make, spec_of
from sim.core.scratch import ScratchFiles
from sim.core.text import one_line
from sim.errors import InputError
from sim.network.graph.arcs import DroppedArcs
from sim.spread.cascade.cascade import Cascade
from sim.world.cascades import CascadeOwner, adoptions_of

OPEN_ACTS, OPEN_BYTES = 512, 256 << 10
"""Number of acts, and bytes of their arguments, kept uncompressed; beyond, half are packed."""

FILED_BYTES = 1 << 20
"""Total size of packed acts kept in memory, in bytes; further ones go to a scratch file."""


@dataclass(frozen=True, slots=True)
class LoggedAct:
    """One logged command.

    Parameters
    ----------
    number
        From 0, the act that created the world.
    tick
        The world's tick at the time; for ``step`` the one before it.
    author
        ``screen``, ``command line``, ``script``, ``plugin``, or a name of your own.
    kind
        ``create``, ``step``, ``inject`` ...
    said
        Its arguments as JSON: ``{"args": [...], "keywords": {...}}``.
    result
        Its result for people; one line.
    digest
        64 hex digits over all this and the digest of the act before.
    """

    number: int
    tick: int
    author: str
    kind: str
    said: str
    result: str
    digest: str = ""

    def chained(self, before: str) -> str:
        """Return the digest of this act if the previous act's digest is ``before``."""
        parts = [before, self.number, self.tick, self.author, self.kind, self.said, self.result]
        text = json.dumps(parts, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=32).hexdigest()


class _PackedPart(NamedTuple):
    """Packed acts: their rows as JSON, joined by commas."""

    acts: int
    packed: npt.NDArray[np.uint8]

    @property
    def text(self) -> str:
        return zlib.decompress(self.packed.data).decode()


class PackedActs(Sequence[LoggedAct]):
    """An append-only list of acts; any thread may read it.

    Examples
    --------
    >>> acts = PackedActs(LoggedAct(n, n, "script", "step", "{}", "") for n in range(2000))
    >>> len(acts), acts[-1].number, [act.number for act in acts[3:6]], acts.packed > 0
    (2000, 1999, [3, 4, 5], True)
    """

    def __init__(self, acts: Iterable[LoggedAct] = ()) -> None:
        self._spill = ScratchFiles()
        self._state: tuple[tuple[_PackedPart, ...], list[LoggedAct]] = ((), [])
        self._open_bytes = 0
        self._at_hand: tuple[_PackedPart | None, list[LoggedAct]] = (None, [])
        for act in acts:
            self.append(act)

    # What changes

    def append(self, act: LoggedAct) -> None:
        """Add an act at the end."""
        newest = self._state[1]
        newest.append(act)
        self._weigh(len(act.said))

    def _weigh(self, more: int) -> None:
        newest = self._state[1]
        self._open_bytes += more
        if len(newest) > OPEN_ACTS or (self._open_bytes > OPEN_BYTES and len(newest) > 2):
            self._pack()

    def renew(self, act: LoggedAct) -> None:
        """Replace the last act; concurrent readers never see a shorter list."""
        newest = self._last()
        before, newest[-1] = newest[-1], act
        self._weigh(len(act.said) - len(before.said))

    def clear(self) -> None:
        """Forget all of them."""
        self._state, self._open_bytes, self._at_hand = ((), []), 0, (None, [])

    def copy(self) -> PackedActs:
        """Return an independent copy; packed acts are shared."""
        other = PackedActs()
        parts, newest = self._state
        other._state, other._open_bytes = (parts, list(newest)), self._open_bytes
        other._spill = self._spill
        return other

    def _pack(self) -> None:
        parts, newest = self._state
        half = max(len(newest) // 2, 1)
        packed = zlib.compress(",".join(map(row_of, newest[:half])).encode(), 1)
        column = np.frombuffer(packed, np.uint8)
        if self.packed > FILED_BYTES:
            column = self._spill.moved(column)
        left = newest[half:]
        self._state = ((*parts, _PackedPart(half, column)), left)
        self._open_bytes = sum(len(act.said) for act in left)

    def _last(self) -> list[LoggedAct]:
        """Return the list that holds the last act, unpacking it if needed."""
        parts, newest = self._state
        if not newest and parts:
            newest = list(_unpacked(parts[-1]))
            self._state = (parts[:-1], newest)
            self._open_bytes = sum(len(act.said) for act in newest)
        return newest

    # Reading

    @property
    def packed(self) -> int:
        """Bytes of packed acts."""
        return sum(part.packed.nbytes for part in self._state[0])

    def texts(self) -> Iterator[str]:
        """Yield all acts as JSON lists of :func:`row_of`, a few hundred in each."""
        parts, newest = self._state
        newest = list(newest)
        for part in parts:
            yield f"[{part.text}]"
        if newest or not parts:
            yield f"[{','.join(map(row_of, newest))}]"

    def __len__(self) -> int:
        parts, newest = self._state
        return sum(part.acts for part in parts) + len(newest)

    def __iter__(self) -> Iterator[LoggedAct]:
        parts, newest = self._state
        newest = list(newest)
        for part in parts:
            yield from _unpacked(part)
        yield from newest

    @overload
    def __getitem__(self, place: int) -> LoggedAct: ...
    @overload
    def __getitem__(self, place: slice) -> list[LoggedAct]: ...
    def __getitem__(self, place: int | slice) -> LoggedAct | list[LoggedAct]:
        parts, newest = self._state
        newest = list(newest)
        first = sum(part.acts for part in parts)
        if isinstance(place, slice):
            places = range(first + len(newest))[place]
            if places and min(places) >= first:
                return [newest[number - first] for number in places]
            return list(self)[place]
        number = range(first + len(newest))[place]
        return newest[number - first] if number >= first else self._packed(parts, number)

    def _packed(self, parts: tuple[_PackedPart, ...], number: int) -> LoggedAct:
        start = 0
        for part in parts:
            if number < start + part.acts:
                known, acts = self._at_hand
                if known is not part:
                    acts = _unpacked(part)
                    self._at_hand = (part, acts)
                return acts[number - start]
            start += part.acts
        raise IndexError(number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"<{len(self):,} acts>"


def row_of(act: LoggedAct) -> str:
    """Return an act as JSON: ``[number, tick, author, kind, arguments, result, digest]``."""
    fields = (act.number, act.tick, act.author, act.kind, act.said, act.result, act.digest)
    return json.dumps(fields, separators=(",", ":"))


def _unpacked(part: _PackedPart) -> list[LoggedAct]:
    rows: list[list[Any]] = json.loads(f"[{part.text}]")
    return [LoggedAct(*row) for row in rows]


F = TypeVar("F", bound=Callable[..., Any])
Witness = Callable[[str, tuple[Any, ...], Mapping[str, Any] | None], AbstractContextManager[None]]

PLUGIN = "plugin"
"""Author of what happens inside a tick; a replay of the tick does it again."""

UNSAID = "unsaid"
"""Key in place of arguments that are too long or not JSON; such an act cannot be replayed."""

MOST_BYTES = 16 << 20
"""Maximum length of an act's arguments in bytes; longer ones are left out."""

LONGEST_RESULT, LONGEST_AUTHOR = 200, 64
_SHORT = 256
"""Arrays up to this length are written as readable numbers."""

_STEP = re.compile(r'\{"args":\[([0-9]{1,18})\],"keywords":\{\}\}')

_ARRAY, _PLUGIN = "array", "plugin"
_LARGEST_ARRAY = 1 << 30


class DatedWorld(CascadeOwner, Protocol):
    """The part of a world that its trail uses."""

    tick: int


@dataclass(slots=True)
class Note:
    """A running act; the code that carries it out sets the result."""

    kind: str
    result: str = ""


@dataclass(slots=True)
class Trail:
    """All acts since a world was created.

    Attributes
    ----------
    author
        Author of the next acts.
    acts
        Acts in order, without the ticks since the last of them (:meth:`seal`).
    reader
        Name of the code that has read-only access now; empty: none.
    witness
        ``witness(kind, args, said)`` is a context manager around each act between two ticks, for
        example one that writes it to a journal; None: no witness.
    """

    author: str = "script"
    acts: PackedActs = field(default_factory=PackedActs)
    _ticks: int = 0
    _since: int = 0
    _ever: int = 0
    _is_new: bool = False
    _under_way: Note | None = None
    reader: str = ""
    witness: Witness | None = None
    _in_tick: bool = False

    @property
    def head(self) -> str:
        """The digest of the last act; empty before the first."""
        return self.acts[-1].digest if self.acts else ""

    def began(self, kind: str, said: Mapping[str, Any] | None = None, result: str = "") -> None:
        """Log how the world was created, replacing what was logged before.

        Parameters
        ----------
        kind, said
            ``create``, ``demo`` or ``import`` with the arguments to repeat it; ``given``: a program
            made it from arrays that the trail does not hold.
        result
            Its result for people.
        """
        self.acts.clear()
        self._add(0, self.author, kind, said_of((), said or {}), result)
        self._is_new = True

    @contextmanager
    def doing(
        self,
        world: DatedWorld,
        kind: str,
        args: tuple[Any, ...] = (),
        said: Mapping[str, Any] | None = None,
    ) -> Iterator[Note]:
        """Log an act once it is done; one that raises changed nothing and is not logged.

        Parameters
        ----------
        world
            The world of this trail.
        kind, args, said
            Its name and arguments. Acts that it calls in turn are not logged.
        """
        self.refuse_reader(kind)
        outer = self._under_way
        if outer is not None:  # inner acts are not logged; one of the same kind sets the result
            yield outer if outer.kind == kind else Note(kind)
            return
        witness = None if self._in_tick else self.witness
        with nullcontext() if witness is None else witness(kind, args, said):
            self.seal(world)
            tick, words, note = world.tick, said_of(args, said or {}), Note(kind)
            self._under_way = note
            try:
                yield note
            finally:
                self._under_way = None
            self._add(tick, PLUGIN if self._in_tick else self.author, kind, words, note.result)

    def refuse_reader(self, kind: str) -> None:
        """Raise for an act of code with read-only access."""
        if self.reader:
            raise InputError(f"{self.reader} calls {kind}, and may only read the world")

    def did(self, world: DatedWorld, kind: str, result: str = "") -> None:
        """Log a finished act that cannot be replayed, because its arguments are unknown."""
        self.seal(world)
        self._add(
            world.tick, self.author, kind, json.dumps({UNSAID: "only the program knew"}), result
        )

    @contextmanager
    def ticking(self, tick: int) -> Iterator[None]:
        """Log a tick; ``tick`` is the one before it."""
        was_in_tick, self._in_tick = self._in_tick, True
        try:
            yield
        finally:
            self._in_tick = was_in_tick
            if self._under_way is None:
                self._since = self._since if self._ticks else tick
                self._ticks += 1
                self._ever += 1

    def by(self, world: DatedWorld, author: str) -> None:
        """Set the author of the next acts, and of the world's creation if it is new."""
        if author == self.author:
            return
        self.seal(world)
        self.author = author
        if self._is_new:
            first = replace(self.acts[0], author=one_line(author, LONGEST_AUTHOR))
            self.acts.renew(replace(first, digest=first.chained("")))

    def take(self, acts: Sequence[LoggedAct]) -> None:
        """Continue after acts that were read from a file."""
        self.acts = PackedActs(acts)
        self._is_new, self._ticks = False, 0

    def seal(self, world: DatedWorld) -> None:
        """Log the ticks since the last act as one act.

        If the last act is a step of the same author, it is extended instead, so that the trail does
        not depend on when the world was read or copied in between.
        """
        if not self._ticks:
            return
        ticks, self._ticks = self._ticks, 0
        result = f"tick {self._since + ticks:,}"
        if not self._in_tick:
            result += f", {adoptions_of(world):,} adoptions"
        last, author = self.acts[-1] if self.acts else None, one_line(self.author, LONGEST_AUTHOR)
        before = steps_of(last) if last is not None and last.author == author else 0
        goes_on = last is not None and before > 0 and last.tick + before == self._since
        if last is not None and goes_on:
            self._since, ticks = last.tick, before + ticks
        said = said_of((ticks,), {})
        self._add(self._since, self.author, "step", said, result, renews=goes_on)

    def copy(self) -> Trail:
        """Return an independent copy."""
        return Trail(self.author, self.acts.copy(), self._ticks, self._since, self._ever)

    @property
    def length(self) -> tuple[int, int]:
        """Number of acts, and of ticks so far; it differs after every change."""
        return len(self.acts), self._ever

    def since_tick(self) -> list[LoggedAct]:
        """Return the acts since the last tick, in order."""
        if self._ticks:
            return []
        last = itertools.takewhile(lambda act: not steps_of(act), reversed(self.acts))
        return list(last)[::-1]

    def _add(
        self, tick: int, author: str, kind: str, said: str, result: str, *, renews: bool = False
    ) -> None:
        result, author = one_line(result, LONGEST_RESULT), one_line(author, LONGEST_AUTHOR)
        number = len(self.acts) - renews
        act = LoggedAct(number, tick, author, kind, said, result)
        head = self.acts[number - 1].digest if number else ""
        (self.acts.renew if renews else self.acts.append)(replace(act, digest=act.chained(head)))
        self._is_new = False


def noted(kind: str) -> Callable[[F], F]:
    """Decorate a method of a world: log each call that does not raise in the world's trail."""

    def wrapped(method: F) -> F:
        @wraps(method)
        def act(world: Any, *args: Any, **keywords: Any) -> Any:
            with world.doing(kind, args, keywords) as note:
                result = method(world, *args, **keywords)
                note.result = told(result)
            return result

        return cast("F", act)

    return wrapped


def steps_of(act: LoggedAct) -> int:
    """Return the number of ticks of a step; 0 for other acts, and if it is not given."""
    said = _STEP.fullmatch(act.said) if act.kind == "step" else None
    return int(said[1]) if said is not None else 0


def told(result: object) -> str:
    """Return the result of an act as text for people."""
    if isinstance(result, range):
        return f"{len(result):,} agents from index {result.start:,}"
    if isinstance(result, DroppedArcs):
        return f"{result.loops:,} loops and {result.duplicates:,} duplicates left out"
    if isinstance(result, Cascade):
        return f"message #{result.id}, {result.status}, {result.seeds.size:,} seeds"
    return "" if result is None else str(result)


def said_of(args: tuple[Any, ...], keywords: Mapping[str, Any]) -> str:
    """Return arguments as JSON; if it cannot hold them, a mark that they were left out.

    Examples
    --------
    >>> said_of((5,), {"at": None, "seeds": np.arange(3)})
    '{"args":[5],"keywords":{"seeds":[0,1,2]}}'
    """
    given = {name: keywords[name] for name in sorted(keywords) if keywords[name] is not None}
    body = {"args": list(args), "keywords": given}
    try:
        text = json.dumps(body, default=_plain, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return json.dumps({UNSAID: one_line(str(error), LONGEST_RESULT)})
    if len(text) > MOST_BYTES:
        return json.dumps({UNSAID: f"{len(text):,} bytes"})
    return text


def words_of(said: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of an act."""
    try:
        body = json.loads(said, object_hook=_array)
        args, keywords = body.get("args", []), body.get("keywords", {})
    except (AttributeError, TypeError, RecursionError, zlib.error) as error:
        raise ValueError("its arguments cannot be read") from error
    if UNSAID in body:
        raise ValueError("its arguments are not in the log")
    if not isinstance(args, list) or not isinstance(keywords, dict):
        raise ValueError("its arguments are not a list and a table")  # noqa: TRY004 - of a file
    return args, keywords


def _plain(value: object) -> Any:
    """Return numpy's values as JSON can hold them; long arrays are packed."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Parameters):
        return _settings(value)
    if not isinstance(value, np.ndarray):
        raise TypeError(f"a {type(value).__name__} cannot be written down")
    if value.size <= _SHORT or value.dtype.kind not in "biuf":
        return value.tolist()
    packed = zlib.compress(np.ascontiguousarray(value).tobytes(), 1)
    return {_ARRAY: [value.dtype.str, list(value.shape), base64.b64encode(packed).decode("ascii")]}


def _settings(value: Parameters) -> dict[str, Any]:
    """Return settings by name; for a registered plugin also its registered name."""
    known = spec_of(type(value))
    if known is not None:
        return {_PLUGIN: [known.kind, known.name, value.values()]}
    if getattr(value, "plugin_kind", ""):
        raise TypeError(f"a {type(value).__name__} that is not registered cannot be written down")
    return value.values()


def _array(body: dict[str, Any]) -> Any:
    """Return a packed array or a plugin as an object; any other table unchanged."""
    if list(body) == [_PLUGIN]:
        kind, name, values = body[_PLUGIN]
        return make(name, kind, **values)
    if list(body) != [_ARRAY]:
        return body
    dtype, shape, packed = body[_ARRAY]
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if kind.kind not in "biuf" or not 0 <= size <= _LARGEST_ARRAY:
        raise ValueError("an array of no size that is allowed")
    data = zlib.decompressobj().decompress(base64.b64decode(packed), size or 1)
    found: npt.NDArray[Any] = np.frombuffer(data, kind).reshape(shape)
    return found
