import importlib
import os
import pty
import re
import signal
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
from xxhash import xxh3_64_hexdigest

from sim import World
from sim.errors import Cancelled, FileError, InputError, PluginError, UnknownNameError
from sim.lab import ExperimentProgress, Messages, Records, experiment_now
from sim.lab.runs import results, seeds_from
from sim.lab.runs.results import finished_in
from sim.lab.runs.workers import leave_terminals
from tests.raising import raises

module: Any = importlib.import_module("sim.lab.runs.experiment")

RUMOUR: dict[str, Any] = {
    "text": "The bridge is closed.", "seeds": [0, 1], "model": "independent-cascade",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return World.create(agents=400, mean_degree=6, seed=3)


def arms(*chances: float) -> list[Messages]:
    return [Messages([RUMOUR | {"probability": p}], f"p={p}") for p in chances]


def table_of(found: Records) -> bytes:
    return repr([list(table.rows()) for table in found.tables.values()]).encode()


def asked(file: Path, order: str, values: tuple[Any, ...] = ()) -> list[Any]:
    """Ask or change a file of results behind its back."""
    with closing(sqlite3.connect(file)) as raw, raw:
        return raw.execute(order, values).fetchall()


def test_two_experiments_at_a_time_share_new_workers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    loky: Any = importlib.import_module("joblib.externals.loky.reusable_executor")
    executor = loky._ReusablePoolExecutor
    whole = executor.get_reusable_executor.__func__

    def slowly(cls: Any, *args: Any, **how: Any) -> Any:
        found = whole(cls, *args, **how)
        time.sleep(0.5 * (not found[1]))  # joblib completes a new one only now
        return found

    monkeypatch.setattr(executor, "get_reusable_executor", classmethod(slowly))
    loky.get_reusable_executor(max_workers=2).shutdown(wait=True)
    with ThreadPoolExecutor(2) as pool:
        run = partial(experiment_now, world, arms(0.1), range(2), workers=2, backend="loky")
        both = [pool.submit(run) for _ in range(2)]
        assert table_of(both[0].result()) == table_of(both[1].result())


def test_the_peak_of_messages_under_way_is_looked_for_from_the_fork_on() -> None:
    world, alone = (World.create(agents=400, mean_degree=6, seed=3) for _ in range(2))
    for each in (world, alone):
        for first in (0, 9):
            each.inject("x", seeds=[first], model="si", beta=0.3)
        each.step(7)
    found = experiment_now(world, [Messages([], until_quiet=False)], [3], ticks=5, workers=1)
    alone.step(5)
    for place, story in enumerate(alone.cascades):
        new = story.new_adopters[7:]
        assert new.max() < story.new_adopters.max()  # its real peak was before
        assert found.runs[f"peak:{place}"][0] == new.max()
        assert found.runs[f"peak_tick:{place}"][0] == new.argmax()
    one, other = (story.new_adopters[7:] for story in alone.cascades)
    both = one + other
    assert (found.runs["peak"][0], found.runs["peak_tick"][0]) == (both.max(), both.argmax())


def test_members_whose_models_are_not_asked_are_told_of() -> None:
    world = World.create(agents=60, mean_degree=4, seed=3, platform=True)
    world.give_minds("top:3:degree", "rule")
    assert experiment_now(world, arms(0.1), [3], ticks=1, workers=1).remarks == ()
    assert world.platform is not None
    world.platform.minds.awake = True
    (said,) = experiment_now(world, arms(0.1), [3], ticks=1, workers=1).remarks
    assert said.startswith("3 members with a mind go by the rules here")


def test_the_replicate_of_the_worlds_own_seed_is_the_ordinary_run(world: World) -> None:
    found = experiment_now(world, arms(0.2), [3, 4], workers=1)
    alone = World.create(agents=400, mean_degree=6, seed=3)
    story = alone.inject(**RUMOUR, probability=0.2)
    alone.run_until_quiet(story)
    assert found.runs["size"][0] == story.size
    assert found.runs["depth"][0] == story.depth
    assert found.runs["quiet_after"][0] == found.runs["ticks"][0] == alone.tick
    rows = found.curves["replicate"] == 0
    assert found.curves["new"][rows].tolist() == story.new_adopters.tolist()
    assert found.curves["ever"][rows][-1] == story.size
    for place, state in enumerate(story.states):
        assert found.curves[f"in_{state}"][rows].tolist() == story.history[:, place].tolist()


def test_a_seed_meets_the_same_draws_and_the_base_world_stays(world: World) -> None:
    found = experiment_now(world, arms(0.1, 0.2, 0.2000001), range(8), workers=1)
    small, large = found.values("size", "p=0.1"), found.values("size", "p=0.2")
    assert (small <= large).all()
    assert large.tolist() == found.values("size", "p=0.2000001").tolist()
    before = world.digest()
    experiment_now(world, arms(0.3), [1, 2], workers=1)
    assert world.digest() == before


def test_two_workers_find_what_one_finds(world: World) -> None:
    alone = experiment_now(world, arms(0.1, 0.3), range(6), workers=1)
    both = experiment_now(world, arms(0.1, 0.3), range(6), workers=2, backend="loky")
    threads = experiment_now(world, arms(0.1, 0.3), range(6), workers=2, backend="threading")
    assert table_of(alone) == table_of(both) == table_of(threads)


def stop_after(many: int) -> Any:
    def follow(progress: ExperimentProgress) -> None:
        if progress.finished >= many:
            raise Cancelled("enough")

    return follow


def test_a_stopped_experiment_goes_on_with_what_is_missing(world: World, tmp_path: Path) -> None:
    whole = experiment_now(world, arms(0.1, 0.3), range(5), workers=1)
    file, seen = tmp_path / "study.runs", []
    assert finished_in(file) == 0
    with pytest.raises(Cancelled):
        experiment_now(world, arms(0.1, 0.3), range(5), workers=1, into=file, follow=stop_after(3))
    assert finished_in(file) == 3
    again = experiment_now(
        world, arms(0.1, 0.3), range(5), workers=1, into=file, resume=True,
        follow=lambda progress: seen.append(progress.finished),
    )  # fmt: skip
    assert min(seen) == 3
    assert table_of(again) == table_of(whole)


def test_a_finished_file_runs_nothing_and_may_get_more_seeds(world: World, tmp_path: Path) -> None:
    file, seen = tmp_path / "study.runs", []
    experiment_now(world, arms(0.2), range(3), workers=1, into=file)
    assert [each.name for each in tmp_path.iterdir()] == ["study.runs"]
    more = experiment_now(
        world, arms(0.2), range(5), workers=1, into=file, resume=True,
        follow=lambda progress: seen.append(progress.finished),
    )  # fmt: skip
    assert seen == [3, 4, 5]
    assert table_of(more) == table_of(experiment_now(world, arms(0.2), range(5), workers=1))
    fewer = experiment_now(world, arms(0.2), range(2), workers=1, into=file, resume=True)
    assert fewer.runs["replicate"].tolist() == [0, 1]
    again = experiment_now(world, arms(0.2), range(5), workers=1, into=file, resume=True)
    assert again.finished == 5


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"programs": [Messages([RUMOUR | {"probability": 0.3}], "p=0.2")]}, "other messages"),
        ({"ticks": 7}, "another length"), ({"seeds": [5, 6]}, "other seeds"),
        ({"seeds": [0, 6]}, "other seeds"),  # the first are the same
        ({"seeds": [0, 6, 1]}, "other seeds"), ({"seeds": [1, 0]}, "other seeds"),
        ({"base": World.create(agents=30, mean_degree=2)}, "another world"),
        ({"measures": {"one": lambda world: 1.0}}, "other measures"),
        ({"resume": False}, "holds 2 finished replicates; use --resume"),
    ],
)  # fmt: skip
def test_a_file_of_another_study_stays_as_it_is(
    world: World, tmp_path: Path, other: Mapping[str, Any], said: str
) -> None:
    file = tmp_path / "study.runs"
    order: dict[str, Any] = {
        "base": world, "programs": arms(0.2), "seeds": [0, 1], "workers": 1, "into": file
    }  # fmt: skip
    experiment_now(**order)
    before = file.read_bytes()
    raises(FileError, said, experiment_now, **(order | {"resume": True} | dict(other)))
    assert file.read_bytes() == before


