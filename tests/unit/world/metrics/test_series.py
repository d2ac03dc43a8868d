"""Metrics: each against its definition, series that stay bounded, and a digest left alone."""

from pathlib import Path

import numpy as np
import pytest

from sim import World, load, save
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.network.analysis import analysis
from sim.world import Metrics, MetricSettings
from sim.world.metrics import values as metrics_sums
from sim.world.metrics.alerts import Alerts, Level
from sim.world.metrics.values import (
    METRICS,
    bimodality,
    cascade_of,
    gini,
    opinion_measures,
    tie_mixing,
)
from tests.raising import raises


def living(agents: int = 300, **told: object) -> World:
    settings = {"rhythm": "flat", "posting": 0.3} | told
    return World.create(agents=agents, mean_degree=6, seed=5, platform=settings)


def of(world: World) -> Metrics:
    assert world.metrics is not None
    return world.metrics


def test_gini_is_the_mean_difference_over_twice_the_mean() -> None:
    x = np.array([3.0, 0, 1, 8, 8])
    apart = np.abs(x[:, None] - x[None, :]).sum() / (2 * x.size**2 * x.mean())
    assert gini(x) == pytest.approx(apart)
    assert np.isnan(gini([0, 0]))


def test_bimodality_has_the_values_of_known_laws() -> None:
    assert bimodality(np.tile([-1.0, 1.0], 5000)) == pytest.approx(1, abs=1e-3)
    assert bimodality(np.linspace(0, 1, 20_001)) == pytest.approx(5 / 9, abs=1e-3)
    assert np.isnan(bimodality([1, 1, 1, 1]))
    assert np.isnan(bimodality([1, 2, np.nan]))


def test_polarisation_is_one_when_halves_stand_at_both_ends() -> None:
    found = opinion_measures(np.array([-1.0, -1, 1, 1, np.nan]), (-1.0, 1.0))
    assert found["polarisation"] == 1
    assert found["variance"] == 1
    assert opinion_measures(np.array([np.nan]), (-1.0, 1.0)) == {}


def test_a_sample_of_ties_is_as_sure_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(2000, "planted-communities", 10, seed=2, mixing=0.3)
    exact, none = tie_mixing(world, world.agents.community)
    monkeypatch.setattr(metrics_sums, "SAMPLE", 500)
    share, error = tie_mixing(world, world.agents.community)
    assert none == 0
    assert 0 < error < 0.05
    assert abs(share - exact) < 4 * error
    assert np.isnan(tie_mixing(world, np.full(2000, -1, np.int32))[0])


def test_a_platform_is_measured() -> None:
    world = living()
    metrics = world.open_metrics(every=1, structure=2)
    world.inject("bridge", seeds=[1, 2], model="sir", beta=0.3)
    world.step(4)
    platform = world.platform
    assert platform is not None
    now = metrics.latest
    assert now["online"] == platform.online.size
    assert now["exposures"] == len(platform.exposures)
    assert now["acts"] == platform.acted.agent.size
    shown = np.bincount(
        platform.posts.author[platform.exposures.row(platform.posts)], minlength=300
    )
    assert now["attention_gini"] == pytest.approx(gini(shown))
    assert 0 < now["diversity"] <= 1
    assert now["interactions_s"] > 0
    assert now["density"] == world.ties.count / (300 * 299)
    assert metrics.taken["clustering"] == 4
    assert now["reputation_p99"] >= now["reputation_p50"] > 0
    assert set(metrics.names) <= set(METRICS)


def test_structure_agrees_with_the_network_s_own_measures() -> None:
    world = World.create(400, "planted-communities", 8, seed=3, mixing=0.2)
    metrics = world.open_metrics(structure=1)
    world.step(1)
    label, now = world.agents.community, metrics.latest
    arcs = np.column_stack([world.ties.sources(), world.ties.targets])
    within = float(np.mean(label[arcs[:, 0]] == label[arcs[:, 1]]))
    assert now["ties_ei"] == pytest.approx(1 - 2 * within)
    if world.ties.is_symmetric:
        assert now["modularity"] == pytest.approx(analysis.modularity(world.ties, label))
    out = np.bincount(label, world.ties.out_degree) / world.ties.count
    heard = np.bincount(label, world.ties.in_degree) / world.ties.count
    assert now["modularity"] == pytest.approx(within - float(out @ heard))
    assert now["path_length_error"] >= 0


def test_opinions_are_measured_by_their_first_topic() -> None:
    world = World.from_edges([0, 1, 2, 3], [1, 0, 3, 2], 4)
    world.opinions.hold("square", [-1, -1, 1, 1])
    metrics = world.open_metrics(every=1)
    world.step(1)
    assert (metrics.latest["polarisation"], metrics.latest["opinion_ei"]) == (1, -1)


def test_messages_are_counted() -> None:
    world = World.create(agents=200, mean_degree=6, seed=1)
    metrics = world.open_metrics(every=1)
    story = world.inject("x", seeds=[0], model="si", beta=0.4)
    for _ in range(6):
        world.inject("y", seeds=[3], model="independent-cascade", probability=0.0)
    world.step(6)
    new = story.new_adopters[1:]
    assert metrics["adopted"].tolist() == new.tolist()
    assert metrics["spread"].tolist() == pytest.approx((new / 200).tolist())
    assert metrics.latest["success"] == 0
    assert metrics.latest["speed"] == story.speed
    raises(InputError, "No message 9", cascade_of, world, 9)


def test_a_world_without_anything_is_measured_too() -> None:
    world = World.from_edges([], [], 3)
    world.open_metrics(every=1, structure=1)
    world.step(2)
    assert of(world).latest["active"] == 3
    assert "modularity" not in of(world).latest


