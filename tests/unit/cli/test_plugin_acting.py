import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import PrivateAttr

from sim import Act, Exposures, Field, Intervention, Metric, Policy, World, names, register, spec
from sim.cli.templates import ACTING
from sim.core import registry
from sim.errors import InputError, PluginError, UnknownNameError
from sim.runtime.engine.metrics_tracker import listed, unit_of
from sim.testing.policy_laws import ACTING_LAWS, check_acting
from sim.testing.recommender_laws import lively_world
from sim.testing.trial import LAWS_BY_KIND, kinds_of
from sim.world.interventions.kinds import LostIntervention
from tests.raising import raises
from tests.unit.cli.conftest import Hubbub, written


@pytest.mark.parametrize("form", ACTING)
def test_what_new_writes_keeps_the_laws(form: str, hubbub: Hubbub, tmp_path: Path) -> None:
    said, cls = written(hubbub, form, tmp_path)
    assert f"made_{form}.py" in said.out
    assert check_acting(cls) == tuple(ACTING_LAWS[form]) == tuple(LAWS_BY_KIND[form])


@pytest.mark.parametrize("name", names("policy"))
def test_every_policy_keeps_the_laws(name: str) -> None:
    assert "policy" in kinds_of(name)
    assert check_acting(spec(name, "policy").cls) == tuple(ACTING_LAWS["policy"])


def test_check_holds_a_policy_to_its_laws(hubbub: Hubbub) -> None:
    said = hubbub("plugin", "check", "rule").out
    assert "rule (policy): passes 6 checks" in said
    assert "rule (mind): passes" in said


class Plain(Policy):
    """Likes a little."""

    def probabilities(self, exposures: Exposures, platform: Any) -> dict[Act, Any]:
        return {Act.LIKE: 0.2 * exposures.interest}


def ruling(chances: Callable[[Any], Any], act: int = Act.LIKE) -> Any:
    """Return a policy of these chances."""
    does = {"__module__": __name__, "probabilities": lambda _, seen, __: {act: chances(seen)}}
    return type("Ruling", (Plain,), does)


class Writing(Plain):
    def probabilities(self, exposures: Exposures, platform: Any) -> dict[Act, Any]:
        platform.held["mine"] = np.arange(3) + len(platform.held)
        return super().probabilities(exposures, platform)


class Learning(Plain):
    _seen: int = PrivateAttr(0)

    def probabilities(self, exposures: Exposures, platform: Any) -> dict[Act, Any]:
        self._seen += 1
        return {Act.LIKE: np.full(len(exposures), min(self._seen / 20, 1.0))}


@pytest.mark.parametrize(
    ("cls", "law", "said"),
    [
        (ruling(lambda *_: 1 / 0), "runs", "division by zero"),
        (ruling(lambda seen: np.random.default_rng().random(len(seen))), "deterministic",
         "two ways for one seed"),
        (ruling(lambda seen: np.full(len(seen), 1 / max(len(seen), 1))), "order",
         "asked for it alone"),
        (ruling(lambda seen: seen.interest + 1.0), "chances", "chances are numbers in"),
        (ruling(lambda seen: 0.1 * seen.interest, act=13), "chances", "dict of sim.Act"),
        (Writing, "untouched", "a policy reads"),
        (Learning, "resumes", "after a save"),
    ],
)  # fmt: skip
def test_a_law_sees_its_mistake(cls: type[Policy], law: str, said: str) -> None:
    cls = register(f"policy-{cls.__name__.lower()}")(cls)
    raises(PluginError, said, ACTING_LAWS["policy"][law], cls, {})
    ACTING_LAWS["policy"][law](register("plain-policy")(Plain), {})


def test_a_policy_finds_the_columns_of_members_that_the_guide_names() -> None:
    found: list[tuple[Any, ...]] = []

    class Looking(Plain):
        def probabilities(self, exposures: Exposures, platform: Any) -> dict[Act, Any]:
            people = platform.people
            for end in ("viewer", "author", "source"):
                who = getattr(exposures, end)
                for column in ("openness", "community", "activity"):
                    here = getattr(exposures, f"{end}_{column}")
                    found.append((here, people.column(column)[who]))
            with pytest.raises(AttributeError, match="viewer_NAME"):
                exposures.likes  # noqa: B018
            with pytest.raises(UnknownNameError):
                exposures.viewer_height  # noqa: B018
            return {}

    world = lively_world()
    assert world.platform is not None
    world.platform.behave(Looking())
    world.step(3)
    assert not world.platform.faults
    assert sum(here.size for here, _ in found) > 0
    assert all(np.allclose(here, there) for here, there in found)
    with pytest.raises(AttributeError, match="policy"):
        _ = Exposures([]).author
    with pytest.raises(AttributeError, match="viewer_NAME"):
        _ = Exposures([]).viewer_openness


