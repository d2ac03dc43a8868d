"""The way through a journal, against a world that remembers everything it ever was."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.store.journal.journal import JUMP, Checkpoint, EntryCounts, JournalEntry, Jump, ReplayLine

Path = tuple[object, ...]


def entry(number: int, tick: int, ticks: int, kind: str = "step") -> JournalEntry:
    return JournalEntry(
        number, tick, ticks, kind, "{}", "", (), EntryCounts(0, 0, 0, 0), b"", b"digest"
    )


@dataclass
class Naive:
    """A world whose state is the list of everything that led to it."""

    state: Path = ()
    tick: int = 0
    entries: list[JournalEntry] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    states: dict[int, Path] = field(default_factory=lambda: {0: ()})
    left: list[dict[int, Path]] = field(default_factory=lambda: [{}])

    def step(self, ticks: int) -> None:
        left = dict(self.left[-1])
        for _ in range(ticks):
            left[self.tick] = self.state
            self.tick += 1
            self.state += (self.tick,)
        self._add(ticks, "step", left)

    def command(self) -> None:
        self.state += (f"#{len(self.entries)}",)
        self._add(0, "inject", dict(self.left[-1]))

    def go(self, line: int, tick: int) -> None:
        """Go to a tick on the line to an entry, as it was left (or last was, at its end)."""
        left = self.left[line] | {self.ends(line): self.states[line]}
        self.state, self.tick = left[tick], tick
        self.jumps.append(Jump(len(self.entries) + 1, tick, line))
        self._add(0, JUMP, {at: state for at, state in left.items() if at < tick})

    def ends(self, line: int) -> int:
        return self.entries[line - 1].tick if line else 0

    def _add(self, ticks: int, kind: str, left: dict[int, Path]) -> None:
        self.entries.append(entry(len(self.entries) + 1, self.tick, ticks, kind))
        self.states[len(self.entries)] = self.state
        self.left.append(left)

    def replayed(self, line: ReplayLine) -> tuple[Path, int]:
        """Do again what is on a line, knowing nothing else."""
        state: Path = ()
        tick = 0
        for each in self.entries:
            part = line.of(each)
            if part is None:
                continue
            if part.kind == "inject":
                state += (f"#{each.number - 1}",)
            for _ in range(part.ticks):
                tick += 1
                state += (tick,)
            assert tick == part.tick
        return state, tick


@given(st.data())
def test_a_line_leads_to_what_the_world_was(data: st.DataObject) -> None:
    world = Naive()
    for _ in range(data.draw(st.integers(0, 12))):
        act = data.draw(st.sampled_from(["step", "inject", "go"]))
        if act == "step":
            world.step(data.draw(st.integers(1, 4)))
        elif act == "inject":
            world.command()
        else:
            chosen = data.draw(st.integers(0, len(world.entries)))
            known = sorted({*world.left[chosen], world.ends(chosen)})
            world.go(chosen, data.draw(st.sampled_from(known)))
    for number in range(len(world.entries) + 1):
        line = ReplayLine.to(world.jumps, number)
        assert world.replayed(line) == (world.states[number], world.ends(number))
        for tick, state in world.left[number].items():
            assert world.replayed(ReplayLine.to(world.jumps, number, tick)) == (state, tick)


def test_a_line_comes_by_the_checkpoints_taken_on_it() -> None:
    line = ReplayLine.to([Jump(11, 3, 10)], 15)
    taken = [(0, 0), (2, 3), (4, 5), (10, 9), (11, 3), (15, 7), (16, 8)]
    found = [line.leads_by(Checkpoint(number, tick, "", "", b"")) for number, tick in taken]
    assert found == [True, True, False, False, True, True, False]


def test_an_entry_cut_short_has_no_digest() -> None:
    line = ReplayLine.to([], 9, 5)
    part = line.of(entry(3, 8, 6))
    assert part is not None
    assert (part.tick, part.ticks, part.command, part.digest) == (5, 3, '{"args":[3]}', b"")
    assert line.of(entry(10, 4, 1)) is None


@pytest.mark.parametrize("jump", [Jump(4, 1, 4), Jump(4, 1, -1), Jump(4, -1, 2)])
def test_a_jump_to_nowhere_is_refused(jump: Jump) -> None:
    with pytest.raises(ValueError, match="entry 4 leads nowhere"):
        ReplayLine.to([jump], 5)
