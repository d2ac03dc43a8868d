"""State of minded members: minds, goals, memories, plans, direct messages, and their bounds.

The newest quarter of the memories is always kept. Of the older ones the strongest are kept, by
importance in [0, 1] and by recency, ``0.995 ** hours`` as in Park et al. (2023, Generative
Agents). The rest is forgotten.
"""

from __future__ import annotations

import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.arrays import Ids
from sim.core.checks import short_text
from sim.core.text import clean, one_line
from sim.errors import InputError
from sim.platform.feed.exposures import ExposurePart

MOST = 64
"""Maximum number of memories per member."""
LONGEST = 200
"""Maximum length of a memory in characters."""
MOST_BYTES = 16_384
"""Maximum bytes of a member's memories: UTF-8 text, and 24 for the numbers of each."""

MOST_LETTERS, LONGEST_LETTER = 6, 200
"""Number of a member's newest direct messages that are kept; characters of each."""

OUTCOMES = ("likes", "shares", "replies", "follows", "against")
"""Counters of a plan; the last counts dislikes, reports, mutes, blocks and unfollows."""

_PER_HOUR = 0.995
_SHORT = 4  # one memory in four is short-term
_NUMBERS = 24
Row = list[Any]


def recency(hour: float, now: float) -> float:
    """Return the recency weight of a memory from ``hour``; 1 for now."""
    return float(_PER_HOUR ** max(now - hour, 0.0))


def tidy(row: Iterable[Any]) -> Row:
    """Return a memory (hour, text, tags, importance), cleaned and within bounds."""
    hour, text, tags, importance = row
    weight = min(max(float(importance), 0.0), 1.0)
    return [float(hour), one_line(str(text), LONGEST), int(tags) & (1 << 64) - 1, weight]


def size_of(rows: Iterable[Sequence[Any]]) -> int:
    """Return the size of memories in bytes."""
    return sum(len(row[1].encode("utf-8", "replace")) + _NUMBERS for row in rows)


def kept(rows: Iterable[Iterable[Any]], most: int = MOST) -> list[Row]:
    """Return the memories to keep, in their order.

    Examples
    --------
    >>> rows = [[hour, "rain", 0, 0.9 if hour == 0 else 0.1] for hour in range(5)]
    >>> [row[0] for row in kept(rows, 4)]
    [0.0, 2.0, 3.0, 4.0]
    """
    held = [tidy(row) for row in rows]
    now = max((row[0] for row in held), default=0.0)
    short, size = max(most, 1) // _SHORT, size_of(held)
    while len(held) > max(most, 1) or size > MOST_BYTES:
        old = max(len(held) - short, 1)
        weakest = min(range(old), key=lambda at: recency(held[at][0], now) + held[at][3])
        size -= size_of([held.pop(weakest)])
    return held


_LONGEST = 400
_MOST_STEPS, _LONGEST_STEP = 4, 100
_MOST_OPTIONS = 32
_CAPS = 3


def sound(name: str, member: Any, value: Any) -> tuple[int, Any]:
    """Return a member and its value of a field, validated."""
    try:
        return int(member), OF_EACH[name](value)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        raise InputError(f"The {name} of a minded member cannot be read.") from None


def caps_of(said: Any) -> list[int | None]:
    """Return caps on requests, tokens and nano-dollars from a file or a journal, validated."""
    if (
        not isinstance(said, list | tuple)
        or len(said) != _CAPS
        or not all(one is None or (type(one) is int and one >= 0) for one in said)
    ):
        raise InputError("The caps of a run's minds cannot be read.")
    return list(said)


def asked_of(words: Any, members: Any) -> tuple[str, list[int]]:
    """Return an expression of members, and those members, validated."""
    try:
        who = [int(member) for member in members]
    except (TypeError, ValueError, OverflowError):
        who = [-1]
    if not isinstance(words, str) or min(who, default=0) < 0:
        raise InputError("The members that a run gave minds cannot be read.")
    return clean(words, _LONGEST), who


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no words")
    return clean(value, _LONGEST)


def _options(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) > _MOST_OPTIONS:
        raise TypeError("no options")
    return {str(key): _option(one) for key, one in value.items()}