class Quiet(Intervention):
    """Lets everybody be less active."""

    says = "let everybody be less active"
    left: float = Field(0.5, ge=0, le=1, description="what is left")

    def do(self, world: World, number: int) -> str:
        world.agents.set_activity(range(len(world.agents)), self.left)
        return f"activity is {self.left}"


def doing(do: Callable[[World], Any]) -> Any:
    """Return an intervention that does that."""
    does = {"__module__": __name__, "do": lambda _, world, __: do(world)}
    return type("Doing", (Quiet,), does)


def lots(world: World) -> Any:
    world.agents.set_activity([0], float(np.random.default_rng().random()))
    return "done"


@pytest.mark.parametrize(
    ("cls", "law", "said"),
    [
        (doing(lambda _: " "), "runs", "tells nothing"),
        (doing(lambda _: dict[str, Any]()["nothing"]), "runs", "KeyError"),
        (doing(lots), "deterministic", "two things for one seed"),
    ],
)
def test_a_law_of_interventions_sees_a_slip(cls: type[Intervention], law: str, said: str) -> None:
    cls = register(f"change-{cls.__name__.lower()}")(cls)
    raises(PluginError, said, ACTING_LAWS["intervention"][law], cls, {})
    assert check_acting(register("change-quiet")(Quiet)) == ("runs", "deterministic", "resumes")


class Isolated(Metric):
    """Members that nobody hears."""

    says = "members that nobody hears"
    unit = "agents"

    def take(self, world: World) -> Any:
        return (world.ties.out_degree == 0).sum()


def counting(take: Callable[[World], Any]) -> Any:
    does = {"__module__": __name__, "take": lambda _, world: take(world)}
    return type("Counting", (Isolated,), does)


@pytest.mark.parametrize(
    ("cls", "law", "said"),
    [
        (counting(lambda _: "many"), "runs", "gives 'many'; take"),
        (counting(lambda world: lots(world) and 1), "untouched", "changes the world"),
        (counting(lambda _: np.random.default_rng().random()), "untouched", "two numbers"),
    ],
)  # fmt: skip
def test_a_law_of_metrics_sees_its_mistake(cls: type[Metric], law: str, said: str) -> None:
    cls = register(f"count-{cls.__name__.lower()}")(cls)
    raises(PluginError, said, ACTING_LAWS["metric"][law], cls, {})


@pytest.fixture
def isolated() -> str:
    register("count-isolated")(Isolated)
    return "count_isolated"


def test_a_metric_of_a_plugin_is_taken_waited_for_and_alarming(isolated: str) -> None:
    assert check_acting(Isolated) == ("runs", "untouched")
    assert (unit_of(isolated), listed()[isolated]) == ("agents", ("agents", Isolated.says))
    world = World.from_edges([0, 1], [1, 2], 9)
    metrics = world.open_metrics()
    metrics.alerts.set("alone", metric=isolated, warning=5, says="many are alone")
    world.at(f"{isolated} > 6", "shock", factor=0.5)
    world.step(2)
    assert metrics.latest[isolated] == 7
    assert metrics[isolated].tolist() == [7, 7]
    assert [alert.name for alert in metrics.alerts.said] == ["alone"]
    assert world.interventions[0].done_at is not None
    again = World.restore(*world.dump())
    again.step()
    assert again.metrics is not None
    assert again.metrics[isolated].tolist() == [7, 7, 7]


def test_what_a_missing_metric_has_measured_stays(isolated: str) -> None:
    world = World.from_edges([0, 1], [1, 2], 9)
    world.open_metrics()
    world.at(f"{isolated} > 60", "shock", factor=0.5)
    world.step(2)
    meta, columns = world.dump()
    registry._known["metric"].pop("count-isolated")
    again = World.restore(meta, columns)
    assert again.digest() == world.digest()
    again.step()
    assert again.metrics is not None
    assert np.array_equal(again.metrics[isolated], [7, 7, np.nan], equal_nan=True)
    with pytest.raises(UnknownNameError):
        again.at(f"{isolated} > 60", "shock", factor=0.5)


def test_a_metric_that_fails_is_named_and_taken_no_more() -> None:
    class Failing(Isolated):
        def take(self, world: World) -> Any:
            raise KeyError("x")

    register("count-failing")(Failing)
    world = World.create(agents=20, mean_degree=4)
    metrics = world.open_metrics()
    world.step(3)
    (fault,) = metrics.faults
    assert fault.startswith(
        "Metric 'count_failing' failed and is taken no more: KeyError: 'x' "
        "(test_plugin_acting.py, line "
    )
    assert "count_failing" not in metrics.names


def _steps(world: World) -> None:
    world.step()


def _steps_at_first(world: World) -> None:
    if world.tick < 5:
        world.step()


