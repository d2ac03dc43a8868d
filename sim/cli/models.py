"""``hubbub models``: all models, one per line; a model's card; and what theory predicts."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.cli.output import around_marks, as_json, safe, say, table, write_text
from sim.cli.worlds import opened
from sim.core.cards import Card, Setting, card_of, family_of, form_of, with_doubts
from sim.core.params import ParameterSpec, describe
from sim.core.registry import kinds, make, names, spec
from sim.core.text import one_line, plural
from sim.errors import InputError, UnknownNameError
from sim.network.analysis.report import predicted

if TYPE_CHECKING:
    from sim.core.cards import Theory
    from sim.core.registry import Spec


PROPAGATION = "propagation"
_HEAD, _NAME, _DIM = "1;36", "1", "2"
_MOST_CELLS, _FEWEST_CELLS, _LABEL, _ROWS, _CHART = 100, 48, 16, 12, 40
_BARS = "▁▂▃▄▅▆▇█"
_BEGIN, _END = "<!-- models -->", "<!-- end of models -->"


# The list


def show_models(*, json: bool, kind: str = "") -> None:
    """List the models of a kind by family, one per line."""
    found = _all(_kind(kind or PROPAGATION))
    if json:
        say(as_json([model_facts(item) for item in found]))
        return
    families = sorted({family_of(item.cls) for item in found})
    wide = max(len(item.name) for item in found) + 4
    for number, family in enumerate(families):
        _write([("", "")] * (number > 0) + [(_HEAD, family)])
        of_it = [item for item in found if family_of(item.cls) == family]
        _write(
            line
            for item in of_it
            for line in _hanging(f"  {item.name}", item.summary, wide, whole=not _is_seen())
        )


def _all(kind: str = PROPAGATION) -> list[Spec]:
    return [spec(name, kind) for name in names(kind)]


def _kind(kind: str) -> str:
    """Return the kind, or refuse an unknown one."""
    if kind not in kinds():
        raise UnknownNameError("kind of plugin", kind, kinds())
    return kind


def model_facts(spec: Spec) -> dict[str, Any]:
    """Return everything that is known about a model, for programs."""
    return {
        "name": spec.name,
        "kind": spec.kind,
        "family": family_of(spec.cls),
        "form": form_of(spec.cls),
        "summary": spec.summary,
        "version": spec.version,
        "origin": spec.origin,
        "sha256": spec.sha256,
        "parameters": [dataclasses.asdict(parameter) for parameter in describe(spec.cls)],
        "card": dataclasses.asdict(card_of(spec.cls)),
    }


# One card


def _kind_of(name: str) -> str:
    """Return the first kind that has a plugin of that name, or else one of a similar name."""
    every = {kind: names(kind) for kind in kinds()}
    exact = [kind for kind, known in every.items() if name in known]
    near = [kind for kind, known in every.items() if get_close_matches(name, known)]
    return [*exact, *near, PROPAGATION][0]


def show_model(name: str, *, json: bool, kind: str = "") -> None:
    """Show everything about one model; without a kind, of the first kind that has the name."""
    found = spec(name, _kind(kind) if kind else _kind_of(name))
    if json:
        say(as_json(model_facts(found)))
        return
    _write(_heading(found))
    _write(_card_lines(card_of(found.cls)))
    _write(_parameter_lines(describe(found.cls)))


def _heading(found: Spec) -> Iterator[tuple[str, str]]:
    yield _HEAD, found.name
    for number, part in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(found.cls.__doc__ or ""))):
        if number:
            yield "", ""
        yield from (
            ("", line) for line in textwrap.wrap(one_line(part.replace("``", "")), _cells())
        )
    yield "", ""
    form, family = form_of(found.cls), family_of(found.cls)
    yield _DIM, f"{family}; form {form}"
    yield _DIM, f"version {found.version}, from {found.origin}"


def _card_lines(card: Card) -> Iterator[tuple[str, str]]:
    yield "", ""
    for label, said in card.facts():
        yield from _hanging(label, said, _LABEL)


def _parameter_lines(specs: Sequence[ParameterSpec]) -> Iterator[tuple[str, str]]:
    yield "", ""
    if not specs:
        yield "", "No parameters."
        return
    head = ("parameter", "default", "allowed", "unit")
    facts = [_parameter(one) for one in specs]
    heading, *lines = table([head, *facts]).splitlines()
    indent = max(map(len, [heading, *lines])) + 2
    yield _HEAD, f"{heading:{indent}}meaning" if _wide(heading) else heading
    for line, one in zip(lines, specs, strict=True):
        if _wide(heading):
            yield from _hanging(line, one.description, indent)
        else:
            yield _NAME, line
            yield from _hanging("", one.description, 4)


def _wide(heading: str) -> bool:
    return len(heading) + 30 <= _cells()


def _parameter(spec: ParameterSpec) -> tuple[str, str, str, str]:
    default = "required" if spec.required else str(spec.default)
    return spec.name, default, spec.allowed or spec.type, spec.unit


# What theory predicts


def _shares(degree: str) -> Any:
    """Return the share of agents with each number of listeners, in a regular or random network."""
    law, _, number = degree.rpartition(":")
    try:
        mean = float(number)
    except ValueError:
        mean = -1.0
    if law not in {"", "poisson"} or not 0 <= mean <= 10_000 or (not law and mean % 1):
        raise InputError(
            f"--degree is a whole number of followers or poisson:MEAN, at most 10,000; "
            f"got {degree!r}."
        )
    if not law:
        return np.eye(int(mean) + 1)[-1]
    most = int(mean + 10 * mean**0.5 + 10)
    steps = np.log(max(mean, 1e-300)) - np.log(np.maximum(np.arange(most + 1), 1))
    steps[0] = -mean
    shares = np.exp(steps.cumsum())
    return shares / shares.sum()


def show_theory(
    name: str, agents: int, seeds: int, ticks: int, degree: str, where: str | None,
    parameters: dict[str, str], *, json: bool,
) -> None:  # fmt: skip
    """Print the curves that a model's equations predict, as sparklines and as a table."""
    world = None if where is None else opened(where)
    agents = agents if world is None else len(world.agents)
    if not 1 <= seeds <= agents or not 1 <= ticks <= 1_000_000:
        raise InputError(
            f"Theory takes 1 to {agents:,} seeds and 1 to 1,000,000 ticks; "
            f"got {seeds:,} and {ticks:,}."
        )
    if world is None:
        setting = Setting(agents, seeds, _shares(degree))
        found = with_doubts(make(name, **parameters).theory(setting, ticks), setting.degrees)
    else:
        found = predicted(world.ties, name, parameters, seeds, ticks)
    if not found:
        raise InputError(f"No equation is known for {name} with these parameters; run it instead.")
    if json:
        curves = [
            {"name": one.name, "states": one.states, "expected": one.expected} for one in found
        ]
        say(as_json({"model": name, "ticks": ticks, "theory": curves}))
        return
    for number, theory in enumerate(found):
        _write([("", "")] * (number > 0) + [(_HEAD, theory.name)])
        _write([("", f"assumes {theory.assumes}"), ("", f"fails {theory.fails}"), ("", "")])
        _write(_curve_lines(theory))


