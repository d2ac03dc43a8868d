"""Fuzzes every verb with forged worlds, scenarios, settings and networks, and counts what breaks.

python -m tests.faults.fuzzing SECONDS [SEED]

Files are whole and sealed: their numbers, names and shapes are not. A verb must answer with one of
its exit codes and one sentence; "failed unexpectedly", a traceback or a crash is a finding.
"""

import contextlib
import copy
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim import World
from sim.cli import main as entry
from sim.cli.exits import EXITS
from sim.errors import HubbubError
from sim.store import save
from tests.faults.lies import Lying

__all__ = ["CORPORA", "Finding", "fuzz", "kinds_of_worlds"]

Columns = dict[str, npt.NDArray[Any]]
Meta = dict[str, Any]

NUMBERS: tuple[Any, ...] = (
    -1, 0, 1, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**62, 2**63 - 1, 2**63, -(2**63), 10**30,
    1e308, -1e308, float("nan"), float("inf"), 0.5, True, None, "7", "", [], {},
)  # fmt: skip
DIGITS = "9" * 5_000
"""More than Python reads as one number."""

LONGEST_SECONDS = 40
"""A verb that takes longer over a world of sixty is a finding."""

TEXTS: tuple[Any, ...] = (
    "", "\ud800", "\x00", "\x1b[31m", "x" * 100_000, "../../etc", "\u202e", None, 7, [], {},
)  # fmt: skip


class Finding(NamedTuple):
    """What broke: the words typed, what was forged, and what was said."""

    words: tuple[str, ...]
    what: str
    said: str


