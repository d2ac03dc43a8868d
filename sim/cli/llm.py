"""``hubbub llm`` and ``hubbub ask``: language models, what they cost, and questions to members."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim import minds as models
from sim import runtime
from sim.cli.help import VerbApp
from sim.cli.output import Json, WorldName, as_json, require_folder, safe, say, table, tell
from sim.cli.run import Goal, MindName, minds_asked
from sim.cli.start import prepare
from sim.cli.watch import watched
from sim.cli.worlds import open_world
from sim.core.text import plural
from sim.errors import FileError, HubbubError, InputError
from sim.scenario.minds import MindsRequest, give

if TYPE_CHECKING:
    from sim.core.progress import Report
    from sim.world.world import World


llm = VerbApp("Language models: which are set up, what they cost, and one for this machine.")


@llm.command("check")
def llm_check(
    context: typer.Context,
    ask: Annotated[bool, typer.Option("--ask", help="Send each one short question.")] = False,
    json: Json = False,
) -> None:
    """List the models that are set and what they lack; with --ask, whether they answer."""
    prepare(context.obj)
    from sim.cli.providers import show_models

    show_models(ask=ask, json=json)


@llm.command("prices")
def llm_prices(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(help="A model; default: all.")] = None,
    read: Annotated[
        float | None, typer.Option(help="Set its price: dollars per million tokens read.")
    ] = None,
    written: Annotated[
        float | None, typer.Option(help="Dollars per million tokens written; 0 for embeddings.")
    ] = None,
    json: Json = False,
) -> None:
    """Print the price table, or set a model's price in your own table, which overrides it."""
    prepare(context.obj)
    from sim.cli.providers import note_price, show_prices

    if read is not None or written is not None:
        note_price(model, read, written)
    show_prices(model, json=json)


@llm.command("prompts")
def llm_prompts(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A template; default: list them.")] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Copy it to your own templates, which override these.")
    ] = False,
) -> None:
    """Print prompt templates, or copy one to edit it."""
    prepare(context.obj)
    from sim.cli.providers import show_prompts

    show_prompts(name, edit=edit)


