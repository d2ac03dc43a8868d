from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim import World, load, save
from tests.unit.cli.conftest import Hubbub

Write = Callable[[str], Path]

WORLD = """
[network]
world = "line.hub"

[[messages]]
text = "A word."
seeds = "ids:a"
model = "si"
parameters = { beta = 1.0 }

[stop]
until_quiet = true

[outputs]
save = "out.hub"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A world in which a is heard by b, b by c, c by d; and a scenario about it."""
    world = World.from_edges([0, 1, 2], [1, 2, 3], 6, ids=["a", "b", "c", "d", "e", "f"])
    save(world, tmp_path / "line.hub")

    def to_file(text: str) -> Path:
        (tmp_path / "story.toml").write_text(WORLD + text)
        return Path("story.toml")

    return to_file


def command(do: str, agents: str, others: str, at: int = 0) -> str:
    return f'[[commands]]\nat = {at}\ndo = "{do}"\nagents = {agents}\nothers = {others}\n'


def reached(tmp_path: Path) -> list[str]:
    world = load(tmp_path / "out.hub")
    return sorted(str(world.agents.id(agent)) for agent in world.cascades[0].adopters.tolist())


@pytest.mark.parametrize(("commands", "heard"), [
    ("", "abcd"), (command("unfollow", '["c"]', '["b"]', 1), "ab"),
    (command("unfollow", '["c"]', '["b"]', 2), "abcd"),
    (command("mute", '["d"]', '"ids:c"'), "abc"),
    (command("follow", '["e", "f"]', '["d"]', 5), "abcdef"),
    (command("block", '["b"]', '["a"]') + command("befriend", '["b"]', '["c"]'), "a"),
    (command("follow", '["e", "b", "c"]', '["a", "e"]'), "abcde"),
])  # fmt: skip
def test_ties_change_at_the_tick_that_is_asked_for(
    hubbub: Hubbub, write: Write, tmp_path: Path, commands: str, heard: str
) -> None:
    hubbub("run", write(commands)).well()
    assert "".join(reached(tmp_path)) == heard


def test_a_run_waits_for_what_is_still_to_be_done(hubbub: Hubbub, write: Write) -> None:
    assert hubbub("run", write(command("follow", '["e"]', '["d"]', 9))).code == 0
    assert load(Path("out.hub")).cascades[0].adopted_at.tolist() == [0, 1, 2, 3, 10, -1]


def test_what_was_done_is_on_the_trail(hubbub: Hubbub, write: Write, tmp_path: Path) -> None:
    hubbub("run", write(command("befriend", '["a", "b"]', '["c", "b"]', 1)))
    world = load(tmp_path / "out.hub")
    (act,) = [act for act in world.trail.acts if act.kind == "befriend"]
    assert (act.tick, act.said) == (1, '{"args":[[0,0,1],[2,1,2]],"keywords":{}}')
    assert world.tie_history(0, 2).tick.tolist() == [1]
    assert np.array_equal(world.neighbours(0, "friends"), [1, 2])


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        (command("folow", '["a"]', '["b"]'), "story.toml: [[commands]] number 1: do "),
        (
            command("follow", '["a"]', '["zz"]'),
            "story.toml: [[commands]] number 1: No member has the id 'zz'",
        ),
        (command("follow", '"top:3:fame"', '["a"]'), "story.toml: [[commands]] number 1:"),
        ("[commands]\nat = 3\n", "story.toml: commands are written as [[commands]]"),
        ('[[commands]]\ndo = "mute"\nagents = ["a"]\n', "others"),
    ],
)
def test_a_slip_is_said_with_its_place(
    hubbub: Hubbub, write: Write, tmp_path: Path, commands: str, says: str
) -> None:
    said = hubbub("run", write(commands))
    assert says in said.err
    assert said.code in {2, 3}
    assert not (tmp_path / "out.hub").exists()


def test_too_many_pairs_are_refused(
    hubbub: Hubbub, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.scenario.plan.MOST_PAIRS", 3)
    said = hubbub("run", write(command("follow", '["a", "b"]', '["e", "f"]')))
    assert "at most 3 pairs, and 2 agents with 2 others are 4" in said.err


def test_a_run_in_another_process_does_the_same_commands(
    hubbub: Hubbub, write: Write, tmp_path: Path, in_a_thread: None
) -> None:
    words = command("follow", '["e", "f"]', '["d"]', 5) + command("mute", '["a"]', '["e"]', 9)
    assert hubbub("run", write(words)).code == 0
    plain = load(tmp_path / "out.hub")
    said = hubbub("run", write(words), "--isolated", "--force")
    isolated = load(tmp_path / "out.hub")
    assert (said.code, isolated.tick, isolated.digest()) == (0, 9, plain.digest())
    assert "".join(reached(tmp_path)) == "abcdef"


def test_a_slip_in_another_process_is_said_with_its_place(
    hubbub: Hubbub, write: Write, in_a_thread: None
) -> None:
    begun = hubbub("run", write(command("follow", '["a"]', '["zz"]')), "--isolated")
    later = hubbub("run", write(command("follow", '["a"]', '["zz"]', 2)), "--isolated")
    for said, code in ((begun, 3), (later, 1)):
        assert "story.toml: [[commands]] number 1: No member has the id 'zz'" in said.err
        assert said.code == code


def test_what_makes_no_sense_in_a_scenario_is_one_sentence(hubbub: Hubbub, write: Write) -> None:
    said = hubbub("run", write(""), "--minds", "ids:a", "--isolated")
    assert "Minds need the program's own process; leave out --isolated." in said.err
    said = hubbub("run", write(command("follow", '["b"]', '["b"]')))
    assert (said.code, said.err.count("nobody can follow itself; name others.")) == (3, 1)
    said = hubbub("run", write('[[interventions]]\nat = 0\ndo = "bann"\nagents = "ids:b"\n'))
    assert said.err.endswith("No intervention named 'bann' (Did you mean 'ban'?).\n")


def test_a_command_at_the_end_is_done_and_a_later_one_is_told(hubbub: Hubbub, write: Write) -> None:
    later = command("follow", '["f"]', '["a"]', at=2) + command("follow", '["e"]', '["a"]', at=3)
    said = hubbub("run", write(later), "--ticks", "2")
    assert "number 2: follow at 3 is not done; the run ends at 2." in said.err
    world = load(Path("out.hub"))
    assert world.ties.listeners(world.agents.index("a")).tolist() == [1, 5]
