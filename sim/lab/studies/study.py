"""A study: one question in a file, the arms that are to answer it, and a template file.

::

    [study]
    title = "A rumour, and a fact-check"
    question = "How much of a rumour does a correction stop?"
    seed = 1                        # of the first replicate
    replicates = 20                 # runs of each arm; one seed draws the same under every arm
    worlds = 1                      # networks that replicates begin from in turn
    measures = ["share", "depth"]   # what is compared; the first is the main one
    against = "unchecked"           # the arm that all others are compared with
    expects = ["share: checked < unchecked"]

    [network]                       # the base: sections of a scenario; or, in [study],
    agents = 2000                   # scenario = "gallery:fact-check", with only changes here

    [[messages]]
    text = "The bridge is closed."
    model = "competitive-cascade"

    [arms.unchecked]                # keys of any section, as in the variants of a scenario
    [arms.checked]
    interventions = [{ at = 2, do = "fact-check", reach = 0.2, text = "It is open." }]

A scenario with variants is a study too: the variants are its arms; ``[about]`` has the
expectations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic.json_schema import models_json_schema

import sim
from sim.core.files import toml_value
from sim.core.params import refusals
from sim.core.text import one_line
from sim.errors import FileError, HubbubError, InputError
from sim.lab.runs.measures import MEASURES, Measure
from sim.platform.settings import PlatformSettings
from sim.platform.tick import keep_feeds
from sim.scenario.gallery import PREFIX, gallery_path
from sim.scenario.plan import RunPlan, Stop
from sim.scenario.sections import (
    CommandSection,
    InterventionSection,
    MessageSection,
    NetworkSection,
    PopulationSection,
    Section,
    StopSection,
    as_clause,
    expectation,
)
from sim.scenario.spec import (
    Scenario,
    merged,
    no_section,
    scenario_from,
    section_of,
    toml_table,
    toml_text,
)
from sim.scenario.variants import measured
from sim.world.interventions.plan import QUANTITIES, condition_of

if TYPE_CHECKING:
    from sim.world.world import World


class Claim(NamedTuple):
    """An expectation: a measure is lower, or higher, under one arm than under another."""

    measure: str
    arm: str
    against: str
    direction: Literal["less", "more"]

    @property
    def in_short(self) -> str:
        """The two arms alone, such as ``checked < unchecked``."""
        return f"{self.arm} {'<' if self.direction == 'less' else '>'} {self.against}"

    def __str__(self) -> str:
        return f"{self.measure} is {self.direction} in {self.arm} than in {self.against}"


class ExpectSection(Section):
    """One of ``expects``: what should be seen, in four words."""

    measure: str = Field(description="what is measured")
    arm: str = Field(description="the condition that it is about")
    against: str = Field(description="the condition that it is compared with")
    direction: Literal["less", "more"] = Field(description="less or more than in the other")


class StudySection(Section):
    """``[study]``: what is asked, how often it is run, what is measured and expected."""

    title: str = Field("", description="a few words")
    question: str = Field("", description="what it asks")
    sees: str = Field("", description="expected result, in words")
    source: str = Field("", description="source of that result")
    scenario: str | None = Field(
        None,
        description="the base: gallery:NAME, or a scenario file beside this one; else the sections "
        "network, messages, platform ... of this file, which may also change a few of its keys",
    )
    seed: int | None = Field(
        None, strict=True, description="of the first replicate; default: the network's"
    )
    replicates: int = Field(
        20, ge=1, strict=True, description="runs per condition, each with its seed"
    )
    worlds: int = Field(
        1, ge=1, strict=True,
        description="networks that replicates begin from in turn, each of a seed of its own; "
        "intervals are over networks where there are fewer than replicates",
    )  # fmt: skip
    ticks: int | None = Field(
        None, ge=0, strict=True, description="most ticks per run; default: [stop]"
    )
    measures: list[str] = Field(
        default_factory=list, description="what is compared; the first is the main one"
    )
    against: str = Field(
        "", description="the condition that all others are compared with; default: the first"
    )
    expects: list[str | ExpectSection] = Field(
        default_factory=list,
        description="expected result: 'share: checked < unchecked', or { measure, arm, "
        "against, direction = 'less' or 'more' }",
    )
    versions: dict[str, str] = Field(
        default_factory=dict, description="that it was written for: { hubbub = '0.1.0' }"
    )

    @model_validator(mode="before")
    @classmethod
    def _expected_in_words(cls, said: Any) -> Any:
        """Explain in plain words what is wrong with an expectation."""
        if isinstance(said, Mapping) and isinstance(said.get("expects", []), list):
            for number, each in enumerate(said.get("expects", []), 1):
                _check_expected(number, each)
        return said

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for name in (*self.measures, *(claim.measure for claim in claims_of(self.expects))):
            if name not in MEASURES or name in QUANTITIES:
                condition_of(f"{name} > 0")
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


def claims_of(said: Sequence[str | ExpectSection]) -> tuple[Claim, ...]:
    """Return the claims in lines and tables; ``a < b < c`` makes two."""
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
"""The published schema of this version."""

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
    """Return the JSON Schema (draft 2020-12) of a study file."""
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


BASE = "base"
"""Name of the file without any arm, when shown beside the arms."""

BASE_SECTIONS = (
    "network", "population", "platform", "messages", "commands", "interventions", "metrics",
    "alerts", "stop",
)  # fmt: skip
"""The sections of a scenario that a study may have; arms override their keys."""

_SECTIONS = ("study", *BASE_SECTIONS, "arms")
_NOT_OF_STUDIES = ("minds", "outputs", "sweep", "about", "variants")
_OF_NETWORK = ("network", "population")


@dataclass(frozen=True, slots=True)
class Arm:
    """One checked arm."""

    name: str
    scenario: Scenario
    plan: RunPlan
    network: str
    keys: Mapping[str, Any]

    def program(self, measures: tuple[str, ...], since: int) -> StudyArm:
        """Return the program to run; ``since`` is the number of messages the base world had."""
        return StudyArm(self.name, self.plan, measures, since)

    @property
    def does(self) -> str:
        """The identity of the arm, apart from its name."""
        facts = json.dumps(self.plan.facts(), sort_keys=True, default=str)
        return f"{self.network}\n{facts}"


@dataclass(frozen=True, slots=True)
class Study:
    """A checked study.

    Attributes
    ----------
    called
        Its name as typed: a file, or ``gallery:NAME``.
    path
        The file that its paths are relative to.
    said
        Its section ``[study]``.
    arms
        Two or more; the first is the baseline of comparisons.
    claims
        The expectations.
    measures
        The measures to compare, the main one first.
    table
        All its sections in full, including the base's; :func:`study_of` makes the same study of it.
    base
        The base, without any arm.
    """

    called: str
    path: Path
    said: StudySection
    arms: tuple[Arm, ...]
    claims: tuple[Claim, ...]
    measures: tuple[str, ...]
    table: Mapping[str, Any]
    base: Scenario

    @property
    def name(self) -> str:
        """Its title, or else its name as typed."""
        return self.said.title or self.called

    @property
    def against(self) -> str:
        """The arm that all others are compared with."""
        return self.arms[0].name

    @property
    def seed(self) -> int:
        """The seed of the first replicate."""
        own = self.arms[0].scenario.network.seed
        return own if self.said.seed is None else self.said.seed

    @property
    def ticks(self) -> int:
        """The maximum ticks of a run."""
        return max(arm.plan.stop.limit for arm in self.arms)


def study_of(
    what: str | Path | Mapping[str, Any],
    *,
    replicates: int | None = None,
    worlds: int | None = None,
    agents: int | None = None,
    called: str = "",
    folder: Path | None = None,
    text: str | None = None,
) -> Study:
    """Read and check a study, before any world is made.

    Parameters
    ----------
    what
        A study file; a scenario with variants, ``gallery:NAME`` among them; or the sections
        themselves.
    replicates, worlds, agents
        Override the file's; ``agents`` only for worlds that a generator makes.
    called, folder
        For sections: their name, and the folder of relative paths (default: the current one).
    text
        The content of the file, which need not exist; None: read the file.

    Raises
    ------
    FileError, InputError, UnknownNameError
        One sentence with the file, the section and the key.

    Examples
    --------
    >>> message = {"text": "The bridge is closed.", "model": "independent-cascade"}
    >>> arms = {"few": {}, "many": {"messages": [message | {"seeds": "random:50"}]}}
    >>> found = study_of({"network": {"agents": 200}, "messages": [message], "arms": arms})
    >>> [arm.name for arm in found.arms], found.measures
    (['few', 'many'], ('share',))
    """
    if isinstance(what, Mapping):
        file, table = (folder or Path()) / "study.toml", dict(what)
        name = called or "study"
    else:
        name = str(what)
        file = gallery_path(name) if name.startswith(PREFIX) else Path(what)
        table = toml_table(file, "study") if text is None else toml_text(file, text)
        if "study" not in table and "arms" not in table:
            table = _of_scenario(file, table, name)
    instead = {"replicates": replicates, "worlds": worlds}
    said = _said(file, table, {key: n for key, n in instead.items() if n is not None})
    whole, home = _with_base(file, table, said)
    if agents is not None:
        whole["network"] = {**whole.get("network", {}), "agents": agents}
        whole["network"].pop("data", None)
    study = _checked(file, home, name, said, whole)
    for one, other in combinations(study.arms, 2):
        if one.does == other.does:
            raise FileError(
                file,
                f"the conditions {one.name!r} and {other.name!r} are identical, so there is "
                "nothing to compare; change one of them",
            )
    return study


def results_beside(what: str | Path) -> Path:
    """Return the default results file of a study."""
    if str(what).startswith(PREFIX):
        return Path(f"{str(what).removeprefix(PREFIX)}.runs")
    return Path(what).with_suffix(".runs")


def _of_scenario(file: Path, table: Mapping[str, Any], name: str) -> dict[str, Any]:
    if not table.get("variants"):
        raise FileError(
            file,
            "has neither [study] nor variants; hubbub study new NAME writes a study to begin with",
        )
    checked = scenario_from(file, table)
    about = checked.about
    kept = {key: value for key, value in table.items() if key in BASE_SECTIONS or key == "minds"}
    said = {
        "title": about.title, "question": about.question, "sees": about.sees,
        "source": about.source, "measures": about.measures, "expects": about.expect,
    }  # fmt: skip
    named = {key: value for key, value in said.items() if value}
    return {"study": named, **kept, "arms": table["variants"]}


def _said(file: Path, table: Mapping[str, Any], instead: Mapping[str, int]) -> StudySection:
    for key in table:
        if key == "minds":
            raise FileError(file, "[minds]: language models need single runs; leave it out")
        if key in _NOT_OF_STUDIES:
            raise FileError(file, f"[{key}] belongs to a scenario, and a study has [study]")
        if key not in _SECTIONS:
            raise FileError(file, no_section(key, _SECTIONS, {"study": StudySection}))
    given = table.get("study", {})
    if isinstance(given, dict):
        given = {**given, **instead}
    return section_of(file, "[study]", StudySection, given)


def _with_base(
    file: Path, table: Mapping[str, Any], said: StudySection
) -> tuple[dict[str, Any], Path]:
    """Return the sections in full, and the file that their paths are relative to."""
    own = {name: section for name, section in table.items() if name in BASE_SECTIONS}
    study = {k: v for k, v in dict(table.get("study", {})).items() if k != "scenario"}
    study |= {"replicates": said.replicates, "worlds": said.worlds}
    arms = table.get("arms", {})
    home = file
    if said.scenario is not None:
        where = said.scenario
        home = gallery_path(where) if where.startswith(PREFIX) else file.parent / where
        base = toml_table(home)
        if "minds" in base:
            raise FileError(home, "[minds]: language models need single runs; leave it out")
        arms = arms or base.get("variants", {})
        own = merged({k: v for k, v in base.items() if k in BASE_SECTIONS}, own)
    if not isinstance(arms, dict) or not all(isinstance(arm, dict) for arm in arms.values()):
        raise FileError(file, "conditions are tables, written as [arms.NAME]")
    return {"study": study, **own, "arms": arms}, home


def _checked(file: Path, home: Path, name: str, said: StudySection, whole: dict[str, Any]) -> Study:
    keys: dict[str, Mapping[str, Any]] = whole["arms"]
    claims = claims_of(said.expects)
    named = {each for claim in claims for each in (claim.arm, claim.against)} | {said.against}
    if BASE not in keys and (BASE in named or len(keys) == 1):
        keys = {BASE: {}, **keys}
    if not keys:
        raise FileError(file, "a study compares two conditions or more; write [arms.NAME] for each")
    for each in named - {"", *keys}:
        raise FileError(file, f"[study]: there is no condition {each!r}; it has {', '.join(keys)}")
    order = sorted(keys, key=lambda arm: arm != said.against)  # stable: others as written
    arms = tuple(_arm(file, home, each, keys[each], whole, said.ticks) for each in order)
    about = {"title": said.title or name, "question": said.question, "sees": said.sees,
             "source": said.source}  # fmt: skip
    own = {key: whole[key] for key in BASE_SECTIONS if key in whole}
    base = scenario_from(home, {**own, "about": about})
    measures = [*said.measures, *(claim.measure for claim in claims)]
    if not measures:
        measures = ["share"] if any(arm.plan.messages for arm in arms) else ["active"]
    return Study(name, home, said, arms, claims, tuple(dict.fromkeys(measures)), whole, base)


def _arm(
    file: Path, home: Path, name: str, keys: Mapping[str, Any], whole: Mapping[str, Any],
    ticks: int | None,
) -> Arm:  # fmt: skip
    where = f"[arms.{one_line(name)}]"
    if not name.strip() or name != one_line(name):
        raise FileError(file, f"{where}: the name of a condition is one line")
    for key in keys:
        if key not in BASE_SECTIONS:
            raise FileError(file, f"{where}: {no_section(key, BASE_SECTIONS)}")
    table = merged({k: whole[k] for k in BASE_SECTIONS if k in whole}, keys)
    try:
        scenario = scenario_from(home, table)
        plan = scenario.plan(Stop(ticks), author="study")
        plan.check()
    except FileError as error:
        if not keys or error.path != str(home):
            raise
        raise FileError(file, f"{where}: {as_clause(error.reason)}") from None
    except HubbubError as error:
        raise FileError(file, f"{where}: {as_clause(str(error))}") from None
    network = json.dumps([table.get(k, {}) for k in _OF_NETWORK], sort_keys=True, default=str)
    return Arm(name, scenario, replace(plan, name=name), network, keys)


_TEXT = """\
# A study: one question, the conditions that are compared, and the expected results.
#   hubbub study run FILE --replicates 40      runs it; stopped, go on with --resume
#   hubbub study report FILE --out report.html
# For completion in editors: hubbub study schema --out study.schema.json

