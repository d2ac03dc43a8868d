"""Designs: the points of the parameter ranges that a sweep runs.

A design is drawn in the unit cube, by a generator with its own seed: library versions and
machines do not affect it, so a sweep can be resumed anywhere.
"""

from __future__ import annotations

import copy
import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from pydantic import BaseModel

from sim.arrays import F64
from sim.core.checks import whole_number, whole_of
from sim.core.params import Parameters, check
from sim.core.registry import spec
from sim.core.rng import Stream, uniforms
from sim.core.rng import key as draw_key
from sim.core.text import one_line
from sim.errors import HubbubError, InputError, ParameterError, UnknownNameError
from sim.network.generate.networks import NETWORKS
from sim.platform.settings import PlatformSettings
from sim.scenario.sections import (
    CommandSection,
    InterventionSection,
    MessageSection,
    NetworkSection,
    PopulationSection,
    StopSection,
    ValueRange,
    as_clause,
)
from sim.settings.settings import current
from sim.world.metrics.series import MetricSettings

DESIGNS = {
    "grid": "every combination of the values",
    "latin-hypercube": "each parameter's range in as many parts as points, each part once",
    "sobol-sequence": "points that fill the ranges evenly (Sobol's, scrambled)",
    "halton": "points that fill the ranges evenly (Halton's, scrambled)",
    "morris": "4 trajectories or more, one parameter at a time: screening (mu*, sigma)",
    "sobol": "Saltelli's sample, 32 times parameters + 2 or more: Sobol's indices",
}
"""The designs and their descriptions."""

MOST_POINTS = 100_000
"""Maximum points of a sweep; each runs once per replicate."""

_USUAL = {"latin-hypercube": 64, "sobol-sequence": 64, "halton": 64}
_TRAJECTORIES, _BASE_SAMPLES = 10, 64
_LEAST = {"morris": (4, "trajectories"), "sobol": (32, "base samples")}
"""Blocks below which the wrong parameter may come first (Morris), and indices are off by a half and
their intervals hold them in 8 of 10 (Sobol): measured on the function of Sobol' & Levitan."""
_FREEDOM = 3
"""Points in addition to the parameters that a rank regression needs for a test."""
_LEVELS = 4


@dataclass(frozen=True, eq=False)
class Design:
    """The points of a sweep."""

    kind: str
    names: tuple[str, ...]
    shares: F64
    points: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def block(self) -> int:
        """Number of points that belong together: a trajectory, a base sample; else 1."""
        many = len(self.names)
        return {"morris": many + 1, "sobol": many + 2}.get(self.kind, 1)


def design_of(
    kind: str,
    ranges: Mapping[str, ValueRange],
    points: int | None = None,
    *,
    seed: int = 0,
    whole: frozenset[str] = frozenset(),
) -> Design:
    """Return a design over ranges."""
    if kind not in DESIGNS:
        raise UnknownNameError("design", kind, DESIGNS)
    if not ranges:
        raise InputError("A sweep varies one parameter or more; say which, as beta=0.1:0.5:9.")
    if kind == "grid":
        if points is not None:
            raise InputError(
                "A grid has as many points as its values make; give their number in the ranges "
                "(LOW:HIGH:COUNT), or another design."
            )
        return _grid(ranges)
    shares = _drawn(kind, len(ranges), points, seed)
    return Design(
        kind,
        tuple(ranges),
        shares,
        tuple(
            tuple(
                one.at(share, is_whole=name in whole)
                for (name, one), share in zip(ranges.items(), row.tolist(), strict=True)
            )
            for row in shares
        ),
    )


def _grid(ranges: Mapping[str, ValueRange]) -> Design:
    for name, one in ranges.items():
        if not one.values and not one.count:
            low, high = one.ends
            raise InputError(
                f"{name}: a grid needs to know how many values; write {low}:{high}:COUNT."
            )
    sizes = [len(one.values) or one.count for one in ranges.values()]
    _refuse_many(prod(sizes), " x ".join(f"{size:,}" for size in sizes))
    places = itertools.product(*(range(size) for size in sizes))
    shares = np.array(list(places), np.float64).reshape(-1, len(sizes))
    shares /= np.maximum(np.array(sizes) - 1, 1)
    return Design("grid", tuple(ranges), shares, tuple(itertools.product(*ranges.values())))


