"""Planned interventions, at a tick or once a condition holds; part of a world's state.

Conditions are written as ``share > 0.1`` or ``speed#2 >= 40``. Each intervention is carried out
once, between two ticks, before the first tick that it can affect. The trail records it when it is
planned, so a replay carries it out again by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.checks import whole_number
from sim.core.registry import is_foreign
from sim.core.text import one_line
from sim.core.threads import interruptible
from sim.errors import HubbubError, InputError, UnknownNameError
from sim.platform.acts.kinds import Act
from sim.spread.cascade.faults import is_interruption, said_by
from sim.world.base import WorldState
from sim.world.interventions.kinds import Intervention, LostIntervention, kinds, made, remade
from sim.world.metrics.values import METRICS, OF_MESSAGES, known_metrics
from sim.world.seeding import check_seeds, choose_seeds, takes_long

_FORM = re.compile(r"^\s*([a-z_]\w*)\s*(?:#\s*(\d+))?\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne,
}  # fmt: skip
_BY_THE_CLOCK = {"tick_ms", "cpu_ms", "interactions_s"}
_ACTS = {f"act_{act.name.lower()}": act for act in Act if act is not Act.DO_NOTHING}

QUANTITIES: tuple[str, ...] = (
    "tick",
    *OF_MESSAGES,
    *(name for name in METRICS if name not in _BY_THE_CLOCK),
)
"""Quantities of a condition: of a message (the first one, or ``#NUMBER``), or of the world;
metrics of plugins too."""


@dataclass(frozen=True, slots=True)
class WorldCondition:
    """A comparison of one quantity with a number."""

    quantity: str  # one of QUANTITIES
    message: int  # id of the message; 0 if none is named
    sign: str  # comparison operator, and the number compared with
    bound: float

    def holds(self, world: WorldState) -> bool:
        """Return whether it holds now; False while its quantity is unknown."""
        value = self.value(world)
        return value == value and _COMPARED[self.sign](value, self.bound)

    def value(self, world: WorldState) -> float:
        """Return the current value of its quantity; NaN if unknown."""
        if self.quantity == "tick":
            return float(world.tick)
        if self.quantity in OF_MESSAGES:
            found = world.cascades.find(self.message)
            return float("nan") if found is None else OF_MESSAGES[self.quantity][1](world, found)
        if self.quantity in _ACTS and world.platform is not None:
            return float(world.platform.log.count(world.tick, _ACTS[self.quantity]))
        metrics = world.metrics
        return float("nan") if metrics is None else metrics.latest.get(self.quantity, float("nan"))

    @property
    def needs_metrics(self) -> bool:
        """Whether it needs the world's metrics."""
        return self.quantity not in {"tick", *OF_MESSAGES, *_ACTS}

    def __str__(self) -> str:
        about = f"#{self.message}" if self.message else ""
        return f"{self.quantity}{about} {self.sign} {self.bound:g}"


def condition_of(text: str, *, is_saved: bool = False) -> WorldCondition:
    """Return the condition that a text describes.

    Examples
    --------
    >>> str(condition_of("share#2>=0.1"))
    'share#2 >= 0.1'
    """
    found = _FORM.match(text)
    if found is None:
        raise InputError(
            f"A condition is written as QUANTITY > NUMBER, such as share > 0.1, or share#2 > 0.1 "
            f"for message 2; got {text!r}."
        )
    quantity, message, sign, number = found.groups()
    if quantity in _BY_THE_CLOCK:
        raise InputError(f"A condition cannot be about {quantity}: no two runs would be the same.")
    known = {*QUANTITIES, *known_metrics()} - _BY_THE_CLOCK
    if quantity not in known and not is_saved:
        raise UnknownNameError("quantity of a condition", quantity, known)
    try:
        bound = float(number)
    except ValueError:
        bound = float("nan")
    if bound != bound:
        raise InputError(f"A condition compares with a number, got {number!r}.")
    return WorldCondition(quantity, int(message or 0), sign, bound)


MOST = 100_000
_LONGEST = 300
PEOPLE = ("agents", "others", "seeds", "among")
"""Fields of interventions that name members by an expression."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned intervention.

    Attributes
    ----------
    number
        Its index in the list.
    at
        Tick after which it is carried out; None: once :attr:`when` holds.
    when
        The condition, or None.
    does
        The intervention (:mod:`sim.world.interventions.kinds`).
    done_at
        Tick at which it was carried out; None: not yet.
    result
        Its result, one line.
    failed
        Whether it failed; :attr:`result` says why.
    """

    number: int
    at: int | None
    when: WorldCondition | None
    does: Intervention
    done_at: int | None = None
    result: str = ""
    failed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it was carried out, or failed."""
        return self.done_at is not None

    def is_due(self, world: WorldState) -> bool:
        """Return whether it is due now."""
        if self.at is not None:
            return world.tick >= self.at
        return self.when is not None and self.when.holds(world)

    def __str__(self) -> str:
        time = f"at tick {self.at:,}" if self.at is not None else f"when {self.when}"
        result = self.result if self.failed else f"done: {self.result}"
        return f"{in_words(self.does)} {time}{f' ({result})' if self.is_over else ''}"


_MEMBERS = (
    ("top:1:degree", "the most followed member"),
    ("top:{n}:degree", "the {n} most followed members"),
    ("top:{n}:pagerank", "the {n} members with the highest PageRank"),
    ("top:{n}:core", "the {n} members with the highest core number"),
    ("random:{n}", "{n} random members"),
    ("community:{name}:{n}", "{n} members of {name}"),
    ("community:{name}", "all members of {name}"),
    ("ids:{n}", "member {n}"),
    ("ids:{name}", "members {name}"),
    ("all", "all members"),
    ("{name}", "members matching {name}"),
)
"""Expressions of members, each with its words; the first that fits is taken."""

_SENTENCE = re.compile(r"(.+?)(?: \(([^()]*=[^()]*)\))?(?: now| at tick ([\d,]+)| when (.+))?")


def in_words(does: Intervention) -> str:
    """Return what an intervention does as a sentence; :func:`intervention_from_words` reads it.

    Examples
    --------
    >>> in_words(made("ban", {"agents": "top:10:degree"}))
    'ban the 10 most followed members'
    """
    said = does.values()
    named = set(re.findall(r"{(\w+)}", does.phrase))
    fields = type(does).model_fields
    shown = {k: _turned(v, _MEMBERS) if k in PEOPLE else v for k, v in said.items()}
    more = [f"{k}={v}" for k, v in said.items() if k not in named and v != fields[k].default]
    more = [each for each in more if not each.endswith("={}")]
    head = does.phrase.format(**shown) if does.phrase else does.plugin_name
    return f"{head} ({', '.join(more)})" if more else head


def intervention_from_words(text: str) -> tuple[int | str | None, str, dict[str, str]]:
    """Return (when, kind, fields) of an intervention in words; when is None for now.

    Examples
    --------
    >>> intervention_from_words("ban the 10 most followed members at tick 10")
    (10, 'ban', {'agents': 'top:10:degree'})
    """
    known = kinds()
    sentence = _SENTENCE.fullmatch(text.strip().rstrip("."))
    head, more, tick, condition = sentence.groups() if sentence else ("", None, None, None)
    for name, kind in known.items():
        found = _pattern(kind.phrase or name).fullmatch(head)
        if found is None:
            continue
        said = {
            k: _turned(v, [(b, a) for a, b in _MEMBERS]) if k in PEOPLE else v
            for k, v in found.groupdict().items()
        }
        said |= dict(part.strip().split("=", 1) for part in (more or "").split(",") if "=" in part)
        return int(tick.replace(",", "")) if tick else condition, name, said
    phrases = "; ".join(
        re.sub(r"{(\w+)}", lambda found: found[1].upper(), kind.phrase)
        for kind in known.values()
        if kind.phrase
    ).replace("AGENTS", "MEMBERS")
    raise InputError(f"No intervention reads {text.strip()!r}; there are: {phrases}.")


def _turned(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Return the second form of the first pair whose first form fits a text; else the text."""
    for first, second in pairs:
        found = _pattern(first).fullmatch(str(text))
        if found is not None:
            return second.format(**found.groupdict())
    return text


def _pattern(template: str) -> re.Pattern[str]:
    """Return what a template with fields matches; ``{n}`` is a whole number."""
    parts = re.split(r"{(\w+)}", template)
    return re.compile(
        "".join(
            re.escape(part).replace("'", "'?")
            if at % 2 == 0
            else f"(?P<{part}>{'[0-9]+' if part == 'n' else '.+?'})"
            for at, part in enumerate(parts)
        ),
        re.IGNORECASE,
    )


@dataclass(frozen=True, slots=True)
class _Return:
    """Activity to restore at a tick."""

    at: int
    number: int


class Interventions:
    """The interventions of a world, in the order in which they were planned.

    Examples
    --------
    >>> from hubbub import World
    >>> world = World.create(agents=200, seed=7)
    >>> plan = world.at(3, "ban", agents="top:5:degree")
    >>> world.step(4)
    >>> str(world.interventions[0])
    'ban the 5 most followed members at tick 3 (done: 5 members are banned)'
    """

    def __init__(self) -> None:
        self._all: list[Planned] = []
        self._open: list[int] = []
        self._returns: list[_Return] = []
        self._held: dict[int, tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Planned]:
        return iter(self._all)

    def __getitem__(self, number: int) -> Planned:
        return self._all[number]

    @property
    def is_waiting(self) -> bool:
        """Whether any intervention is pending."""
        return bool(self._open or self._returns)

    @property
    def waits_for_tick(self) -> bool:
        """Whether any intervention is pending at a fixed tick."""
        return bool(self._returns) or any(self._all[k].at is not None for k in self._open)

    def add(
        self, world: WorldState, when: int | str, does: str, said: Mapping[str, Any]
    ) -> Planned:
        """Plan an intervention; see :meth:`World.at`."""
        if len(self._all) >= MOST:
            raise InputError(f"A world has at most {MOST:,} interventions.")
        condition = condition_of(when) if isinstance(when, str) else None
        if condition is not None and condition.needs_metrics and world.metrics is None:
            raise InputError(
                f"A condition on {condition.quantity} needs a world that takes metrics; open them "
                f"first (open_metrics, [metrics])."
            )
        at = None
        if condition is None:
            at = whole_number(when, "The tick of an intervention", low=0)
            if at < world.tick:
                raise InputError(
                    f"An intervention cannot be at tick {at:,}; it is {world.tick:,} already."
                )
        intervention = made(does, _plain(world, said))
        intervention.check_in(world)
        _check_people(world, intervention)
        planned = Planned(len(self._all), at, condition, intervention)
        self._all.append(planned)
        self._open.append(planned.number)
        return planned

    def later(
        self,
        at: int,
        number: int,
        agents: npt.NDArray[np.uint32],
        activity: npt.NDArray[np.float32],
    ) -> None:
        """Restore the activity of agents at a tick."""
        self._returns.append(_Return(at, number))
        self._held[number] = agents, activity

    @property
    def lost(self) -> list[str]:
        """Return a sentence for each pending intervention whose plugin is missing."""
        waiting = [self._all[number].does for number in self._open]
        return [
            f"The plugin {each.plugin_name!r} of an intervention is missing, which will not be "
            f"done; load it with --plugin FILE."
            for each in waiting
            if isinstance(each, LostIntervention)
        ]

    def before(self, world: WorldState) -> None:
        """Seal the trail's ticks so far if an intervention is due now."""
        if any(self._all[number].is_due(world) for number in self._open):
            world.trail.seal(world)

    def carry_out(self, world: WorldState) -> None:
        """Carry out what is due, in the order planned; failures record why."""
        for back in [each for each in self._returns if each.at <= world.tick]:
            self._returns.remove(back)
            agents, activity = self._held.pop(back.number)
            world.agents.set_activity(agents, activity)
        for number in [k for k in self._open if self._all[k].is_due(world)]:
            self._open.remove(number)
            self._all[number] = _done(world, self._all[number])

    def dump(self) -> tuple[list[dict[str, Any]], dict[str, npt.NDArray[Any]]]:
        """Return (JSON data, arrays by name)."""
        ends = {back.number: back.at for back in self._returns}
        meta = []
        for each in self._all:
            said: dict[str, Any] = {
                "at": each.at,
                "when": None if each.when is None else str(each.when),
                "does": each.does.plugin_name,
                "said": each.does.values(),
                "done_at": each.done_at,
                "result": each.result,
                "failed": each.failed,
            }
            meta.append(said | ({"back": ends[each.number]} if each.number in ends else {}))
        columns: dict[str, npt.NDArray[Any]] = {}
        for number, (agents, activity) in self._held.items():
            columns |= {f"{number}.agents": agents, f"{number}.activity": activity}
        return meta, columns

    @classmethod
    def restore(
        cls, meta: list[dict[str, Any]], columns: Mapping[str, npt.NDArray[Any]], people: int
    ) -> Interventions:
        """Return the interventions of :meth:`dump`; ``people``: number of agents.

        Raises
        ------
        InputError
            If :meth:`dump` cannot have written this.
        """
        found = cls()
        for number, said in enumerate(meta):
            when = None if said["when"] is None else condition_of(said["when"], is_saved=True)
            does = remade(said["does"], said["said"])
            at, done_at = _tick(said["at"]), _tick(said["done_at"])
            result, failed = one_line(str(said["result"]), _LONGEST), bool(said["failed"])
            each = Planned(number, at, when, does, done_at, result, failed)
            found._all.append(each)
            if not each.is_over:
                found._open.append(number)
            if "back" in said:
                agents, activity = columns[f"{number}.agents"], columns[f"{number}.activity"]
                back = whole_number(said["back"], "The tick of an intervention", low=0)
                found.later(back, number, *_activity(agents, activity, people))
        return found


def _tick(said: object) -> int | None:
    return None if said is None else whole_number(said, "The tick of an intervention", low=0)


def _activity(
    agents: npt.NDArray[Any], activity: npt.NDArray[Any], people: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float32]]:
    """Return (agents, activity) to restore, or raise for invalid values."""
    who, share = np.array(agents, np.uint32), np.array(activity, np.float32)
    fits = who.ndim == 1 and who.shape == share.shape and bool((who < people).all())
    if not fits or not ((share >= 0) & (share <= 1)).all():
        raise InputError("The activity that an intervention gives back fits no agents.")
    return who, share


