"""The sections of a scenario file: their keys, what is allowed, and what each means."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.core.checks import LAST_TICK, whole_of
from sim.core.files import from_toml
from sim.core.text import one_line
from sim.errors import FileError, InputError
from sim.minds.deciding.commands import checked_mind
from sim.world.interventions.kinds import made
from sim.world.interventions.plan import check_people, condition_of
from sim.world.members import check_members
from sim.world.seeding import check_seeds

_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SPAN = re.compile(rf"^\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*([^:\s]+)\s*)?(?::\s*(log)\s*)?$")
_FORMS = "LOW:HIGH:COUNT, LOW:HIGH, or VALUE,VALUE"
_DIGITS = 12
_SHOWN = 60


SEEDS = "top:10:degree"
"""The default seeds."""


@contextmanager
def placed(place: tuple[Path, str] | None) -> Iterator[None]:
    """Turn an ``InputError`` into an error that names the file and section, if there are any."""
    try:
        yield
    except InputError as error:
        if place is None:
            raise
        path, section = place
        raise FileError(path, f"{section}: {as_clause(str(error))}") from None


def as_clause(said: str) -> str:
    """Return a sentence as a clause of another."""
    return re.sub(r"\. (Did you mean .*\?)\.?$", r" (\1)", said).rstrip(".")


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values of a parameter: a list, or all between two ends."""

    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    count: int = 0
    is_log: bool = False
    is_whole: bool = False

    def __iter__(self) -> Iterator[Any]:
        """Yield the values of a grid, one at a time."""
        if self.values:
            yield from self.values
            return
        for place in range(self.count):
            yield self._at(place / (self.count - 1), is_whole=False)

    def at(self, share: float, *, is_whole: bool = False) -> Any:
        """Return the value at a position in [0, 1]; all values of a list have equal parts."""
        if self.values:
            return self.values[min(int(share * len(self.values)), len(self.values) - 1)]
        return self._at(share, is_whole=is_whole)

    def _at(self, share: float, *, is_whole: bool) -> int | float:
        if is_whole and not self.is_log:
            low, many = math.ceil(self.low), math.floor(self.high) - math.ceil(self.low) + 1
            return low + min(int(share * many), many - 1)
        if self.is_log:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + share * (self.high - self.low)
        plain = min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)
        if is_whole:
            return round(plain)
        return int(plain) if self.is_whole and plain.is_integer() else plain

    @property
    def ends(self) -> tuple[Any, ...]:
        """The two ends of the range, or the values of a list."""
        if self.values:
            return self.values
        return tuple(int(e) if self.is_whole else e for e in (self.low, self.high))


def read_range(said: Any) -> ValueRange:
    """Parse a range as typed."""
    if isinstance(said, ValueRange):
        return said
    if isinstance(said, str):
        found = _SPAN.match(said)
        if found is not None:
            return _span(said, *found.groups())
        if not said.strip():
            raise InputError(f"values are written as {_FORMS}, got nothing")
        return _listed([toml_word(word.strip()) for word in said.split(",")])
    if hasattr(said, "tolist"):
        said = said.tolist()
    if isinstance(said, Mapping) or not isinstance(said, bool | int | float | Sequence | range):
        raise InputError(f"values are written as {_FORMS}, got {_shown(said)}")
    return _listed(list(said) if isinstance(said, Sequence) else [said])


def _listed(values: list[Any]) -> ValueRange:
    if not values:
        raise InputError("there is no value in its list")
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"a value is finite, got {value!r}")
    if len({repr(value) for value in values}) < len(values):
        raise InputError(f"each value is listed once, got {_shown(', '.join(map(str, values)))}")
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        return ValueRange(tuple(values))
    return ValueRange(tuple(values), float(numbers[0]), float(numbers[-1]))


def _span(said: str, low: str, high: str, third: str | None, fourth: str | None) -> ValueRange:
    is_log = fourth == "log" or third == "log"
    count = 0
    if third is not None and third != "log":
        count = whole_of(third) or 0
        if count < 2:
            raise InputError(f"COUNT of {_shown(said)} is a whole number of at least 2")
    first, last = float(low), float(high)
    if not first < last < math.inf:
        raise InputError(f"a range rises from LOW to HIGH, got {_shown(said)}")
    if is_log and first <= 0:
        raise InputError(f"a range by ratios begins above 0, got {_shown(said)}")
    is_whole = not set(low + high) & set(".eE")
    return ValueRange((), first, last, count, is_log, is_whole)


