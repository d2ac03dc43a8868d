"""What a monitoring system reads: the right numbers, from this machine, and clear refusals."""

import http.client
import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from sim import Answer, Ask, Thinker, Turn, World
from sim.errors import InputError
from sim.minds import Fault, ModelPool, Provider
from sim.minds.models.asks import Spend
from sim.minds.models.provider import Secret
from sim.runtime import Durability, Health, Performance, Simulation, SimulationSource, Vitals
from sim.runtime.export import Exporter, Numbers, WorldSource, exported
from sim.runtime.health import ProcessHealthWatch, look
from sim.runtime.journal.writer import JournalWriter
from tests.raising import raises
from tests.unit.minds.server import Server
from tests.unit.runtime.minds_world import Script, minded, platform_of, run
from tests.unit.runtime.worlds import until

pytest.importorskip("prometheus_client", reason="the extra 'metrics' is not installed")


class Given(SimulationSource):
    """A source of numbers that a test sets."""

    def __init__(self, numbers: Numbers, vitals: Vitals) -> None:
        self._numbers, self._vitals = numbers, vitals

    def numbers(self) -> Numbers:
        return self._numbers

    def health(self) -> Health:
        return look(self._vitals)


def asked(exporter: Exporter, path: str, host: str | None = None) -> tuple[int, str]:
    port = int(exporter.url.rpartition(":")[2].partition("/")[0])
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        link.request("GET", path, headers={} if host is None else {"Host": host})
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def values(text: str) -> dict[str, float]:
    pairs = [line.rpartition(" ") for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, _, value in pairs}


def test_prometheus_reads_every_number() -> None:
    numbers = Numbers(
        7, 100, 900, {"running": 2, "quiet": 1}, 55, 4000, 0.25, {"expose": 0.2}, 1 << 20, 6,
        12.5, {"mean_degree": 9.0}, 3, Performance(4, 0.75, 20.0, 1, 2.0, 3.0, 0.5),
    )  # fmt: skip
    with exported(Given(numbers, Vitals(resident=5 << 20, hard=1 << 20)), 0) as exporter:
        assert exporter is not None
        status, text = asked(exporter, "/metrics")
    wanted: dict[str, float] = {
        "hubbub_tick": 7, "hubbub_agents": 100, "hubbub_ties": 900,
        'hubbub_messages{status="running"}': 2, "hubbub_adoptions_total": 55,
        "hubbub_contacts_total": 4000, 'hubbub_phase_seconds{phase="expose"}': 0.2,
        "hubbub_tick_seconds": 0.25, "hubbub_memory_bytes": 1 << 20, "hubbub_durable_tick": 6,
        "hubbub_cpu_seconds_total": 12.5, 'hubbub_metric{name="mean_degree"}': 9,
        "hubbub_alerts_total": 3, "hubbub_operations_total": 4,
        "hubbub_operation_success_ratio": 0.75, "hubbub_operation_latency_seconds": 0.02,
        "hubbub_cold_hit_ratio": 0.5, 'hubbub_health{check="memory"}': 2,
        'hubbub_check{check="memory",unit="MB"}': 5,
    }  # fmt: skip
    found = values(text)
    assert status == 200
    assert {name: found.get(name) for name in wanted} == wanted
    assert 'hubbub_info{version="' in text


