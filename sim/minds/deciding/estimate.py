"""Estimates of the cost of a run with minds: by arithmetic, and by a run with mock answers.

Online members follow from each member's activity and the rhythm of the platform; a prompt has
as many messages as feeds have now. :func:`~sim.minds.deciding.estimate.estimate` runs the world
instead, which takes as long as the run takes without a model.

Members mostly like and share, sometimes answer and post, write to each other if they may, and plan
in three steps. Each question has one answer.
"""

from __future__ import annotations

import inspect
import json
import re
from bisect import bisect_right
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.core.progress import Report, quiet
from sim.core.registry import load_plugins, names
from sim.minds.deciding.commands import decide, give_minds, wake_minds
from sim.minds.deciding.thinker import Thinker, persona_of
from sim.minds.minds import ACTS, Mind
from sim.minds.models.asks import Answer, Ask, Fault, tokens_in
from sim.minds.models.budget import FREE, Price, price_of
from sim.minds.models.configured import lacks_in, models_in, prices_in, prompts_folder
from sim.minds.models.local import ALIAS
from sim.minds.models.provider import Provider
from sim.minds.prompts.decisions import NEEDS_POST, NEEDS_TEXT
from sim.minds.prompts.prompts import Post, Prompt, Scene, read_prompt
from sim.platform.members import curve_of, factors
from sim.settings.settings import current
from sim.world.members import members_of
from sim.world.world import World

_FRAME = 8
WRITTEN = 45
"""Tokens of an answer: an act, a post, and one sentence every other time."""


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """Estimated requests, tokens and cost of a run."""

    ticks: int
    requests: int
    read: int  # read, written: tokens of all prompts, and of all answers
    written: int
    dollars: float


class _CountingPool:
    """Stands in for a pool: it counts, and gives likely answers."""

    def __init__(self, written: int) -> None:
        self.requests = self.read = self.written = 0
        self._each = written
        self._known: set[str] = set()

    def submit(self, ask: Ask, seconds: float | None = None) -> Future[Answer]:
        said = ask.fingerprint("")
        if said not in self._known:  # an equal question is answered from the cache
            self._known.add(said)
            self.requests += 1
            self.read += sum(tokens_in(turn.text) + _FRAME for turn in ask.turns) + ask.of_pictures
            self.written += ask.likely or self._each
        future: Future[Answer] = Future()
        text = likely(ask)
        fault = Fault.MISSING if text is None else None
        future.set_result(Answer(text or "", fault, "none" if fault else "model"))
        return future


def estimate(
    world: World,
    ticks: int,
    price: Price,
    *,
    written: int = WRITTEN,
    prompts: Path | None = None,
    limit: int = 1000,
    minds: dict[str, Mind] | None = None,
    report: Report = quiet,
) -> RunEstimate:
    """Return what the minds of a world would ask in a run, by a run with likely answers."""
    counter = _CountingPool(written)
    thinker = Thinker(counter, prompts=prompts, limit=limit, minds=minds)
    wake_minds(world, True)
    for tick in range(ticks):
        report(f"estimating tick {tick + 1:,}", tick / max(ticks, 1))
        world.step()
        decide(world, thinker.think(world))
    dollars = price.of(counter.read, counter.written) / 1e9
    return RunEstimate(ticks, counter.requests, counter.read, counter.written, dollars)


_SAMPLE = 8
_YOUNG = 4  # messages in a feed on the first day
_POST = "A sentence of a member on what it cares for, as rules write it in feeds."
_PLAN = (_POST,) * 3
_PLANNED, _REVISED = 60, 8
"""Tokens of a plan, and decisions between revisions, as in ModelMind."""
_MEMORIES, _REFLECTS, _THOUGHT = 1.5, 24, 40
"""Memories per decision, memories between reflections of ModelMind, and tokens of a thought."""
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
    """Return an estimate of what a run of members with minds would ask."""
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
            world.agents.name(int(who[0])), persona_of(world, int(who[0]), limit), "", goal,
            _REMEMBERED * 8,
        )  # fmt: skip
        read += thoughts * _tokens(read_prompt("reflect", prompts), scene, limit)
        requests, written = requests + thoughts, written + thoughts * _THOUGHT
    if goal and who.size:
        asked = min(who.size, requests) + requests // _REVISED
        scene = Scene(
            world.agents.name(int(who[0])), persona_of(world, int(who[0]), limit), "", goal
        )
        read += asked * _tokens(read_prompt("plan", prompts), scene, limit)
        requests, written = requests + asked, written + asked * _PLANNED
    return RunEstimate(ticks, requests, read, written, price.of(read, written) / 1e9)


def online_in(world: World, members: npt.NDArray[np.int64], ticks: int) -> float:
    """Return the expected number of times that members are online in the next ticks, in total."""
    agents, platform = world.agents, world.platform
    share = np.where(agents.is_active(members), agents.activity[members], 0.0)
    if platform is None:
        return float(share.sum()) * ticks
    curve, kinds = curve_of(platform.settings.rhythm), platform.members.chronotype[members]
    law = [factors(curve, world.tick + 1 + t, world.tick_minutes)[kinds] for t in range(ticks)]
    return float(sum(np.minimum(share * factor, 1.0).sum() for factor in law))


