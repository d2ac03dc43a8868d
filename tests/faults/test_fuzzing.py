"""Whatever numbers, names and nestings come from outside, a verb answers in one sentence."""

import os
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import Act
from sim.cli import main as entry
from sim.cli.exits import EXITS, FILE, USAGE
from sim.cli.main import main
from sim.errors import FileError, SnapshotError
from sim.store import load, save
from sim.store.snapshot.files import as_path
from tests.faults.fuzzing import CORPORA, DIGITS, READERS, fuzz, kinds_of_worlds, said_by
from tests.faults.lies import Lying

FEW, MANY = 25, 2_000


def read_by(folder: Path, world: tuple[Any, Any], *verb: str, code: int = FILE) -> str:
    """Let a verb read a world that is none; returns the one sentence that it answers."""
    path = folder / "forged.hub"
    save(Lying(*world), path, relational=False)
    found, said = said_by(tuple(word.format(path) for word in verb))
    assert (found, said.count("\n")) == (code, 1), said
    return said


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HUBBUB_LOG_FOLDER", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("corpus", list(CORPORA))
def test_a_verb_answers_whatever_it_is_given(corpus: str, tmp_path: Path) -> None:
    assert not list(filter(None, (fuzz(corpus, seed, tmp_path) for seed in range(FEW))))


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("corpus", list(CORPORA))
def test_a_verb_answers_whatever_it_is_given_at_length(corpus: str, tmp_path: Path) -> None:
    assert not list(filter(None, (fuzz(corpus, seed, tmp_path) for seed in range(FEW, MANY))))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("words", READERS, ids=lambda words: "-".join(words[:3]))
@pytest.mark.parametrize("name", ["plain", "living"])
def test_ticks_beyond_all_worlds(words: tuple[str, ...], name: str, tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()[name]
    path = tmp_path / "far.hub"
    save(Lying(meta | {"tick": 2**62}, columns), path, relational=False)
    code, said = said_by(tuple(word.format(path) for word in words))
    assert code in EXITS
    assert "unexpectedly" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize("text", ["network = " + "[" * 50_000, "a = {b = " * 20_000])
@pytest.mark.parametrize("verb", ["run", "scenario describe", "scenario variants"])
def test_a_scenario_nested_without_end_is_no_toml(verb: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text(text)
    code, said = said_by((*verb.split(), str(path)))
    assert (code, said.count("\n")) == (FILE, 1), said
    assert "it is no TOML" in said


LONG = {
    "a.txt": f"1 2\n2 3\n{DIGITS} 1\n",
    "a.adj": f"1 2 3\n2 {DIGITS}\n",
    "p.json": f'[{{"id": {DIGITS}}}]',
    "p.jsonl": f'{{"id": "1", "age": {DIGITS}}}\n{{"id": "2"}}\n',
    "e.txt": "1 2\n2 3\n",
    "seed.toml": f"[network]\nagents = 60\nseed = {DIGITS}\n",
    "stop.toml": f"[network]\nagents = 60\n[stop]\nticks = {DIGITS}\n",
    "far.toml": f"[network]\nagents = 60\n[stop]\nticks = {2**62}\n",
    "seeds.toml": f"""[network]\nagents = 60\n[[messages]]\ntext = "x"
seeds = "random:{DIGITS}"\n""",
    "x.toml": """[network]\nagents = 60\n[[messages]]\ntext = "x"\nmodel = "si"\nseeds = "0"
[messages.parameters]\nbeta = 0.1\n[stop]\nticks = 2\n""",
    "d.jsonl": f'{{"seed": 1, "edges": {"[" * 5_000}{"]" * 5_000}}}\n',
    "n.jsonl": f'{{"seed": {DIGITS}}}\n',
}
"""Files of numbers of thousands of digits, or nested thousands deep."""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("import {}/a.txt --out {}/o.hub", "does not fit in 64 bits"),
        ("import {}/a.adj --adjacency --out {}/o.hub", "1 to 1,000 characters"),
        (f"import {{}}/e.txt --columns 0,{DIGITS} --out {{}}/o.hub", "column"),
        ("import {}/e.txt --profiles {}/p.json --out {}/o.hub", "JSON"),
        ("import {}/e.txt --profiles {}/p.jsonl --out {}/o.hub", "object"),
        ("run {}/seed.toml", "too many digits"),
        ("run {}/stop.toml", "too many digits"),
        ("run {}/far.toml", "2147483647"),
        ("run {}/seeds.toml", "whole number from 1"),
        (f"sweep {{}}/x.toml --vary beta=0:1:{DIGITS}", "COUNT"),
        (f"sweep {{}}/x.toml --vary messages.{DIGITS}.beta=0:1:2", "numbered 1 to 1"),
        ("calibrate {}/d.jsonl --fit beta=0:1", "not JSON"),
        ("calibrate {}/n.jsonl --fit beta=0:1", "not JSON"),
        *(
            (f"run new:60 --ticks 1 --inject x --seeds {seeds.format(DIGITS)}", "99")
            for seeds in ("random:{}", "top:{}:degree", "best:{}", "community:c:{}")
        ),
        (f"run new:60 --ticks 1 --inject x --seeds state:{DIGITS}:infected", "no message"),
        (f"run new:60 --ticks 1 --inject x --seeds state:0:infected:{DIGITS}", "whole number"),
        (f"run new:60 --ticks 1 --inject x --channel stream:{DIGITS}", "TICKS"),
        (f"seeds new:60 --best 3 --block ties --rumour random:{DIGITS}", "whole number from 1"),
        (f"past back {{}}/w.hub {DIGITS}", "99"),
        (f"past branch {{}}/w.hub --name x --at {DIGITS}", "never was at tick"),
        (f"past bookmark {{}}/w.hub here --at {DIGITS}", "never was at tick"),
        (f"show {{}}/w.hub path {DIGITS} 1", "99"),
    ],
)
def test_huge_numbers_are_answered(words: str, told: str, tmp_path: Path, live_world: Path) -> None:
    for name, text in LONG.items():
        (tmp_path / name).write_text(text)
    shutil.copytree(live_world, tmp_path, dirs_exist_ok=True)
    code, said = said_by(tuple(word.replace("{}", str(tmp_path)) for word in words.split()))
    assert code in {USAGE, FILE}, said[-300:]
    assert "unexpectedly" not in said
    assert "Exceeds the limit" not in said
    assert told.casefold() in said.casefold()


