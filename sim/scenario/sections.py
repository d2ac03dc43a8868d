"""The sections of a scenario file: their keys, what is allowed, and what each means."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.core.checks import LAST_TICK
from sim.errors import InputError
from sim.scenario.plan import SEEDS
from sim.scenario.ranges import flattened, read_range
from sim.world.interventions.conditions import condition_of
from sim.world.interventions.kinds import made
from sim.world.interventions.plan import check_people
from sim.world.minds.giving import check_members
from sim.world.seeding import check_seeds

_EXPECTED = re.compile(r"^\s*([a-z_]\w*(?:#\d+)?)\s*:\s*([\w-]+(?:\s*[<>]\s*[\w-]+)+)\s*$")


class Expectation(NamedTuple):
    """What should be seen: a quantity, and the variants in which it rises.

    Attributes
    ----------
    quantity
        As a condition names it, such as ``share#1``.
    rising
        Names of variants, the smallest first.
    """

    quantity: str
    rising: tuple[str, ...]


def expectation(line: str) -> Expectation:
    """Return what a line such as ``share: checked < unchecked`` expects."""
    found = _EXPECTED.match(line)
    signs = set() if found is None else set(re.findall("[<>]", found[2]))
    if found is None or len(signs) != 1:
        raise InputError(
            f"what is expected is written as QUANTITY: VARIANT < VARIANT, got {line!r}"
        )
    condition_of(f"{found[1]} > 0")
    names = [name.strip() for name in re.split("[<>]", found[2])]
    return Expectation(found[1], tuple(names if signs == {"<"} else reversed(names)))


@contextmanager
def _told_of(key: str, said: str) -> Iterator[None]:
    """Let what is refused name the key that it is about."""
    try:
        yield
    except InputError as error:
        raise ValueError(f"{key} = {said!r}: {error}") from None


class Section(BaseModel):
    """A section of a file: its keys, checked; none that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    people: ClassVar[tuple[str, ...]] = ()
    """Keys that name members by an expression."""

    @model_validator(mode="after")
    def _people_are_readable(self) -> Self:
        for key in self.people:
            said = getattr(self, key)
            if isinstance(said, str):
                with _told_of(key, said):
                    check_seeds(said)
        return self


_DRAWN = ("kind", "agents", "mean_degree", "degrees")
_APPLY: dict[str, tuple[str, ...]] = {
    "world": (),
    "file": ("direction", "directed", "columns", "weights", "times", "signed", "labels"),
    "kind": (*_DRAWN, "trust", "parameters", "data", "direction"),
}
"""Keys that mean something beside each source of a network; ``seed`` does beside all."""


class NetworkSection(Section):
    """``[network]``: a generator's, a saved world's or an edge list's."""

    world: str | None = Field(None, description="'demo', or a saved world")
    file: Path | None = Field(None, description="a network to import")
    direction: Literal["influences", "follows"] = Field(
        "influences", description="what a line A B of the file means"
    )
    directed: bool | None = Field(
        None, description="false: each pair hears each other; else as the file says"
    )
    weights: str = Field("auto", description="the column that becomes trust; none; or found out")
    columns: str | None = Field(None, description="where the ids are, by place or name")
    times: str | None = Field(None, description="the column of the file that holds times")
    signed: bool = Field(False, description="weights below 0 are ties against")
    labels: Path | None = Field(None, description="a file of the members' communities")
    kind: str | None = Field(None, description="the generator; see hubbub new --help")
    data: str | None = Field(
        None, description="a file under the folder of data sets, used instead where it is present"
    )
    agents: int | None = Field(None, strict=True, description="how many the generator makes")
    mean_degree: float | None = Field(None, strict=True, description="mean number of listeners")
    trust: str = Field("full", description="full, uniform, or uniform:LOW-HIGH")
    degrees: Path | None = Field(None, description="a file of degree pairs")
    seed: int = Field(0, strict=True, description="of the world; the same seed, the same run")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the generator")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        made = [name for name in _DRAWN if self._says(name)]
        given = [name for name in ("world", "file") if self._says(name)] + made[:1]
        if len(given) > 1:
            raise ValueError(f"give only one of world, file and kind, not {' and '.join(given)}")
        if self.parameters and not made:
            raise ValueError("parameters belong to a kind of network; name it")
        self._refuse_idle(given[0] if given and given[0] in _APPLY else "kind")
        return self

    def _refuse_idle(self, source: str) -> None:
        """Refuse keys that would change nothing."""
        apply = {"seed", source, *_APPLY[source]}
        if self.degrees is not None:
            apply -= {"agents", "mean_degree"}
            if self.kind not in {None, "configuration"}:
                raise ValueError(
                    f"degrees are for the kind 'configuration', not {self.kind!r}; leave one out"
                )
        for name in [name for name in type(self).model_fields if name not in apply]:
            if name in self.model_fields_set and self._says(name):
                there = "degrees, which say it" if source == "kind" and name in _DRAWN else source
                homes = " and ".join(home for home, keys in _APPLY.items() if name in keys)
                raise ValueError(f"{name} does nothing beside {there}; it belongs to {homes}")

    def _says(self, name: str) -> bool:
        return getattr(self, name) not in (None, {})