def _refuse_many(points: int, how: str = "") -> None:
    if points > MOST_POINTS:
        made = f" ({how})" if how else ""
        raise InputError(
            f"A sweep has at most {MOST_POINTS:,} points, and this has {points:,}{made}; take "
            "fewer values, or a design that samples: latin-hypercube, sobol-sequence."
        )


def _drawn(kind: str, parameters: int, points: int | None, seed: int) -> F64:
    if points is not None:
        whole_number(points, "Points", low=1)
        _refuse_many(points)
    if kind == "morris":
        many = _blocks(kind, points, parameters, parameters + 1, _TRAJECTORIES)
        return morris_sample(many, parameters, seed)
    if kind == "sobol":
        many = _blocks(kind, points, parameters, parameters + 2, _BASE_SAMPLES)
        return saltelli_sample(1 << (many.bit_length() - 1), parameters, seed)
    if points is not None and points < parameters + _FREEDOM:
        raise InputError(
            f"What a measure owes to {parameters} parameters takes {parameters + _FREEDOM} points "
            f"at least by {kind}, and this has {points}; ask for more, or take a grid."
        )
    return _filling(kind, points or _USUAL[kind], parameters, seed)


def _blocks(kind: str, points: int | None, parameters: int, size: int, usual: int) -> int:
    if points is None:
        _refuse_many(usual * size)
        return usual
    least, what = _LEAST[kind]
    if points < least * size:
        raise InputError(
            f"{what.capitalize()} of {parameters} parameters take {size} points each, and {least} "
            f"at least; ask for {least * size:,} points or more."
        )
    return points // size


def _filling(kind: str, points: int, parameters: int, seed: int) -> F64:
    from scipy.stats import qmc

    if kind == "latin-hypercube":
        drawn = qmc.LatinHypercube(parameters, rng=seed).random(points)
    elif kind == "halton":
        drawn = qmc.Halton(parameters, rng=seed).random(points)
    else:
        sequence = qmc.Sobol(parameters, rng=seed)
        drawn = sequence.random_base2(max(points - 1, 0).bit_length())[:points]
    return np.ascontiguousarray(drawn, np.float64)


def morris_sample(trajectories: int, parameters: int, seed: int) -> F64:
    """Return Morris' trajectories, float64 (trajectories * (parameters + 1), parameters).

    Each starts at one of four levels of every parameter and changes one after the other, in an
    order of its own, by two thirds of the range.

    Source: Morris, Factorial sampling plans for preliminary computational experiments,
    Technometrics 33 (1991).
    """
    draws = uniforms(
        draw_key(seed, Stream.TRAJECTORIES),
        np.arange(trajectories)[:, None],
        np.arange(2 * parameters)[None, :],
    )
    levels = np.floor(draws[:, :parameters] * _LEVELS) / (_LEVELS - 1)
    orders = np.argsort(draws[:, parameters:], axis=1)
    step = _LEVELS / (2 * (_LEVELS - 1))
    found = np.repeat(levels[:, None, :], parameters + 1, axis=1)
    for path, level, order in zip(found, levels, orders, strict=True):
        for place, changed in enumerate(order, 1):
            path[place:, changed] += step if level[changed] < 0.5 else -step
    flat = found.reshape(-1, parameters)
    return np.rint(flat * (_LEVELS - 1)) / (_LEVELS - 1)


