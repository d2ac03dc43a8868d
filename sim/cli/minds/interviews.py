"""``hubbub ask`` and ``llm estimate``: questions to members, and what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sim.cli.program.output import as_json, safe, say, table, tell, watched
from sim.errors import HubbubError, InputError

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.minds.models.pool import ModelPool
    from sim.scenario.minds import MindsRequest
    from sim.world.world import World


@contextmanager
def _pool() -> Iterator[ModelPool]:
    """Yield who can be asked, or say what is missing."""
    from sim.minds.models.configured import open_pool
    from sim.settings.settings import current

    with open_pool(current()) as (pool, lacks):
        if pool is None:
            raise HubbubError(lacks)
        yield pool


def ask_members(where: str, who: str, question: str, choices: str, *, json: bool) -> None:
    """Ask a member of a world, or a sample of them; the world stays as it is.

    Parameters
    ----------
    where
        The world, as typed.
    who
        The id of a member; what is none is a sample, such as ``random:20``.
    question
        What they are asked.
    choices
        What a sample may answer, by commas; empty: anything.
    json
        Whether to write JSON.

    Raises
    ------
    InputError, HubbubError
        There is no such member, nobody to ask, or no answer came.
    """
    from sim.cli.worlds.open_save import open_world

    with watched() as report:
        world = open_world(where, report)
        member = None if choices else _member(world, who)
        if member is None:
            _ask_sample(world, who, question, choices, report, json=json)
        else:
            _ask_member(world, member, question, json=json)


def _member(world: World, who: str) -> int | None:
    """Return the member of an id; None: it is meant as a sample."""
    try:
        return world.agents.index(who)
    except InputError:
        if ":" in who:
            return None
        raise


def _ask_member(world: World, member: int, question: str, *, json: bool) -> None:
    from sim.minds.deciding.interview import interview
    from sim.minds.models.configured import prompts_folder
    from sim.settings.settings import current

    with _pool() as pool:
        answer = interview(
            world, member, question, pool,
            prompts=prompts_folder(), limit=current().llm_prompt_tokens,
        )  # fmt: skip
    if answer.fault is not None:
        raise HubbubError(answer.detail or f"No answer came: {answer.fault}.")
    name = world.agents.name(member)
    if json:
        said = {"member": member, "name": name, "answer": answer.text, "model": answer.model}
        say(as_json(said | {"seconds": answer.seconds, "dollars": answer.nano / 1e9}))
        return
    say(safe(f"{name}: {answer.text}"))


def _ask_sample(
    world: World, members: str, question: str, choices: str, report: Report, *, json: bool
) -> None:
    from sim.minds.deciding.commands import members_of
    from sim.minds.deciding.interview import survey
    from sim.minds.models.configured import prompts_folder
    from sim.settings.settings import current

    who = [int(member) for member in members_of(world, members)]
    with _pool() as pool:
        found = survey(
            world, who, question, pool, choices=[c for c in choices.split(",") if c],
            prompts=prompts_folder(), limit=current().llm_prompt_tokens,
            report=lambda: report("asking", 0.0),
        )  # fmt: skip
    names = [world.agents.name(member) for member in who]
    texts = [one.text if one.fault is None else f"({one.fault})" for one in found.answers]
    if json:
        rows = [{"member": m, "answer": t} for m, t in zip(who, texts, strict=True)]
        say(as_json({"question": question, "counts": found.counts, "answers": rows}))
    elif found.counts:
        total = max(len(who), 1)
        shares = [[name, str(n), f"{n / total:.0%}"] for name, n in found.counts.items()]
        say(table([["answer", "members", "share"], *shares]))
    else:
        say(safe("\n".join(f"{n}: {t}" for n, t in zip(names, texts, strict=True))))


def show_estimate(where: str, asked: MindsRequest, ticks: int, *, json: bool) -> None:
    """Say what a run of minds would ask and cost; nobody is asked, nothing is written.

    Raises
    ------
    InputError
        When nobody has a mind, or ticks are below 1.
    """
    from dataclasses import asdict

    from sim.cli.worlds.open_save import open_world
    from sim.minds.deciding.estimate import estimate
    from sim.minds.models.budget import price_of
    from sim.minds.models.configured import prices_in, prompts_folder
    from sim.minds.models.provider import Provider
    from sim.scenario.minds import give
    from sim.settings.settings import current

    if ticks < 1:
        raise InputError(f"A run to estimate has at least 1 tick, got {ticks}.")
    settings = current()
    local = settings.llm_local or Provider("any", settings.llm_url).is_local
    free = local or not settings.llm_model
    price = price_of(settings.llm_model or "local", prices_in(), local=free)
    with watched() as report:
        world = open_world(where, report)
        if asked.who:
            give(world, asked, tell)
        if world.platform is None or not world.platform.minds.members.size:
            raise InputError("Nobody in this world has a mind; say who by --minds.")
        found = estimate(
            world, ticks, price, prompts=prompts_folder(), limit=settings.llm_prompt_tokens,
            report=report,
        )  # fmt: skip
    if json:
        say(as_json(asdict(found)))
        return
    is_set = settings.llm_model or settings.llm_local
    money = f"${found.dollars:.4f}" if is_set else "no price, as no model is set"
    say(
        f"{found.ticks:,} ticks: about {found.requests:,} requests, {found.read:,} tokens read, "
        f"{found.written:,} written, {money}."
    )
