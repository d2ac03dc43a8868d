"""Talking to members: interview one, ask a sample the same, be one yourself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sim.errors import InputError
from tui.actions.action import Words, does
from tui.actions.arguments import pairs
from tui.dialogs.progress import in_thread
from tui.model_access import asking_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from sim.core import Report
    from sim.minds.deciding.commands import PlayedMember
    from sim.minds.models.asks import Answer
    from tui.dialogs.interview import Talk
    from tui.dialogs.play import PlayerAct
    from tui.dialogs.survey import SurveyQuestions
    from tui.viewer import Viewer

LOOK = 0.1

_TALKS: WeakKeyDictionary[Any, dict[int, Talk]] = WeakKeyDictionary()
"""Of each simulation: what was said to whom."""


async def _meant(app: Viewer, words: Words, verb: str) -> tuple[int, str]:
    """Return index and name of the member that is named first, else of the one chosen."""
    from sim.minds.deciding.commands import who_is

    if words:
        found: tuple[int, str] = await app.simulation.query(who_is, words[0])
        return found
    agent = app.agents.chosen if app.situation().mode == "agents" else None
    if agent is None:
        raise InputError(f"Type whom, such as `{verb} 33`, or choose a member in Agents (3).")
    chosen: tuple[int, str] = await app.simulation.query(who_is, app.agents.table.id_of(agent))
    return chosen


@does("interview")
async def interview(app: Viewer, words: Words) -> None:
    """Talk to a member, which stays as it is unless it shall remember."""
    from tui.dialogs.interview import InterviewDialog

    member, name = await _meant(app, words, "interview")
    simulation, thinker = app.simulation, await asking_of(app).ready()

    async def put(question: str, talk: Talk) -> Answer:
        ask = await simulation.query(_asked, member, question, talk)
        return await in_thread(lambda: thinker.pool.submit(ask).result(), "interview")  # type: ignore[union-attr]  # ready() says so

    async def keep(question: str, answer: str) -> None:
        await simulation.do("remember", member, question, answer)

    talk = _TALKS.setdefault(simulation, {}).setdefault(member, [])
    await app.push_screen_wait(InterviewDialog(name, put, keep, talk, " ".join(words[1:])))


def _asked(world: Any, member: int, question: str, talk: Talk) -> Any:
    """Return a question as the member is asked it."""
    from sim.minds.deciding.interview import question_to
    from sim.minds.models.configured import prompts_folder
    from sim.settings import current

    limit = current().llm_prompt_tokens
    return question_to(world, member, question, before=talk, prompts=prompts_folder(), limit=limit)


@does("survey")
async def survey(app: Viewer, words: Words) -> None:
    """Ask a sample of members the same, and show how their answers spread."""
    from tui.dialogs.survey import SurveyDialog, SurveyQuestions, choices_of

    if words:
        said = pairs(words[1:])
        if set(said) - {"question", "choices"} or not said.get("question"):
            raise InputError("Type `survey random:20 question='...' choices=yes,no`.")
        choices = choices_of(said.get("choices", ""))
        wish: SurveyQuestions | None = SurveyQuestions(words[0], said["question"], choices)
    else:
        wish = await app.push_screen_wait(SurveyDialog())
    if wish is not None:
        await _survey(app, wish)


async def _survey(app: Viewer, wish: SurveyQuestions) -> None:
    from sim.minds.deciding.interview import counted, plain
    from tui.dialogs.dialog import Notice
    from tui.dialogs.survey import told

    thinker = await asking_of(app).ready()
    names, asks = await app.simulation.query(_sampled, wish)
    futures = [thinker.pool.submit(ask) for ask in asks]  # type: ignore[union-attr]  # ready() says so
    answers = await app.work.in_thread("asking members", lambda report: _gathered(futures, report))
    answers = [plain(one, wish.choices) for one in answers]
    said = [one.text if one.fault is None else f"({one.fault})" for one in answers]
    counts = counted(answers, wish.choices)
    await app.push_screen_wait(Notice("Survey", told(wish.question, counts, names, said)))


def _sampled(world: Any, wish: SurveyQuestions) -> tuple[list[str], list[Any]]:
    """Return who is asked, and how."""
    from sim.minds.deciding.commands import members_of
    from sim.minds.deciding.interview import questions_to
    from sim.minds.models.configured import prompts_folder
    from sim.settings import current

    who = [int(member) for member in members_of(world, wish.members)]
    asks = questions_to(
        world, who, wish.question, choices=wish.choices, prompts=prompts_folder(),
        limit=current().llm_prompt_tokens,
    )  # fmt: skip
    return [world.agents.name(member) for member in who], asks


def _gathered(futures: list[Future[Answer]], report: Report) -> list[Answer]:
    """Wait for all answers; whoever cancels calls off those that are awaited."""
    from concurrent.futures import wait

    try:
        waiting = set(futures)
        while waiting:
            done = len(futures) - len(waiting)
            report(f"{done:,} of {len(futures):,} answered", done / len(futures))
            _, waiting = wait(waiting, LOOK)
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return [future.result() for future in futures]


@does("be")
async def play(app: Viewer, words: Words) -> None:
    """Be a member: see its feed and act for it; what it does is recorded like anything else."""
    from sim.minds.deciding.commands import being_of
    from tui.dialogs.play import PlayDialog

    member, name = await _meant(app, words, "play")
    simulation = app.simulation

    async def act(deed: PlayerAct) -> None:
        said = {"message": deed.message, "other": deed.other, "text": deed.text}
        given = {key: value for key, value in said.items() if value not in {None, ""}}
        await simulation.do("act", member, deed.act, **given)

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
            app.say(f"{name} goes its own way again.", "good")
