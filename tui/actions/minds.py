"""Minds: who decides by itself, whether a language model is asked, and for how much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.minds.models.budget import cap_of
from tui.actions.action import Words, does
from tui.actions.arguments import choice, pairs, share_of
from tui.dialogs.progress import in_thread
from tui.minds_facts import told
from tui.model_access import asking_of

if TYPE_CHECKING:
    from sim.scenario import MindsRequest
    from tui.dialogs.minds import MindWish
    from tui.viewer import Viewer


@does("minds")
async def minds(app: Viewer, words: Words) -> None:
    """Give members a mind of their own, as was typed or as a dialog asks."""
    from sim.minds.deciding.estimate import minds_offer
    from tui.dialogs.minds import GiveMinds, MindWish

    offer = await in_thread(minds_offer, "minds")
    caps, _ = await app.simulation.query(_kept)
    if caps is not None and caps[2] is not None:
        offer = replace(offer, dollars=caps[2] / 1e9)  # the run's, whatever settings say
    wish: MindWish | None
    if words:
        said = pairs(words[1:])
        allowed = ("mind", *offer.fields)
        if set(said) - set(allowed):
            raise InputError(f"Minds take {', '.join(allowed)}, each NAME=WORDS, nothing else.")
        mind = said.pop("mind", "model")
        wish = MindWish(words[0], mind, wake=False, said=said)
    else:
        _of_this_process(app)
        dialog = GiveMinds(offer, _proposed(app), lambda *said: _estimated(app, *said))
        wish = await app.push_screen_wait(dialog)
    if wish is not None:
        await _give(app, wish)


def _proposed(app: Viewer) -> str:
    """Return whom the dialog proposes: who is chosen on the screen, else nobody."""
    agent = app.agents.chosen if app.situation().mode == "agents" else None
    return "" if agent is None else f"ids:{app.agents.table.id_of(agent)}"


async def _estimated(app: Viewer, who: str, ticks: int, model: str, goal: str) -> str:
    """Return what members, ticks, model and goal would cost, in a sentence."""
    from sim.minds.deciding.estimate import expected_of

    if not who:
        return ""
    members, found = await app.simulation.query(expected_of, who, ticks, model, goal)
    cost = f", ${found.dollars:.4f}" if model else "; nobody to ask, so rules decide"
    return (
        f"{members:,} members, {ticks:,} ticks: about {found.requests:,} requests, "
        f"{found.read:,} tokens read, {found.written:,} written{cost}."
    )


async def _give(app: Viewer, wish: MindWish) -> None:
    from sim.minds.deciding import commands as minding

    name = wish.mind.partition(",")[0]
    await in_thread(lambda: minding.checked_mind(wish.mind), "minds")
    if wish.wake and await app.simulation.query(_has_platform) is False:
        await app.simulation.do("open_platform")
    many = await app.simulation.do("give_minds", wish.who, wish.mind, **wish.said)
    if wish.budget:
        await _cap(app, tuple(wish.budget.split()))
    if not wish.wake:
        now = app.simulation.frame.minds
        until = "" if now is not None and now.awake else "; until :llm on the rules decide for them"
        app.say(f"{many:,} members have a mind of their own{until}.", "good")
        return
    asking_of(app).prefer = wish.model
    await _wake(app, f"{many:,} members have a mind ({name}) and decide from the next tick on.")


async def let_decide(app: Viewer, asked: MindsRequest) -> None:
    """Give members the minds that a scenario asks for, and let them decide."""
    _of_this_process(app)
    asking_of(app).least = asked.least
    if await app.simulation.query(_has_platform) is False:
        await app.simulation.do("open_platform")
    if asked.who:
        await app.simulation.do("give_minds", asked.who, asked.mind, asked.goal)
    for cap in asked.budget:
        await _cap(app, tuple(cap.split()))
    await _wake(app, offline=asked.offline)


def _has_platform(world: Any) -> bool:
    return world.platform is not None


@does("llm")
async def llm(app: Viewer, words: Words) -> None:
    """Let minds decide after each tick, or the rules for all of them; say how they do, cap them."""
    wish = choice("wish", words[:1], ("on", "off", "status", "budget", "least"))
    if wish == "status":
        await _status(app)
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
        raise InputError("Minds think in the program's own process; start it without --isolated.")


async def _wake(app: Viewer, done: str = "Minds decide now.", *, offline: bool = False) -> None:
    asking, simulation = asking_of(app), app.simulation
    await _resume(app)
    thinker = await asking.anew(simulation.think, offline=offline)
    app.say(
        f"{thinker.lacks} Until then rules decide." if thinker.lacks else done,
        "warning" if thinker.lacks else "good",
    )


async def _resume(app: Viewer) -> None:
    """Take over the caps of the run that this world is, or have it keep those of now."""
    from sim.runtime.minds import resume

    budget = await asking_of(app).budget()
    caps, spent = await app.simulation.query(_kept)
    resume(budget, caps, spent)
    if caps is None:
        await app.simulation.do("keep_minds", {"caps": list(budget.caps)})


def _kept(world: Any) -> tuple[list[int | None] | None, list[int]]:
    minds = world.platform.minds if world.platform is not None else None
    return (None, [0, 0, 0]) if minds is None else (minds.caps, minds.spent)


def _least(app: Viewer, words: Words) -> None:
    """Set the share of decisions below which the world pauses, or say which it is."""
    asking = asking_of(app)
    if words:
        asking.least = share_of(words[0])
        if asking.thinker is not None:
            asking.thinker.least = asking.least
    from sim.settings import current

    least = current().llm_least_share if asking.least is None else asking.least
    app.say(
        f"The world pauses once models decide less than {least:.0%} of the time."
        if least
        else "The world goes on however little models decide."
    )


async def _rest(app: Viewer) -> None:
    await app.simulation.think(None)
    now = app.simulation.frame.minds
    await asking_of(app).close()
    warning = now.warning if now is not None else ""
    app.say(warning or "The rules decide for all members.", "warning" if warning else "good")


async def _status(app: Viewer) -> None:
    from tui.dialogs.dialog import Notice

    await app.push_screen_wait(Notice("Minds", told(app.simulation.frame.minds)))


async def _budget(app: Viewer, words: Words) -> None:
    """Set a cap, or say how much of each is spent."""
    from sim.runtime.minds import budget_left

    if words:
        await _cap(app, words)
    left = ", ".join(budget_left(await asking_of(app).budget()))
    app.say(f"Spent: {left}. At a cap members fall back to the rules." if left else "No cap.")


async def _cap(app: Viewer, words: Words) -> None:
    name, most = cap_of(words)
    budget = await asking_of(app).budget()
    caps, spent = await app.simulation.query(_kept)
    if caps is not None or any(spent):
        from sim.runtime.minds import resume

        resume(budget, caps, spent)
    budget.set_cap(name, most)
    if await app.simulation.query(_has_platform):
        await app.simulation.do("keep_minds", {"caps": list(budget.caps)})