class PopulationSection(Section):
    """``[population]``: what holds for all agents."""

    tick_minutes: float = Field(60.0, gt=0, strict=True, description="simulated minutes in a tick")
    max_running: int | None = Field(
        None, ge=1, strict=True, description="messages that run at once"
    )


class MessageSection(Section):
    """``[[messages]]``: one message, maybe later."""

    people = ("seeds",)

    text: str = Field(description="what it says")
    seeds: str = Field(SEEDS, description="who holds it first")
    model: str | None = Field(None, description="the propagation model")
    author: str | None = Field(None, description="the id of the agent that wrote it")
    tags: list[str] | None = Field(None, description="interests; else what the text says")
    at: int = Field(0, ge=0, strict=True, description="ticks after the start")
    priority: int = Field(
        0, strict=True, description="among waiting messages the highest starts first"
    )
    draws: Literal["coins", "skips"] | None = Field(None, description="how chances are drawn")
    channel: str | None = Field(
        None, description="who hears whom: broadcast, stream, stream:TICKS, a plugin"
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the model")


class MindsSection(Section):
    """``[minds]``: members that decide by themselves."""

    members: str = Field(description="whom: an expression as for --minds")
    mind: str = Field("model", description="what decides for them: model, rule, archetype, ...")
    goal: str = Field("", description="what they want, in words")
    offline: bool = Field(False, description="true: no language model is asked; rules stand in")
    budget: tuple[str, ...] = Field((), description="caps: '$0.50', '200 requests', '50000 tokens'")
    least_share: float | None = Field(
        None, ge=0, le=1, strict=True,
        description="the run stops where models decide less; else as settings say",
    )  # fmt: skip

    @model_validator(mode="after")
    def _readable(self) -> Self:
        from sim.minds.deciding.commands import checked_mind

        with _told_of("members", self.members):
            check_members(self.members)
        with _told_of("mind", self.mind):
            checked_mind(self.mind)
        return self


class CommandSection(Section):
    """``[[commands]]``: what members do about each other between two ticks."""

    people = ("agents", "others")

    do: Literal[
        "follow", "unfollow", "befriend", "unfriend", "block", "unblock", "mute", "unmute"
    ] = Field(description="what each of the agents does about each of the others")
    agents: str | list[str | int] = Field(description="ids, or an expression as for seeds")
    others: str | list[str | int] = Field(description="ids, or an expression as for seeds")
    at: int = Field(0, ge=0, strict=True, description="ticks after the start")


class InterventionSection(Section):
    """``[[interventions]]``: what is done at a tick, or when a condition holds.

    The other keys are those of what is done (:mod:`sim.world.interventions.kinds`).
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    do: str = Field(description="what is done, such as 'ban'")
    at: int | None = Field(None, ge=0, strict=True, description="ticks after the start")
    when: str | None = Field(None, description="a condition, such as 'share > 0.1'")

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.at is None) == (self.when is None):
            raise ValueError("give one of at and when")
        if self.when is not None:
            condition_of(self.when)
        check_people(made(self.do, self.said))
        return self

    @property
    def said(self) -> dict[str, Any]:
        """The keys of what is done."""
        return dict(self.model_extra or {})


class AboutSection(Section):
    """``[about]``: what the scenario is, for people."""

    title: str = Field("", description="a few words")
    question: str = Field("", description="what it asks")
    sees: str = Field("", description="what should be seen")
    source: str = Field("", description="who found that")
    expect: list[str] = Field(
        default_factory=list, description="what should be seen, as QUANTITY: VARIANT < VARIANT"
    )
    measures: list[str] = Field(
        default_factory=list, description="the quantities that hubbub scenario variants shows"
    )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for measure in self.measures:
            condition_of(f"{measure} > 0")
        for line in self.expect:
            expectation(line)
        return self


class StopSection(Section):
    """``[stop]``: when the run ends."""

    ticks: int | None = Field(None, ge=0, le=LAST_TICK, strict=True, description="at the latest")
    until_quiet: bool = Field(False, description="earlier, once nothing can happen")


class SweepSection(Section):
    """``[sweep]``: what a sweep of the scenario varies, and how."""

    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="what varies: KEY = 'LOW:HIGH:COUNT', 'LOW:HIGH', or a list of values",
    )
    design: Literal["grid", "latin-hypercube", "sobol-sequence", "halton", "morris", "sobol"] = (
        Field("grid", description="which points of the ranges")
    )
    points: int | None = Field(
        None, ge=1, strict=True, description="how many; a grid has what its ranges say"
    )
    replicates: int = Field(5, ge=1, strict=True, description="runs at each point")
    seed: int | None = Field(
        None, strict=True, description="of the first replicate, and of the design; else the world's"
    )
    measure: str = Field("share", description="what is shown of each point")

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for name, said in self.ranges.items():
            try:
                read_range(said)
            except InputError as error:
                raise ValueError(f"parameters {name}: {error}") from None
        return self

    @property
    def ranges(self) -> dict[str, Any]:
        """The values of each parameter as they are written, by its name with dots."""
        return flattened(self.parameters)


class OutputSection(Section):
    """``[outputs]``: files to write."""

    json_: Path | None = Field(None, alias="json", description="everything found")
    csv: Path | None = Field(None, description="one line for each message and tick")
    metrics: Path | None = Field(None, description="metrics of each tick, .csv or .jsonl")
    save: Path | None = Field(None, description="the world as it is at the end")
