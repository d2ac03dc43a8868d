"""Sequential opinion models, compiled from plain Python: pairs (:class:`Meetings`) and groups.

The method reads numbers from ``self``: parameters, and properties that are numbers. They are
passed as 64-bit words with the call, so that a model is compiled once, whatever its
parameters. A method that cannot be compiled is called as plain Python, about 100 times slower.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from sim.arrays import F64, Bools, Ids
from sim.core.cards import Card
from sim.core.params import Field, Parameters
from sim.core.rng import Stream
from sim.errors import PluginError
from sim.jit.claims import FREE
from sim.jit.jit import COMPILES
from sim.jit.order import sort_ids
from sim.spread.cascade.cascade import Cascade
from sim.spread.cascade.contacts import Contacts, Draws
from sim.spread.opinions import groups_kernels
from sim.spread.opinions import pairs_kernels as kernels
from sim.spread.opinions.model import OpinionModel, _present
from sim.spread.opinions.pairs_kernels import CELL_SHIFT, Conversions, Preference, meet_biased
from sim.spread.opinions.voices import HeardRows, remembered

Function = Callable[..., Any]
Updates = tuple[np.uint64, int, int]
"""A part of a tick's updates: the key of their draws, the first, and the end."""

_ROW = "float64[::1]"
_PAIR = f"float64(float64, float64, float64, float64, {_ROW}, {_ROW}, {_ROW})"
_GROUP = f"float64(float64, {_ROW}, float64, {_ROW})"
_made: dict[Any, Function | None] = {}


@dataclass(frozen=True, slots=True)
class Formula:
    """A model's method in the form that kernels take."""

    call: Function
    words: F64  # the parameters it reads, as 64-bit words
    is_compiled: bool  # whether kernels may run compiled

    def run(self, kernel: Function, *arguments: Any) -> Any:
        """Run a kernel that takes a formula and its parameters first."""
        if not self.is_compiled:
            kernel = getattr(kernel, "py_func", kernel)
        return kernel(self.call, self.words, *arguments)


def formula_of(model: Parameters, name: str = "meet") -> Formula:
    """Return ``meet(self, listener, speaker[, coin[, trust[, mine[, theirs]]]])`` of a model."""
    return _formula(model, name, _PAIR, _pair, (2, 6))


def rule_of(model: Parameters, name: str = "decide") -> Formula:
    """Return ``decide(self, own, heard[, coin])`` of a model; errors as in :func:`formula_of`."""
    return _formula(model, name, _GROUP, _group, (2, 3))


def _formula(
    model: Parameters, name: str, signature: str, wrap: Function, allowed: tuple[int, int]
) -> Formula:
    cls = type(model)
    method = getattr(cls, name)
    count = len(inspect.signature(method).parameters) - 1
    if not allowed[0] <= count <= allowed[1]:
        raise PluginError(
            cls.plugin_name or cls.__name__,
            f"{name}() takes {allowed[0]} to {allowed[1]} arguments beside self, it has {count}",
        )
    record = _record(model, method)
    key = (method, tuple(record.dtype.descr))
    if key not in _made:
        _made[key] = _compiled(method, record.dtype, count, signature, wrap)
    made = _made[key]
    if made is None:
        plain = getattr(model, name)
        return Formula(lambda *given: float(plain(*given[:count])), np.empty(0), is_compiled=False)
    return Formula(made, record.view(np.float64), is_compiled=True)


def _record(model: Parameters, method: Function) -> npt.NDArray[Any]:
    """Return the values that a method reads from its model as one record of 64-bit fields."""
    read = {n: getattr(model, n, None) for n in method.__code__.co_names}
    held = {n: v for n, v in read.items() if isinstance(v, bool | int | float)}
    fields = [(n, np.float64 if isinstance(v, float) else np.int64) for n, v in held.items()]
    record = np.zeros(1, [*fields, ("_", np.int64)])
    for name, value in held.items():
        record[name] = value
    return record


def _compiled(
    method: Function, layout: np.dtype[Any], count: int, signature: str, wrap: Function
) -> Function | None:
    """Return the method as a compiled function of a signature, or None."""
    if not COMPILES:  # kernels are plain too
        return None
    import numba

    inner = numba.njit(error_model="numpy")(method)
    try:
        made: Function = numba.cfunc(signature, error_model="numpy")(wrap(inner, layout, count))
    except Exception:  # NumbaError, or anything else in type inference: fall back to plain Python
        return None
    return made


def _pair(meet: Function, layout: np.dtype[Any], count: int) -> Function:
    """Return a function with the common signature of all pair formulas."""

    def two(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said)

    def three(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin)

    def four(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin, trust)

    def five(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin, trust, mine)

    def six(own, said, coin, trust, mine, theirs, p):  # type: ignore[no-untyped-def]
        return meet(p.view(layout)[0], own, said, coin, trust, mine, theirs)

    return (two, three, four, five, six)[count - 2]


