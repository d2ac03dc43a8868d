"""Members whose acts different policies decide."""

from typing import Any, ClassVar

import numpy as np

from sim import Act, Exposures, Platform, PlatformView, Policy, RulePolicy, World
from sim.errors import InputError, ParameterError, UnknownNameError
from sim.platform.acts.policy_dispatch import POLICY, ruled_by
from sim.world.state.snapshot import restore_in_place, still
from tests.raising import raises

RATES = ("likes", "reposts", "replies", "quotes", "dislikes", "reports", "follows", "mutes")
STILL = dict.fromkeys(RATES, 0.0)
LIKES = STILL | {"likes": 2.0}
DISLIKES = STILL | {"dislikes": 2.0}


def opened(**parameters: float) -> tuple[World, Platform]:
    world = World.create(agents=300, mean_degree=8, seed=3)
    platform = world.open_platform(rhythm="flat", posting=0.4, policy=RulePolicy(**parameters))
    return world, platform


def acts_of(platform: Platform) -> set[tuple[int, int, int]]:
    done = platform.acted
    chosen = done.act != np.uint8(Act.POST)
    columns = (done.agent[chosen], done.act[chosen], done.message[chosen])
    return set(zip(*(column.tolist() for column in columns), strict=True))


def test_each_member_does_what_its_own_policy_lets_it_whatever_decides_for_others() -> None:
    likes, dislikes = opened(**LIKES), opened(**DISLIKES)
    mixed, platform = opened(**LIKES)
    platform.behave("rule", np.arange(1, 300, 2), **DISLIKES)
    for world in (likes[0], dislikes[0], mixed):
        world.step(1)
    even = {act for act in acts_of(likes[1]) if act[0] % 2 == 0}
    odd = {act for act in acts_of(dislikes[1]) if act[0] % 2 == 1}
    assert acts_of(platform) == even | odd
    assert {act for _, act, _ in even} == {Act.LIKE}
    assert {act for _, act, _ in odd} == {Act.DISLIKE}


def test_policies_of_members_are_saved_grow_and_can_be_turned_back() -> None:
    world, platform = opened(**LIKES)
    before = still(world, lambda _name, column: np.array(column))
    platform.behave("rule", [1, 5], **DISLIKES)
    platform.recommend("popularity", [2])
    again = World.restore(*world.dump())
    assert again.platform is not None
    assert np.flatnonzero(ruled_by(again.platform)).tolist() == [1, 5]
    assert [each.values()["dislikes"] for each in again.platform.policies] == [0.0, 2.0]
    for each in (world, again):
        each.create_agents(3)
        each.step(2)
    assert (ruled_by(platform).size, again.digest()) == (303, world.digest())
    restore_in_place(world, before)
    assert (len(platform.policies), len(platform.recommenders), POLICY in platform.held) == (
        1, 1, False,
    )  # fmt: skip


class Failing(Policy):
    """Fails."""

    plugin_name: ClassVar[str] = "failing"

    def probabilities(self, exposures: Exposures, platform: PlatformView) -> dict[Act, Any]:
        raise ValueError("oops")


def test_rules_stand_in_for_a_policy_that_fails_and_it_is_said() -> None:
    world, platform = opened(**LIKES)
    platform.behave(Failing(), [k for k in range(300) if k % 3])
    beside, rules = opened(**LIKES)
    rules.behave("rule", [k for k in range(300) if k % 3])
    for each in (world, beside):
        each.step(2)
    (fault,) = platform.faults
    assert fault.startswith(
        "The policy 'failing' failed and decides no more; the rules do: ValueError: oops "
        "(test_policy_dispatch.py, line "
    )
    assert platform.log.counted[1].tolist() == rules.log.counted[1].tolist()
    assert isinstance(platform.policies[1], RulePolicy)


def test_one_policy_for_all_again_costs_nothing() -> None:
    _, platform = opened()
    platform.behave("rule", [3])
    assert POLICY not in platform.held  # the same as everybody's
    platform.behave("rule", [3], likes=0.0)
    platform.behave("rule", [3])
    assert (len(platform.policies), int(ruled_by(platform).sum())) == (2, 0)
    platform.behave(RulePolicy(likes=0.1))
    assert (platform.policy.values()["likes"], POLICY in platform.held) == (0.1, False)


def test_what_is_no_policy_is_refused() -> None:
    world, platform = opened()
    raises(UnknownNameError, r"rule", platform.behave, "rules")
    raises(ParameterError, r"likes must be in \[0, 2\]", platform.behave, "rule", [1], likes=9.0)
    raises(InputError, "No agent 300", platform.behave, "rule", [300], likes=1.0)
    for k in range(254):
        platform.behave("rule", [1], proof=1 + k / 100)
    raises(InputError, "at most 255 policies", platform.behave, "rule", [1], proof=9.0)
    meta, columns = world.dump()
    forged = {name: column.copy() for name, column in columns.items()}
    forged[f"platform.held.{POLICY}"][1] = 255
    raises(InputError, r"the platform.*policy|policy.*the platform", World.restore, meta, forged)


def test_a_policy_changes_for_some_members_at_a_tick() -> None:
    world, platform = opened(**LIKES)
    plan = world.at(1, "behave", agents="ids:4,9", parameters=DISLIKES)
    world.at(2, "behave", parameters=STILL)
    world.step(2)
    assert np.flatnonzero(ruled_by(platform)).tolist() == [4, 9]
    assert world.interventions[plan.number].result == "rule decides what 2 members do"
    world.step(1)
    assert (len(platform.policies), acts_of(platform)) == (1, set())
    assert world.interventions[1].result == "rule decides what everybody does"


def test_a_policy_that_is_not_here_is_told_with_what_stands_in_for_it() -> None:
    world, platform = opened()
    platform.behave(RulePolicy(), [1])
    meta, columns = world.dump()
    meta["platform"]["policy"]["name"] = "shy"
    (remark,) = World.restore(meta, columns).remarks
    assert "'shy' cannot be used" in remark
    assert remark.endswith("the built-in rules stand in for it; --plugin FILE brings it.")