def test_series_are_bounded_and_rows_are_means() -> None:
    world = World.create(agents=50, mean_degree=4, seed=1)
    metrics = world.open_metrics(rows=16, structure=0)
    world.inject("x", seeds=[0], model="si", beta=0.05)
    world.step(50)
    assert (len(metrics), metrics.span) == (12, 4)
    assert metrics.ticks.tolist() == list(range(4, 49, 4))
    story = world.cascades[0].new_adopters
    assert metrics["adopted"].tolist() == [story[t - 3 : t + 1].mean() for t in metrics.ticks]


def test_metrics_leave_the_digest_alone_and_are_saved(tmp_path: Path) -> None:
    bare, world = living(), living()
    world.open_metrics(every=2, rows=16)
    for each in (bare, world):
        each.step(21)
    assert bare.digest() == world.digest()
    save(world, tmp_path / "w.hub")
    again = load(tmp_path / "w.hub")
    for each in (again, world):
        each.step(5)
    assert of(again).ticks.tolist() == of(world).ticks.tolist()
    for name in of(world).names:
        if name not in {"tick_ms", "cpu_ms", "interactions_s"}:
            assert np.array_equal(of(again)[name], of(world)[name], equal_nan=True), name
    assert of(again).alerts.raised == of(world).alerts.raised


def test_what_is_no_metric_is_refused() -> None:
    world = World.create(agents=20, mean_degree=2)
    raises(ParameterError, "every", world.open_metrics, every=0)
    metrics = world.open_metrics(MetricSettings(every=3))
    raises(InputError, "takes metrics already", world.open_metrics)
    with pytest.raises(UnknownNameError, match="density"):
        metrics["densty"]
    assert metrics.nbytes > 0


def test_how_long_members_take_to_respond_is_told() -> None:
    world = World.from_edges([0, 1, 2, 0], [1, 2, 3, 4], 6)
    metrics = world.open_metrics(every=1, structure=0)
    world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(2)  # 1 and 4 after a tick, 2 after two
    names = ("propagation_ticks", "response_p50", "response_p90")
    assert [metrics.latest[name] for name in names] == [4 / 3, 1.0, 2.0]
    world.step(1)  # 3 after three; 5 hears nobody
    world.inject("y", seeds=[5], model="si", beta=1.0)
    assert metrics["propagation_ticks"].tolist() == [1.0, 4 / 3, 7 / 4]


def levels(values: list[float], **changes: object) -> list[Level]:
    alerts = Alerts({})
    alerts.set("mine", metric="spread", **changes)
    found = []
    for tick, value in enumerate(values):
        alerts.look(tick, {"spread": value})
        found.append(alerts.active.get("mine", Level.OVER))
    return found


def test_an_alert_ends_only_well_below_its_threshold() -> None:
    seen = levels([0.4, 0.5, 0.46, 0.44, 0.9, 0.85, 0.7, 0.1], warning=0.5, critical=0.9)
    assert seen == [0, 1, 1, 0, 2, 2, 1, 0]


def test_low_numbers_can_be_the_bad_ones() -> None:
    seen = levels([5, 0, 0.05, 0.2], warning=0.0, critical=None, below=True, slack=0.1)
    assert seen == [0, 1, 1, 0]


def test_an_alert_can_wait_for_several_looks() -> None:
    assert levels([9, 9, 0, 9, 9, 9], warning=1.0, ticks=3) == [0, 0, 0, 0, 0, 1]


def test_each_change_is_told_once() -> None:
    alerts = Alerts()
    for tick, value in enumerate([0.06, 0.07, 0.3, 0.01]):
        alerts.look(tick, {"spread": value, "acts": float("nan")})
    assert [alert.level for alert in alerts.said] == [1, 2, 0]
    assert alerts.said[0].sentence == "Warning: a message spreads too fast (spread is 0.06)"
    assert [alert.tick for alert in alerts.since(1)] == [2, 3]
    assert alerts.since(3) == []
    again = Alerts.restore(alerts.dump())
    assert (list(again.said), again.raised) == (list(alerts.said), 3)
    again.off("spread too fast")
    assert "spread too fast" not in again.thresholds


def test_a_message_that_spreads_too_fast_is_noticed() -> None:
    world = World.create(agents=200, mean_degree=10, seed=2)
    metrics = world.open_metrics(structure=0)
    metrics.alerts.off("slow ticks")
    world.inject("x", seeds=[0], model="si", beta=1.0)
    world.step(3)
    assert metrics.alerts.said[0].name == "spread too fast"


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("spred", {}, "No alert 'spred'"),
        ("mine", {"metric": "sped"}, "Did you mean 'speed'"),
        ("polarisation", {"warnin": 1}, "Did you mean 'warning'"),
        ("polarisation", {"warning": "high"}, "warning is a number, got 'high'"),
        ("polarisation", {"warning": 0.9, "critical": 0.1}, "critical lies above warning"),
        ("polarisation", {"slack": -1.0}, "slack is 0 or more"),
        ("polarisation", {"slack": None}, "slack is 0 or more"),
        ("polarisation", {"ticks": 0}, "a whole number from 1"),
    ],
)
def test_odd_thresholds_are_refused(name: str, changes: dict[str, object], said: str) -> None:
    alerts = Alerts()
    raises(InputError, said, alerts.set, name, **changes)
    assert alerts.dump()["thresholds"] == Alerts().dump()["thresholds"]


def test_an_unknown_alert_cannot_be_taken_away() -> None:
    raises(UnknownNameError, "polarisation", Alerts().off, "polarization")