def _group(decide: Function, layout: np.dtype[Any], count: int) -> Function:
    def two(own, heard, coin, p):  # type: ignore[no-untyped-def]
        return decide(p.view(layout)[0], own, heard)

    def three(own, heard, coin, p):  # type: ignore[no-untyped-def]
        return decide(p.view(layout)[0], own, heard, coin)

    return (two, three)[count - 2]


ROUND = 1 << 18
"""Meetings per kernel call: about 30 ms, so that threads and pauses get their turn."""

LEAST_DISTANCE = 1e-5
"""Opinions nearer than this are treated as if they were this far apart."""

_NO_MEDIA = np.empty(0)


class Sequential(OpinionModel):
    """What models have in common in which agents move one after another."""

    sequential: ClassVar[bool] = True
    card: ClassVar[Card] = Card(
        update="asynchronous: single updates in sequence, each sees those before it; the agent of "
        "an update is drawn at random, with replacement",
        comparison="a draw in [0, 1) succeeds when it is < the chance",
        ties="none: one update at a time",
        time_unit="N single updates = 1 tick, where N agents hear somebody; see updates",
        cost="one row of ties looked up for each update, whatever the number of ties",
        choices=(
            "single updates in a tick: the parameter updates; agents that hear nobody are not "
            "drawn, so that they change nothing for the others",
            "opinions at the start: the parameter initial",
        ),
    )

    updates: int = Field(
        0, ge=0, le=10**12, description="single updates; 0: one for each that can hear",
        json_schema_extra={"unit": "per tick"},
    )  # fmt: skip

    def rounds(self, heard: HeardRows) -> int:
        """Return the number of single updates in a tick."""
        able = heard.hearers.size or heard.rows.shape[0]
        if not heard.sources.size:
            return 0
        return self.updates or able

    def weighed(self, heard: HeardRows) -> int:
        """Return the number of contacts evaluated in a tick: one per update."""
        return self.rounds(heard)

    def discuss(
        self, cascade: Cascade, contacts: Contacts, draws: Draws, own: F64
    ) -> tuple[Ids, Ids] | None:
        """Hold a tick's updates, in parts."""
        heard = remembered(cascade, contacts)
        total = self.rounds(heard)
        key = draws.key(Stream.MEETINGS)
        scratch = contacts.scratch
        touched = scratch.touched if self.choices else scratch.touched[:0]
        into = Conversions(self.cut, cascade.done, scratch.claim, touched)
        found = 0
        for low in range(0, total, ROUND):
            span = key, low, min(low + ROUND, total)
            found = self.hold(cascade, heard, span, own, into, found)
        return adopters_of(scratch, found) if self.choices else None

    def hold(
        self, cascade: Cascade, heard: HeardRows, span: Updates, own: F64, into: Conversions,
        found: int,
    ) -> int:  # fmt: skip
        """Hold the updates of ``span`` (key, first, end); return the number of adopters so far."""
        raise NotImplementedError


def adopters_of(scratch: Any, found: int) -> tuple[Ids, Ids]:
    """Return (agents, sources) recorded by kernels, ascending, and clear their claims."""
    sort_ids(scratch.touched, found, scratch.sources)
    agents = scratch.touched[:found].copy()
    sources = scratch.claim[agents].astype(np.uint32)
    scratch.claim[agents] = FREE
    return agents, sources