@llm.command("install")
def llm_install(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Install a small language model that runs on this machine (about 130 MB)."""
    prepare(context.obj)
    from sim.cli.providers import install

    install(yes=yes)


@llm.command("serve")
def llm_serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 8080,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="Concurrent requests.")] = 2,
) -> None:
    """Serve the local model on this machine (loopback only) until Ctrl-C."""
    prepare(context.obj)
    from sim.cli.providers import serve

    serve(port, at_once)


@llm.command("estimate")
def llm_estimate(
    context: typer.Context,
    world: WorldName,
    ticks: Annotated[int, typer.Option(help="Ticks of the run.")] = 24,
    minds: Annotated[
        str | None, typer.Option(help="Members that decide by themselves: top:50:pagerank.")
    ] = None,
    mind: MindName = None,
    goal: Goal = None,
    json: Json = False,
) -> None:
    """Estimate the requests and the cost of minds in a run; no model is asked."""
    prepare(context.obj)
    from sim.minds.deciding.estimate import estimate
    from sim.minds.models.budget import price_of
    from sim.minds.models.configured import prices_in, prompts_folder
    from sim.settings.settings import current

    asked = minds_asked(minds, mind, goal, offline=False) or MindsRequest()
    if ticks < 1:
        raise InputError(f"--ticks is at least 1, got {ticks}.")
    settings = current()
    local = settings.llm_local or models.Provider("any", settings.llm_url).is_local
    free = local or not settings.llm_model
    price = price_of(settings.llm_model or "local", prices_in(), local=free)
    with watched() as report:
        opened = open_world(world, report)
        if asked.who:
            give(opened, asked, tell)
        if opened.platform is None or not opened.platform.minds.members.size:
            raise InputError("No member of this world has a mind; name some with --minds.")
        found = estimate(
            opened, ticks, price, prompts=prompts_folder(), limit=settings.llm_prompt_tokens,
            report=report,
        )  # fmt: skip
    if json:
        say(as_json(asdict(found)))
        return
    is_set = settings.llm_model or settings.llm_local
    money = f"${found.dollars:.4f}" if is_set else "no price, as no model is set"
    say(
        f"{plural(found.ticks, 'tick')}: about {plural(found.requests, 'request')}, {found.read:,} "
        f"tokens read, {found.written:,} written, {money}."
    )


@llm.command("distill")
def llm_distill(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Worlds in which models decided.")
    ],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("surrogate.json"),
    held_out: Annotated[float, typer.Option(help="Share of decisions to test it on.")] = 0.3,
    seed: Annotated[int, typer.Option(help="Seed of the draw of these.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    json: Json = False,
) -> None:
    """Fit a surrogate to decisions of models, and measure how far it agrees with them."""
    prepare(context.obj)
    from sim.runtime.replay import write

    if not 0 < held_out < 1:
        raise InputError(f"--held-out is between 0 and 1, got {held_out:g}.")
    require_folder(out)
    if out.exists() and not force:
        raise FileError(out, "exists already; choose another name, or add --force")
    with watched() as report:
        found = runtime.distil(files, held_out=held_out, seed=seed, report=report)
    write(found, out)
    if json:
        facts = found.agreement.model_dump() | {"models": found.models, "acts": found.acts}
        say(as_json({"file": str(out), "hash": found.hash, **facts}))
        return
    names = ", ".join(found.models) or "an unnamed model"
    say(f"Distilled {plural(found.agreement.fitted, 'decision')} of {names} into {out}.")
    say(f"It {found.agreement.words}")
    say(f"Hash: {found.hash}")
    say(f"Use it: hubbub run WORLD --minds top:50:pagerank --mind surrogate,path={out}")


def ask(
    context: typer.Context,
    world: WorldName,
    who: Annotated[
        str,
        typer.Argument(
            metavar="WHO", help="A member's id, or a sample: random:20, community:NAME:20, ..."
        ),
    ],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question.")],
    choices: Annotated[
        str, typer.Option(help="Possible answers of a sample, separated by commas.")
    ] = "",
    json: Json = False,
) -> None:
    """Ask a member or a sample of members; the world is not changed.

    A language model answers: hubbub llm check shows whether one is set up, and what is missing.
    """
    prepare(context.obj)
    with watched() as report:
        opened = open_world(world, report)
        member = None if choices else _member(opened, who)
        if member is None:
            _ask_sample(opened, who, question, choices, report, json=json)
        else:
            _ask_member(opened, member, question, json=json)


def _member(world: World, who: str) -> int | None:
    """Return the member with this id; None: the text means a sample."""
    try:
        return world.agents.index(who)
    except InputError:
        if ":" in who:
            return None
        raise


@contextmanager
def _asking() -> Iterator[tuple[models.ModelPool, dict[str, Any]]]:
    """Yield the models to ask and how prompts are made; refuse if no model can be asked."""
    from sim.minds.models.configured import open_pool, prompts_folder
    from sim.settings.settings import current

    with open_pool(current()) as (pool, lacks):
        if pool is None:
            raise HubbubError(lacks)
        yield pool, {"prompts": prompts_folder(), "limit": current().llm_prompt_tokens}


def _ask_member(world: World, member: int, question: str, *, json: bool) -> None:
    from sim.minds.deciding.interview import interview

    with _asking() as (pool, how):
        answer = interview(world, member, question, pool, **how)
    if answer.fault is not None:
        raise HubbubError(answer.detail or f"No answer came: {answer.fault}.")
    name = world.agents.name(member)
    if json:
        facts = {"member": member, "name": name, "answer": answer.text, "model": answer.model}
        say(as_json(facts | {"seconds": answer.seconds, "dollars": answer.nano / 1e9}))
        return
    say(safe(f"{name}: {answer.text}"))


def _ask_sample(
    world: World, members: str, question: str, choices: str, report: Report, *, json: bool
) -> None:
    from sim.minds.deciding.commands import members_of
    from sim.minds.deciding.interview import survey

    who = [int(member) for member in members_of(world, members)]
    with _asking() as (pool, how):
        found = survey(
            world, who, question, pool, choices=[c for c in choices.split(",") if c],
            report=report, **how,
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
