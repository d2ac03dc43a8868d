"""The section ``[study]`` of a study file: its keys, what each means, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic.json_schema import models_json_schema

from sim.core.params import refusals
from sim.errors import InputError
from sim.lab.runs.measures import MEASURES
from sim.platform.settings import PlatformSettings
from sim.scenario.sections import (
    CommandSection,
    InterventionSection,
    MessageSection,
    NetworkSection,
    PopulationSection,
    Section,
    StopSection,
    expectation,
)
from sim.world.interventions.conditions import QUANTITIES, condition_of


class Claim(NamedTuple):
    """What should be seen: a measure is less, or more, under one arm than under another."""

    measure: str
    arm: str
    against: str
    direction: Literal["less", "more"]

    @property
    def in_short(self) -> str:
        """The arms alone, such as ``checked < unchecked``."""
        return f"{self.arm} {'<' if self.direction == 'less' else '>'} {self.against}"

    def __str__(self) -> str:
        return f"{self.measure} is {self.direction} under {self.arm} than under {self.against}"


class ExpectSection(Section):
    """One of ``expects``: what should be seen, in four words."""

    measure: str = Field(description="what is measured")
    arm: str = Field(description="the arm that it is said of")
    against: str = Field(description="the arm that it is compared with")
    direction: Literal["less", "more"] = Field(description="less or more than under the other")


class StudySection(Section):
    """``[study]``: what is asked, how often it is run, what is measured and expected."""

    title: str = Field("", description="a few words")
    question: str = Field("", description="what it asks")
    sees: str = Field("", description="what should be seen, in words")
    source: str = Field("", description="who found that")
    scenario: str | None = Field(
        None,
        description="the base: gallery:NAME, or a scenario file beside this one; else the sections "
        "network, messages, platform ... of this file, which may also change a few of its keys",
    )
    seed: int | None = Field(
        None, strict=True, description="of the first replicate; else the network's"
    )
    replicates: int = Field(20, ge=1, strict=True, description="runs of each arm, each a seed")
    worlds: int = Field(
        1, ge=1, strict=True,
        description="networks that replicates begin from in turn, each of a seed of its own; "
        "intervals are over networks where there are fewer than replicates",
    )  # fmt: skip
    ticks: int | None = Field(
        None, ge=0, strict=True, description="of each run, at most; else as [stop] says"
    )
    measures: list[str] = Field(
        default_factory=list, description="what is compared; the first is the main one"
    )
    against: str = Field(
        "", description="the arm that all others are compared with; else the first"
    )
    expects: list[str | ExpectSection] = Field(
        default_factory=list,
        description="what should be seen: 'share: checked < unchecked', or { measure, arm, "
        "against, direction = 'less' or 'more' }",
    )
    versions: dict[str, str] = Field(
        default_factory=dict, description="that it was written for: { hubbub = '0.1.0' }"
    )

    @model_validator(mode="before")
    @classmethod
    def _expected_in_words(cls, said: Any) -> Any:
        """Say what is wrong with an expectation in its own words."""
        if isinstance(said, Mapping) and isinstance(said.get("expects", []), list):
            for number, each in enumerate(said.get("expects", []), 1):
                _check_expected(number, each)
        return said

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for name in (*self.measures, *(claim.measure for claim in claims_of(self.expects))):
            check_measure(name)
        return self


def _check_expected(number: int, said: object) -> None:
    if not isinstance(said, str | Mapping | ExpectSection):
        raise InputError(f"expects number {number}: a text such as 'share: a < b', or a table")
    try:
        if isinstance(said, str):
            expectation(said)
        elif isinstance(said, Mapping):
            ExpectSection(**said)
    except ValidationError as error:
        clauses = "; ".join(clause for _, clause in refusals(ExpectSection, error))
        raise ValueError(f"expects number {number}: {clauses}") from None
    except InputError as error:
        raise ValueError(f"expects number {number}: {str(error).rstrip('.')}") from None


def check_measure(name: str) -> None:
    """Refuse what nothing measures."""
    if name not in MEASURES or name in QUANTITIES:
        condition_of(f"{name} > 0")


def claims_of(said: Sequence[str | ExpectSection]) -> tuple[Claim, ...]:
    """Return the claims that lines and tables make; one of ``a < b < c`` are two.

    Examples
    --------
    >>> [str(claim) for claim in claims_of(["share: a < b"])]
    ['share is less under a than under b']
    """
    found: list[Claim] = []
    for each in said:
        if isinstance(each, str):
            wanted = expectation(each)
            found += [
                Claim(wanted.quantity, less, more, "less") for less, more in pairwise(wanted.rising)
            ]
        else:
            found.append(Claim(each.measure, each.arm, each.against, each.direction))
    return tuple(dict.fromkeys(found))


PUBLISHED = Path(__file__).with_name("study.schema.json")
"""The schema of this version, as it is published."""

_PARTS: dict[str, type[BaseModel]] = {
    "study": StudySection, "network": NetworkSection, "population": PopulationSection,
    "stop": StopSection, "messages": MessageSection, "commands": CommandSection,
    "interventions": InterventionSection,
}  # fmt: skip
_BLOCKS = ("messages", "commands", "interventions")
_LOOSE = {
    "metrics": "what is taken of the world, and how often",
    "alerts": "thresholds by the name of the alert; false: off",
}
_OF_PLATFORM = {
    "recommender": {"type": "string", "description": "who ranks the feeds"},
    "policy": {"type": "string", "description": "who decides what members do"},
    "parameters": {"type": "object", "description": "of the recommender"},
    "policy_parameters": {"type": "object", "description": "of the policy"},
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a study file.

    Examples
    --------
    >>> found = schema()
    >>> found["properties"]["arms"]["additionalProperties"]["$ref"]
    '#/$defs/Arm'
    """
    models: list[type[BaseModel]] = [*_PARTS.values(), PlatformSettings]
    refs, whole = models_json_schema([(cls, "validation") for cls in models])
    parts = {name: refs[cls, "validation"] for name, cls in _PARTS.items()}
    for name in _BLOCKS:
        parts[name] = {"type": "array", "items": parts[name]}
    defs = whole["$defs"]
    defs["PlatformSettings"]["properties"] |= _OF_PLATFORM
    parts["platform"] = {"anyOf": [refs[PlatformSettings, "validation"], {"type": "boolean"}]}
    parts |= {name: {"type": "object", "description": says} for name, says in _LOOSE.items()}
    arm = {name: part for name, part in parts.items() if name != "study"}
    defs["Arm"] = {"type": "object", "properties": arm, "additionalProperties": False}
    parts["arms"] = {
        "type": "object", "additionalProperties": {"$ref": "#/$defs/Arm"},
        "description": "each with other keys of any section than the base",
    }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of Hubbub",
        "type": "object",
        "properties": parts,
        "additionalProperties": False,
        "$defs": defs,
    }