class Meetings(Sequential):
    """A model of pairs; write :meth:`meet`, which says what a listener thinks afterwards.

    Attributes
    ----------
    mutual
        Whether both move, where each hears the other; else the listener alone.
    """

    mutual: ClassVar[bool] = False

    def meet(self, *args: Any, **kwargs: Any) -> float:
        """Return the listener's opinion after hearing the speaker: ``meet(listener, speaker)``.

        Plain Python on numbers, compiled if possible; ``self`` gives parameters and properties
        that are numbers. It may take more arguments, in this order: ``coin``, a draw in [0, 1);
        ``trust`` of the listener in the speaker, in [0, 1]; ``mine`` and ``theirs``, the
        :meth:`traits` of both.
        """
        raise NotImplementedError

    def traits(self, cascade: Cascade) -> F64:
        """Return traits of each agent that :meth:`meet` needs, float64 (agents, k); k may be 0."""
        return np.empty((cascade.agents, 0))

    def known_traits(self, cascade: Cascade) -> F64:
        """Return :meth:`traits`, cached."""
        memo = cascade.memo = cascade.memo or {}
        if memo.get("traits of") is not self:
            traits = np.ascontiguousarray(self.traits(cascade), np.float64)
            memo |= {"traits of": self, "traits": traits}
        found: F64 = memo["traits"]
        return found

    def hears_within(self) -> float | None:
        """Return the bound within which all are heard at once; ``None``: one is drawn.

        :meth:`meet` then receives, as the speaker's opinion, the sum of their opinions, each
        times the trust in it, divided by their number.
        """
        return None

    def preference(self) -> float:
        """Return the power of distance by which near opinions are preferred; 0: no preference."""
        return 0.0

    def media(self) -> tuple[F64, float, float]:
        """Return (opinions of media, chance to hear one after a meeting, preference among them)."""
        return _NO_MEDIA, 0.0, 0.0

    def is_mutual(self, heard: HeardRows) -> int:
        """Return who moves: 0 the listener, 1 both, 2 both if each hears the other."""
        if not self.mutual:
            return 0
        return 1 if heard.is_mutual else 2

    def hold(
        self, cascade: Cascade, heard: HeardRows, span: Updates, own: F64, into: Conversions,
        found: int,
    ) -> int:  # fmt: skip
        """Hold the meetings of ``span`` (key, first, end); return the number of adopters so far."""
        formula, hearing = self._given(cascade, heard)
        media = self.media()
        bound = self.hears_within()
        if bound is not None:
            formula.run(kernels.meet_all, hearing, *span, bound, own)
            return 0
        mutual = self.is_mutual(heard)
        if self.preference() > 0.0 or media[0].size:
            near = _preference(self.preference(), self.span, heard)
            formula.run(meet_biased, hearing, *span, mutual, own, near, *media)
            return 0
        told = *span, mutual, own, into, np.int64(found)
        return int(formula.run(kernels.meet_one, hearing, *told))

    def _given(self, cascade: Cascade, heard: HeardRows) -> tuple[Formula, kernels.OpinionTies]:
        """Return the formula, and the sources of agents."""
        memo = cascade.memo
        if memo.get("given of") is not heard or memo["model"] is not self:
            given = kernels.OpinionTies(
                heard.rows, heard.sources, heard.trust, heard.hearers, cascade.absent,
                self.stubborn(cascade), self.known_traits(cascade),
            )  # fmt: skip
            memo |= {"given of": heard, "model": self, "formula": formula_of(self), "given": given}
        return memo["formula"], memo["given"]._replace(absent=cascade.absent)

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: F64) -> bool:
        """Return whether neither a tie nor a medium would move anybody."""
        heard = remembered(cascade, contacts)
        formula, hearing = self._given(cascade, heard)
        media, chance, _ = self.media()
        shown = _as_ties(media if chance > 0.0 else media[:0], hearing, own)
        if media.size and formula.run(kernels.any_move, *shown, self.least):
            return False
        bound = self.hears_within()
        if bound is not None:
            return not formula.run(kernels.any_move_all, hearing, own, self.least, bound)
        return not formula.run(kernels.any_move, hearing, own, self.least)


