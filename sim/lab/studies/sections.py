"""The section ``[study]`` of a study file: its keys, what is allowed, and what each means."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from sim.core.params import refusals
from sim.errors import InputError
from sim.lab.runs.measures import MEASURES
from sim.scenario.sections import Section, expectation
from sim.world.interventions.conditions import QUANTITIES, condition_of

__all__ = ["Claim", "ExpectSection", "StudySection", "check_measure", "claims_of"]


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
        description="networks that replicates begin from in turn, each of a seed of its own",
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
    """Refuse what nothing measures.

    Raises
    ------
    InputError, UnknownNameError
        One sentence.
    """
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