@cache
def kinds_of_worlds() -> dict[str, tuple[Meta, Columns]]:
    """Return small worlds with something of everything in them."""
    plain = World.create(agents=60, mean_degree=6, seed=4)
    plain.inject("News of the day.", seeds=[0, 5], model="sir")
    plain.inject("Later.", seeds=[1], model="independent-cascade", at=9)
    living = World.create(agents=60, mean_degree=6, seed=5, platform={"rhythm": "flat"})
    living.inject("The bridge is closed.", seeds=[0, 7], model="si", channel="feed", author=3)
    living.give_minds([1, 2], "rule", "inform: the bridge is closed")
    living.groups.create("choir")
    living.follow([1], [2])
    living.note([1], "A note.")
    named = World.from_edges(
        [0, 1, 2, 0], [1, 2, 0, 2], ids=["a", "b", "c"], names=["Ann", "Bob", "Cy"],
        community=[0, 0, 1], communities=["North", "South"],
    )  # fmt: skip
    for world in (plain, living, named):
        world.open_metrics() if world.metrics is None else None
        world.step(4)
    return {name: copy.deepcopy(world.dump()) for name, world in
            {"plain": plain, "living": living, "named": named}.items()}  # fmt: skip


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every number, text and list in what JSON holds."""
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        yield path
        for at in range(len(value)):
            yield from leaves(value[at], (*path, at))
    else:
        yield path


def a_leaf(lot: random.Random, value: Meta) -> tuple[Any, ...]:
    """Draw a leaf, each key at the top as likely as another."""
    top = lot.choice(sorted(value))
    return lot.choice([*leaves(value[top], (top,))] or [(top,)])


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    """Set what a way leads to."""
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


def got(value: Any, path: tuple[Any, ...]) -> Any:
    """Return what a way leads to."""
    for step in path:
        value = value[step]
    return value


def forged_world(lot: random.Random, folder: Path) -> tuple[Path | None, str]:
    """Write a world one or two of whose values are forged; returns it and what was forged."""
    name = lot.choice(sorted(kinds_of_worlds()))
    meta, columns = kinds_of_worlds()[name]
    meta, columns = json.loads(json.dumps(meta)), dict(columns)
    changes = []
    for _ in range(lot.choice((1, 1, 2))):
        if lot.random() < 0.55:
            path = a_leaf(lot, meta)
            old = got(meta, path)
            new = lot.choice(TEXTS if isinstance(old, str) and lot.random() < 0.7 else NUMBERS)
            put(meta, path, new)
            changes.append(f"{name} meta {'.'.join(map(str, path))} = {new!r:.40}")
        else:
            column = lot.choice(sorted(columns))
            changes.append(f"{name} column {column} {_spoil(lot, columns, column)}")
    file = folder / "forged.hub"
    file.unlink(missing_ok=True)
    unsavable = (HubbubError, ValueError, TypeError, OverflowError, LookupError, AttributeError)
    with contextlib.suppress(*unsavable):
        save(Lying(meta, columns), file, relational=False)
        return file, "; ".join(changes)
    return None, ""


def _spoil(lot: random.Random, columns: Columns, name: str) -> str:
    old = columns[name]
    if not old.size or lot.random() < 0.2:
        size = lot.choice((0, 1, 3, 61))
        columns[name] = np.resize(old, (size, *old.shape[1:])).astype(old.dtype)
        return f"of {size} rows"
    new = old.copy()
    if old.dtype.kind == "f":
        value: Any = lot.choice((np.nan, np.inf, float(np.finfo(old.dtype).min), 2.0))
    elif old.dtype.kind == "b":
        value = True
    else:
        limits = np.iinfo(old.dtype)
        value = lot.choice([n for n in (*NUMBERS[:11], limits.max, limits.min)
                            if isinstance(n, int) and limits.min <= n <= limits.max])  # fmt: skip
    if lot.random() < 0.5:
        new.reshape(-1)[lot.randrange(new.size)] = value
    else:
        new[:] = value
    columns[name] = new
    return f"= {value!r}"


READERS: tuple[tuple[str, ...], ...] = (
    ("info", "{}"), ("info", "{}", "--structure"), ("verify", "{}"), ("show", "{}", "history"),
    ("show", "{}", "history", "--agent", "3"), ("show", "{}", "audit"),
    ("scenario", "from-world", "{}", "--out", "out.toml"),
    ("run", "{}", "--ticks", "2"), ("show", "{}", "agents"), ("show", "{}", "agents", "1"),
    ("show", "{}", "acts"), ("show", "{}", "groups"), ("show", "{}", "ties", "1"),
    ("show", "{}", "path", "1", "2"),
    ("show", "{}", "compatibility", "1", "2"), ("show", "{}", "suggestions", "1"),
    ("show", "{}", "why", "1", "0"),
    ("show", "{}", "minds"), ("scenario", "describe", "{}"), ("replay", "{}"), ("recover", "{}"),
    ("info", "{}", "--manifest", "-"),
    ("compare", "{}", "--ticks", "1", "--recommenders", "random,popularity"),
    *(("export", "{}", "--out", f"out-{to}", "--format", to, "--force")
      for to in ("sqlite", "csv", "jsonl", "graphml", "gexf")),
)  # fmt: skip


def of_worlds(lot: random.Random, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return words that read a forged world."""
    path, what = forged_world(lot, folder)
    if path is None:
        return (), ""
    return tuple(word.format(path) for word in lot.choice(READERS)), what


SCENARIO: Meta = {
    "network": {"kind": "small-world", "agents": 50, "mean_degree": 4.0, "seed": 7,
                "parameters": {"rewiring": 0.1}},
    "population": {"tick_minutes": 30, "max_running": 100},
    "platform": {"recommender": "popularity", "slots": 3, "posting": 0.2},
    "messages": [{"text": "Closed.", "seeds": "top:4:degree", "model": "sir", "at": 1,
                  "parameters": {"beta": 0.1}}],
    "interventions": [{"at": 2, "do": "fact-check", "reach": 0.2, "text": "Open."},
                      {"when": "share#0 > 0.5", "do": "newcomers", "count": 3, "friends": 2}],
    "metrics": {"every": 1},
    "stop": {"ticks": 3},
}  # fmt: skip


