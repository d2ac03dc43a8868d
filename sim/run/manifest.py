"""What suffices to repeat a run: versions, seed, settings, prompts, models, acts and replies.

A run is repeated without the network: everything that was done is done again, and minds decide
anew on what models answered then. It comes to the same digest, or says where it parts.
"""

from __future__ import annotations

import platform as machine
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sim.core.progress import Report, quiet
from sim.llm.prompts import TEMPLATES, Prompt, read_prompt
from sim.llm.replylog import Recorded
from sim.run.keeper_acts import ACTS, perform
from sim.run.minds import Thinker
from sim.run.replay import line_of, replay
from sim.world.trail import PLUGIN, Act, words_of
from sim.world.world import World

__all__ = ["Repeated", "made_with", "manifest_of", "repeat", "versions"]

Row = dict[str, Any]
_PACKAGES = ("hubbub", "numpy", "numba", "pydantic", "openai")
_COMPARED = ("source", "acts", "memory", "plan", "spent", "faults")
_MOST_FINDINGS = 20
_LONGEST_PROMPT = 20_000


def versions() -> dict[str, str]:
    """Return the versions of what a run depends on; packages that are not here are left out."""
    found = {"python": machine.python_version(), "machine": machine.machine()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def made_with(prompts: Path | None, limit: int, models: Sequence[str] = ()) -> dict[str, Any]:
    """Return with what minds decide, as JSON holds it: see :func:`sim.run.minding.wake_minds`.

    Parameters
    ----------
    prompts
        The folder of the user's own templates; None: the packaged ones.
    limit
        Tokens of a prompt, at most.
    models
        Who may be asked, in order of preference.
    """
    read = {name: read_prompt(name, prompts) for name in TEMPLATES}
    return {
        "versions": versions(),
        "limit": limit,
        "models": list(models),
        "prompts": {name: [prompt.fingerprint, _text(prompt)] for name, prompt in read.items()},
    }


def _text(prompt: Prompt) -> str:
    return prompt.text[:_LONGEST_PROMPT]


def manifest_of(acts: Sequence[Act], world: World) -> dict[str, Any]:
    """Return the manifest of a world's run so far.

    Parameters
    ----------
    acts
        All that was done to it (``world.trail.acts``), replies included; sealed.
    world
        As it is after the last of them.

    Returns
    -------
    dict
        JSON. ``hubbub replay`` reads it too, and does the same decisions again.
    """
    minds = world.platform.minds if world.platform is not None else None
    facts: dict[str, Any] = {
        "manifest": 1,
        "versions": versions(),
        "seed": world.seed,
        "tick": world.tick,
        "digest": world.digest(),
        "platform": None if world.platform is None else world.platform.settings.values(),
        "made": {} if minds is None else minds.made,
        "minds": {} if minds is None else _minds(minds.kinds, minds.options),
    }
    return facts | {"acts": [asdict(act) for act in acts]}


def _minds(kinds: Mapping[int, str], options: Mapping[int, Any]) -> dict[str, int]:
    """Return how many members have each mind."""
    found: dict[str, int] = {}
    for member, kind in kinds.items():
        more = "".join(f",{name}={value}" for name, value in options.get(member, {}).items())
        found[kind + more] = found.get(kind + more, 0) + 1
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Repeated:
    """What came of repeating a run.

    Attributes
    ----------
    world
        As it is after the last act.
    decisions, missed
        Decisions that minds made anew; questions that nobody had asked then.
    findings
        A sentence for each thing that came out differently, the first twenty.
    seconds
        How long it took.
    """

    world: World
    decisions: int
    missed: int
    findings: tuple[str, ...]
    seconds: float

    @property
    def is_same(self) -> bool:
        """Whether everything came out as it did then."""
        return not self.findings


def repeat(acts: Sequence[Act], *, digest: str | None = None, report: Report = quiet) -> Repeated:
    """Do a run again: minds think anew, on the replies that were recorded; nobody is asked.

    Parameters
    ----------
    acts
        All acts of a world since it was made.
    digest
        Of the world then; None: it is not compared.
    report
        Told of progress; may cancel.

    Raises
    ------
    InputError
        The world cannot be made again from its first act.
    FileError
        It was imported from a file that is missing, or another one now.
    """
    began, line = perf_counter(), line_of(acts)
    world = replay(line[:1], report=report).world
    again = _Again(world)
    with TemporaryDirectory(prefix="hubbub-") as folder:
        for number, act in enumerate(line[1:], 1):
            report(f"repeating tick {world.tick:,}", number / len(line))
            again.does(act, Path(folder))
    world.trail.seal(world)
    findings = again.findings
    if digest is not None and not findings and world.digest() != digest:
        findings.append("The world is not the one of then: something was changed beside its acts.")
    return Repeated(
        world, again.decisions, again.missed, tuple(findings[:_MOST_FINDINGS]),
        perf_counter() - began,
    )  # fmt: skip


class _Again:
    """A run under way again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._thinker: Thinker | None = None
        self._made: Mapping[str, Any] = {}
        self.decisions = self.missed = 0
        self.findings: list[str] = []

    def does(self, act: Act, folder: Path) -> None:
        """Do one act."""
        if act.author == PLUGIN:
            return  # it came again with its tick
        if act.kind not in ACTS:
            self.findings.append(f"Act {act.number:,} ({act.kind}) only its program could do.")
            return
        try:
            args, said = words_of(act.said)
        except ValueError as error:
            self.findings.append(f"Act {act.number:,} ({act.kind}) cannot be done again: {error}.")
            return
        if act.kind == "decide":
            args = [self._decided(args[0], folder)]
        self._world.trail.by(self._world, act.author)
        perform(self._world, act.kind, args, said)

    def _decided(self, rows: Sequence[Row], folder: Path) -> list[Row]:
        """Return the decisions of a tick, made anew; those of persons as they were."""
        recorded = Recorded(reply for row in rows for reply in row.get("replies", ()))
        thinker = self._thinking(folder)
        thinker.pool = recorded
        new = {int(row["member"]): row for row in thinker.think(self._world)}
        self.decisions += len(new)
        self.missed += recorded.missed
        for row in rows:
            self._compare(row, new.get(int(row["member"]), row))
        return [new.get(int(row["member"]), row) for row in rows]

    def _thinking(self, folder: Path) -> Thinker:
        """Return what lets minds decide, with the prompts and the limit of then."""
        platform = self._world.platform
        made = {} if platform is None else platform.minds.made
        if self._thinker is None or made != self._made:
            for name, (_, text) in made.get("prompts", {}).items():
                (folder / f"{name}.txt").write_text(text, "utf-8")
            limit = int(made.get("limit", 1000))
            self._thinker = Thinker(prompts=folder, limit=limit)
            self._made = dict(made)
        return self._thinker

    def _compare(self, then: Row, now: Row) -> None:
        parts = [name for name in _COMPARED if _plain(then.get(name)) != _plain(now.get(name))]
        if parts:
            self.findings.append(
                f"At tick {self._world.tick:,} member {then['member']:,} decides otherwise "
                f"({', '.join(parts)})."
            )


def _plain(value: Any) -> Any:
    """Return a value as JSON would give it back."""
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
