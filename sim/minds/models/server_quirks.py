"""Quirks of a model server: what it refuses is left out, or said as it likes, from then on.

Servers differ in what they call the bound on a reply, in whether a temperature or a seed may be
said, and in how an answer's form is asked for. The newest way is tried first. A server that refuses
a request and names what it refused is asked again at once in the next way, which is remembered for
as long as it is in use: nothing of that was billed, and nothing of it is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sim.minds.models.asks import Ask

__all__ = ["ServerQuirks"]

_BOUNDS = ("max_completion_tokens", "max_tokens")
_FORMS = ("schema", "plain schema", "object", "text")
_OF_FORM = re.compile(
    r"response_format|json_schema|json_object|structured.?output|guided|grammar|\bschema\b",
    re.IGNORECASE,
)
_STRICT_ONLY = frozenset(
    {"maxLength", "minLength", "minimum", "maximum", "minItems", "maxItems", "pattern"}
)
"""What some servers do not allow in a schema."""


class ServerQuirks:
    """How one server wants to be asked; belongs to the loop that asks it.

    Attributes
    ----------
    bound
        What it calls the most tokens of a reply.
    form
        How an answer's form is asked for: ``"schema"``, ``"plain schema"`` (without bounds of
        numbers and lengths), ``"object"`` or ``"text"`` (not at all).
    temperature, seed
        Whether it takes one.
    """

    def __init__(self) -> None:
        self.bound = _BOUNDS[0]
        self.form = _FORMS[0]
        self.temperature = self.seed = True

    @property
    def state(self) -> tuple[object, ...]:
        """All of it, to see whether anything changed."""
        return self.bound, self.form, self.temperature, self.seed

    def body(self, ask: Ask, model: str) -> dict[str, Any]:
        """Return what is sent."""
        said = ask.body(model)
        said[self.bound] = said.pop("max_tokens")
        for name in ("temperature", "seed"):
            if not getattr(self, name):
                said.pop(name, None)
        form = said.pop("response_format", None)
        if form is not None and self.form != "text":
            said["response_format"] = self._form(form)
        return said

    def _form(self, form: dict[str, Any]) -> dict[str, Any]:
        if self.form == "object":
            return {"type": "json_object"}
        if self.form == "schema":
            return form
        described = form["json_schema"]
        return {**form, "json_schema": {**described, "schema": _plain(described["schema"])}}

    def learn(self, body: Mapping[str, Any], refusal: str) -> bool:
        """Take in why a request was refused; return whether to ask again, in another way.

        Parameters
        ----------
        body
            What was sent.
        refusal
            What the server said, in whatever form.
        """
        if self.bound in body and self.bound in refusal and self.bound != _BOUNDS[-1]:
            self.bound = _BOUNDS[-1]
            return True
        for name in ("temperature", "seed"):
            if name in body and re.search(rf"\b{name}\b", refusal):
                setattr(self, name, False)
                return True
        if "response_format" in body and _OF_FORM.search(refusal) and self.form != _FORMS[-1]:
            self.form = _FORMS[_FORMS.index(self.form) + 1]
            return True
        return False

    def saw(self, ask: Ask, written: int) -> None:
        """Take in how many tokens a reply has: more than asked for, and the bound was not read."""
        if written > ask.most and self.bound == _BOUNDS[0]:
            self.bound = _BOUNDS[-1]


def _plain(schema: Any) -> Any:
    """Return a schema without bounds of numbers, lengths and lists."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {name: _plain(part) for name, part in schema.items() if name not in _STRICT_ONLY}