def toml_word(word: str) -> Any:
    """Return the value of a word in TOML, or else the word."""
    try:
        return from_toml(f"value = {word}")["value"]
    except ValueError:
        return word


def _shown(said: object) -> str:
    return repr(one_line(str(said), _SHOWN))


def split_vary(words: str) -> tuple[str, ValueRange]:
    """Parse ``KEY=RANGE``.

    Examples
    --------
    >>> split_vary("network.mean_degree=5,10")[0]
    'network.mean_degree'
    """
    key, sign, values = words.partition("=")
    if not sign or not key.strip():
        raise InputError(f"--vary takes KEY={_FORMS}, such as beta=0.1:0.5:9; got {_shown(words)}.")
    try:
        return key.strip(), read_range(values)
    except InputError as error:
        raise InputError(f"--vary {one_line(key.strip(), _SHOWN)}: {error}.") from None


def flattened(said: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the keys of nested tables as single keys, joined by dots."""
    found: dict[str, Any] = {}
    for key, value in said.items():
        name = f"{above}.{key}" if above else str(key)
        found |= flattened(value, name) if isinstance(value, Mapping) else {name: value}
    return found


_EXPECTED = re.compile(r"^\s*([a-z_]\w*(?:#\d+)?)\s*:\s*([\w-]+(?:\s*[<>]\s*[\w-]+)+)\s*$")


class Expectation(NamedTuple):
    """An expectation: a quantity, and the variants in increasing order."""

    quantity: str
    rising: tuple[str, ...]


def expectation(line: str) -> Expectation:
    """Parse an expectation such as ``share: checked < unchecked``."""
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
    """Add to an error the key that it is about."""
    try:
        yield
    except InputError as error:
        raise ValueError(f"{key} = {said!r}: {error}") from None


class Section(BaseModel):
    """A section of a file: its keys, checked; none that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    people: ClassVar[tuple[str, ...]] = ()
    """Keys whose values are expressions for members."""

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
    "file": ("direction", "directed", "columns", "weights", "times", "signed", "labels", "names"),
    "kind": (*_DRAWN, "trust", "languages", "parameters", "data", "direction"),
}
"""Keys that apply to each source of a network; ``seed`` applies to all."""


class NetworkSection(Section):
    """``[network]``: a generator's, a saved world's or an edge list's."""

    world: str | None = Field(None, description="'demo', or a saved world")
    file: Path | None = Field(None, description="a network to import")
    direction: Literal["influences", "follows"] = Field(
        "influences", description="meaning of a line A B of the file"
    )
    directed: bool | None = Field(None, description="false: mutual ties; default: as the file says")
    weights: str = Field("auto", description="column that becomes trust; none; auto: detected")
    columns: str | None = Field(None, description="columns of the ids, by number or name")
    times: str | None = Field(None, description="column of times")
    signed: bool = Field(False, description="treat negative weights as hostile ties")
    labels: Path | None = Field(None, description="a file of the members' communities")
    names: Literal["own", "invented"] = Field(
        "invented", description="of members of the file: their own ids, or invented persons"
    )
    kind: str | None = Field(None, description="the generator; see hubbub new --help")
    data: str | None = Field(
        None, description="a file in the folder of data sets, used instead if it exists"
    )
    agents: int | None = Field(None, strict=True, description="number of members to generate")
    mean_degree: float | None = Field(None, strict=True, description="mean number of followers")
    trust: str = Field("full", description="full, uniform, or uniform:LOW-HIGH")
    languages: str | dict[str, float] = Field("", description="shares, such as en=0.6,es=0.4")
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
        source = given[0] if given and given[0] in _APPLY else "kind"
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
        return self

    def _says(self, name: str) -> bool:
        return getattr(self, name) not in (None, {})