def test_a_file_that_is_no_results_file_is_refused(world: World, tmp_path: Path) -> None:
    content = b"no database at all, but long enough"
    file = tmp_path / "other.txt"
    file.write_bytes(content)
    with pytest.raises(FileError, match="is no results file"):
        experiment_now(world, arms(0.2), [0], workers=1, into=file, resume=True)
    raises(FileError, re.escape("other.txt"), finished_in, file)
    assert file.read_bytes() == content


def test_a_file_that_holds_nothing_yet_is_begun_anew(world: World, tmp_path: Path) -> None:
    file = tmp_path / "study.runs"
    wrong = Messages([RUMOUR | {"model": "independent-cascad"}])
    with pytest.raises(UnknownNameError, match="Did you mean 'independent-cascade'"):
        experiment_now(world, [wrong], [0], workers=1, into=file)
    assert experiment_now(world, arms(0.2), [0], workers=1, into=file).finished == 1
    killed = tmp_path / "killed.runs"  # as it began
    killed.write_bytes(b"")
    found = experiment_now(world, arms(0.2), [1], workers=1, into=killed, resume=True)
    assert table_of(Records.read(killed)) == table_of(found)


def forged(**parts: Any) -> bytes:
    said = {"ticks": 1, "measured": {}, "series": {}, "remarks": []} | parts
    return zlib.compress(msgpack.packb(said))


