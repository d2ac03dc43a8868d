"""A quick analytic estimate of how many requests minds would make, without a run.

Who is online follows from each member's activity and the rhythm of the platform; a prompt has
as many messages as feeds have now. :func:`~sim.minds.deciding.estimate.estimate` runs the world
instead, which takes as long as the run does without a model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sim.minds.deciding.estimate import WRITTEN, RunEstimate
from sim.minds.deciding.thinker import persona_of
from sim.minds.minds import ACTS
from sim.minds.models.prices import Price
from sim.minds.prompts.prompts import Post, Prompt, Scene, read_prompt, tokens_in
from sim.platform.rhythm import curve_of, factors
from sim.world.world import World

__all__ = ["expected", "online_in"]

_FRAME = 8  # tokens around a turn
_SAMPLE = 8
_YOUNG = 4  # messages in a feed of the first day
_POST = "A sentence of a member on what it cares for, as rules write it in feeds."
_PLAN = (_POST,) * 3
_PLANNED, _REVISED = 60, 8
"""Tokens of a plan, and the decisions after which one is revised, as ModelMind has it."""
_MEMORIES, _REFLECTS, _THOUGHT = 1.5, 24, 40
"""Memories of a decision, those after which ModelMind reflects, and tokens of what it thinks."""
_REMEMBERED = ("You chose to like somebody's post: " + _POST,) * 2


def expected(
    world: World,
    members: npt.ArrayLike,
    ticks: int,
    price: Price,
    *,
    goal: str = "",
    prompts: Path | None = None,
    limit: int = 1000,
) -> RunEstimate:
    """Return about what a run of minded members would ask.

    Parameters
    ----------
    world
        Nothing of it is changed.
    members
        Indices of those with a mind.
    ticks
        Of the run.
    price
        Of the model.
    goal, prompts, limit
        As for the run itself.
    """
    who = np.unique(np.asarray(members, dtype=np.int64))
    requests = round(online_in(world, who, ticks))
    template = read_prompt("decide", prompts)
    each = [_prompt(world, int(one), template, goal, limit) for one in _some(who)]
    read = round(requests * float(np.mean(each))) if each else 0
    written = requests * WRITTEN
    each_member = requests / max(who.size, 1)
    thoughts = int(each_member * _MEMORIES / _REFLECTS) * who.size
    if thoughts:
        scene = Scene(
            world.agents.name(int(who[0])), persona_of(world, int(who[0])), "", goal,
            _REMEMBERED * 8,
        )  # fmt: skip
        read += thoughts * _tokens(read_prompt("reflect", prompts), scene, limit)
        requests, written = requests + thoughts, written + thoughts * _THOUGHT
    if goal and who.size:
        asked = min(who.size, requests) + requests // _REVISED
        scene = Scene(world.agents.name(int(who[0])), persona_of(world, int(who[0])), "", goal)
        read += asked * _tokens(read_prompt("plan", prompts), scene, limit)
        requests, written = requests + asked, written + asked * _PLANNED
    return RunEstimate(ticks, requests, read, written, price.of(read, written) / 1e9)


def online_in(world: World, members: npt.NDArray[np.int64], ticks: int) -> float:
    """Return how often members will be online in the next ticks together, on average."""
    agents, platform = world.agents, world.platform
    share = np.where(agents.is_active(members), agents.activity[members], 0.0)
    if platform is None:
        return float(share.sum()) * ticks
    curve, kinds = curve_of(platform.settings.rhythm), platform.members.chronotype[members]
    law = [factors(curve, world.tick + 1 + t, world.tick_minutes)[kinds] for t in range(ticks)]
    return float(sum(np.minimum(share * factor, 1.0).sum() for factor in law))


def _some(who: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return a few of them, evenly spread."""
    step = max(who.size // _SAMPLE, 1)
    return who[::step][:_SAMPLE]


def _prompt(world: World, member: int, template: Prompt, goal: str, limit: int) -> int:
    """Return the tokens of what a member would be asked, with a feed as long as they are now."""
    posts = [Post("Somebody Else", _POST, 3, 1, hours=5.0, followed=True)] * _shown(world)
    scene = Scene(
        world.agents.name(member), persona_of(world, member), "day 1, 12:00", goal=goal,
        memories=_REMEMBERED, feed=posts, acts=ACTS, plan=_PLAN if goal else (),
    )  # fmt: skip
    return _tokens(template, scene, limit)


def _tokens(template: Prompt, scene: Scene, limit: int) -> int:
    return sum(tokens_in(turn.text) + _FRAME for turn in template.turns(scene, limit))


def _shown(world: World) -> int:
    """Return how many messages a feed has: as many as now, or what a young platform shows."""
    platform = world.platform
    if platform is None or platform.exposures.taken is not None:
        return _YOUNG
    viewers = sum(part.viewers.size for part in platform.exposures.parts)
    if not viewers:
        return _YOUNG
    return max(round(len(platform.exposures) / viewers), 1)
