"""The settings of language models: whom to ask, how often, and what it may cost."""

import json
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

__all__ = ["LanguageModelSettings"]


class LanguageModelSettings(BaseSettings):
    """What a person sets once about language models; part of ``sim.settings.settings.Settings``."""

    llm_model: str = Field(
        "", max_length=200, description="language model of minded members; empty: none"
    )
    llm_url: str = Field(
        "https://api.openai.com/v1",
        min_length=1,
        max_length=500,
        description="address of its OpenAI-compatible server, /v1 included",
    )
    llm_key: SecretStr | None = Field(
        None, description="its key; better in the environment, as HUBBUB_LLM_KEY"
    )
    llm_headers: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default_factory=dict,
        max_length=16,
        description='sent with each request: {"api-key" = "{key}"}, where {key} is the key',
    )
    llm_fallbacks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), max_length=8, description="asked when it fails: MODEL@URL; keys in HUBBUB_LLM_KEY_2 ..."
    )
    llm_local: bool = Field(
        False, description="ask the model on this machine (hubbub llm install) and start its server"
    )
    llm_at_once: int = Field(32, ge=1, le=256, description="calls at once to one server")
    llm_requests_per_minute: float | None = Field(
        None, gt=0, description="limit of the account; else none"
    )
    llm_tokens_per_minute: float | None = Field(
        None, gt=0, description="limit of the account; else none"
    )
    llm_seconds: float = Field(
        30.0, gt=0, le=3600, description="what a call may take, waiting for limits left out"
    )
    llm_tick_seconds: float = Field(
        600.0, gt=0, le=86_400, description="what a tick's decisions may take, all waiting included"
    )
    llm_least_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="a run stops where models decide less than this share; 0: never",
    )
    llm_requests: int | None = Field(None, ge=0, description="most calls of a run; else no cap")
    llm_tokens: int | None = Field(None, ge=0, description="most tokens of a run; else no cap")
    llm_dollars: float = Field(1.0, ge=0, le=1e6, description="most money of a run")
    llm_embeddings: str = Field(
        "", max_length=200, description="model of the same server that says what texts are alike"
    )
    llm_prompt_tokens: int = Field(
        1000, ge=200, le=100_000, description="tokens of a prompt, at most"
    )

    @field_validator("llm_least_share", mode="before")
    @classmethod
    def _share(cls, said: Any) -> Any:
        """Refuse ``true``, which would be read as 1."""
        if isinstance(said, bool):
            raise ValueError("a number is needed, not true or false")  # noqa: TRY004 - it is told
        return said

    @field_validator("llm_fallbacks", mode="before")
    @classmethod
    def _listed(cls, said: Any) -> Any:
        """Read a list as the environment has it: JSON, or MODEL@URL with commas between.

        What is no MODEL@URL is refused by whoever asks it, without what may be a password.
        """
        if not isinstance(said, str):
            return said
        try:
            found = json.loads(said)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(part, str) for part in found):
            return found
        return [part.strip() for part in said.split(",") if part.strip()]

    @field_validator("llm_headers", mode="before")
    @classmethod
    def _table(cls, said: Any) -> Any:
        """Read a table as the environment has it: JSON."""
        try:
            found = json.loads(said) if isinstance(said, str) else said
        except (ValueError, RecursionError):
            found = None
        texts = (str, SecretStr)
        if not isinstance(found, dict) or not all(isinstance(v, texts) for v in found.values()):
            raise ValueError('is a table of texts, in the environment as JSON: {"NAME": "TEXT"}')
        return found