def _injects(world: World) -> None:
    world.inject("x", seeds=[0], model="si")


def _moves(world: World) -> None:
    world.agents.set_activity([0], 0.5)


def _rewinds(world: World) -> None:
    world.tick = 0


@pytest.mark.parametrize("change", [_steps, _steps_at_first, _injects, _moves])
def test_a_metric_that_changes_the_world_is_named_by_the_check_and_in_a_run(
    change: Callable[[World], Any],
) -> None:
    mutating = register("count-mutating")(counting(lambda world: change(world) or 1.0))
    raises(PluginError, r"'count-mutating': it .* may only read", check_acting, mutating)
    world = World.create(agents=20, mean_degree=4)
    metrics = world.open_metrics()
    world.step(2)
    (said,) = metrics.faults
    assert "Metric 'count_mutating' failed and is taken no more" in said
    assert "may only read" in said
    assert ("count_mutating" in metrics.names) == (change is _moves)
    assert (world.tick, len(world.cascades)) == (2, 0)


@pytest.mark.parametrize("change", [_steps, _rewinds])
def test_an_intervention_that_touches_the_clock_is_named_by_the_check_and_in_a_run(
    change: Callable[[World], Any],
) -> None:
    hasty = register("hasty")(doing(lambda world: change(world) or "went on"))
    raises(PluginError, r"hasty.*(within a tick|the clock)", check_acting, hasty)
    world = World.create(agents=20, mean_degree=4)
    world.at(1, "hasty")
    world.step(3)
    assert world.tick == 3
    assert world.interventions[0].failed
    assert str(world.interventions[0]).startswith("hasty at tick 1 (could not be done")


def test_the_name_of_a_built_in_intervention_is_refused() -> None:
    cls = register("ban")(doing(lambda _: "done"))
    raises(PluginError, "built-in intervention", ACTING_LAWS["intervention"]["runs"], cls, {})


def test_a_world_whose_intervention_is_missing_opens_says_so_and_does_not_do_it() -> None:
    register("change-missing")(type("Missing", (Quiet,), {"__module__": __name__}))
    world = World.create(agents=20, mean_degree=4)
    world.at(2, "change-missing", left=0.25)
    meta, columns = world.dump()
    taken = registry._known["intervention"].pop("change-missing")
    again = World.restore(meta, columns)
    assert "plugin 'change-missing' of an intervention is missing" in again.remarks[0]
    assert again.digest() == world.digest()
    assert isinstance(again.interventions[0].does, LostIntervention)
    again.step(3)
    assert again.interventions[0].failed
    assert "load it: --plugin FILE" in again.interventions[0].result
    assert float(again.agents.activity.max()) > 0.25
    raises(InputError, "change-missing", again.at, 9, "change-missing")
    registry._known["intervention"]["change-missing"] = taken
    back = World.restore(meta, columns)
    back.step(3)
    assert float(back.agents.activity.max()) == 0.25


LEAVING = '''
import numpy as np
from sim import Act, Intervention, Metric, Policy, register

@register("leaving-policy")
class Leaving(Policy):
    """Ends the program."""

    def probabilities(self, exposures, platform):
        raise SystemExit(3)

@register("leaving-change")
class Change(Intervention):
    """Ends the program."""

    def do(self, world, number):
        raise SystemExit(3)

@register("mute-change")
class Mute(Intervention):
    """Tells an array."""

    def do(self, world, number):
        return np.arange(3)

@register("leaving-count")
class Count(Metric):
    """Ends the program."""

    def take(self, world):
        raise SystemExit(3)
'''
DAY = """
[network]
agents = 60
mean_degree = 6.0
[platform]
policy = "leaving-policy"
[metrics]
every = 1
[[interventions]]
at = 1
do = "leaving-change"
[[interventions]]
at = 1
do = "mute-change"
[stop]
ticks = 3
"""


@pytest.mark.parametrize("isolated", [(), pytest.param(("--isolated",), marks=pytest.mark.slow)])
def test_a_plugin_that_ends_the_program_is_named_and_the_run_goes_on(
    hubbub: Hubbub, tmp_path: Path, isolated: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.cli.start.probe_foreign", lambda: None)
    (tmp_path / "leaving.py").write_text(LEAVING)
    (tmp_path / "day.toml").write_text(DAY)
    words = ("--plugin", "leaving.py", *isolated, "--save", "end.hub", "--out", "end.json")
    said = hubbub("run", "day.toml", *words)
    assert said.code == 5, said.err
    for name in ("leaving-policy", "leaving-change", "mute-change", "leaving_count"):
        assert name in said.err + said.out, name
    assert "gave ndarray" in said.err + said.out
    assert len(json.loads((tmp_path / "end.json").read_text())["faults"]) == 4
    assert (tmp_path / "end.hub").is_file()