@pytest.mark.parametrize(
    "data",
    [
        b"", forged(ticks=2**62, series={"ever": b"\0" * 16}), forged(ticks="1"),
        forged(series={"ever": b"\0" * 8}), forged(measured={"size": "many"}),
        forged(measured=[1]), zlib.compress(b"\xc1"),
    ],
)  # fmt: skip
def test_a_forged_replicate_is_one_sentence(world: World, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "study.runs"
    experiment_now(world, arms(0.2), [0], workers=1, into=file)
    asked(file, "update replicates set data = ?, sum = ?", (data, xxh3_64_hexdigest(data)))
    with pytest.raises(FileError, match="is no results file, or damaged"):
        experiment_now(world, arms(0.2), [0], workers=1, into=file, resume=True)
    raises(FileError, "is no results file, or damaged", Records.read, file)


@pytest.mark.parametrize("value", ["3", "[[[", "null", '"x"'])
def test_a_forged_study_is_refused_in_a_sentence(world: World, tmp_path: Path, value: str) -> None:
    file = tmp_path / "study.runs"
    experiment_now(world, arms(0.2), [0], workers=1, into=file)
    asked(file, "update study set value = ? where name = 'seeds'", (value,))
    with pytest.raises(FileError):
        experiment_now(world, arms(0.2), [0], workers=1, into=file, resume=True)


def test_a_damaged_replicate_is_told(world: World, tmp_path: Path) -> None:
    file = tmp_path / "study.runs"
    experiment_now(world, arms(0.2), [0, 1], workers=1, into=file)
    asked(file, "update replicates set data = x'00' where replicate = 1")
    with pytest.raises(FileError, match="replicate 1 of it is damaged"):
        experiment_now(world, arms(0.2), [0, 1], workers=1, into=file, resume=True)


def test_a_file_that_another_run_writes_is_refused(world: World, tmp_path: Path) -> None:
    file = tmp_path / "study.runs"
    experiment_now(world, arms(0.2), [0], workers=1, into=file)
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("begin exclusive")
        with pytest.raises(FileError, match="another run is writing it"):
            experiment_now(world, arms(0.2), [0, 1], workers=1, into=file, resume=True)
    other.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seeds": []}, "Replicates"), ({"seeds": [1, 1]}, "twice"), ({"workers": 0}, "Workers"),
        ({"workers": 10**6}, "Workers must be .* at most"),
        ({"workers": 10**6, "backend": "threading"}, "Workers must be .* at most"),
        ({"ticks": -1}, "Ticks"), ({"backend": "lokey"}, "loky, threading, ray, dask"),
        ({"programs": []}, "one program or more"),
        ({"programs": [*arms(0.1), *arms(0.1)]}, "different names"),
        ({"into": Path("nowhere/at/all/study.runs")}, "no folder"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_said_in_one_sentence(
    world: World, wrong: Mapping[str, Any], said: str
) -> None:
    order: dict[str, Any] = {"programs": arms(0.1), "seeds": [0], "workers": 1} | dict(wrong)
    raises((InputError, FileError), said, experiment_now, world, **order)


def test_replicates_are_one_or_more() -> None:
    assert seeds_from(7, 3) == (7, 8, 9)
    raises(InputError, "Replicates", seeds_from, 7, 0)
    for many in (1_000_001, 10**30):  # whose seeds no list could hold
        raises(InputError, r"Replicates must be .* at most 1,000,000", seeds_from, 7, many)


class Breaking(Messages):
    def before(self, world: World, done: int) -> None:
        if world.seed == 2:
            raise ZeroDivisionError("by nought")


def test_a_program_that_breaks_loses_no_finished_replicate(world: World, tmp_path: Path) -> None:
    file = tmp_path / "study.runs"
    with pytest.raises(PluginError, match=r"replicate 2 failed \(ZeroDivisionError: by nought\)"):
        experiment_now(world, [Breaking([RUMOUR], "odd")], range(4), workers=1, into=file)
    assert asked(file, "select replicate from replicates") == [(0,), (1,)]


def test_own_measures_and_series_stand_beside_the_others(world: World) -> None:
    found = experiment_now(
        world, [Messages([RUMOUR], until_quiet=False)], [0, 1], workers=1, ticks=3,
        measures={"twice": lambda world: 2.0 * world.tick},
        series={"tick again": lambda world: float(world.tick)},
    )  # fmt: skip
    assert found.runs["twice"].tolist() == [6.0, 6.0]
    assert found.curves["tick again"].tolist() == [0.0, 1.0, 2.0, 3.0] * 2


def test_several_messages_are_summed_and_stand_apart(world: World) -> None:
    two = Messages([RUMOUR, RUMOUR | {"text": "It is open.", "seeds": [7]}])
    found = experiment_now(world, [two], [0, 1], workers=1)
    apart = found.runs["size:0"] + found.runs["size:1"]
    assert found.runs["size"].tolist() == apart.tolist()
    assert found.runs["share"].tolist() == (apart / 800).tolist()
    assert found.curves["new"][found.curves["tick"] == 0].tolist() == [3.0, 3.0]


def test_a_curve_stays_as_it_was_once_a_run_is_at_rest(world: World) -> None:
    found = experiment_now(world, arms(0.25), range(4), workers=1)
    ever, new = found.curve("ever"), found.curve("new")
    assert ever.shape == (4, found.runs["ticks"].max() + 1)
    assert ever[:, -1].tolist() == found.values("size").tolist()
    assert np.array_equal(new.sum(axis=1), ever[:, -1])
    assert np.isnan(found.curve("ever", held=False)).any()
    raises(UnknownNameError, "size", found.values, "sise")
    raises(UnknownNameError, "ever", found.curve, "evr")


def test_a_program_is_named_where_there_are_several(world: World) -> None:
    found = experiment_now(world, arms(0.1, 0.2), [0], workers=1)
    raises(InputError, r"p=0.1, p=0.2", found.values, "size")
    with pytest.raises(UnknownNameError):
        found.values("size", "p=0.3")


def test_members_of_a_platform_are_counted_and_draw_anew() -> None:
    world = World.create(agents=200, mean_degree=6, seed=1, platform=True)
    found = experiment_now(world, [Messages(until_quiet=False)], [1, 2], workers=1, ticks=4)
    alone = World.create(agents=200, mean_degree=6, seed=1, platform=True)
    online = [alone.platform.online.size]  # type: ignore[union-attr]
    for _ in range(4):
        alone.step()
        online.append(alone.platform.online.size)  # type: ignore[union-attr]
    assert found.curve("online")[0].tolist() == online
    assert found.curve("online")[1].tolist() != online


def test_progress_tells_what_is_left_and_what_is_there(world: World) -> None:
    seen: list[ExperimentProgress] = []
    sizes: list[int] = []

    def follow(progress: ExperimentProgress) -> None:
        seen.append(progress)
        sizes.append(progress.records().finished)

    experiment_now(world, arms(0.1), range(3), workers=1, follow=follow)
    assert [(each.finished, each.total) for each in seen] == [(1, 3), (2, 3), (3, 3)]
    assert sizes == [1, 2, 3]
    assert seen[-1].seconds_left == 0.0


def test_a_message_under_way_draws_anew_from_the_fork_on() -> None:
    world = World.create(agents=400, mean_degree=6, seed=1)
    story = world.inject("x", seeds=[0, 1, 2], model="sir", beta=0.3, gamma=0.3)
    world.step(3)
    before = story.size
    found = experiment_now(world, [Messages([])], [1, 2, 3, 4], workers=1, backend="threading")
    sizes = found.values("size")
    assert len(set(sizes.tolist())) > 1
    assert (sizes >= before).all()
    world.run_until_quiet(story)
    assert sizes[0] == story.size


def test_what_a_killed_worker_had_in_hand_is_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = module.carried_out
    deaths: list[Any] = []

    def dying(*told: Any) -> Any:
        for done in whole(*told):
            yield done
            if len(deaths) < 3:
                deaths.append(done)
                raise module.WorkerDied("killed")

    monkeypatch.setattr(module, "carried_out", dying)
    found = experiment_now(world, arms(0.2), range(5), workers=1)
    monkeypatch.undo()
    assert len(deaths) == 3
    assert table_of(found) == table_of(experiment_now(world, arms(0.2), range(5), workers=1))


def test_what_a_worker_prints_reaches_no_terminal_but_a_pipe() -> None:
    screen, terminal = pty.openpty()
    reading, pipe = os.pipe()
    try:
        leave_terminals((terminal, pipe))
        os.write(terminal, b"not seen")
        os.write(pipe, b"kept")
        assert not os.isatty(terminal)
        assert os.read(reading, 9) == b"kept"
        os.set_blocking(screen, False)
        with pytest.raises(OSError):  # noqa: PT011 - nothing there, or nobody at the other end
            os.read(screen, 9)
    finally:
        for number in (screen, terminal, reading, pipe):
            os.close(number)


def test_workers_that_always_die_end_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(*_: object) -> Any:
        raise module.WorkerDied("killed")

    monkeypatch.setattr(module, "carried_out", dying)
    with pytest.raises(PluginError, match=r"workers ended 3 times before replicate 0 .* fewer"):
        experiment_now(world, arms(0.2), [0], workers=1)


def test_a_full_disk_is_said_and_loses_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, connected = tmp_path / "study.runs", results._connected

    def small(path: Path) -> sqlite3.Connection:
        made = connected(path)
        made.execute("pragma max_page_count = 9")  # SQLite says then what it says of a full disk
        return made

    monkeypatch.setattr(results, "_connected", small)
    with pytest.raises(FileError, match="the disk is full; finished runs are kept"):
        experiment_now(world, arms(0.3), range(60), workers=1, into=file)
    monkeypatch.undo()
    ((kept,),) = asked(file, "select count(*) from replicates")
    assert 0 < kept < 60
    again = experiment_now(world, arms(0.3), range(60), workers=1, into=file, resume=True)
    assert table_of(again) == table_of(experiment_now(world, arms(0.3), range(60), workers=1))


class Odd(Messages):
    """Asks for what is not there."""

    def begin(self, world: World) -> None:
        raise UnknownNameError("arm", self.name, ["even"])


def test_what_fails_in_a_worker_is_said_as_it_is_here(world: World) -> None:
    said = []
    for workers in (1, 2):
        with pytest.raises(UnknownNameError) as caught:
            experiment_now(world, [Odd([RUMOUR], "odd")], range(4), workers=workers)
        said.append((str(caught.value), caught.value.known))
    assert said[0] == said[1] == ("No arm named 'odd'. Known: even.", ("even",))


class Deadly(Messages):
    """Kills the process that runs one replicate, once."""

    def begin(self, world: World) -> None:
        super().begin(world)
        time.sleep(0.2)  # a node that is lost meanwhile has one in hand
        mark = Path(self.name)
        if world.seed == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def losing(machines: int, patch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Start a cluster; give, for each of its machines but the first, what removes it."""
    ray, cluster = pytest.importorskip("ray"), importlib.import_module("ray.cluster_utils").Cluster
    ray.shutdown()
    small = {"num_cpus": 1, "object_store_memory": 100 << 20}
    nodes = cluster(initialize_head=True, head_node_args=small)
    patch.setenv("RAY_ADDRESS", nodes.address)
    try:
        yield [partial(nodes.remove_node, nodes.add_node(**small)) for _ in range(1, machines)]
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "machines"), [("loky", 0), ("ray", 0), ("ray", 3)])
def test_a_worker_or_machine_that_is_killed_costs_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, machines: int
) -> None:
    pytest.importorskip("joblib" if backend == "loky" else "ray")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    mark, seeds = tmp_path / "killed", range(8 + 8 * machines)

    def follow(progress: ExperimentProgress) -> None:
        if rest and progress.finished >= 8 * (machines - len(rest)):
            rest.pop()()

    cluster: Any = losing(machines, monkeypatch) if machines else nullcontext([])
    with cluster as rest:
        how: Any = {"backend": backend, "workers": 3, "follow": follow}
        found = experiment_now(world, [Deadly([RUMOUR], str(mark))], seeds, **how)
    assert (mark.exists(), rest) == (True, [])
    plain = experiment_now(world, [Messages([RUMOUR], str(mark))], seeds, workers=1)
    assert table_of(found) == table_of(plain)


def test_each_program_may_begin_from_worlds_of_its_own(tmp_path: Path, world: World) -> None:
    other = World.create(agents=300, mean_degree=3, seed=9)
    into = tmp_path / "some.runs"
    how: dict[str, Any] = {"workers": 1, "into": into, "notes": {"question": "why"}}
    found = experiment_now([[world, other], [other]], arms(0.1, 0.3), [1, 2, 3], **how)
    first = experiment_now(world, arms(0.1), [1, 3], workers=1).values("size")
    second = experiment_now(other, arms(0.1), [2], workers=1).values("size")
    assert found.values("size", "p=0.1").tolist() == [first[0], second[0], first[1]]
    alone = experiment_now(other, arms(0.3), [1, 2, 3], workers=1).values("size")
    assert found.values("size", "p=0.3").tolist() == alone.tolist()
    assert table_of(Records.read(into)) == table_of(found)
    assert Records.read(into).agents == found.agents == 400
    with pytest.raises(FileError, match="another world"):
        experiment_now([[world], [other]], arms(0.1, 0.3), [1, 2, 3], into=into, resume=True)
    for bases in ([[world]], [[world], []]):
        with pytest.raises(InputError, match="Each program begins from one world or more"):
            experiment_now(bases, arms(0.1, 0.3), [1])
    raises(FileError, "there is no such file", Records.read, tmp_path / "other.runs")


def test_series_that_a_file_keeps_with_blanks_are_read_without(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ours were called so once; what an author names stays as it is."""
    file = tmp_path / "old.hubexp"
    own: dict[str, Any] = {"series": {"tick again": lambda world: float(world.tick)}}
    order: dict[str, Any] = {"ticks": 3, "workers": 1, "into": file}
    monkeypatch.setattr("sim.lab.runs.measures.column_name", lambda *words: " ".join(words))
    experiment_now(world, arms(0.2), [3], **order, **own)
    monkeypatch.undo()
    found = experiment_now(world, arms(0.2), [3], resume=True, **order, **own)
    assert {"in_inactive", "tick again"} <= {*found.curves.names}
    assert "in inactive" not in found.curves
