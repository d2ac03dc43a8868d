"""``hubbub plugin``: write, list, check, time, enable and disable plugins."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.exits import OK, PLUGIN
from sim.cli.help import VerbApp
from sim.cli.output import Json, Pairs, as_json, require_folder, say, table, tell, write_text
from sim.cli.start import completed, prepare
from sim.cli.watch import watched
from sim.core.text import plural
from sim.errors import FileError, InputError, UnknownNameError

if TYPE_CHECKING:
    from sim.core.plugin_files import Candidate
    from sim.core.registry import Spec


plugins = VerbApp("Write, check and time plugins, and choose which may run.")

Which = Annotated[str, typer.Argument(help="A registered model, or a plugin file.")]
Foreign = Annotated[str, typer.Argument(help="Name or file of a third-party plugin.")]


@plugins.command("new")
def plugin_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case words joined by '-'.")],
    form: Annotated[
        str, typer.Option(help="What to build it on.", autocompletion=completed("forms"))
    ] = "per-exposure",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path(),
) -> None:
    """Write a commented plugin that runs, with a test beside it."""
    prepare(context.obj)
    from sim.cli import templates
    from sim.core.registry import names, require_name
    from sim.testing.trial import LAWS_BY_KIND

    module = name.replace("-", "_")
    require_name(name)
    is_module = module.isidentifier() and not keyword.iskeyword(module)
    if not is_module or find_spec(module):
        why = f"would hide Python's {module}" if is_module else "cannot be imported"
        raise InputError(f"The plugin's file, {module}.py, {why}; try {f'my-{name}'!r}.")
    others = {**templates.FEEDS, **templates.ACTING, "channel": templates.CHANNEL}
    others["mind"] = templates.MIND
    if form not in {**templates.TEMPLATES, **others}:
        raise UnknownNameError("form", form, [*templates.TEMPLATES, *others])
    if any(name in names(kind) for kind in LAWS_BY_KIND):
        raise InputError(f"A model named {name!r} exists already; choose another name.")
    text, still = templates.TEMPLATES.get(form) or (others[form], {})
    test_text = templates.MIND_TEST if form == "mind" else templates.LAWS_TEST
    home, check, some = _LAWS.get(form, ("", "", ""))
    words = {
        "HEAD": templates.HEAD, "NAME": name, "MODULE": module,
        "CLASS": module.title().replace("_", ""),
        "NOBODY": ",\n        ".join(f"{key}={dumps(value)}" for key, value in still.items()),
        "HOME": home, "CHECK": check, "SOME": some,
    }  # fmt: skip
    files = {
        out / f"{module}.py": text,
        out / f"test_{module}.py": test_text if form in others else templates.TEST,
    }
    for path in files:
        require_folder(path)
        if path.exists():
            raise FileError(path, "exists already; choose another name or folder")
    for path, template in files.items():
        for word, value in words.items():
            template = template.replace(word, value)
        write_text(path, template)
    file, test = files
    say(f"Wrote {file} (form {form}) and {test}.")
    say(f"Check it:  hubbub plugin check {file}")
    if form in others and form not in {"intervention", "metric"}:
        say(f"List it:   hubbub models {name} --plugin {file}")
    if form not in others:
        say(f"Watch it:  hubbub --plugin {file}, then i, and choose {name}")
    use = _USES.get(form, "Run it:    hubbub run demo --model {name} --inject 'Hello.' --ticks 50")
    say(f"{use.format(name=name)} --plugin {file}")


_LAWS = {
    "recommender": ("recommender_laws", "check_recommender", "order"),
    "friend-recommender": ("recommender_laws", "check_recommender", "order"),
    "policy": ("policy_laws", "check_acting", "runs"),
    "intervention": ("policy_laws", "check_acting", "runs"),
    "metric": ("policy_laws", "check_acting", "runs"),
    "channel": ("channel_laws", "check_channel", "resumes"),
}
"""By form: the module of its checks, the checking class, and one of the checks."""

_USES = {
    "recommender": "Compare:   hubbub compare demo --recommenders chronological,{name}",
    "friend-recommender": "Ask it:    hubbub show demo suggestions 5 --by {name}",
    "policy": 'Use it:    [platform] policy = "{name}" in a scenario, run with',
    "intervention": 'Use it:    [[interventions]] do = "{name}" in a scenario, run with',
    "metric": "Take it:   hubbub run demo --ticks 5 --metrics day.csv",
    "channel": "Run it:    hubbub run demo --inject 'Hello.' --channel {name}",
    "mind": "Run it:    hubbub run new:1000 --minds share:0.1 --mind {name}",
}
"""By form: how to try it, up to --plugin FILE."""

KINDS = ("propagation", "opinion", "recommender", "friend-recommender", "policy", "mind",
         "intervention", "metric", "channel")  # fmt: skip
"""The kinds of plugin; a kind without registered plugins lists nothing."""

_STATUS = {"off": "off", "changed": "off: changed since it was enabled"}


@plugins.command("list")
def plugin_list(context: typer.Context, json: Json = False) -> None:
    """List every plugin, where it came from, and those that are off or failed."""
    prepare(context.obj)
    from sim.core import plugin_files
    from sim.core.registry import failures, names, spec

    facts = [_facts(spec(name, kind)) for kind in KINDS for name in names(kind)]
    loaded = {each["origin"] for each in facts}
    found = plugin_files.found()
    waiting = [each for each in found if each.place not in loaded and each.status != "on"]
    facts += [
        fact for each in waiting for fact in _waiting(each, plugin_files.unmet(each.says.requires))
    ]
    shown = ("name", "kind", "version", "api", "requires", "status", "origin")
    for failure in failures():
        tell(str(failure))
    rows = [shown, *(tuple(_cell(each[key]) for key in shown) for each in facts)]
    say(as_json(facts) if json else table(rows))
    if waiting and not json:
        tell("To enable one: hubbub plugin enable NAME. A plugin is code: read it first.")


def _cell(value: object) -> str:
    return (", ".join(value) or "-") if isinstance(value, tuple) else str(value)


def _facts(spec: Spec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "kind": spec.kind,
        "summary": spec.summary,
        "version": spec.version,
        "api": spec.api,
        "requires": spec.requires,
        "status": "on" if spec.is_foreign else "built-in",
        "origin": spec.origin,
        "sha256": spec.sha256,
    }


def _waiting(candidate: Candidate, lacks: Sequence[str]) -> Iterator[dict[str, Any]]:
    status = _STATUS[candidate.status] + (f"; needs {' and '.join(lacks)}" if lacks else "")
    for name in candidate.says.registers or (candidate.name,):
        yield {
            "name": name,
            "kind": "propagation",
            "summary": "",
            "version": candidate.says.version,
            "api": candidate.says.api,
            "requires": candidate.says.requires,
            "status": status,
            "origin": candidate.place,
            "sha256": candidate.sha256,
        }


@plugins.command("check")
def plugin_check(
    context: typer.Context,
    name: Which,
    parameter: Pairs = None,
    deadline: Annotated[
        float | None, typer.Option(min=0.1, help="Most seconds of work for one tick.")
    ] = None,
) -> None:
    """Check a model in a separate process."""
    prepare(context.obj)
    from sim.scenario.worlds import assignments

    raise typer.Exit(_check(name, assignments(parameter or ()), deadline))


def _check(what: str, parameters: dict[str, Any], deadline: float | None) -> int:
    """Check each model of a file, or a registered one; return the exit code."""
    from sim.core.plugin_files import PACKAGE
    from sim.testing.judge import DEADLINE_SECONDS, judged
    from sim.testing.trial import kinds_of

    if what.endswith(".py"):
        if not Path(what).is_file():
            raise FileError(what, "there is no such plugin file; give the path of a .py file")
    elif not what.startswith(PACKAGE):
        kinds_of(what)
    with watched() as report:
        verdicts = judged(
            what, parameters=parameters, deadline=deadline or DEADLINE_SECONDS,
            watch=lambda doing: report(doing, 0.0),
        )  # fmt: skip
    for verdict in verdicts:
        if verdict.sentence:
            say(f"{verdict.sentence} (check: {verdict.broken})")
        else:
            passed = plural(len(verdict.kept), "check")
            say(f"{verdict.model}: passes {passed} ({', '.join(verdict.kept)}).")
            if verdict.lacks:
                tell(f"{verdict.model}: its card lacks {', '.join(verdict.lacks)}.")
    return PLUGIN if any(verdict.sentence for verdict in verdicts) else OK


@plugins.command("bench")
def plugin_bench(
    context: typer.Context,
    name: Which,
    agents: Annotated[int, typer.Option(help="Members of the world.")] = 100_000,
    mean_degree: Annotated[float, typer.Option(help="Average number of followers.")] = 20.0,
    ticks: Annotated[int, typer.Option(help="Ticks per run.")] = 20,
    replicates: Annotated[int, typer.Option(help="Runs of each, in turns.")] = 3,
    parameter: Pairs = None,
    json: Json = False,
) -> None:
    """Time a model against the built-in of its form, and show where the time goes."""
    prepare(context.obj)
    from sim.cli.race import show_bench
    from sim.scenario.worlds import assignments

    given = assignments(parameter or ())
    show_bench(name, agents, mean_degree, ticks, replicates, given, json=json)


@plugins.command("enable")
def plugin_enable(context: typer.Context, name: Foreign) -> None:
    """Check a third-party plugin and enable it until its file changes."""
    prepare(context.obj)
    from sim.core import plugin_files

    candidate = plugin_files.one(name)
    says = candidate.says
    plugin_files.demand(candidate.name, says)
    if _check(candidate.place, {}, None) != OK:
        tell(f"{candidate.name} stays off: {candidate.place}.")
        raise typer.Exit(PLUGIN)
    plugin_files.enable(candidate)
    say(
        f"Enabled {candidate.name} (version {says.version}, API {says.api}, SHA-256 "
        f"{candidate.sha256[:16]}...) of {candidate.place}; enable it again after it changes."
    )


@plugins.command("disable")
def plugin_disable(context: typer.Context, name: Foreign) -> None:
    """Disable a third-party plugin."""
    prepare(context.obj)
    from sim.core import plugin_files

    candidate = plugin_files.one(name)
    was = plugin_files.disable(candidate)
    say(f"{'Disabled' if was else 'Was not enabled:'} {candidate.name} of {candidate.place}.")


@plugins.command("reload")
def plugin_reload(context: typer.Context, name: Foreign) -> None:
    """Check a changed plugin and enable it again; an open screen reloads it."""
    plugin_enable(context, name)