def toml_of(value: Any) -> str:
    """Return a value as TOML writes it; what TOML has no word for becomes a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(toml_of, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(k)} = {toml_of(v)}' for k, v in value.items())} }}"
    return json.dumps("" if value is None else value, ensure_ascii=True).replace("\\ud800", "?")


def of_scenarios(lot: random.Random, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return words that run, vary or describe a forged scenario."""
    spec = json.loads(json.dumps(SCENARIO))
    path = a_leaf(lot, spec)
    new = lot.choice((*NUMBERS, *TEXTS))
    if path == ("stop", "ticks") and isinstance(new, int) and new > 1:
        new = 2  # many ticks may take their time
    put(spec, path, new)
    text = "\n".join(f"{key} = {toml_of(value)}" for key, value in spec.items())
    what = f"scenario {'.'.join(map(str, path))} = {new!r:.40}"
    if lot.random() < 0.1:
        depth = lot.choice((50, 2_000, 100_000))
        text, what = f"network = {'[' * depth}{']' * depth}", f"scenario nested {depth} deep"
    file = folder / "forged.toml"
    file.write_text(text, encoding="utf-8", errors="replace")
    verb = lot.choice((("run",), ("scenario", "describe"), ("scenario", "variants")))
    return (*verb, str(file)), what


