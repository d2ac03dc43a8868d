"""CAMEL agents as minds: an agent of camel-ai decides; all its questions go through the member.

The agent gets our own model backend. Each of its questions is an
:class:`~sim.minds.models.asks.Ask` of
the member that decides: budget, caps, record and replay apply as for any mind, and the package
never gets a key or an address. It is imported on the first decision by such a mind, which takes
seconds; a run is replayed without it.
"""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from types import new_class
from typing import Any, ClassVar

from sim.core.cards import Card
from sim.core.params import Field
from sim.errors import InputError, SettingsError
from sim.minds.member import BatchItem, Member
from sim.minds.minds import InCharacter
from sim.minds.models.asks import Ask, Fault, ModelError, Turn, tokens_in
from sim.minds.prompts.decisions import Decision, decision_of, fitting, schema_of
from sim.minds.prompts.prompts import Post

_NAME = "hubbub"
_FRAME = 8  # tokens around a turn, counted as for prompts
_SILENT = "CAMEL_LOGGING_DISABLED"


class CamelMind(InCharacter):
    """Lets a CAMEL ChatAgent decide, in character; it asks whom the member may ask.

    A mind with agents of its own overrides ``agent``.
    """

    card: ClassVar[Card] = Card(
        source="Li et al. 2023 (CAMEL), by the package camel-ai; the prompt is Hubbub's own",
        equations=("the act, the post and the words that the agent answers",),
        cost="as many questions as the agent asks: one, unless it is written otherwise",
        checked=("the questions of the agent as it comes are those of the mind model",),
    )
    questions: int = Field(4, ge=1, le=64, description="of an agent for one decision, at most")
    room: int = Field(0, ge=0, le=100_000, description="tokens of a prompt left to the agent")

    def check(self) -> None:
        """Raise if the package is missing.

        Raises
        ------
        SettingsError
            It is missing, or cannot be imported.
        """
        _part("agents")

    def agent(self, member: Member, model: Any, system: str) -> Any:
        """Return an agent for one decision of a member.

        Parameters
        ----------
        member
            The member.
        model
            The model backend; an agent with another one bypasses budget, record and replay. Its
            ``schema`` is that of a decision: set it to None while the agent may write freely.
        system
            The member's persona and how to answer, for the system message.

        Returns
        -------
        camel.agents.ChatAgent
            A new one: members decide concurrently, and the world stores their memories.
        """
        return _part("agents").ChatAgent(
            system, model=model, summarize_threshold=None, step_timeout=None, retry_attempts=1
        )

    async def decide(
        self, member: Member, feed: Sequence[Post], memory: Sequence[str]
    ) -> Sequence[Decision]:
        """Give an agent what the member sees, and parse its last words strictly."""
        scene = await self.scene(BatchItem(member, feed, memory))
        (first, told), shown = member.prompt.fitted(scene, member.limit - self.room)
        last = shown.last
        backend: Any = _class_of(_part("models").BaseModelBackend)(_NAME, {})
        backend.member, backend.mind, backend.schema = member, self, schema_of(scene.acts, last)
        said = await _words(self.agent(member, backend, first.text), told.text, backend)
        decision = decision_of(said, scene.acts, last)
        return (fitting(decision, len(shown.feed), shown.letters, shown.places),)


async def _words(agent: Any, told: str, backend: Any) -> str:
    """Return an agent's answer, or raise the fault that prevented it."""
    try:
        found = await agent.astep(told)
    except Exception:
        if backend.fault is not None:  # whatever the package made of the fault
            raise backend.fault from None
        raise
    if not found.msgs or not found.msgs[0].content:
        raise ModelError(Fault.EMPTY, "the agent says nothing")
    return str(found.msgs[0].content)


class _Backend:
    """The methods of our model backend, before they are made a class of the package."""

    fault: ModelError | None = None
    asked: int = 0
    member: Member
    mind: CamelMind
    schema: Mapping[str, Any] | None

    @property
    def token_counter(self) -> "_TokenCounter":
        """A counter that counts as for prompts; nothing is looked up."""
        return _TokenCounter()

    @property
    def token_limit(self) -> int:
        """Maximum number of tokens of a prompt."""
        return self.member.limit

    def _run(self, messages: Any, response_format: Any = None, tools: Any = None) -> Any:
        raise InputError("A member's agent waits for answers beside others: use its astep().")

    async def _arun(self, messages: Any, response_format: Any = None, tools: Any = None) -> Any:
        if tools:
            raise InputError("A member's agent has no tools: its acts are its decision.")
        schema = self.schema if response_format is None else response_format.model_json_schema()
        try:
            return await self._answer(tuple(map(_turn, messages)), schema)
        except ModelError as error:
            self.fault = error
            raise

    async def _answer(self, turns: tuple[Turn, ...], schema: Mapping[str, Any] | None) -> Any:
        self.asked += 1
        if self.asked > self.mind.questions:
            raise ModelError(Fault.REJECTED, f"it asks more than {self.mind.questions} questions")
        if sum(tokens_in(turn.text) + _FRAME for turn in turns) > self.member.limit:
            raise ModelError(Fault.TOO_LONG, f"over {self.member.limit:,} tokens: leave more room")
        mind = self.mind
        answer = await self.member.ask(
            Ask(turns, mind.most, mind.temperature, self.member.index, schema, model=mind.model)
        )
        message = {"role": "assistant", "content": answer.demanded()}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        said = {"id": _NAME, "object": "chat.completion", "created": 0, "model": _NAME}
        return _part("types").ChatCompletion.model_validate(said | {"choices": [choice]})


class _TokenCounter:
    def count_tokens_from_messages(self, messages: Any) -> int:
        return sum(tokens_in(str(one.get("content") or "")) + _FRAME for one in messages)

    def encode(self, text: str) -> list[int]:
        return [0] * tokens_in(text)

    def decode(self, token_ids: list[int]) -> str:
        raise InputError("A member's agent cannot turn tokens into words.")


def _turn(message: Mapping[str, Any]) -> Turn:
    role, said = str(message.get("role")), message.get("content")
    if role not in {"system", "user", "assistant"} or not isinstance(said, str):
        raise InputError(
            f"A member's agent asks in words of system, user and assistant, no {role}."
        )
    return Turn(role, said)


@lru_cache(maxsize=4)
def _class_of(base: type) -> Any:
    return new_class("MemberModel", (_Backend, base))


def _part(name: str) -> Any:
    """Return a part of the package; keep it quiet, as its log would disturb the screen."""
    os.environ.setdefault(_SILENT, "true")  # otherwise it opens a handler for all logs
    try:
        import_module("camel")
        part = import_module(f"camel.{name}")
        import_module("camel.logger").disable_logging()
    except Exception as error:
        raise SettingsError(
            f"The mind of CAMEL agents needs the package camel-ai ({_said(error)}); "
            f"install it by: pip install 'hubbub[camel]'."
        ) from error
    return part


def _said(error: Exception) -> str:
    absent = isinstance(error, ModuleNotFoundError) and error.name == "camel"
    return "it is not there" if absent else f"{type(error).__name__}: {error}".rstrip(".")