def _as_ties(media: F64, hearing: kernels.OpinionTies, own: F64) -> tuple[kernels.OpinionTies, F64]:
    """Return kernel arguments for a world in which agents hear only media."""
    rows, _, trust, _, absent, _, traits = hearing
    each = np.zeros_like(rows)
    each[:, 1] = (rows[:, 1] > 0) * media.size  # agents without sources have no turn
    shown = np.arange(own.size, own.size + media.size, dtype=np.uint32)
    if absent.size:
        absent = np.append(absent, np.zeros(media.size // 64 + 1, np.uint64))
    traits = np.concatenate([traits, np.zeros((media.size, traits.shape[1]))])
    told = hearing._replace(rows=each, sources=shown, trust=trust[:0], absent=absent, traits=traits)
    return told, np.concatenate([own, media])


def _preference(bias: float, span: tuple[float, float], heard: HeardRows) -> Preference:
    """Return the lookup table for :func:`sim.spread.opinions.pairs_kernels.weigh`, with scratch."""
    most = span[1] - span[0]
    ends = np.array([LEAST_DISTANCE, most]).view(np.uint64) >> np.uint64(CELL_SHIFT)
    first, last = (int(end) for end in ends)
    edges = (np.arange(first, last + 2, dtype=np.uint64) << np.uint64(CELL_SHIFT)).view(np.float64)
    longest = int(heard.rows[:, 1].max(initial=1))
    gap = np.empty(longest)
    table = edges**-bias
    room = gap, gap.view(np.uint64), np.empty(longest)
    return Preference(bias, LEAST_DISTANCE, most, table, first, *room)


class Gatherings(Sequential):
    """A model of groups; write :meth:`decide`, which says what an agent thinks after hearing some.

    Attributes
    ----------
    distinct
        Whether nobody is heard twice in a gathering; else drawn with repetition.
    moves
        ``"one"``: the agent that hears; ``"all"``: the whole group takes what it decides.
    """

    distinct: ClassVar[bool] = False
    moves: ClassVar[Literal["one", "all"]] = "one"

    def decide(self, *args: Any, **kwargs: Any) -> float:
        """Return the agent's opinion after hearing a group: ``decide(own, heard)``.

        ``heard`` is float64 (:meth:`listens`,). Plain Python on numbers, compiled if possible.
        A further argument ``coin`` is a draw in [0, 1).
        """
        raise NotImplementedError

    def listens(self) -> int:
        """Return the size of the group that an agent hears in a gathering, at least 1."""
        raise NotImplementedError

    def from_everybody(self) -> bool:
        """Return whether a group is drawn from all agents; otherwise from the agent's sources."""
        return False

    def restless(self) -> bool:
        """Return whether opinions may change even if all agree."""
        return False

    def rounds(self, heard: HeardRows) -> int:
        """Return the number of gatherings in a tick."""
        if self.from_everybody():
            return self.updates or heard.rows.shape[0]
        return super().rounds(heard)

    def hold(
        self, cascade: Cascade, heard: HeardRows, span: Updates, own: F64, into: Conversions,
        found: int,
    ) -> int:  # fmt: skip
        """Hold the gatherings of ``span`` (key, first, end); return how many adopted so far."""
        formula = cascade.memo.get("formula")
        if formula is None or cascade.memo["model"] is not self:
            formula = rule_of(self)
            fixed = self.stubborn(cascade)
            cascade.memo |= {"formula": formula, "model": self, "fixed": fixed}
        kind = groups_kernels.GroupKind(
            int(self.from_everybody()), int(self.distinct), int(self.moves == "all")
        )
        given = heard.rows, heard.sources, heard.hearers, kind, cascade.absent
        told = *given, cascade.memo["fixed"], *span, np.empty(self.listens()), own
        return int(formula.run(groups_kernels.gather, *told, into, np.int64(found)))

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: F64) -> bool:
        """Return whether no movable agent hears an opinion other than its own."""
        if self.restless():
            return False
        heard = remembered(cascade, contacts)
        able = heard.rows.shape[0] - 1 if self.from_everybody() else heard.rows[:, 1:]
        formed = able >= (self.listens() if self.distinct else 1)
        rows = heard.rows * np.asarray(formed, np.uint32)  # groups that are too small never meet
        if not np.any(formed):
            return True
        given = rows, heard.sources, int(self.from_everybody()), cascade.absent
        return not groups_kernels.any_discord(*given, self.stubborn(cascade), own)


class Outflow(Sequential):
    """A model of outflow: a pair that agrees persuades all who hear either of them."""

    def crosses(self) -> bool:
        """Return whether listeners of a disagreeing pair take the opinion of its other member."""
        return False

    def hold(
        self, cascade: Cascade, heard: HeardRows, span: Updates, own: F64, into: Conversions,
        found: int,
    ) -> int:  # fmt: skip
        """Hold the updates of ``span`` (key, first, end); return the number of adopters so far."""
        given = heard.rows, heard.sources, heard.of.rows, heard.of.targets, heard.hearers
        how = int(self.crosses()), cascade.absent, self.stubborn(cascade)
        told: tuple[Any, ...] = (*given, *how, *span, own, into, np.int64(found))
        return int(groups_kernels.persuade(*told))

    def is_settled(self, cascade: Cascade, contacts: Contacts, own: F64) -> bool:
        """Return whether no pair is left that would persuade anybody."""
        heard = remembered(cascade, contacts)
        fixed = self.stubborn(cascade)
        if not groups_kernels.any_discord(heard.rows, heard.sources, 0, cascade.absent, fixed, own):
            return True
        here, moves = _present(cascade), self.movable(cascade)
        return len(self.choices) == 2 and not self._persuades(heard, own > self.cut, here, moves)

    def _persuades(self, heard: HeardRows, high: Bools, here: Bools, moves: Bools) -> bool:
        """Return whether a pair would move one of its listeners, for two opinions."""
        start, length = heard.rows.astype(np.int64).T
        hearer = np.repeat(np.arange(length.size), length)
        place = np.arange(hearer.size) + np.repeat(start - np.cumsum(length) + length, length)
        source, side = heard.sources[place], high.astype(np.int64)
        acts = here[hearer] & here[source]
        if not self.crosses():
            acts &= high[hearer] == high[source]
        told = np.zeros((high.size, 2), np.bool_)  # by agent: opinions that its listeners may adopt
        told[hearer[acts], side[source[acts]]] = True
        told[source[acts], side[hearer[acts]]] = True
        return bool((told[source, 1 - side[hearer]] & moves[hearer]).any())
