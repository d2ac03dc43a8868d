"""The actions of minds: assign, turn on, interview, survey, play."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sim import settings
from sim.core import plural
from sim.errors import InputError
from sim.minds.deciding import interview as interviews
from sim.minds.deciding.commands import PlayedMember, being_of, checked_mind, members_of, who_is
from sim.minds.deciding.estimate import expected_of, minds_offer
from sim.minds.models.asks import Answer
from sim.minds.models.budget import Budget, cap_of
from sim.minds.models.configured import prompts_folder
from sim.runtime.minds import budget_left, resume
from sim.scenario import MindsRequest
from tui.actions.command_line import choice, pairs, share_of
from tui.actions.table import Words, does
from tui.app import Hubbub as Viewer
from tui.dialogs.dialog import Notice
from tui.dialogs.minds import InterviewDialog, PlayDialog, Talk, minds_dialog, survey_dialog
from tui.dialogs.progress import in_thread
from tui.text import minds_text


@does("minds")
async def minds(app: Viewer, words: Words) -> None:
    offer = await in_thread(minds_offer, "minds")
    caps, _ = await app.simulation.query(_kept)
    if caps is not None and caps[2] is not None:
        offer = replace(offer, dollars=caps[2] / 1e9)  # the run's cap overrides the settings
    if not words:
        _of_this_process(app)
        proposed = "" if app.groups.member is None else f"ids:{app.groups.table.chosen_id}"
        dialog = minds_dialog(offer, proposed, lambda *said: _estimated(app, *said))
        words = await app.push_screen_wait(dialog) or ()
        if not words:
            return
    who, said = words[0], pairs(words[1:])
    allowed = ("mind", *offer.fields, "model", "budget", "wake")
    if set(said) - set(allowed):
        raise InputError(f"`minds` takes {', '.join(allowed)}, each NAME=WORDS, nothing else.")
    mind, wakes = said.pop("mind", "model"), said.pop("wake", "no") == "yes"
    model, budget = said.pop("model", ""), said.pop("budget", "")
    await in_thread(lambda: checked_mind(mind), "minds")
    if wakes:
        _of_this_process(app)
        await _open_platform(app)
    many = await app.simulation.do("give_minds", who, mind, **said)
    if budget:
        await _cap(app, tuple(budget.split()))
    if not wakes:
        now = app.simulation.frame.minds
        until = "" if now is not None and now.awake else "; type :llm on to activate them"
        app.say(f"Language models assigned to {plural(many, 'member')}{until}.", "good")
        return
    app.asking.prefer = model
    name = mind.partition(",")[0]
    await _wake(app, f"{name} decides for {plural(many, 'member')} from the next tick.")


async def _estimated(app: Viewer, who: str, ticks: int, model: str, goal: str) -> str:
    if not who:
        return ""
    members, found = await app.simulation.query(expected_of, who, ticks, model, goal)
    cost = f", ${found.dollars:.4f}" if model else "; no model configured, so rules decide"
    return (
        f"{plural(members, 'member')}, {plural(ticks, 'tick')}: about "
        f"{plural(found.requests, 'request')}, {found.read:,} tokens read, "
        f"{found.written:,} written{cost}."
    )


async def let_decide(app: Viewer, asked: MindsRequest) -> None:
    """Assign the minds that a scenario asks for, and let them decide."""
    _of_this_process(app)
    app.asking.least = asked.least
    await _open_platform(app)
    if asked.who:
        await app.simulation.do("give_minds", asked.who, asked.mind, asked.goal)
    for cap in asked.budget:
        await _cap(app, tuple(cap.split()))
    await _wake(app, offline=asked.offline)


async def _open_platform(app: Viewer) -> None:
    if await app.simulation.query(_has_platform) is False:
        await app.simulation.do("open_platform")


def _has_platform(world: Any) -> bool:
    return world.platform is not None


@does("llm")
async def llm(app: Viewer, words: Words) -> None:
    wish = choice("wish", words[:1], ("on", "off", "status", "budget", "least"))
    if wish == "status":
        told = minds_text(app.simulation.frame.minds)
        await app.push_screen_wait(Notice("Language models", told))
    elif wish == "budget":
        await _budget(app, words[1:])
    elif wish == "least":
        _least(app, words[1:])
    else:
        _of_this_process(app)
        now = app.simulation.frame.minds
        is_on = now is not None and now.awake
        await (_rest(app) if wish == "off" or (not wish and is_on) else _wake(app))


def _of_this_process(app: Viewer) -> None:
    if app.simulation.is_isolated:
        raise InputError("Language models run only without --isolated; start without it.")


async def _wake(app: Viewer, done: str = "", *, offline: bool = False) -> None:
    simulation = app.simulation
    budget, has_caps = await _run_budget(app)
    if not has_caps:
        await simulation.do("keep_minds", {"caps": list(budget.caps)})
    thinker = await app.asking.anew(simulation.think, offline=offline)
    said = f"{thinker.lacks} Until then rules decide." if thinker.lacks else done
    app.say(said or "Language models are on.", "warning" if thinker.lacks else "good")


async def _run_budget(app: Viewer) -> tuple[Budget, bool]:
    """Return the budget with the caps stored in the world, and whether it has any."""
    budget = await app.asking.budget()
    caps, spent = await app.simulation.query(_kept)
    resume(budget, caps, spent)
    return budget, caps is not None


def _kept(world: Any) -> tuple[list[int | None] | None, list[int]]:
    minds = world.platform.minds if world.platform is not None else None
    return (None, [0, 0, 0]) if minds is None else (minds.caps, minds.spent)


def _least(app: Viewer, words: Words) -> None:
    asking = app.asking
    if words:
        asking.least = share_of(words[0])
        if asking.thinker is not None:
            asking.thinker.least = asking.least
    least = settings.current().llm_least_share if asking.least is None else asking.least
    app.say(
        f"The world pauses if models make less than {least:.0%} of decisions."
        if least
        else "The world never pauses for a lack of model decisions."
    )


async def _rest(app: Viewer) -> None:
    await app.simulation.think(None)
    now = app.simulation.frame.minds
    await app.asking.close()
    warning = now.warning if now is not None else ""
    said = warning or "Language models are off; all members follow rules."
    app.say(said, "warning" if warning else "good")


async def _budget(app: Viewer, words: Words) -> None:
    if words:
        await _cap(app, words)
    left = ", ".join(budget_left(await app.asking.budget()))
    app.say(f"Spent: {left}. Beyond the budget, rules decide." if left else "No budget set.")


async def _cap(app: Viewer, words: Words) -> None:
    name, most = cap_of(words)
    budget, _ = await _run_budget(app)
    budget.set_cap(name, most)
    if await app.simulation.query(_has_platform):
        await app.simulation.do("keep_minds", {"caps": list(budget.caps)})


_TALKS: WeakKeyDictionary[Any, dict[int, Talk]] = WeakKeyDictionary()
"""The conversations of each simulation, by member."""


async def _meant(app: Viewer, words: Words, verb: str) -> tuple[int, str]:
    """Return index and name of the member named first, else of the chosen one."""
    if not words and app.groups.member is None:
        raise InputError(f"Type an id, such as `{verb} 33`, or select a member in Groups (2).")
    who = words[0] if words else app.groups.table.chosen_id
    found: tuple[int, str] = await app.simulation.query(who_is, who)
    return found


@does("interview")
async def interview(app: Viewer, words: Words) -> None:
    member, name = await _meant(app, words, "interview")
    simulation, thinker = app.simulation, await app.asking.ready()

    async def put(question: str, talk: Talk) -> Answer:
        ask = await simulation.query(_asked, member, question, talk)
        return await in_thread(lambda: thinker.pool.submit(ask).result(), "interview")  # type: ignore[union-attr]  # ready() says so

    async def keep(question: str, answer: str) -> None:
        await simulation.do("remember", member, question, answer)

    talk = _TALKS.setdefault(simulation, {}).setdefault(member, [])
    await app.push_screen_wait(InterviewDialog(name, put, keep, talk, " ".join(words[1:])))


def _asked(world: Any, member: int, question: str, talk: Talk) -> Any:
    return interviews.question_to(world, member, question, before=talk, **_prompts())


def _prompts() -> dict[str, Any]:
    return {"prompts": prompts_folder(), "limit": settings.current().llm_prompt_tokens}


@does("survey")
async def survey(app: Viewer, words: Words) -> None:
    words = words or await app.push_screen_wait(survey_dialog()) or ()
    if not words:
        return
    said = pairs(words[1:])
    if set(said) - {"question", "choices"} or not (question := said.get("question")):
        raise InputError("Type `survey random:20 question='...' choices=yes,no`.")
    choices = tuple(filter(None, map(str.strip, said.get("choices", "").split(","))))
    thinker = await app.asking.ready()
    names, asks = await app.simulation.query(_sampled, words[0], question, choices)
    futures = [thinker.pool.submit(ask) for ask in asks]  # type: ignore[union-attr]  # ready() says so
    answers = await app.work.in_thread("asking members", partial(interviews.gathered, futures))
    answers = [interviews.plain(one, choices) for one in answers]
    texts = [one.text if one.fault is None else f"({one.fault})" for one in answers]
    told = interviews.survey_text(question, interviews.counted(answers, choices), names, texts)
    await app.push_screen_wait(Notice("Survey", told))


def _sampled(
    world: Any, members: str, question: str, choices: tuple[str, ...]
) -> tuple[list[str], list[Any]]:
    who = [int(member) for member in members_of(world, members)]
    asks = interviews.questions_to(world, who, question, choices=choices, **_prompts())
    return [world.agents.name(member) for member in who], asks


@does("be")
async def play(app: Viewer, words: Words) -> None:
    member, name = await _meant(app, words, "play")
    simulation = app.simulation

    async def act(deed: str, **given: Any) -> None:
        await simulation.do("act", member, deed, **given)

    async def step() -> PlayedMember:
        await simulation.do("act", member, "refresh")
        await simulation.step(1)
        found: PlayedMember = await simulation.query(being_of, member)
        return found

    await simulation.do("play_member", member)
    try:
        being = await simulation.query(being_of, member)
        await app.push_screen_wait(PlayDialog(being, act, step))
    finally:
        if app.simulation is simulation:
            await simulation.do("play_member", member, False)
            app.say(f"{name} acts by itself again.", "good")
