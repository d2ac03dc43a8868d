"""Metrics of a run as text files: CSV or JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from sim.cli.runs.results import told_counts
from sim.world.metrics.members import MEMBER_SERIES

if TYPE_CHECKING:
    from sim.agents.columns import Agents
    from sim.world.metrics.members import MemberSeries
    from sim.world.world import World


def metrics_text(world: World, suffix: str) -> str:
    """Return the metrics of a world as text.

    Parameters
    ----------
    world
        One that takes metrics, or took none.
    suffix
        ``.csv``: a heading, then a line a row; what was not taken is empty. ``.jsonl``: an object
        a row, of what was taken; behind them one for each message (``{"message": ID, ...}``) with
        its first and its later adoptions and R per tick.
    """
    rows = [] if world.metrics is None else list(world.metrics.table())
    if suffix == ".jsonl":
        lines = [json.dumps(row) for row in rows] + _messages(world)
        return "".join(f"{line}\n" for line in lines)
    names = () if world.metrics is None else world.metrics.names
    text = io.StringIO()
    table = csv.DictWriter(text, ["tick", *names], restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def members_text(members: MemberSeries, agents: Agents, suffix: str) -> str:
    """Return the series of single members as text: a line for each tick and member.

    Parameters
    ----------
    members
        As metrics took them.
    agents
        The population, for their ids.
    suffix
        ``.csv`` or ``.jsonl``.
    """
    rows = [row | {"agent": agents.id(int(row["agent"]))} for row in members.table()]
    if suffix == ".jsonl":
        return "".join(f"{json.dumps(row)}\n" for row in rows)
    text = io.StringIO()
    names = ["tick", "agent", *MEMBER_SERIES]
    table = csv.DictWriter(text, names, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _messages(world: World) -> list[str]:
    lines = []
    for cascade in world.cascades:
        r = [None if value != value else float(value) for value in cascade.r]
        new = cascade.new_adopters.tolist()
        said = {"message": cascade.id, "started_at": cascade.started_at, "new": new}
        said |= {"adoptions": told_counts(cascade.adoptions), "r": r}
        lines.append(json.dumps(said))
    return lines
