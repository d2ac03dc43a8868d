"""The settings of language models: whom to ask, how often, and what it may cost."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

__all__ = ["LanguageModelSettings"]


class LanguageModelSettings(BaseSettings):
    """What a person sets once about language models; part of ``sim.core.settings.Settings``."""

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
    llm_fallbacks: tuple[str, ...] = Field(
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
        30.0, gt=0, le=3600, description="what a call may take, waiting and retries included"
    )
    llm_requests: int | None = Field(None, ge=0, description="most calls of a run; else no cap")
    llm_tokens: int | None = Field(None, ge=0, description="most tokens of a run; else no cap")
    llm_dollars: float = Field(1.0, ge=0, le=1e6, description="most money of a run")
    llm_prompt_tokens: int = Field(
        1000, ge=200, le=100_000, description="tokens of a prompt, at most"
    )