def of_networks(lot: random.Random, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return words that import a forged network or profiles."""
    cells = ["0", "1", "2", "a", "-1", str(2**62), str(2**64), "1e308", "nan", "", '"', "é", "\x00",
             "\x1b[31m", "9" * 400, DIGITS, "[" * 3000, "{}", "#", "%"]  # fmt: skip
    sign = lot.choice((" ", ",", "\t", ";"))
    rows = [sign.join(lot.choice(cells) for _ in range(lot.choice((2, 2, 2, 3, 4))))
            for _ in range(lot.choice((1, 5, 30)))]  # fmt: skip
    ending = lot.choice((".txt", ".csv", ".graphml", ".gexf", ".gml", ".txt.gz", ".jsonl"))
    text = "\n".join(rows)
    if ending == ".gml":
        text = f"graph [ node [ id 0 ] node [ id {lot.choice(cells)} ] {'x [ ' * 3000} ]"
    if ending in {".graphml", ".gexf"}:
        text = f"<{ending[1:]}>" + "<a>" * lot.choice((1, 5_000)) + lot.choice(cells)
    file = folder / f"forged{ending}"
    file.write_bytes(text.encode("utf-8", "replace"))
    more = lot.choice((
        (), ("--times", "2"), ("--weights", "2"), ("--signed",), ("--columns", "0,1"),
        ("--columns", f"0,{2**62}"), ("--profiles", str(file)),
    ))  # fmt: skip
    return (
        "import",
        str(file),
        "--out",
        str(folder / "made.hub"),
        *more,
    ), f"network {ending} {text:.60}"


def of_settings(lot: random.Random, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return words that read forged settings."""
    names = ("threads", "saves", "frames_per_second", "memory_hard_mb", "undo_mb", "metrics",
             "log_folder", "keymap", "llm_fallbacks", "llm_url", "profiles", "no_such")  # fmt: skip
    name, new = lot.choice(names), lot.choice((*NUMBERS, *TEXTS, {"test": {"threads": 2**62}}))
    file = folder / "forged-settings.toml"
    text = f"{name} = {toml_of(new)}"
    if lot.random() < 0.1:
        text = f"{name} = {'[' * 50_000}"
    file.write_text(text, encoding="utf-8", errors="replace")
    return ("config", "--settings", str(file)), f"settings {text:.60}"


WORDS = ("top:{}", "ids:{}", "random:{}", "community:{}", "share:{}", "interest:{}", "{}", "age>{}",
         "top:{}:degree", "best:{}", "state:0:infected:{}", "state:{}:infected")  # fmt: skip


def of_words(lot: random.Random, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return words that are odd themselves: numbers of any size, and names that are no text."""
    odd = str(
        lot.choice(
            (*NUMBERS[:17], DIGITS, "\ud800", "\x00", "x" * 5_000, "", "-", "../..", "(" * 2_000)
        )
    )
    few = odd if odd in {"0", "1"} or not odd.isdecimal() else "2"  # many ticks may take their time
    world = folder / "good.hub"
    if not world.exists():
        save(Lying(*kinds_of_worlds()["living"]), world)
    of = str(world)
    seeds = lot.choice(WORDS).format(odd)
    words = lot.choice((
        ("run", of, "--inject", "x", "--seeds", seeds, "--ticks", "1"),
        ("run", of, "--ticks", few), ("run", of, "--inject", odd, "--ticks", "1"),
        ("run", of, "--inject", "x", "-p", f"probability={odd}", "--ticks", "1"), ("run", odd),
        ("open", odd), ("info", odd), ("verify", odd), ("export", odd, "--out", "x.graphml"),
        ("export", of, "--out", odd, "--format", "csv"), ("show", of, "agents", odd),
        ("show", of, "agents", odd),
        ("show", of, "agents", "--where", odd), ("show", of, "ties", odd),
        ("show", of, "path", odd, "1"),
        ("show", of, "why", odd, "0"), ("show", of, "why", "1", odd),
        ("show", of, "history", "--agent", odd),
        ("show", of, "history", "--from", odd), ("show", of, "history", "--message", odd),
        ("show", of, "acts", "--limit", odd), ("show", of, "acts", "--agent", odd),
        ("show", of, "suggestions", odd),
        ("show", of, "compatibility", odd, odd), ("show", of, "groups", odd),
        ("new", "--agents", odd, "--out", str(folder / "n.hub")),
        ("new", "--agents", "9", "--seed", odd, "--out", str(folder / "n.hub")),
        ("new", "--agents", "10", "--mean-degree", odd, "--out", str(folder / "n.hub")),
        ("new", "--agents", "10", "--out", str(folder / odd[:200])), ("models", odd),
        ("run", f"gallery:{odd}"), ("scenario", "describe", odd), ("past", "branch", of, odd),
        ("past", "bookmark", of, odd),
        ("saves", "note", of, odd), ("saves", "rename", of, odd), ("saves", "restore", odd),
        ("plugin", "check", odd), ("replay", "--decide", odd), ("import", odd),
        ("show", of, "audit", "--limit", odd), ("show", of, "acts", "--from", odd),
        ("show", of, "history", "--to", odd), ("show", of, "acts", "--to", odd),
        ("compare", of, "--ticks", few),
    ))  # fmt: skip
    return words, f"word {odd!r:.40}"


Corpus = Callable[[random.Random, Path], tuple[tuple[str, ...], str]]
CORPORA: dict[str, Corpus] = {
    "worlds": of_worlds,
    "scenarios": of_scenarios,
    "networks": of_networks,
    "settings": of_settings,
    "words": of_words,
}


class TooLongError(BaseException):
    """A verb that did not come back."""


def _too_long(_number: int, _frame: object) -> None:
    raise TooLongError


def said_by(words: tuple[str, ...]) -> tuple[int, str]:
    """Return the exit code of a verb, and what it said of errors."""
    errors, output = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, _too_long)
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(output):
        try:
            signal.alarm(LONGEST_SECONDS)
            code = entry.main(words)
        except BaseException:  # what leaves main leaves the program as a traceback
            return -1, traceback.format_exc()[-600:]
        finally:
            signal.alarm(0)
    return code, errors.getvalue()[-600:]


def fuzz(corpus: str, seed: int, folder: Path) -> Finding | None:
    """Try one forgery on one verb; returns what broke."""
    words, what = CORPORA[corpus](random.Random(f"{corpus}{seed}"), folder)
    if not words:
        return None
    code, said = said_by(words)
    is_broken = code == -1 or code not in EXITS or "unexpectedly" in said or "Traceback" in said
    return Finding(words, what, f"{code}: {said}") if is_broken else None


def main(seconds: float, seed: int = 0) -> None:
    """Fuzz all corpora in turn for some seconds, and print what broke, each kind once."""
    end, counts, kinds = time.monotonic() + seconds, Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ |= {"HUBBUB_LOG_FOLDER": place, "XDG_CONFIG_HOME": place, "XDG_DATA_HOME": place}
        while time.monotonic() < end:
            for corpus in CORPORA:
                counts[corpus] += 1
                found = fuzz(corpus, seed, Path(place))
                if found is None:
                    continue
                kind = found.said.partition("The report")[0].strip()[-200:]
                kinds[kind] += 1
                if kinds[kind] == 1:
                    told = f"{corpus} {seed}: {' '.join(found.words)[:150]} | {found.what} | {kind}"
                    print(told.encode("ascii", "backslashreplace").decode(), flush=True)  # noqa: T201
            seed += 1
    print(f"tried {dict(counts)}; {sum(kinds.values())} broke in {len(kinds)} ways")  # noqa: T201


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(int, sys.argv[2:]))