[study]
title = {title}
question = "How much of a rumour does a correction stop, by how many it reaches first?"
seed = 1                      # of the first replicate; the next ones follow it
replicates = 20               # runs per condition; a seed gives the same draws in each
worlds = 20                   # networks that replicates start from in turn: one for each
measures = ["share", "depth"] # what is compared; the first is the main one
against = "unchecked"         # the condition that all others are compared with
expects = [                   # expected results, written down before the first run
  "share: checked < unchecked",
  {{ measure = "share", arm = "wide", against = "checked", direction = "less" }},
]
versions = {{ hubbub = {version} }}

# The base: the sections of a scenario. Or, in [study], scenario = "gallery:fact-check", and here
# only what differs from that.
[network]
kind = "preferential-attachment"
agents = 2000
mean_degree = 10
seed = 11

[[messages]]
text = "The bridge is closed for a year."
seeds = "random:10"
model = "competitive-cascade"
parameters = {{ probability = 0.15, tie = "priority" }}

[stop]
ticks = 40
until_quiet = true

# The conditions: other keys of any section, as in the variants of a scenario.
[arms.unchecked]

[arms.checked]
interventions = [{{ at = 2, do = "fact-check", reach = 0.05, text = "The bridge is open." }}]

[arms.wide]
interventions = [{{ at = 2, do = "fact-check", reach = 0.2, text = "The bridge is open." }}]
"""


def template(title: str) -> str:
    """Return the text of a study file to start from."""
    return _TEXT.format(title=toml_value(title), version=toml_value(sim.__version__))


def write_template(path: Path, *, force: bool = False) -> None:
    """Write a study file to start from, titled after its name; it runs as it is."""
    from sim.io.exporting.export import write_text

    if not path.parent.is_dir():
        raise FileError(path, "its folder does not exist; make it first")
    if path.exists() and not force:
        raise FileError(path, "exists already; edit it, or choose another name")
    write_text(path, template(path.stem.replace("-", " ").capitalize()), force=force)


@dataclass(frozen=True)
class StudyMeasure:
    """A measure of a condition: of a message at the end, or of the world over the last quarter."""

    quantity: str

    def __call__(self, world: World) -> float:
        """Return it at the end of a run; NaN if there is nothing to measure."""
        return measured(world, self.quantity)


def measures_taken(names: tuple[str, ...]) -> dict[str, Measure]:
    """Return the measures to take in addition to :data:`~sim.lab.runs.MEASURES`."""
    return {
        name: StudyMeasure(name) for name in names if name not in MEASURES or name in QUANTITIES
    }


@dataclass(frozen=True)
class StudyArm:
    """An arm: the plan of a scenario, on a world with metrics open if they are measured."""

    name: str
    plan: RunPlan
    measures: tuple[str, ...] = ()
    since: int = 0

    def facts(self) -> Mapping[str, Any]:
        """Return what distinguishes it from another arm; fits JSON."""
        return {"kind": "study arm", "plan": self.plan.facts()}

    def begin(self, world: World) -> None:
        """Begin the plan, and open the metrics to measure."""
        self.plan.begin(world)
        if any(condition_of(f"{name} > 0").needs_metrics for name in measures_taken(self.measures)):
            keep_feeds(world)  # feeds are measured
            if world.metrics is None:
                world.open_metrics(every=1, structure=0)

    def watches(self, world: World) -> list[int]:
        """Return the messages to measure: the plan's, else those already spreading."""
        own = range(self.since, self.since + len(self.plan.messages))
        return list(own) or [c.id for c in world.cascades.loose if c.alive and c.id < self.since]

    def before(self, world: World, done: int) -> None:
        """Do what is due."""
        self.plan.before(world, done)

    def is_over(self, world: World, done: int) -> bool:
        """Whether the plan is over."""
        return self.plan.is_over(world, done)
