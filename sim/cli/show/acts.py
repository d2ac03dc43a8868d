"""``show WORLD acts``: what members did on a platform, of one member or between two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.cli.program.output import table, watched
from sim.cli.show.shape import Facts, Shape, answer
from sim.errors import InputError
from sim.platform.acts.kinds import OF_GROUPS, Act, act_of
from sim.platform.acts.log import NOBODY, ActColumns
from sim.platform.posts.texts import said_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.platform.platform import Platform
    from sim.platform.posts.texts import QuotedTexts
    from sim.world.world import World


_EARLIER = "\nEarlier acts: hubbub show WORLD history."
_TEXT = 60


@dataclass(frozen=True, slots=True)
class ActFilter:
    """Which acts are meant.

    Parameters
    ----------
    agent, other
        Foreign ids: acts of or about the agent; with ``other`` those between the two.
    act
        The name of an act, such as ``"like"``.
    first, last
        Ticks; None: all that are kept.
    """

    agent: str | None = None
    other: str | None = None
    act: str | None = None
    first: int | None = None
    last: int | None = None

    def check(self) -> None:
        """Refuse what no acts can be."""
        if self.other is not None and self.agent is None:
            raise InputError("Acts between two need both; add --agent.")


def show_acts(where: str, asked: ActFilter, shape: Shape) -> None:
    """Write what members did, the newest first.

    Raises
    ------
    HubbubError
        For a world, a member, an act or ticks that there are not.
    """
    from sim.cli.worlds.open_save import open_world

    asked.check()
    with watched() as report:
        world = open_world(where, report)
        facts = act_facts(world, asked)
    answer(shape, facts, _text)


def act_facts(world: World, asked: ActFilter) -> Facts:
    """Return the acts that are meant, of the ticks that are kept, the newest first."""
    platform = world.platform
    if platform is None:
        raise InputError("This world has no platform, so nobody acts; hubbub run --platform.")
    one = None if asked.agent is None else world.agents.index(asked.agent)
    two = None if asked.other is None else world.agents.index(asked.other)
    kind = None if asked.act is None else int(act_of(asked.act))
    found: list[Facts] = []
    for tick, acts in platform.log:
        if (asked.first or 0) <= tick and (asked.last is None or tick <= asked.last):
            chosen = acts.chosen(_meant(acts, one, two, kind))
            found += _rows(world, platform, tick, chosen)
    kept = [tick for tick, _ in platform.log]
    return {"count": len(found), "kept": kept[:1] + kept[-1:], "rows": found[::-1]}


def _meant(
    acts: ActColumns, one: int | None, two: int | None, kind: int | None
) -> npt.NDArray[Any]:
    meant = np.ones(acts.agent.size, np.bool_)
    whom = np.where(np.isin(acts.act, OF_GROUPS), NOBODY, acts.other)
    if one is not None and two is not None:
        meant &= ((acts.agent == one) & (whom == two)) | ((acts.agent == two) & (whom == one))
    elif one is not None:
        meant &= (acts.agent == one) | (whom == one)
    if kind is not None:
        meant &= acts.act == kind
    return np.flatnonzero(meant)


def _rows(world: World, platform: Platform, tick: int, acts: ActColumns) -> list[Facts]:
    name = world.agents.id
    rows = []
    for who, act, message, other in zip(*(column.tolist() for column in acts), strict=True):
        said = said_by(world, platform, tick, who, act, message)
        rows.append({
            "tick": tick,
            "who": name(who),
            "act": Act(act).says,
            "message": None if message == NOBODY else message,
            "whom": _whom(world, act, other),
            **said_facts(said, world.agents.id),
            "line": said.line(said.by, world.agents.name),
        })  # fmt: skip
    return rows


def said_facts(said: QuotedTexts, name: Callable[[int], Any]) -> Facts:
    """Return whose words are whose, as facts: ``text``, ``by``, ``upon``, ``upon_by``."""
    return {
        "text": said.text,
        "by": None if said.by < 0 else name(said.by),
        "upon": said.upon,
        "upon_by": None if said.upon_by < 0 else name(said.upon_by),
    }


def _whom(world: World, act: int, other: int) -> object:
    """Return whom an act is about: a member, or the name of a group."""
    if act in OF_GROUPS:
        return world.groups.names[other] if other < len(world.groups) else None
    return None if other == NOBODY or other >= len(world.agents) else world.agents.id(other)


def _text(facts: Facts, top: int) -> str:
    from sim.core.text import one_line

    if not facts["rows"]:
        kept = " to ".join(f"{tick:,}" for tick in facts["kept"])
        return f"No such act in the ticks that are kept ({kept or 'none'}).{_EARLIER}"
    rows = [
        (f"{row['tick']:,}", str(row["who"]), row["act"], _or_none(row["message"]),
         _or_none(row["whom"]), one_line(row["line"], _TEXT))
        for row in facts["rows"][:top]
    ]  # fmt: skip
    more = facts["count"] - len(rows)
    shown = table([("tick", "who", "did", "message", "whom", "text"), *rows])
    return shown + (f"\nand {more:,} more (--limit)" if more > 0 else "") + _EARLIER


def _or_none(value: object) -> str:
    return "" if value is None else str(value)