def _option(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _options(value)  # of the mind that a person replaces
    if not isinstance(value, str | int | float | None):
        raise TypeError("no value of an option")
    return value


def _plan(value: Any) -> dict[str, Any]:
    outcomes = [int(number) for number in value["outcomes"]]
    if len(outcomes) != len(OUTCOMES):
        raise ValueError("no outcomes")
    return {
        "steps": [clean(step, _LONGEST_STEP) for step in value["steps"][:_MOST_STEPS]],
        "tick": int(value["tick"]),
        "decided": int(value["decided"]),
        "outcomes": outcomes,
    }


def _letters(value: Any) -> list[list[Any]]:
    return [
        [int(tick), int(sender), int(group), clean(text, LONGEST_LETTER)]
        for tick, sender, group, text in value[-MOST_LETTERS:]
    ]


OF_EACH: dict[str, Callable[[Any], Any]] = {
    "kinds": _words,
    "goals": _words,
    "languages": _words,
    "options": _options,
    "memories": kept,
    "plans": _plan,
    "letters": _letters,
}
"""Fields of each minded member, and how they are read."""


PERSON = "person"
"""Mind of a member that a person plays: its acts are manual, and no rule acts for it."""

_LONGEST_REASON, _MOST_REASONS = 80, 64
_LONGEST_KEPT, _MOST_KEPT = 4096, 4096


class Minds:
    """Minds of a platform's members."""

    def __init__(self) -> None:
        # uint32, ascending: members with a mind, and members that a person plays
        self.members: Ids = np.empty(0, np.uint32)
        self.played: Ids = np.empty(0, np.uint32)
        self.kinds: dict[int, str] = {}  # by member: name of its mind; below: its goal
        self.goals: dict[int, str] = {}
        # by member, where set: language, and parameters of its mind
        self.languages: dict[int, str] = {}
        self.options: dict[int, dict[str, Any]] = {}
        # by member: rows (hour, text, tags, importance), the oldest first, bounded as above
        self.memories: dict[int, list[list[Any]]] = {}
        # by member with a plan: its `steps`, the `tick` it was made, the number of decisions
        # since (`decided`), and its `outcomes` (OUTCOMES)
        self.plans: dict[int, dict[str, Any]] = {}
        # by member, direct messages since its last decision: rows (tick, sender, group or -1,
        # text), the newest 6
        self.letters: dict[int, list[list[Any]]] = {}
        # number of decisions by source, and of faults
        self.counts: dict[str, int] = {}
        # number of faults by description
        self.reasons: dict[str, int] = {}
        self.effective = 0  # decisions that led to an act
        self.spent = [0, 0, 0]  # requests, tokens and nano-dollars
        self.awake = False  # whether minds decide; if not, rules decide for all
        # (member, message) pairs already acted on, so that nobody likes a message twice
        self.touched: set[tuple[int, int]] = set()
        # cached replies to equal requests, by key, the newest 4,096
        self.kept: dict[str, str] = {}
        # the run's caps on requests, tokens and nano-dollars, each None without one; None: no caps
        # are set
        self.caps: list[int | None] | None = None
        # members that a run gave minds, by the expression that named them: resuming the run with
        # the same expression selects the same members
        self.asked: dict[str, list[int]] = {}
        self.unheard = False  # whether a program gave minds that are not active yet; not saved

    def give(
        self,
        members: npt.ArrayLike,
        mind: str,
        goal: str = "",
        languages: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> int:
        """Give members a mind; return how many have one now. A new goal discards the plan."""
        said = short_text(goal, _LONGEST, "A goal")
        for at, member in enumerate(np.atleast_1d(np.asarray(members)).tolist()):
            if self.goals.get(member) != said:
                self.plans.pop(member, None)
            self.kinds[member], self.goals[member] = mind, said
            _set(self.languages, member, languages[at] if languages else "")
            _set(self.options, member, dict(options or {}))
        self._list()
        return int(self.members.size)

    def remark(self) -> None:
        """Warn once if a program gave minds that are not active."""
        if self.unheard and not self.awake:
            self.unheard = False
            warnings.warn(
                f"{self.members.size:,} members have a mind, and world.step() lets rules decide "
                f"for them; sim.run_with_minds(world, ticks) lets minds decide after each tick.",
                stacklevel=3,
            )

    def take(self, members: npt.ArrayLike) -> int:
        """Remove minds with all their state; return how many members have one now."""
        for member in np.atleast_1d(np.asarray(members)).tolist():
            for name in OF_EACH:
                getattr(self, name).pop(member, None)
        self._list()
        return int(self.members.size)

    @property
    def own(self) -> Ids:
        """Members for whom rules do not act: the minded if minds are active, else the played."""
        return self.members if self.awake else self.played

    def _list(self) -> None:
        """Update the sorted lists of minded and of played members."""
        played = (who for who, kind in self.kinds.items() if kind == PERSON)
        self.members, self.played = (
            np.array(sorted(who), np.uint32) for who in (self.kinds, played)
        )  # fmt: skip

    def spare(self, online: Ids) -> Ids:
        """Return the online members for whom rules act."""
        own = self.own
        return online[~np.isin(online, own, assume_unique=True)] if own.size else online

    def mask_policy(
        self, part: ExposurePart, codes: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.uint8]:
        """Return a part's acts with those of members that decide for themselves set to 0."""
        if not self.own.size:
            return codes
        own = np.isin(part.viewers, self.own, assume_unique=True)
        return np.where(np.repeat(own, part.counts), np.uint8(0), codes) if own.any() else codes

    def take_in(self, row: Mapping[str, Any], tick: int, *, effective: bool) -> None:
        """Count a decision, store its memories and plan, and drop the messages it answered."""
        member = int(row["member"])
        self._count(row, effective=effective)
        self._remember(member, row.get("memory", ()))
        self._plan(member, row, tick)
        self._keep(row.get("kept", ()))
        self.letters.pop(member, None)

    def _count(self, row: Mapping[str, Any], *, effective: bool) -> None:
        for name in (row["source"], *row.get("faults", ())):
            self.counts[name] = self.counts.get(name, 0) + 1
        for said in row.get("why", ()):
            reason = clean(str(said), _LONGEST_REASON)
            if reason in self.reasons or len(self.reasons) < _MOST_REASONS:
                self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.effective += effective
        spent = row.get("spent", (0, 0, 0))
        self.spent = [a + int(b) for a, b in zip(self.spent, spent, strict=True)]

    def _remember(self, member: int, rows: Iterable[Iterable[Any]]) -> None:
        """Add memories; the weakest are forgotten."""
        new = list(rows)
        if new:
            self.memories[member] = kept([*self.memories.get(member, ()), *new])

    def _plan(self, member: int, row: Mapping[str, Any], tick: int) -> None:
        """Set a new plan if there is one, and count the decision for the current plan."""
        if "plan" in row:
            steps = [clean(str(step), _LONGEST_STEP) for step in row["plan"][:_MOST_STEPS]]
            none = [0] * len(OUTCOMES)
            self.plans[member] = {"steps": steps, "tick": tick, "decided": 0, "outcomes": none}
        if member in self.plans:
            self.plans[member]["decided"] += 1

    def _keep(self, rows: Iterable[Iterable[str]]) -> None:
        """Cache complete replies; beyond the bound the oldest are dropped."""
        for key, text in rows:
            if len(text) <= _LONGEST_KEPT:  # a truncated reply is useless
                self.kept[str(key)] = clean(str(text), _LONGEST_KEPT)
        for key in list(self.kept)[: max(len(self.kept) - _MOST_KEPT, 0)]:
            del self.kept[key]

    # The whole state

    def dump(self) -> dict[str, Any]:
        """Return the minds as JSON data, without empty fields."""
        return deepcopy(self._said())

    def packed(self) -> bytes:
        """Return the data of :meth:`dump`, compressed; :func:`unpacked` reads it."""
        return zlib.compress(json.dumps(self._said()).encode(), 1)

    def _said(self) -> dict[str, Any]:
        each = {name: _rows(getattr(self, name)) for name in OF_EACH}
        found: dict[str, Any] = {name: rows for name, rows in each.items() if rows}
        if self.kept:
            found["kept"] = [list(pair) for pair in self.kept.items()]
        if self.reasons:
            found["reasons"] = dict(sorted(self.reasons.items()))
        if self.caps is not None:
            found["caps"] = list(self.caps)
        if self.asked:
            found["asked"] = [[words, list(who)] for words, who in sorted(self.asked.items())]
        return found | {
            "counts": dict(sorted(self.counts.items())),
            "effective": self.effective,
            "spent": list(self.spent),
            "awake": self.awake,
            "touched": sorted([who, message] for who, message in self.touched),
        }

    @classmethod
    def restore(cls, said: Mapping[str, Any] | None) -> Minds:
        """Return the minds of :meth:`dump`; None: no minds."""
        minds = cls()
        if said is None:
            return minds
        for name in OF_EACH:
            getattr(minds, name).update(sound(name, *pair) for pair in said.get(name, ()))
        minds._list()
        minds.counts = {str(name): int(number) for name, number in said["counts"].items()}
        minds.effective, minds.awake = int(said["effective"]), bool(said["awake"])
        requests, tokens, nano = map(int, said["spent"])
        minds.spent = [requests, tokens, nano]
        minds.touched = {(int(who), int(message)) for who, message in said["touched"]}
        minds._keep(said.get("kept", ()))
        minds.reasons = {str(name): int(n) for name, n in said.get("reasons", {}).items()}
        minds.caps = None if said.get("caps") is None else caps_of(said["caps"])
        minds.asked = dict(asked_of(*pair) for pair in said.get("asked", ()))
        return minds

    @property
    def is_used(self) -> bool:
        """Whether there is anything to save."""
        used = self.kinds or self.counts or self.awake or self.memories or self.asked
        return bool(used or self.caps is not None)


def _set(of_each: dict[int, Any], member: int, value: Any) -> None:
    """Set a member's value, or remove it if empty."""
    of_each.pop(member, None)
    if value:
        of_each[member] = value


def _rows(of_each: Mapping[int, Any]) -> list[list[Any]]:
    return [[who, of_each[who]] for who in sorted(of_each)]


def unpacked(packed: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Return the data of :meth:`Minds.dump` from :meth:`Minds.packed`."""
    found: dict[str, Any] = json.loads(zlib.decompress(packed.data))
    return found
