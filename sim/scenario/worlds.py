"""Worlds as a person names them: a file, a saved name, ``demo``, or ``new:...``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sim.core.checks import number_or_word
from sim.core.progress import Report, Tell, unheard
from sim.errors import CapacityError, InputError, UnknownNameError

if TYPE_CHECKING:
    from sim.agents.languages import Languages
    from sim.io import ImportOutcome
    from sim.world.world import World


@dataclass(frozen=True, slots=True)
class NewWorld:
    """A specification of a world to generate."""

    agents: int = 10_000
    network: str = "preferential-attachment"
    mean_degree: float = 20.0
    seed: int = 0
    tick_minutes: float = 60.0
    trust: str = "full"
    degrees: Path | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    platform: str = ""
    languages: Languages = ""

    def make(self, report: Report, tell: Tell = unheard) -> World:
        """Make the world."""
        from sim.world.world import World

        agents, mean_degree, extra = self.agents, self.mean_degree, dict(self.parameters)
        if self.degrees is not None:
            usual = NewWorld(), USUAL
            typed = [
                name
                for name in ("agents", "network", "mean_degree")
                if getattr(self, name) not in {"configuration", *(getattr(u, name) for u in usual)}
            ]
            if typed:
                names = ", ".join(name.replace("_", "-") for name in typed)
                raise InputError(f"Degree pairs make a configuration network; leave {names} out.")
            from sim.io import read_degrees

            pairs = extra["degrees"] = read_degrees(self.degrees, report=report)
            agents, mean_degree = len(pairs), float(pairs[:, 0].mean())
        from sim.settings.settings import current

        hard, soft = current().memory_hard_mb, current().memory_soft_mb
        megabytes = World.estimate_bytes(agents, mean_degree) / 2**20
        size = f"A world of {agents:,} agents needs about {megabytes:,.0f} MB while it is made"
        if hard is not None and megabytes > hard:
            raise CapacityError(
                f"{size}, and memory_hard_mb allows {hard:,}; make fewer agents or raise it."
            )
        if soft is not None and megabytes > soft:
            tell(f"{size}; memory_soft_mb is {soft:,}.")
        return World.create(
            agents,
            self.network if self.degrees is None else "configuration",
            mean_degree,
            self.seed,
            tick_minutes=self.tick_minutes,
            trust=self.trust,
            platform={"recommender": self.platform} if self.platform else None,
            languages=self.languages,
            report=report,
            **extra,
        )


USUAL = NewWorld(agents=100_000, network="planted-communities", seed=7)
"""What ``hubbub new`` and the screen make unless told otherwise; ``new:`` is as written."""


def assignments(words: Iterable[str], what: str = "-p") -> dict[str, str]:
    """Parse ``name=value`` words; a dash in a name counts as an underscore."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not name.isidentifier():
            raise InputError(f"{what} takes NAME=VALUE, such as probability=0.1; got {word!r}.")
        if name in found:
            raise InputError(f"{what} {name} is given twice; give it once.")
        found[name] = value.strip()
    return found


