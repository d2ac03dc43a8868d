"""Implementations of ``hubbub llm``: list models, prices and prompts; install and serve locally."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from sim.cli.exits import ERROR
from sim.cli.output import agreed, as_json, safe, say, table, tell
from sim.core.files import write_whole
from sim.core.text import one_line
from sim.errors import HubbubError, InputError
from sim.minds.minds import ACTS, ModelMind
from sim.minds.models.asks import Answer, Ask, ModelError
from sim.minds.models.budget import price_of, read_own, write_own
from sim.minds.models.configured import (
    budget_in,
    nobody,
    own_prices,
    prices_in,
    prompts_folder,
    providers_in,
)
from sim.minds.models.local import ALIAS, LocalModel, install_commands, missing_parts
from sim.minds.models.pool import ModelPool
from sim.minds.models.provider import Provider
from sim.minds.prompts.decisions import decision_of, schema_of
from sim.minds.prompts.prompts import TEMPLATES, Post, Scene, read_prompt
from sim.settings.settings import current, settings_path

_SEEN = Post("Ana", "The bridge is closed again.")
_LOOK = 0.2
_SHOWN = 60


def show_models(*, ask: bool, json: bool) -> None:
    """List the configured models, and whether they could be asked, or whether they answer."""
    settings = current()
    lacks = _lacks()
    with ExitStack() as stack:
        providers = list(providers_in(settings))
        if ask and settings.llm_local and not missing_parts():
            providers.insert(0, stack.enter_context(LocalModel()).provider)
        answers = _answers(providers) if ask and find_spec("openai") is not None else []
        rows = [_row(provider) for provider in providers]
    for row, answer in zip(rows, answers, strict=False):
        row |= _said(answer)
    if json:
        say(as_json({"models": rows, "lacks": lacks, "local_missing": missing_parts()}))
    else:
        if rows:
            cells = ([safe(str(value)) for value in row.values()] for row in rows)
            say(table([list(rows[0]), *cells]))
        elif not current().llm_local:
            say(nobody())
        if current().llm_local:
            say(f"The model on this machine ({ALIAS}) is asked first.")
        for sentence in lacks:
            say(sentence)
    silent = [answer for answer in answers if answer.fault is not None]
    if ask and (silent or not answers):
        raise typer.Exit(ERROR)


def _row(provider: Provider) -> dict[str, Any]:
    price = price_of(provider.model, prices_in(), local=provider.is_local)
    return {
        "model": provider.model,
        "host": provider.host,
        "key": "yes" if provider.key else "none",
        "read": f"${price.read / 1000:g}/M",
        "written": f"${price.written / 1000:g}/M",
    }


def _answers(providers: Sequence[Provider]) -> list[Answer]:
    """Ask each provider separately, under the budget of the settings."""
    budget, prices = budget_in(current()), prices_in()
    answers = []
    for provider in providers:
        with ModelPool([provider], budget, prices, cache=0) as pool:
            answers += pool.ask_all([_question()], provider.seconds)
    return answers


def _question() -> Ask:
    """Return a question as runs ask it: the decision of a member that sees one post."""
    mind = ModelMind()
    scene = Scene("Ben", "You are curious and kind.", "day 1, 12:00", feed=[_SEEN], acts=ACTS)
    turns = read_prompt("decide", prompts_folder()).turns(scene, current().llm_prompt_tokens)
    return Ask(turns, mind.most, mind.temperature, 0, schema_of(ACTS, 1))


def _said(answer: Answer) -> dict[str, Any]:
    return {
        "answers": "yes" if answer.fault is None else "no",
        "said": _shown(answer.text) if answer.fault is None else answer.detail,
        "seconds": f"{answer.seconds:.2f}",
        "cost": f"${answer.nano / 1e9:.6f}",
    }


def _shown(text: str) -> str:
    """Return a model's answer; if it is not a decision, with the reason."""
    try:
        decision_of(text, ACTS, 1)
    except ModelError as error:
        return f"{one_line(text, _SHOWN)} (no decision: {error.detail})"
    return one_line(text, _SHOWN)


def _lacks() -> list[str]:
    """Return one sentence for each thing that is missing or unsafe."""
    found = []
    if find_spec("openai") is None:
        found.append("The package openai is missing; run: pip install 'openai[aiohttp]'")
    if current().llm_local and missing_parts():
        found.append("The model on this machine is not installed; run: hubbub llm install")
    return found + [
        f"{path} holds a key and others may read it; run: chmod 600 {path}"
        for path in (Path(".env"), settings_path())
        if _holds_key(path) and path.stat().st_mode & 0o077
    ]


def _holds_key(path: Path) -> bool:
    try:
        return "key" in path.read_text("utf-8", "replace").lower()
    except OSError:
        return False


def note_price(model: str | None, read: float | None, written: float | None) -> None:
    """Write a model's price into the user's own table, keeping its other entries."""
    if not model or read is None or written is None:
        raise InputError(
            "A price needs a model and both numbers: hubbub llm prices MODEL --read X --written Y."
        )
    path = own_prices()
    own = read_own(path) if path.exists() else {}
    write_own(path, own | {model: {"read": read, "written": written}})
    say(f"Saved in {path}.")


def show_prices(model: str | None, *, json: bool) -> None:
    """Print the prices of models, in dollars per million tokens."""
    prices = prices_in()
    chosen = prices if model is None else {model: price_of(model, prices, local=False)}
    dollars = {
        name: {"read": price.read / 1000, "written": price.written / 1000}
        for name, price in chosen.items()
    }
    if json:
        say(as_json(dollars))
        return
    rows = [[name, *(f"{value:g}" for value in price.values())] for name, price in dollars.items()]
    say(table([["model", "read", "written"], *rows]))
    say(f"Dollars per million tokens. Your own table is {own_prices()}.")


def show_prompts(name: str | None, *, edit: bool) -> None:
    """Print templates, or copy one to the user's own prompts folder."""
    folder = prompts_folder()
    if name is None:
        rows = [[one, read_prompt(one, folder).fingerprint] for one in TEMPLATES]
        say(table([["template", "fingerprint"], *rows]))
        say(f"Yours are in {folder}; hubbub llm prompts NAME --edit copies one there.")
        return
    prompt = read_prompt(name, folder)
    text = f"{prompt.system}\n=== user\n{prompt.user}"
    if not edit:
        say(text)
        return
    own = folder / f"{name}.txt"
    if own.exists():
        raise InputError(f"{own} exists already; edit it, or remove it first.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(own, text)
    except OSError as error:
        raise HubbubError(f"{own} cannot be written: {error.strerror}.") from error
    say(f"Copied to {own}, which overrides the packaged one.")


def install(*, yes: bool) -> None:
    """Install what a local model needs, after confirmation."""
    commands = install_commands()
    if not commands:
        say(f"The model on this machine ({ALIAS}) is installed; start it with: hubbub llm serve")
        return
    for command in commands:
        say(" ".join(command))
    if not (yes or agreed("Run this?")):
        say("Nothing was installed.")
        return
    for command in commands:
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - our own words
            raise HubbubError(f"{' '.join(command)} failed; see pip's output above.")
    say(f"Installed. To use it, write llm_local = true into {settings_path()}.")


def serve(port: int, at_once: int) -> None:
    """Serve the local model until interrupted."""
    with LocalModel(port, at_once) as model:
        say(f"{ALIAS} answers at {model.url} (loopback only). Ctrl-C stops it.")
        try:
            while model.runs:
                time.sleep(_LOOK)
        except KeyboardInterrupt:
            tell("Stopped.")
            return
    raise HubbubError("The server of the local model stopped unexpectedly.")