@pytest.fixture(scope="module")
def live_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world of sixty at tick 2, with a journal, as ``w.hub`` in a folder."""
    folder = tmp_path_factory.mktemp("live")
    path = str(folder / "w.hub")
    assert main(["new", "--agents", "60", "--mean-degree", "4", "--out", path]) == 0
    assert main(["run", path, "--journal", "--ticks", "2"]) == 0
    return folder


@pytest.mark.parametrize(
    "words", [("info", "\ud800"), ("run", "demo", "--save", "\ud800.hub"), ("import", "a\udfff")]
)
def test_half_a_character_names_nothing(words: tuple[str, ...]) -> None:
    code, said = said_by(words)
    assert (code, said.count("\n")) == (USAGE, 1)
    assert "half a character" in said


def test_names_of_bytes_that_are_no_text_are_names_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.hub")
    save(Lying(*kinds_of_worlds()["plain"]), path, relational=False)
    assert main(["info", str(path)]) == 0
    assert load(path).tick == 4


@pytest.mark.parametrize(
    ("name", "error"), [("\ud800", FileError), ("", FileError), ("/", SnapshotError)]
)
def test_what_is_no_file_name_is_refused(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        as_path(name)


def test_an_unexpected_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_words: object) -> int:
        raise ValueError("planted")

    monkeypatch.setattr(entry, "_run", broken)
    found = fuzz("words", 1, tmp_path)
    assert found is not None
    assert "planted" in found.said


@pytest.mark.parametrize(
    ("part", "value"), [("sources", 2**31 - 1), ("agents", 2**31 - 1), ("ticks", 2**31 - 1)]
)
def test_a_log_of_what_never_was_is_refused(part: str, value: int, tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()["living"]
    wrong = np.full_like(columns[f"cascade.0.log.{part}"], value)
    forged = meta, columns | {f"cascade.0.log.{part}": wrong}
    assert "holds what never was" in read_by(tmp_path, forged, "show", "{}", "history")


@pytest.mark.parametrize("value", [-(2**31), -1, 3, 2**31 - 1])
def test_a_log_of_other_ticks_is_refused_before_it_runs(value: int, tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()["plain"]
    ticks = columns["cascade.0.log.ticks"].copy()
    assert ticks[0] != value
    ticks[0] = value
    forged = meta, columns | {"cascade.0.log.ticks": ticks}
    said = read_by(tmp_path, forged, "run", "{}", "--ticks", "2")
    assert "ticks of its adopters are not those of its record" in said


@pytest.mark.parametrize("name", ["history", "run"])
def test_adopters_that_stand_twice_in_a_log_cost_no_traceback(name: str, tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()["living"]
    nobody = np.zeros_like(columns["cascade.0.log.agents"])
    path = tmp_path / "twice.hub"
    save(Lying(meta, columns | {"cascade.0.log.agents": nobody}), path, relational=False)
    _, said = said_by((name, str(path), *(("--ticks", "2") if name == "run" else ())))
    assert "unexpectedly" not in said


def test_a_log_of_others_that_there_are_not_is_refused(tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()["living"]
    others = columns["platform.log.other"].copy()
    others[np.flatnonzero(columns["platform.log.act"] == Act.REPLY)[0]] = 1 << 31
    verb = ("export", "{}", "--out", str(tmp_path / "out"), "--format", "sqlite")
    said = read_by(tmp_path, (meta, columns | {"platform.log.other": others}), *verb)
    assert "names others who are not among" in said


def test_a_world_at_the_end_of_time_has_no_series_of_every_tick(tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()["living"]
    late = meta | {"tick": 2**31 - 1}, columns
    said = read_by(tmp_path, late, "show", "{}", "history", code=USAGE)
    assert "over at most 10,000,000 ticks" in said
    assert "--from" in said


@pytest.mark.parametrize("name", ["ticks", "counted", "sealed"])
def test_a_log_of_ticks_that_no_world_has_is_refused(name: str, tmp_path: Path) -> None:
    meta, columns = kinds_of_worlds()["living"]
    ticks = columns[f"platform.log.{name}"].copy()
    ticks[0] = -(2**63)
    forged = meta, columns | {f"platform.log.{name}": ticks}
    for verb in (("show", "{}", "history"), ("run", "{}", "--ticks", "1")):
        said = read_by(tmp_path, forged, *verb)
        assert f"The column '{name}' of the log must hold" in said


def test_words_of_a_post_that_are_no_text_are_refused(tmp_path: Path) -> None:
    meta, columns = deepcopy(kinds_of_worlds()["living"])
    number, _ = meta["platform"]["written"][0]
    meta["platform"]["written"][0] = (number, 7)
    for verb in (("run", "{}", "--ticks", "1"), ("show", "{}", "history")):
        said = read_by(tmp_path, (meta, columns), *verb)
        assert "The words of a post are 7, which is no text." in said