def _curve_lines(theory: Theory) -> Iterator[tuple[str, str]]:
    expected = theory.expected
    wide = max(map(len, theory.states)) + 2
    top = max(float(expected.max()), 1e-300)
    at = np.linspace(0, len(expected) - 1, min(_CHART, len(expected))).round().astype(int)
    for column, state in enumerate(theory.states):
        bars = "".join(_BARS[round(v / top * (len(_BARS) - 1))] for v in expected[at, column])
        yield "", f"{state:{wide}}{bars}"
    yield "", ""
    rows = np.unique(np.linspace(0, len(expected) - 1, _ROWS).round().astype(int))
    cells = [[str(t), *(f"{value:,.1f}" for value in expected[t])] for t in rows.tolist()]
    heading, *lines = table([["tick", *theory.states], *cells]).splitlines()
    yield _NAME, heading
    yield from (("", line) for line in lines)


# The table in a guide


def table_of_models(origin: str = "plugins.") -> str:
    """Return a Markdown table of the models whose origin begins like this, by family."""
    found = [item for item in _all() if item.origin.startswith(origin)]
    found.sort(key=lambda item: (family_of(item.cls), item.name))
    rows = [
        f"| {family_of(item.cls)} | `{item.name}` | {form_of(item.cls)} "
        f"| {one_line(item.summary).replace('|', chr(92) + '|')} |"
        for item in found
    ]
    return "\n".join(["| family | name | form | what it says |", "|---|---|---|---|", *rows])


def write_table(path: Path) -> None:
    """Replace the table of models in a guide, between its two marks."""
    before, after = around_marks(path, _BEGIN, _END)
    write_text(path, f"{before}\n{table_of_models()}\n{after}")
    say(f"{path}: {plural(len(_all()), 'model')}.")


# Lines


def _is_seen() -> bool:
    """Return whether the output goes to a terminal, not to a program that parses it."""
    return sys.stdout.isatty()


def _cells() -> int:
    wide = shutil.get_terminal_size().columns - 1 if _is_seen() else _MOST_CELLS
    return min(max(wide, _FEWEST_CELLS), _MOST_CELLS)


def _hanging(
    label: str, said: str, indent: int, *, whole: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield a label and its text with a hanging indent; ``whole`` text is not wrapped."""
    room = 100_000 if whole else max(_cells() - indent, 20)
    lines = textwrap.wrap(one_line(said), room) or [""]
    yield _NAME if label else "", f"{label:{indent}}{lines[0]}".rstrip()
    yield from (("", " " * indent + line) for line in lines[1:])


def _write(lines: Iterable[tuple[str, str]]) -> None:
    """Write styled lines, or plain ones if colours would not be visible."""
    colours = _is_seen() and "NO_COLOR" not in os.environ
    for style, line in lines:
        text = safe(line)
        if colours and style:
            text = _painted(style, text)
        sys.stdout.write(f"{text}\n")


def _painted(style: str, text: str) -> str:
    if style != _NAME:
        return f"\x1b[{style}m{text}\x1b[0m"
    indent = len(text) - len(text.lstrip())
    label, gap, rest = text[indent:].partition("  ")
    return f"{text[:indent]}\x1b[{style}m{label}\x1b[0m{gap}{rest}"