def saltelli_sample(samples: int, parameters: int, seed: int) -> F64:
    """Return Saltelli's sample, float64 (samples * (parameters + 2), parameters).

    Each block is a row of A, the same row with each parameter in turn taken from B, and the
    row of B; A and B are halves of one scrambled Sobol' sequence.

    Source: Saltelli et al., Variance based sensitivity analysis of model output, Computer Physics
    Communications 181 (2010).
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(2 * parameters, rng=seed, bits=64)
    both = sequence.random_base2(samples.bit_length() - 1)
    first, second = both[:, :parameters], both[:, parameters:]
    found = np.repeat(first[:, None, :], parameters + 2, axis=1)
    for place in range(parameters):
        found[:, place + 1, place] = second[:, place]
    found[:, -1] = second
    return found.reshape(-1, parameters)


Path = tuple[str | int, ...]
Table = Mapping[str, Any]

_LISTS: dict[str, type[BaseModel]] = {
    "messages": MessageSection,
    "commands": CommandSection,
    "interventions": InterventionSection,
}
_TABLES: dict[str, type[BaseModel]] = {
    "network": NetworkSection,
    "population": PopulationSection,
    "platform": PlatformSettings,
    "metrics": MetricSettings,
    "stop": StopSection,
}
_OF_PLATFORM = ("recommender", "policy")
_OWNERS = {"model": "parameters", "kind": "parameters", "recommender": "parameters",
           "policy": "policy_parameters"}  # fmt: skip
"""Keys that name the owner of parameters, and the key that holds these."""
_NOT_BARE = {"text", "parameters", "columns", "draws", "world", "file", "at"}
"""Keys that are ambiguous without their section."""


@dataclass(frozen=True, slots=True)
class ParameterPath:
    """The path of a value in a scenario."""

    path: Path
    owner: type[BaseModel] | None = None
    field: str = ""

    def __str__(self) -> str:
        """Return it as a person writes it; lists count from 1."""
        return ".".join(str(key + 1) if isinstance(key, int) else key for key in self.path)

    @property
    def short(self) -> str:
        """The shortest unambiguous way to write it, unless another value has the same name."""
        return ".".join(part for part in str(self).split(".") if not part.endswith("parameters"))

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole numbers only."""
        if self.owner is None:
            return False
        annotation = self.owner.model_fields[self.field].annotation
        return annotation is int or annotation == int | None