class PopulationSection(Section):
    """``[population]``: what holds for all agents."""

    tick_minutes: float = Field(60.0, gt=0, strict=True, description="simulated minutes in a tick")
    max_running: int | None = Field(
        None, ge=1, strict=True, description="most messages that spread at once"
    )


class MessageSection(Section):
    """``[[messages]]``: one message, maybe later."""

    people = ("seeds",)

    text: str = Field(description="message text")
    seeds: str = Field(SEEDS, description="first adopters")
    model: str | None = Field(None, description="the propagation model")
    author: str | None = Field(None, description="id of the author")
    tags: list[str] | None = Field(None, description="topics; default: found in the text")
    at: int = Field(0, ge=0, strict=True, description="ticks after the start")
    priority: int = Field(
        0, strict=True, description="of several waiting messages the highest starts first"
    )
    draws: Literal["coins", "skips"] | None = Field(None, description="how chances are drawn")
    channel: str | None = Field(
        None, description="who receives it: broadcast, stream, stream:TICKS, a plugin"
    )
    image: str | None = Field(None, description="a picture: its file, or a data URL")
    alt: str | None = Field(None, description="alt text of the picture")
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the model")


class MindsSection(Section):
    """``[minds]``: members that decide by themselves."""

    members: str = Field(description="members: an expression as for --minds")
    mind: str = Field("model", description="what decides for them: model, rule, archetype, ...")
    goal: str = Field("", description="what they want, in words")
    offline: bool = Field(False, description="true: use rules instead of language models")
    budget: tuple[str, ...] = Field((), description="most: '$0.50', '200 requests', '50000 tokens'")
    least_share: float | None = Field(
        None, ge=0, le=1, strict=True,
        description="stop when models make less than this share; default: the setting",
    )  # fmt: skip

    @model_validator(mode="after")
    def _readable(self) -> Self:
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
    ] = Field(description="action of each of the agents towards each of the others")
    agents: str | list[str | int] = Field(description="ids, or an expression as for seeds")
    others: str | list[str | int] = Field(description="ids, or an expression as for seeds")
    at: int = Field(0, ge=0, strict=True, description="ticks after the start")


class InterventionSection(Section):
    """``[[interventions]]``: what is done at a tick, or when a condition holds.

    The other keys are those of what is done (:mod:`sim.world.interventions.kinds`).
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    do: str = Field(description="intervention, such as 'ban'")
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
        """The keys of the intervention itself."""
        return dict(self.model_extra or {})


class AboutSection(Section):
    """``[about]``: what the scenario is, for people."""

    title: str = Field("", description="a few words")
    question: str = Field("", description="what it asks")
    sees: str = Field("", description="expected result")
    source: str = Field("", description="source of that result")
    expect: list[str] = Field(
        default_factory=list, description="expected results, as QUANTITY: VARIANT < VARIANT"
    )
    measures: list[str] = Field(
        default_factory=list, description="quantities shown by hubbub scenario variants"
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

    ticks: int | None = Field(None, ge=0, le=LAST_TICK, strict=True, description="most ticks")
    until_quiet: bool = Field(False, description="stop earlier when nothing is spreading")


class SweepSection(Section):
    """``[sweep]``: what a sweep of the scenario varies, and how."""

    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="parameters to vary: KEY = 'LOW:HIGH:COUNT', 'LOW:HIGH', or a list of values",
    )
    design: Literal["grid", "latin-hypercube", "sobol-sequence", "halton", "morris", "sobol"] = (
        Field("grid", description="design of the sweep")
    )
    points: int | None = Field(
        None, ge=1, strict=True, description="number of points; a grid takes it from its ranges"
    )
    replicates: int = Field(5, ge=1, strict=True, description="runs per point")
    seed: int | None = Field(
        None, strict=True, description="of first replicate and design; default: the world's"
    )
    measure: str = Field("share", description="measure shown for each point")

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
        """The values of each parameter as written, by its name with dots."""
        return flattened(self.parameters)


class OutputSection(Section):
    """``[outputs]``: files to write."""

    json_: Path | None = Field(None, alias="json", description="all results")
    csv: Path | None = Field(None, description="one row per message and tick")
    metrics: Path | None = Field(None, description="metrics of each tick, .csv or .jsonl")
    save: Path | None = Field(None, description="the world at the end")
