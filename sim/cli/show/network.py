"""The network report of a world: as facts for programs, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import pairs, table, watched
from sim.cli.show.shape import Shape, answer
from sim.cli.worlds.open_save import open_world
from sim.core.progress import Report

if TYPE_CHECKING:
    from sim.world.world import World


Facts = dict[str, Any]
_BAR = 40


def show_network(where: str, condition: str | None, shape: Shape) -> None:
    """Write what a network, or the ties between the members of a condition, are like.

    Raises
    ------
    HubbubError
        For a world that there is not, and a condition that nobody fits.
    """
    with watched() as report:
        world = open_world(where, report)
        facts = facts_of(world, report, condition)
    answer(shape, facts, lambda found, _: text_of(found))


def facts_of(world: World, report: Report, where: str | None = None) -> Facts:
    """Measure the network of a world.

    Parameters
    ----------
    world
        Whose network.
    report
        Told the progress; may cancel.
    where
        Only the ties between the members of a condition; None: all.

    Returns
    -------
    dict
        As ``NetworkReport.as_dict``; influential members have their foreign ids and names too.
    """
    from sim.network import induced, network_report

    ties, who = world.ties, None
    if where is not None:
        ties, who = induced(ties, world.agents_where(where))
    facts = network_report(ties, seed=world.seed, report=report).as_dict()
    for member in facts["influential"]:
        member["agent"] = member["agent"] if who is None else int(who[member["agent"]])
        member["id"] = world.agents.id(member["agent"])
        member["name"] = world.agents.name(member["agent"])
    return facts


def text_of(facts: Facts) -> str:
    """Return the facts as tables for a person."""
    plain = {
        name.replace("_", " "): _shown(value)
        for name, value in facts.items()
        if name != "influential"
    }
    heading = ("influential", "id", "PageRank", "listeners")
    members = [
        (item["name"], str(item["id"]), f"{item['pagerank']:.6f}", f"{item['listeners']:,}")
        for item in facts["influential"]
    ]
    parts = (pairs(plain), _distribution(facts["listeners"]["bins"]), table([heading, *members]))
    return "\n\n".join(parts)


def _distribution(bins: Sequence[tuple[int, int, int]]) -> str:
    """Return how many agents have how many listeners, with bars."""
    most = max((agents for _, _, agents in bins), default=1)
    rows = [
        (_span(low, high - 1), f"{agents:,}", "#" * round(_BAR * agents / most))
        for low, high, agents in bins
    ]
    return table([("listeners", "agents", ""), *rows])


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "sampled" in value:
        sampled = f" +- {value['error']:.2g} (sampled)" if value["sampled"] else ""
        return f"{value['value']:.5g}{sampled}"
    if isinstance(value, dict):
        numbers = {name: item for name, item in value.items() if name != "bins"}
        return ", ".join(f"{name} {_shown(item)}" for name, item in numbers.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if isinstance(value, float) and isnan(value) else f"{value:.5g}"
