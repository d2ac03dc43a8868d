"""``hubbub models``: every model in a line, one model's whole card, and what theory predicts."""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.program.output import as_json, safe, say, table
from sim.core.cards import Card, card_of, family_of, form_of
from sim.core.files import write_whole
from sim.core.params import ParameterSpec, describe
from sim.core.text import one_line
from sim.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    from sim.core.cards import Setting, Theory
    from sim.core.registry import Spec


PROPAGATION = "propagation"
_HEAD, _NAME, _DIM = "1;36", "1", "2"
_MOST_CELLS, _FEWEST_CELLS, _LABEL, _ROWS, _CHART = 100, 48, 16, 12, 40
_BARS = "▁▂▃▄▅▆▇█"
_BEGIN, _END = "<!-- models -->", "<!-- end of models -->"

_SHOWN = (
    ("source", "source"),
    ("meaning", "states"),
    ("equations", "equations"),
    ("update", "update order"),
    ("comparison", "comparison"),
    ("includes_self", "includes self"),
    ("direction", "direction"),
    ("ties", "tie rule"),
    ("time_unit", "time unit"),
    ("channels", "channels"),
    ("draw_modes", "draw modes"),
    ("cost", "cost per tick"),
    ("largest", "largest world"),
    ("checked", "checked"),
    ("choices", "choices"),
)


# The list


def show_models(*, json: bool, kind: str = "") -> None:
    """List the models of a kind under their families, each in a line.

    Raises
    ------
    UnknownNameError
        When there is no such kind.
    """
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
    from sim.core.registry import names, spec

    return [spec(name, kind) for name in names(kind)]


def _kind(kind: str) -> str:
    """Return the kind, or refuse one that there is not."""
    from sim.core.registry import kinds

    if kind not in kinds():
        raise UnknownNameError("kind of plugin", kind, kinds())
    return kind


def model_facts(spec: Spec) -> dict[str, Any]:
    """Return all that is known of a model, for programs."""
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
    """Return the first kind that has one of that name, or else one of nearly that name."""
    from sim.core.registry import kinds, names

    every = {kind: names(kind) for kind in kinds()}
    exact = [kind for kind, known in every.items() if name in known]
    near = [kind for kind, known in every.items() if get_close_matches(name, known)]
    return [*exact, *near, PROPAGATION][0]


def show_model(name: str, *, json: bool, kind: str = "") -> None:
    """Tell all about one model; without a kind, of the first that has one of that name.

    Raises
    ------
    UnknownNameError
        When there is no such kind, or none of that name.
    """
    from sim.core.registry import spec

    found = spec(name, _kind(kind) if kind else _kind_of(name))
    if json:
        say(as_json(model_facts(found)))
        return
    _write(_heading(found))
    _write(_card_lines(card_of(found.cls)))
    _write(_parameter_lines(describe(found.cls)))


def _heading(found: Spec) -> Iterator[tuple[str, str]]:
    yield _HEAD, found.name
    yield from _paragraphs(inspect.cleandoc(found.cls.__doc__ or ""))
    yield "", ""
    form, family = form_of(found.cls), family_of(found.cls)
    yield _DIM, f"{family}; form {form}"
    yield _DIM, f"version {found.version}, from {found.origin}"


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    for number, part in enumerate(re.split(r"\n\s*\n", text)):
        if number:
            yield "", ""
        yield from (
            ("", line) for line in textwrap.wrap(one_line(part.replace("``", "")), _cells())
        )


def _card_lines(card: Card) -> Iterator[tuple[str, str]]:
    yield "", ""
    for field, label in _SHOWN:
        for number, said in enumerate(_sentences(getattr(card, field))):
            yield from _hanging("" if number else label, said, _LABEL)


def _sentences(value: Any) -> Iterable[str]:
    """Return a field as the lines it is made of; an empty one has none."""
    if isinstance(value, str):
        return [value] if value else []
    return [f"{name}: {said}" for name, said in value.items()] if hasattr(value, "items") else value


def _parameter_lines(specs: Sequence[ParameterSpec]) -> Iterator[tuple[str, str]]:
    yield "", ""
    if not specs:
        yield "", "It has no parameters."
        return
    head = ("parameter", "default", "allowed", "unit")
    facts = [_parameter(spec) for spec in specs]
    heading, *lines = table([head, *facts]).splitlines()
    indent = max(map(len, [heading, *lines])) + 2
    yield _HEAD, f"{heading:{indent}}meaning" if _wide(heading) else heading
    for line, spec in zip(lines, specs, strict=True):
        if _wide(heading):
            yield from _hanging(line, spec.description, indent)
        else:
            yield _NAME, line
            yield from _hanging("", spec.description, 4)


def _wide(heading: str) -> bool:
    return len(heading) + 30 <= _cells()


def _parameter(spec: ParameterSpec) -> tuple[str, str, str, str]:
    default = "required" if spec.required else str(spec.default)
    return spec.name, default, spec.allowed or spec.type, spec.unit


# What theory predicts


