"""``hubbub plugin list``, ``enable``, ``disable``, ``reload``: which there are, which may run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sim.cli.program.exits import OK, PLUGIN
from sim.cli.program.output import as_json, say, table, tell

if TYPE_CHECKING:
    from sim.core.plugin_files import Candidate
    from sim.core.registry import Spec


KINDS = ("propagation", "opinion", "recommender", "friend-recommender", "policy", "mind",
         "intervention", "metric", "channel")  # fmt: skip
"""The kinds of plugin; a kind that nobody has registered lists nothing."""

_STATUS = {"off": "off", "changed": "off: changed since it was enabled"}


def show_plugins(*, json: bool) -> None:
    """List every plugin: what is registered, what lies there and is off, what failed."""
    from sim.core.plugin_files import found
    from sim.core.registry import failures, names, spec

    facts = [_facts(spec(name, kind)) for kind in KINDS for name in names(kind)]
    loaded = {each["origin"] for each in facts}
    waiting = [each for each in found() if each.place not in loaded and each.status != "on"]
    facts += [fact for each in waiting for fact in _waiting(each)]
    shown = ("name", "kind", "version", "api", "requires", "status", "origin")
    for failure in failures():
        tell(str(failure))
    rows = [shown, *(tuple(_cell(each[key]) for key in shown) for each in facts)]
    say(as_json(facts) if json else table(rows))
    if waiting and not json:
        tell("Enable one by: hubbub plugin enable NAME. A plugin is code: read it first.")


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


def _waiting(candidate: Candidate) -> Iterator[dict[str, Any]]:
    from sim.core.plugin_files import unmet

    lacks = unmet(candidate.says.requires)
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


def enable_plugin(name: str) -> int:
    """Check a foreign plugin, and let it run from now on as it is.

    Returns
    -------
    int
        The exit code: 5 when it breaks a law, and stays off.

    Raises
    ------
    UnknownNameError, InputError, FileError
        When there is none of that name, or several.
    PluginError
        When it needs what is not there.
    """
    from sim.core import plugin_files
    from sim.core.plugin_files import demand

    candidate = plugin_files.one(name)
    demand(candidate.name, candidate.says)
    from sim.cli.plugins.check import check_plugins

    if check_plugins(candidate.place, {}, None) != OK:
        tell(f"{candidate.name} stays off: {candidate.place}.")
        return PLUGIN
    plugin_files.enable(candidate)
    says = candidate.says
    say(
        f"Enabled {candidate.name} (version {says.version}, API {says.api}, SHA-256 "
        f"{candidate.sha256[:16]}...) of {candidate.place}; once it changes, enable it again."
    )
    return OK


def disable_plugin(name: str) -> None:
    """Let a foreign plugin not run any more.

    Raises
    ------
    UnknownNameError, InputError, FileError
        When there is none of that name, or several.
    """
    from sim.core import plugin_files

    candidate = plugin_files.one(name)
    was = plugin_files.disable(candidate)
    said = "Disabled" if was else "It was not enabled:"
    say(f"{said} {candidate.name} of {candidate.place}.")