def _some(who: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return a few of them, evenly spaced."""
    step = max(who.size // _SAMPLE, 1)
    return who[::step][:_SAMPLE]


def _prompt(world: World, member: int, template: Prompt, goal: str, limit: int) -> int:
    """Return the tokens of a member's prompt, with a feed of the current length."""
    posts = [Post("Somebody Else", _POST, 3, 1, hours=5.0, followed=True)] * _shown(world)
    scene = Scene(
        world.agents.name(member), persona_of(world, member, limit), "day 1, 12:00", goal=goal,
        memories=_REMEMBERED, feed=posts, acts=ACTS, plan=_PLAN if goal else (),
    )  # fmt: skip
    return _tokens(template, scene, limit)


def _tokens(template: Prompt, scene: Scene, limit: int) -> int:
    return sum(tokens_in(turn.text) + _FRAME for turn in template.turns(scene, limit))


def _shown(world: World) -> int:
    """Return the number of messages in a feed: currently, or on a young platform."""
    platform = world.platform
    if platform is None or platform.exposures.taken is not None:
        return _YOUNG
    viewers = sum(part.viewers.size for part in platform.exposures.parts)
    if not viewers:
        return _YOUNG
    return max(round(len(platform.exposures) / viewers), 1)


_SHARES = (
    ("like", 30), ("repost", 8), ("reply", 14), ("post", 10), ("follow", 6), ("quote", 4),
    ("direct message", 10), ("group message", 4), ("join group", 2), ("do nothing", 20),
)  # fmt: skip
_ABOUT = {
    "direct message": r'<(?:letter|ally) number="(\d+)"',
    "group message": r'<group number="(\d+)"',
    "join group": r'<open-group number="(\d+)"',
}
_WORDS = "I think this is worth a closer look, and I would like to hear what others say."
_MOCK_THOUGHT = "Others listen when I say one thing plainly."
_STEPS = (
    "Post about it once a day in plain words.",
    "Answer those who disagree, with one good reason.",
    "Write to those who want the same, and agree on what to share.",
)


def likely(ask: Ask) -> str | None:
    """Return a likely answer to a question; None for an unknown kind of question."""
    fields = dict((ask.schema or {}).get("properties", {}))
    if set(fields) == {"steps"}:
        return json.dumps({"steps": list(_STEPS)})
    if set(fields) == {"acts", "on"}:
        return json.dumps(_mix(fields))
    if set(fields) == {"thoughts"}:
        return json.dumps({"thoughts": [_MOCK_THOUGHT]})
    number = int(ask.fingerprint("")[:12], 16)
    if set(fields) == {"act", "post", "text"}:
        return json.dumps(_decision(number, fields, ask.turns[-1].text))
    if set(fields) == {"answers"}:
        of = fields["answers"]["items"]["properties"]
        every = range(1, fields["answers"]["maxItems"] + 1)
        said = [{"member": k, **_decision(number * k, of, "")} for k in every]
        return json.dumps({"answers": said})
    return None


def _mix(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return likely chances of acts, which sum to 1."""
    shares = {act: dict(_SHARES).get(act, 1) for act in fields["acts"]["properties"]}
    total = sum(shares.values())
    chances = {act: share / total for act, share in shares.items()}
    on = fields["on"]["enum"]
    return {"acts": chances, "on": "liked" if "liked" in on else on[0]}


def _decision(number: int, fields: Mapping[str, Any], prompt: str) -> dict[str, Any]:
    """Return a likely decision; what comes after a feed is known only from a single prompt."""
    acts, last = fields["act"]["enum"], fields["post"]["maximum"]
    acts = [act for act in acts if prompt or act not in _ABOUT]
    shares = [share for act, share in _SHARES if act in acts]
    known = [act for act, _ in _SHARES if act in acts]
    act = known[bisect_right(list(accumulate(shares)), number % sum(shares))]
    text = _WORDS if act in NEEDS_TEXT else ""
    places = (
        [int(number) for number in re.findall(_ABOUT[act], prompt)] if act in _ABOUT else []
    ) or range(1, max(min(last, 3), 1) + 1)
    about = places[number // 97 % len(places)] if act in NEEDS_POST else 0
    return {"act": act, "post": about, "text": text}


_FIRST = ("model", "archetype", "surrogate", "rule")


@dataclass(frozen=True, slots=True)
class MindsOffer:
    """The choices for giving minds."""

    minds: tuple[str, ...]
    fields: tuple[str, ...]
    models: tuple[str, ...]
    dollars: float
    lacks: str


def minds_offer() -> MindsOffer:
    """Return the choices; reads settings and plugins, so call it outside the screen's thread."""
    load_plugins()
    there = sorted(names("mind"), key=lambda name: (name not in _FIRST, name))
    ranked = [name for name in _FIRST if name in there] + [n for n in there if n not in _FIRST]
    said = inspect.signature(give_minds).parameters.values()
    fields = [one.name for one in said if one.kind is one.POSITIONAL_OR_KEYWORD]
    settings = current()
    models = models_in(settings)
    lacks = lacks_in(settings, models[0] if models else "")
    return MindsOffer(tuple(ranked), tuple(fields[3:]), models, settings.llm_dollars, lacks)


def expected_of(
    world: World, members: str, ticks: int, model: str = "", goal: str = ""
) -> tuple[int, RunEstimate]:
    """Return the number of members in an expression, and the estimate of their run."""
    who, limit = members_of(world, members), current().llm_prompt_tokens
    found = expected(
        world, who, ticks, _price(model), goal=goal, prompts=prompts_folder(), limit=limit
    )
    return int(who.size), found


def _price(model: str) -> Price:
    local = model in {"", ALIAS} or Provider(model, current().llm_url).is_local
    return FREE if not model else price_of(model, prices_in(), local=local)