def place_of(table: Table, name: str) -> ParameterPath:
    """Return the path of the value that a name refers to."""
    words = [word.strip().replace("-", "_") for word in name.split(".")]
    if not all(words):
        raise InputError(f"A parameter is named as SECTION.KEY, got {_shown(name)}.")
    if len(words) == 1:
        return _bare(table, words[0])
    section, *rest = words
    if section in _LISTS:
        return _in_list(table, section, rest, name)
    if section not in _TABLES:
        near = difflib.get_close_matches(section, [*_TABLES, *_LISTS], n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise InputError(
            f"No section {_shown(section)}{hint} can be swept; there are "
            f"{', '.join([*_TABLES, *_LISTS])}."
        )
    return _found(table, (section,), rest, name)


def _in_list(table: Table, section: str, rest: list[str], name: str) -> ParameterPath:
    many = len(table.get(section, ()))
    if not many:
        raise InputError(f"{_shown(name)}: there are no {section}.")
    if not rest[0].isdecimal():
        if many > 1:
            raise InputError(
                f"{_shown(name)}: there are {many} {section}; say which, as {section}.1.{rest[0]}."
            )
        rest = ["1", *rest]
    place = whole_of(rest[0])
    if place is None or not 1 <= place <= many:
        raise InputError(f"{_shown(name)}: {section} are numbered 1 to {many}.")
    if len(rest) < 2:
        raise InputError(f"{_shown(name)}: say which key of it, as {name}.KEY.")
    return _found(table, (section, place - 1), rest[1:], name)


def _found(table: Table, home: Path, rest: list[str], name: str) -> ParameterPath:
    """Return a key of a section, or a parameter of the plugin that the section names."""
    every = list(_places(table, home))
    wanted = tuple(rest)
    for place in every:
        own = place.path[len(home) :]
        if wanted == own or (len(wanted) == 1 and own[0] != wanted[0] and own[-1:] == wanted):
            return place
    if wanted[0] in ("parameters", "policy_parameters") and len(wanted) == 2:
        return ParameterPath((*home, *wanted))  # the model is another parameter of the sweep
    if home[0] == "interventions" and len(wanted) == 1:
        return ParameterPath((*home, *wanted))
    keys = [str(place.path[-1]) for place in every]
    raise InputError(f"{_shown(name)}: no such key{_hint(wanted[-1], keys)}.")


def _bare(table: Table, name: str) -> ParameterPath:
    homes: list[Path] = [(section,) for section in _TABLES]
    homes += [("messages", number) for number in range(len(table.get("messages", ())))]
    every = [
        place
        for home in homes
        if home != ("platform",) or table.get("platform") not in (None, False)
        for place in _places(table, home)
        if place.path[-1] not in _NOT_BARE or len(place.path) > len(home) + 1
    ]
    found = [place for place in every if place.path[-1] == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{_shown(name)} may be {' or '.join(place.short for place in found)}; say which."
        )
    raise InputError(
        f"No parameter {_shown(name)}{_hint(name, [str(p.path[-1]) for p in every])}; name one as "
        "SECTION.KEY, such as network.mean_degree, or a parameter of a message's model."
    )


def _places(table: Table, home: Path) -> Iterator[ParameterPath]:
    """Yield the paths of a section: its keys, and the parameters of the plugins that it names."""
    section = home[0]
    held: Any = table.get(str(section)) or {}
    held = held[home[1]] if len(home) > 1 else ({} if held is True else held)
    cls = _LISTS.get(str(section)) or _TABLES[str(section)]
    owners = dict(_owners(str(section), held))
    for key in cls.model_fields:
        if key not in _OWNERS.values():  # mean_degree is a key, and the generator knows its bounds
            by = next((own for own in owners.values() if key in own.model_fields), cls)
            yield ParameterPath((*home, key), by, key)
    for key in _OF_PLATFORM if section == "platform" else ():
        yield ParameterPath((*home, key))
    if section == "interventions":
        for key in held:
            if key not in cls.model_fields:
                yield ParameterPath((*home, key))
    for inner, owner in owners.items():
        for key in owner.model_fields:
            if key not in cls.model_fields:
                yield ParameterPath((*home, inner, key), owner, key)


def _owners(section: str, held: Table) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the plugins that a section names, with the key of their parameters."""
    if section == "messages":
        yield "parameters", _plugin(_model_of(held), "propagation")
    elif section == "network" and not {"world", "file"} & {*held}:
        kind = held.get("kind") or "preferential-attachment"
        if kind in NETWORKS:
            yield "parameters", NETWORKS[kind].cls
    elif section == "platform":
        yield "parameters", _plugin(held.get("recommender", "blend"), "recommender")
        yield "policy_parameters", _plugin(held.get("policy", "rule"), "policy")


def _model_of(message: Table) -> str:
    if message.get("model") is not None:
        return str(message["model"])
    return current().model


def _plugin(name: str, kind: str) -> type[Parameters]:
    return spec(name, kind).cls


def refuse_out_of_range(name: str, place: ParameterPath, values: ValueRange) -> None:
    """Refuse values that the field does not accept: the ends of a range, every value of a list."""
    if place.owner is None or not issubclass(place.owner, Parameters):
        return
    for value in values.ends:
        try:
            check(place.owner, place.field, value)
        except ParameterError as error:
            said = as_clause(str(error))
            raise InputError(f"{name}={one_line(str(value), 40)}: {said}.") from None
        except HubbubError:
            continue  # limits from other fields are checked at each point


def changes_of(table: Table, values: Mapping[ParameterPath, Any]) -> dict[str, Any]:
    """Return whole sections with new values, to replace those of a table."""
    found: dict[str, Any] = {}
    for place in sorted(values, key=_owners_first):
        section = str(place.path[0])
        if section not in found:
            held = table.get(section)
            found[section] = copy.deepcopy({} if held in (None, True, False) else held)
        _put(found[section], place.path[1:], values[place])
    return found


def _owners_first(place: ParameterPath) -> tuple[bool, int]:
    return place.path[-1] not in _OWNERS, len(place.path)


def _put(held: Any, path: Path, value: Any) -> None:
    for key in path[:-1]:
        held = held[key] if isinstance(key, int) else held.setdefault(key, {})
    key = str(path[-1])
    if key in _OWNERS and held.get(key) != value:
        held.pop(_OWNERS[key], None)  # the parameters belong to the old owner
    held[key] = value


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _shown(name: str) -> str:
    return repr(one_line(name, 60))