@dataclass(frozen=True, slots=True)
class Predicted:
    """For what numbers theory is asked.

    Parameters
    ----------
    agents, seeds, ticks
        How many; a world given says its own agents.
    degree
        Listeners of every agent, such as ``"20"``, or ``"poisson:20"`` for a random network.
    world
        A world whose listeners are counted instead; None: none.
    parameters
        Of the model, as typed.
    """

    agents: int = 10_000
    seeds: int = 10
    ticks: int = 50
    degree: str = "20"
    world: str | None = None
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)

    def setting(self) -> Setting:
        """Return what a theory gets to know.

        Raises
        ------
        InputError
            When a number is out of range.
        """
        from sim.core.cards import Setting

        degrees = _shares(self.degree) if self.world is None else _counted(self.world)
        agents = self.agents if self.world is None else _agents_of(self.world)
        if not 1 <= self.seeds <= agents or not 1 <= self.ticks <= 1_000_000:
            raise InputError(
                f"Theory takes 1 to {agents:,} seeds and 1 to 1,000,000 ticks; "
                f"got {self.seeds:,} and {self.ticks:,}."
            )
        return Setting(agents, self.seeds, degrees)


_worlds: dict[str, Any] = {}


def _opened(where: str) -> Any:
    from sim.cli.program.output import watched
    from sim.cli.worlds.open_save import open_world

    if where not in _worlds:
        _worlds.clear()
        with watched() as report:
            _worlds[where] = open_world(where, report)
    return _worlds[where]


def _agents_of(where: str) -> int:
    return len(_opened(where).agents)


def _counted(where: str) -> Any:
    """Return the share of a world's agents with each number of listeners."""
    import numpy as np

    counts = np.bincount(_opened(where).ties.out_degree)
    return counts / counts.sum()


def _shares(degree: str) -> Any:
    """Return the share of agents with each number of listeners, of a regular or random network."""
    import numpy as np

    law, _, number = degree.rpartition(":")
    try:
        mean = float(number)
    except ValueError:
        mean = -1.0
    if law not in {"", "poisson"} or not 0 <= mean <= 10_000 or (not law and mean % 1):
        raise InputError(
            f"--degree is a whole number of listeners or poisson:MEAN, at most 10,000; "
            f"got {degree!r}."
        )
    if not law:
        return np.eye(int(mean) + 1)[-1]
    most = int(mean + 10 * mean**0.5 + 10)
    steps = np.log(max(mean, 1e-300)) - np.log(np.maximum(np.arange(most + 1), 1))
    steps[0] = -mean
    shares = np.exp(steps.cumsum())
    return shares / shares.sum()


def show_theory(name: str, order: Predicted, *, json: bool) -> None:
    """Print the curves that equations predict for a model, as sparklines and as a table.

    Raises
    ------
    InputError
        When the model has no theory for these parameters.
    """
    from sim.core.registry import make

    setting = order.setting()
    found = make(name, **order.parameters).theory(setting, order.ticks)
    if order.world is not None:
        from sim.network.analysis.report import with_caveats

        found = with_caveats(found, _opened(order.world).ties)
    else:
        from sim.core.cards import with_doubts

        found = with_doubts(found, setting.degrees)
    if not found:
        raise InputError(f"No equation is known for {name} with these parameters; run it instead.")
    if json:
        curves = [
            {"name": one.name, "states": one.states, "expected": one.expected} for one in found
        ]
        say(as_json({"model": name, "ticks": order.ticks, "theory": curves}))
        return
    for number, theory in enumerate(found):
        _write([("", "")] * (number > 0) + [(_HEAD, theory.name)])
        _write([("", f"assumes {theory.assumes}"), ("", f"fails {theory.fails}"), ("", "")])
        _write(_curve_lines(theory))


def _curve_lines(theory: Theory) -> Iterator[tuple[str, str]]:
    import numpy as np

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


# The table of a guide


def table_of_models(origin: str = "plugins.") -> str:
    """Return a Markdown table of the models whose origin begins so, by family."""
    found = [item for item in _all() if item.origin.startswith(origin)]
    found.sort(key=lambda item: (family_of(item.cls), item.name))
    rows = [
        f"| {family_of(item.cls)} | `{item.name}` | {form_of(item.cls)} | {_cell(item.summary)} |"
        for item in found
    ]
    return "\n".join(["| family | name | form | what it says |", "|---|---|---|---|", *rows])


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def write_table(path: Path) -> None:
    """Replace the table of models in a guide, between its two marks.

    Raises
    ------
    FileError
        When the file has no such marks, or cannot be read or written.
    """
    try:
        text = path.read_text(encoding="utf-8")
        before, begin, rest = text.partition(_BEGIN)
        _, end, after = rest.partition(_END)
        if not end:
            raise FileError(path, f"has no marks {_BEGIN} and {_END} to put the table between")
        whole = f"{before}{begin}\n{table_of_models()}\n{end}{after}"
        if whole != text:
            write_whole(path, whole)
    except OSError as error:
        raise FileError(path, f"cannot be used: {error.strerror}") from None
    say(f"{path}: {len(_all())} models.")


# Lines


def _is_seen() -> bool:
    """Whether a person looks, rather than a program that takes lines apart."""
    return sys.stdout.isatty()


def _cells() -> int:
    wide = shutil.get_terminal_size().columns - 1 if _is_seen() else _MOST_CELLS
    return min(max(wide, _FEWEST_CELLS), _MOST_CELLS)


def _hanging(
    label: str, said: str, indent: int, *, whole: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield a label and the text that hangs beside it, wrapped unless it is to stay whole."""
    room = 100_000 if whole else max(_cells() - indent, 20)
    lines = textwrap.wrap(one_line(said), room) or [""]
    yield _NAME if label else "", f"{label:{indent}}{lines[0]}".rstrip()
    yield from (("", " " * indent + line) for line in lines[1:])


def _write(lines: Iterable[tuple[str, str]]) -> None:
    """Write styled lines, plain where nobody would see a colour.

    A style other than a whole line's is that of the line's first words, up to two spaces.
    """
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