def _done(world: WorldState, planned: Planned) -> Planned:
    """Carry out an intervention, and return it with its result."""
    frame = world.tick, world.seed, world.tick_minutes
    try:
        with interruptible():
            result, failed = planned.does.do(world, planned.number), False
        if not isinstance(result, str):
            got = type(result).__name__
            said = f"do() returns in a line what came of it, and gave {got}"
            result, failed = f"could not be done: its plugin failed: {said}", True
    except HubbubError as error:
        result, failed = f"could not be done: {error}", True
    except BaseException as error:
        if is_interruption(error) or not is_foreign(type(planned.does)):
            raise
        said = f"its plugin failed: {said_by(error)}"
        result, failed = f"could not be done: {said}", True
    if frame != (world.tick, world.seed, world.tick_minutes):
        world.tick, world.seed, world.tick_minutes = frame
        said = "its plugin changed the clock or the seed of the world, which were put back"
        result, failed = f"could not be done: {said}", True
    said = one_line(result, _LONGEST)
    return replace(planned, done_at=world.tick, result=said, failed=failed)


def check_people(intervention: Intervention) -> None:
    """Raise for expressions that match no member in any world."""
    for name, said in _people(intervention):
        try:
            check_seeds(said)
        except InputError as error:
            raise InputError(f"{name} = {said!r}: {error}") from None


def _check_people(world: WorldState, intervention: Intervention) -> None:
    """Raise for expressions that match nobody now; skip those that take long to evaluate."""
    for _, said in _people(intervention):
        if not takes_long(said):
            choose_seeds(world, said)


def _people(intervention: Intervention) -> Iterator[tuple[str, str]]:
    for name in PEOPLE:
        said = getattr(intervention, name, "")
        if isinstance(said, str) and said and said not in {"all", "largest"}:
            yield name, said


def _plain(world: WorldState, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments with indices of agents turned into an expression."""
    plain = dict(said)
    for key in PEOPLE:
        value = plain.get(key)
        if value is not None and not isinstance(value, str):
            ids = np.atleast_1d(np.asarray(value))
            world.agents.is_active(ids)  # raises for unknown agents
            plain[key] = "ids:" + ",".join(_quoted(str(world.agents.id(int(k)))) for k in ids)
    return plain


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text
