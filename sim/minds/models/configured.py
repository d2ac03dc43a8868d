"""Settings turned into providers, embeddings, budget and prices; ``opening`` opens the pool."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sim.errors import SettingsError
from sim.minds.models.budget import Budget
from sim.minds.models.keys import key_for, where_keys_go
from sim.minds.models.prices import Price, built_in_prices, read_prices
from sim.minds.models.provider import Provider
from sim.settings.settings import Settings, settings_path

__all__ = [
    "budget_in",
    "embeddings_in",
    "nobody",
    "own_prices",
    "prices_in",
    "prompts_folder",
    "providers_in",
]


def providers_in(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> tuple[Provider, ...]:
    """Return the providers that the settings name, in order of preference.

    The local model is not among them: its address is known once it is started.

    Raises
    ------
    SettingsError
        A fallback is not of the form ``MODEL@URL``, or a server elsewhere has no key.
    """
    first = [(settings.llm_model, settings.llm_url)] if settings.llm_model else []
    places = [*first, *(_pair(said) for said in settings.llm_fallbacks)]
    return tuple(
        _provider(settings, environment, number, model, url)
        for number, (model, url) in enumerate(places, 1)
    )


def _pair(said: str) -> tuple[str, str]:
    model, at, url = said.rpartition("@")
    if not (model and at and url):
        raise SettingsError(
            f"llm_fallbacks: a fallback is MODEL@URL, such as "
            f"'gpt-4o-mini@https://api.openai.com/v1', got {said.rpartition('@')[2][:80]!r}."
        )
    return model, url


def _provider(
    settings: Settings, environment: Mapping[str, str], number: int, model: str, url: str
) -> Provider:
    bare = Provider(model, url)  # refuses an address that is none
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
    """Return who says how far texts are alike; None where settings name nobody."""
    if not settings.llm_embeddings:
        return None
    return _provider(settings, environment, 1, settings.llm_embeddings, settings.llm_url)


def nobody() -> str:
    """Return the sentence on how to set a model, where none is."""
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
    """Return the file of the user's own price table; it need not exist."""
    return settings_path().with_name("llm_prices.toml")


def prices_in() -> Mapping[str, Price]:
    """Return the price table: the packaged one, the user's over it."""
    own = own_prices()
    return read_prices(own) if own.exists() else built_in_prices()


def prompts_folder() -> Path:
    """Return the folder of the user's own prompt templates; it need not exist."""
    return settings_path().with_name("prompts")