def test_counters_never_fall_and_add_what_is_done_again() -> None:
    def numbers(adoptions: int, alerts: int, requests: int, refused: int) -> Numbers:
        minds = {
            "members": 2, "requests": requests, "tokens": 10 * requests, "dollars": requests / 4,
            "counts": {"model": requests}, "reasons": {"refused": refused},
        }  # fmt: skip
        answered = Performance(requests, 0.75, 20.0, 1, 2.0, 3.0, 0.5)
        return Numbers(
            adoptions=adoptions, contacts=10 * adoptions, alerts=alerts, minds=minds,
            performance=answered,
        )  # fmt: skip

    given = Given(numbers(49, 3, 8, 2), Vitals())
    with exported(given, 0) as exporter:
        assert exporter is not None
        read = [values(asked(exporter, "/metrics")[1])]
        for now in (numbers(47, 1, 4, 0), numbers(60, 2, 5, 1), Numbers(), numbers(1, 0, 1, 0)):
            given._numbers = now
            read.append(values(asked(exporter, "/metrics")[1]))
    assert [each["hubbub_adoptions_total"] for each in read] == [49, 49, 62, 62, 63]
    assert [each["hubbub_contacts_total"] for each in read] == [490, 490, 620, 620, 630]
    assert [each["hubbub_alerts_total"] for each in read] == [3, 3, 4, 4, 4]
    told = [each for each in read if "hubbub_minds" in each]
    assert len(told) == 4
    assert [each["hubbub_minds_requests_total"] for each in told] == [8, 8, 9, 9]
    assert [each["hubbub_minds_dollars_total"] for each in told] == [2, 2, 2.25, 2.25]
    assert [each['hubbub_minds_decisions_total{came="model"}'] for each in told] == [8, 8, 9, 9]
    assert [each['hubbub_minds_errors_total{reason="refused"}'] for each in told] == [2, 2, 3, 3]
    assert [each["hubbub_operations_total"] for each in told] == [8, 8, 9, 9]
    assert told[1]["hubbub_minds"] == 2


def test_healthz_says_whether_all_is_well() -> None:
    with exported(Given(Numbers(), Vitals(tick=3)), 0) as exporter:
        assert exporter is not None
        status, text = asked(exporter, "/healthz")
    said = json.loads(text)
    assert (status, said["level"], said["sentence"], said["tick"]) == (200, "ok", "No problems.", 3)
    assert said["checks"]["memory"]["level"] == "ok"
    with exported(Given(Numbers(), Vitals(state="failed")), 0) as exporter:
        assert exporter is not None
        assert asked(exporter, "/healthz")[0] == 503


def test_only_this_machine_may_ask_and_only_for_two_pages() -> None:
    with exported(Given(Numbers(), Vitals()), 0) as exporter:
        assert exporter is not None
        assert asked(exporter, "/metrics", "evil.example")[0] == 403
        assert asked(exporter, "/metrics", "localhost:1")[0] == 200
        assert asked(exporter, "/metrics", "localhost")[0] == 200
        assert asked(exporter, "/../etc/passwd")[0] == 404
        assert exporter._server.server_address[0] == "127.0.0.1"
    with exported(Given(Numbers(), Vitals()), None) as nothing:
        assert nothing is None


def test_a_port_that_is_taken_or_none_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"cannot be served on port {port}: .*choose another"):
            Exporter(Given(Numbers(), Vitals()), port)
    raises(InputError, "0 to 65,535, got 70,000", Exporter, Given(Numbers(), Vitals()), 70_000)


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    raises(InputError, r"install hubbub\[metrics\]", Exporter, Given(Numbers(), Vitals()), 0)


async def test_a_simulation_is_a_source(path: Path) -> None:
    nothing: Any = SimulationSource(lambda: None)
    numbers = nothing.numbers()
    used = numbers.cpu_seconds  # grows between two of them
    assert (numbers, nothing.health()) == (Numbers(cpu_seconds=used), Health(0, ()))
    world = World.create(agents=80, mean_degree=5, seed=3)
    async with Simulation(world, path=path, journal=True) as simulation:
        await simulation.inject("hi", seeds=[0, 1], model="si", beta=0.5)
        await simulation.step(3)
        await until(lambda: simulation.frame.durable_tick == 3)
        source = SimulationSource(lambda: simulation)
        numbers = source.numbers()
        assert (numbers.tick, numbers.agents, numbers.ties) == (3, 80, world.ties.count)
        assert numbers.messages == {"running": 1}
        assert numbers.adoptions == world.cascades[0].size
        assert numbers.contacts == world.cascades[0].contacts_seen
        assert numbers.durable_tick == 3
        await until(lambda: source.health().tick == 3)  # as it was at most two seconds ago
        with exported(source, 0) as exporter:
            assert exporter is not None
            found = values(asked(exporter, "/metrics")[1])
    for what, least in (("tick", 3), ("command", 1)):
        name = f"hubbub_{what}_duration_seconds"
        assert found[f'{name}_bucket{{le="+Inf"}}'] == found[f"{name}_count"] >= least
        assert found[f'{name}_bucket{{le="0.001"}}'] <= found[f'{name}_bucket{{le="30.0"}}']
        assert found[f"{name}_sum"] > 0


