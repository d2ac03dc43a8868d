"""As much of the package camel-ai as its documentation says of agents and model backends."""

import sys
from abc import ABC, abstractmethod
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel


class BaseModelBackend(ABC):
    def __init__(self, model_type: str, model_config_dict: dict[str, Any] | None = None) -> None:
        self.model_type = model_type

    @property
    @abstractmethod
    def token_counter(self) -> Any: ...

    @abstractmethod
    def _run(self, messages: Any, response_format: Any = None, tools: Any = None) -> Any: ...

    @abstractmethod
    async def _arun(self, messages: Any, response_format: Any = None, tools: Any = None) -> Any: ...

    def run(self, messages: Any, response_format: Any = None, tools: Any = None) -> Any:
        return self._run(messages, response_format, tools)

    async def arun(self, messages: Any, response_format: Any = None, tools: Any = None) -> Any:
        return await self._arun(messages, response_format, tools)


class Message(BaseModel):
    role: str
    content: str


class Choice(BaseModel):
    index: int
    finish_reason: str
    message: Message


class ChatCompletion(BaseModel):
    id: str
    created: int
    model: str
    object: str
    choices: list[Choice]


class ChatAgent:
    def __init__(self, system_message: str, *, model: BaseModelBackend, **others: Any) -> None:
        self.model = model
        self.said: list[dict[str, Any]] = [{"role": "system", "content": system_message}]

    async def astep(self, input_message: str, response_format: Any = None) -> Any:
        self.said.append({"role": "user", "content": input_message})
        assert self.model.token_counter.count_tokens_from_messages(self.said) > 0
        found = await self.model.arun(self.said, response_format, None)
        assert isinstance(found, ChatCompletion)
        words = found.choices[0].message.content
        self.said.append({"role": "assistant", "content": words})
        return SimpleNamespace(msgs=[SimpleNamespace(content=words)])


def put(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it stand for the package."""
    monkeypatch.setenv("CAMEL_LOGGING_DISABLED", "true")
    parts: dict[str, dict[str, Any]] = {
        "camel": {},
        "camel.agents": {"ChatAgent": ChatAgent},
        "camel.logger": {"disable_logging": lambda: None},
        "camel.models": {"BaseModelBackend": BaseModelBackend},
        "camel.types": {"ChatCompletion": ChatCompletion},
    }
    for name, held in parts.items():
        module = ModuleType(name)
        vars(module).update(held)
        monkeypatch.setitem(sys.modules, name, module)


def take(monkeypatch: pytest.MonkeyPatch, name: str = "camel") -> None:
    """Let the package, or a part of it, be missing."""
    monkeypatch.setenv("CAMEL_LOGGING_DISABLED", "true")
    monkeypatch.setitem(sys.modules, name, None)
    if name == "camel":
        for part in ("agents", "logger", "models", "types"):
            monkeypatch.delitem(sys.modules, f"camel.{part}", raising=False)
