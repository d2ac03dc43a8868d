"""Settings converted to providers, keys, embeddings, budget and prices; ``open_pool`` opens them.

A key appears in no argument, world, log or report. The settings get keys from the same places; the
keyring comes last, since it may prompt a person.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr

from sim.errors import HubbubError, SettingsError
from sim.minds.models.budget import Budget, Price, built_in_prices, read_prices
from sim.minds.models.local import ALIAS, LocalModel, missing_parts
from sim.minds.models.pool import ModelPool
from sim.minds.models.provider import Provider, Secret, key_in, shown_of
from sim.settings.settings import Settings, settings_path


def providers_in(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> tuple[Provider, ...]:
    """Return the providers named in the settings, in order; the local model is not one of them."""
    first = [(settings.llm_model, settings.llm_url)] if settings.llm_model else []
    places = [*first, *(_pair(said) for said in settings.llm_fallbacks)]
    return tuple(
        _provider(settings, environment, number, model, url)
        for number, (model, url) in enumerate(places, 1)
    )


_NO_MODEL = re.compile(r"[\s\"'\[\]{};]|://")
_NO_URL = re.compile(r"\"|[';]$")
"""What no name or address contains: an unclosed list, or other separators."""


def _pair(said: str) -> tuple[str, str]:
    model, at, url = said.rpartition("@")
    if not (model and at and url) or _NO_MODEL.search(model) or _NO_URL.search(url):
        raise SettingsError(
            f"llm_fallbacks: a fallback is MODEL@URL, such as "
            f"'gpt-4o-mini@https://api.openai.com/v1', with commas between several or as a JSON "
            f"list, got {shown_of(said)!r}."
        )
    return model, url


def _provider(
    settings: Settings, environment: Mapping[str, str], number: int, model: str, url: str
) -> Provider:
    bare = Provider(model, url)  # raises for an invalid address
    key = key_for(
        bare.host, number, settings.llm_key, environment, settings.files[1], local=bare.is_local
    )
    provider = Provider(
        model,
        url,
        key,
        at_once=settings.llm_at_once,
        requests_per_minute=settings.llm_requests_per_minute,
        tokens_per_minute=settings.llm_tokens_per_minute,
        seconds=settings.llm_seconds,
        headers={name: value.get_secret_value() for name, value in settings.llm_headers.items()}
        if number == 1
        else {},
    )
    if not key and not provider.is_local:
        raise SettingsError(
            f"{model} at {provider.host} needs a key. {where_keys_go(provider.host, number)}"
        )
    return provider


def embeddings_in(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> Provider | None:
    """Return the provider of embeddings; None if the settings name none."""
    if not settings.llm_embeddings:
        return None
    return _provider(settings, environment, 1, settings.llm_embeddings, settings.llm_url)


def nobody() -> str:
    """Return a sentence on how to configure a model, for when there is none."""
    return (
        f'No language model is set. Write llm_model = "gpt-4o-mini" into {settings_path()} and put '
        f"its key into the environment as HUBBUB_LLM_KEY; or use the model on this machine (hubbub "
        f"llm install, then llm_local = true)."
    )


def budget_in(settings: Settings) -> Budget:
    """Return the budget of a run."""
    return Budget(
        requests=settings.llm_requests, tokens=settings.llm_tokens, dollars=settings.llm_dollars
    )


def own_prices() -> Path:
    """Return the path of the user's own price table, which need not exist."""
    return settings_path().with_name("llm_prices.toml")


def prices_in() -> Mapping[str, Price]:
    """Return the price table: the packaged one, overridden by the user's."""
    own = own_prices()
    return read_prices(own) if own.exists() else built_in_prices()


def prompts_folder() -> Path:
    """Return the folder of the user's own prompt templates, which need not exist."""
    return settings_path().with_name("prompts")


_SERVICE = "hubbub"


def key_for(
    host: str,
    number: int,
    given: SecretStr | None,
    environment: Mapping[str, str],
    dotenv: Path | None = None,
    *,
    local: bool = False,
) -> Secret:
    """Return the key of a provider; empty if there is none anywhere."""
    if given is not None and number == 1:
        return Secret(given.get_secret_value())
    for variables in (environment, _variables(dotenv)):
        found = _among(variables, number)
        if found:
            return found
    return Secret("") if local else Secret(_from_keyring(host))


def _among(variables: Mapping[str, str], number: int) -> Secret:
    if number == 1:
        return key_in(variables)
    return Secret(variables.get(f"HUBBUB_LLM_KEY_{number}", "").strip())


def _variables(dotenv: Path | None) -> Mapping[str, str]:
    if dotenv is None or not dotenv.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(dotenv).items() if value}


def _from_keyring(host: str) -> str:
    """Return the key from the desktop's keyring; empty without one, or if it is locked."""
    if find_spec("keyring") is None:
        return ""
    try:
        found = import_module("keyring").get_password(_SERVICE, host)
    except Exception:  # every backend has its own errors, and none may stop a run
        return ""
    return (found or "").strip()


def where_keys_go(host: str, number: int = 1) -> str:
    """Return a sentence on where to put a missing key."""
    name = "HUBBUB_LLM_KEY" if number == 1 else f"HUBBUB_LLM_KEY_{number}"
    if find_spec("keyring") is None:
        ring = "the keyring takes it too after pip install 'hubbub[keyring]'"
    else:
        ring = f"or into the keyring: keyring set {_SERVICE} {host}"
    return f"Put it into the environment or .env as {name}; {ring}."


def models_in(settings: Settings) -> tuple[str, ...]:
    """Return the models that can be preferred, first choice first, including an installed one."""
    fallbacks = [said.rpartition("@")[0] for said in settings.llm_fallbacks]
    named = [name for name in (settings.llm_model, *fallbacks) if name]
    if settings.llm_local:
        return tuple(dict.fromkeys([ALIAS, *named]))
    return tuple(dict.fromkeys([*named, *([] if missing_parts() else [ALIAS])]))


def lacks_in(settings: Settings, prefer: str = "") -> str:
    """Return why no model can be asked, one sentence; empty if one can."""
    if find_spec("openai") is None:
        return "The package openai is missing; install it by: pip install 'openai[aiohttp]'"
    asks_local = settings.llm_local or prefer == ALIAS
    return "" if asks_local or settings.llm_model else nobody()


@contextmanager
def open_pool(
    settings: Settings, budget: Budget | None = None, prefer: str = ""
) -> Iterator[tuple[ModelPool | None, str]]:
    """Yield a pool and an empty sentence, or None and why there is no model to ask."""
    with ExitStack() as stack:
        try:
            lacks = lacks_in(settings, prefer)
            pool = None if lacks else _pool(settings, budget, prefer, stack)
        except HubbubError as error:
            pool, lacks = None, str(error)
        yield pool, lacks


def _pool(settings: Settings, budget: Budget | None, prefer: str, stack: ExitStack) -> ModelPool:
    local = []
    if settings.llm_local or prefer == ALIAS:
        local = [stack.enter_context(LocalModel()).provider]
    providers = [*local, *providers_in(settings)]
    providers.sort(key=lambda provider: provider.model != prefer)  # the others keep their order
    return stack.enter_context(
        ModelPool(
            providers, budget or budget_in(settings), prices_in(),
            embeddings=embeddings_in(settings),
        )
    )  # fmt: skip