async def test_ticks_commands_and_calls_of_models_are_traced_where_tracing_is_set_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    provider = MagicMock()
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    async with Simulation(World.create(agents=80, mean_degree=5, seed=3)) as simulation:
        await simulation.do("note", [1], "seen")
        await simulation.step(2)
        await simulation.save(tmp_path / "a.hub")
    with Server() as server, ModelPool([Provider("m", server.url, Secret("k"))], cache=0) as pool:
        pool.ask_all([Ask((Turn("user", "Which?"),))])
    spans = provider.get_tracer.return_value.start_as_current_span.call_args_list
    assert [(each.args[0], each.kwargs["attributes"]) for each in spans] == [
        ("hubbub command", {"name": "note"}), ("hubbub tick", {"tick": 0}),
        ("hubbub tick", {"tick": 1}), ("hubbub save", {}), ("hubbub model call", {"model": "m"}),
    ]  # fmt: skip


def test_a_world_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(agents=80, mean_degree=5, seed=3)
    source = WorldSource(world, None, tmp_path)
    assert source.numbers().tick_seconds is None
    world.inject("hi", seeds=[0, 1], model="si", beta=0.5)
    world.step(2)
    numbers = source.numbers()
    assert (numbers.tick, numbers.adoptions) == (2, world.cascades[0].size)
    assert numbers.tick_seconds == pytest.approx(sum(numbers.phases.values()))
    assert "disk space" in [each.name for each in source.health().readings]
    keeper = JournalWriter(world, tmp_path / "a.hub")
    kept = WorldSource(world, keeper, tmp_path / "absent")
    assert kept.numbers().durable_tick == 2
    assert kept.health().reading("durable tick").value == 0
    assert "disk space" not in [each.name for each in kept.health().readings]
    keeper.close()


async def test_an_engine_elsewhere_is_seen_through_its_frames() -> None:
    async with Simulation(World.create(agents=80, mean_degree=5, seed=3)) as simulation:
        await simulation.inject("hi", seeds=[0], model="si")
        watch, frame = ProcessHealthWatch(), simulation.frame
        first = watch.look(frame)
        assert watch.look(frame, within=1e9) is first
        kept = replace(frame, kept=Durability(3, 2, 0, 1.0, 10, "/x"), tick=5)
        assert watch.look(kept).reading("durable tick").value == 2


def test_what_models_cost_and_why_they_fail_is_exported_and_measured(tmp_path: Path) -> None:
    answers = iter(range(1_000))

    def say(ask: Any) -> Any:
        wrong = Answer("", Fault.RATE_LIMITED, "none", spent=Spend(1, 5, 0))
        return wrong if next(answers) % 2 else '{"act": "do nothing", "post": 0, "text": ""}'

    world = minded("model", members=40)
    metrics = world.open_metrics(every=1)
    before = values_of(world, tmp_path)
    run(world, Thinker(Script(say)), 3)
    world.step()
    minds = platform_of(world).minds
    found = values_of(world, tmp_path)
    assert before["hubbub_minds_requests_total"] == 0
    assert found["hubbub_minds"] == 40
    assert found["hubbub_minds_requests_total"] == minds.spent[0] > 5
    assert found["hubbub_minds_tokens_total"] == minds.spent[1] == metrics.latest["minds_tokens"]
    failed = found['hubbub_minds_decisions_total{came="failed"}']
    assert failed == found['hubbub_minds_errors_total{reason="too many requests"}'] > 0
    assert metrics.latest["minds_errors"] == failed == minds.counts["failed"]
    assert metrics.latest["minds_model"] == minds.counts["model"]
    assert "hubbub_minds" not in values_of(World.create(agents=30, seed=1), tmp_path)


def values_of(world: World, folder: Path) -> dict[str, float]:
    exporter = Exporter(WorldSource(world, None, folder), 0)
    try:
        return values(asked(exporter, "/metrics")[1])
    finally:
        exporter.close()