def parse_new(text: str) -> NewWorld:
    """Parse the specification after ``new:``."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if words and "=" not in words[0]:
        words[0] = f"agents={words[0]}"
    given = assignments(words, "new:")
    plain: dict[str, Any] = {}
    for name, convert in _CONVERT.items():
        if name in given:
            plain[name] = _number(name, given.pop(name), convert)
    return NewWorld(**plain, parameters=given)


_CONVERT: dict[str, type] = {
    "agents": int,
    "network": str,
    "mean_degree": float,
    "seed": int,
    "tick_minutes": float,
    "trust": str,
    "degrees": Path,
    "platform": str,
    "languages": str,
}


def _number(name: str, text: str, convert: type) -> Any:
    try:
        return convert(text.replace("_", "") if convert is int else text)
    except ValueError:
        kind = "a whole number" if convert is int else "a number"
        raise InputError(f"new: {name} must be {kind}, got {text!r}.") from None


def named_world(
    where: str,
    report: Report,
    *,
    seed: int | None = None,
    tell: Tell = unheard,
    author: str = "scenario",
) -> World:
    """Return the world that a person names.

    Parameters
    ----------
    where
        A file, the name of a world in the saves folder, ``demo``, or ``new:...``.
    report
        Called with the progress.
    seed
        Replaces the world's own seed from now on; a new world is made from it.
    tell
        Called with remarks on the world that was opened, one sentence each.
    author
        The author of the new seed in the world's log.

    Raises
    ------
    InputError, CapacityError
        As raised by the parts.
    SnapshotError
        If the file is missing or refused.
    """
    if is_recipe(where):
        if where == "demo":
            from sim.io import demo

            return demo(report=report) if seed is None else demo(seed=seed, report=report)
        return _seeded(parse_new(where.partition(":")[2]), seed).make(report, tell)
    world = _loaded(where, report, tell)
    for remark in world.remarks:
        tell(remark)
    if seed not in {None, world.seed}:
        from sim.runtime.journal.acts import perform

        world.trail.by(world, author)
        perform(world, "reseed", (seed,))
    return world


def is_recipe(where: str) -> bool:
    """Return whether a word names a world to make: ``demo`` or ``new:...``."""
    kind, colon, _ = where.partition(":")
    return where == "demo" or (kind == "new" and bool(colon or not Path(where).exists()))


@contextmanager
def world_file(where: str, report: Report) -> Iterator[Path]:
    """Yield the file of a world as typed; a world made for it is saved to a temporary file."""
    if not is_recipe(where):
        yield saved_path(where)
        return
    from sim.store import save

    world = named_world(where, report)
    with TemporaryDirectory(prefix="hubbub-") as folder:
        path = Path(folder) / "made.hub"
        save(world, path, report=report)
        yield path


def _seeded(order: NewWorld, seed: int | None) -> NewWorld:
    return order if seed is None else replace(order, seed=seed)


def _loaded(where: str, report: Report, tell: Tell) -> World:
    """Return a world as saved in its file; if its journal has more, say so but ignore it."""
    from sim.runtime.saves.places import beyond, require_file
    from sim.store import load

    path = saved_path(where)
    require_file(path)
    world = load(path, report=report)
    if said := beyond(path):
        tell(said)
    return world


@dataclass(frozen=True, slots=True)
class ImportedWorld:
    """A specification of a world to import from a network file."""

    file: Path
    direction: str = "influences"
    directed: bool | None = None
    columns: str | None = None
    weights: str = "auto"
    times: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    ids: str = "auto"
    signed: bool = False
    repeats: str = "once"
    adjacency: bool = False
    relations: str | None = None
    properties: str | None = None
    labels: Path | None = None
    seed: int = 0
    tick_minutes: float = 60.0
    people: str = "own"

    @classmethod
    def typed(cls, file: Path, options: Mapping[str, str]) -> ImportedWorld:
        """Return the specification of a file with options as typed, such as ``directed=no``."""
        known = {each.name for each in fields(cls)} - {"file", "seed", "tick_minutes"}
        if unknown := set(options) - known:
            raise UnknownNameError("option of import", unknown.pop(), sorted(known))
        given: dict[str, Any] = dict(options)
        for name in given.keys() & {"directed", "adjacency", "header", "signed"}:
            given[name] = {"yes": True, "no": False}.get(given[name])
        if "labels" in given:
            given["labels"] = Path(given["labels"]).expanduser()
        return cls(file.expanduser(), **given)

    def make(self, report: Report) -> ImportOutcome:
        """Import the file; return the world and what was found, kept and dropped."""
        from sim.io import EdgeOptions, import_world

        first, comma, second = (word.strip() for word in (self.columns or "").partition(","))
        if self.columns is not None and not (first and comma and second):
            raise InputError(
                f"--columns takes two places or names, such as 0,1; got {self.columns!r}."
            )
        options = EdgeOptions(
            direction=self.direction,  # type: ignore[arg-type]  # checked there
            directed=self.directed,
            columns=None if self.columns is None else (_column(first), _column(second)),
            weight_column=_column(self.weights),
            time_column=None if self.times is None else _column(self.times),
            delimiter=self.delimiter,
            header=self.header,
            ids=self.ids,  # type: ignore[arg-type]  # checked there
            signed=self.signed,
            repeats=self.repeats,  # type: ignore[arg-type]  # checked there
            adjacency=self.adjacency,
            relations=None if self.relations is None else _column(self.relations),
            properties=None if self.properties is None else _columns(self.properties),
        )
        return import_world(
            self.file,
            options=options,
            labels=self.labels,
            seed=self.seed,
            tick_minutes=self.tick_minutes,
            people=self.people,  # type: ignore[arg-type]  # checked there
            report=report,
        )


def _column(word: str) -> int | str:
    return number_or_word(word)


def _columns(words: str) -> tuple[int | str, ...]:
    return tuple(_column(word.strip()) for word in words.split(",") if word.strip())


def saved_path(where: str) -> Path:
    """Return the named file: a path, or a name in the saves folder."""
    path = Path(where)
    if path.exists() or path.name != where:
        return path
    from sim.settings.settings import current

    folder = current().saves_folder
    names = [folder / name for name in (where, f"{where}.hub")]
    lives = [name for name in names if name.with_name(f"{name.name}.live").is_dir()]
    return next((name for name in names if name.is_file()), lives[0] if lives else path)


def file_of(where: str) -> Path | None:
    """Return the file of a world as typed; None for ``demo``, a network, a journal."""
    path = saved_path(where)
    return path if path.is_file() and path.suffix == ".hub" else None


def data_file(name: str) -> Path | None:
    """Return a file in ``HUBBUB_SHARED_DATA``, or else ``shared/data`` here or beside; or None."""
    named = os.environ.get("HUBBUB_SHARED_DATA")
    folders = [Path(named)] if named else [Path("shared/data"), Path("../shared/data")]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)
