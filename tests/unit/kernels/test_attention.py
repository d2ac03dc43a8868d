"""Limited attention against a plain reading of its rules with the same draws."""

from collections import deque

import numpy as np

from sim import World, make
from sim.core import rng
from sim.spread.exposure.attention_kernels import NOTHING, OURS, Screens, post, take_turns
from tests.unit.kernels.networks import lent

ROWS = lent(np.array([[0, 2], [2, 1], [3, 2], [5, 0]], np.uint32))
TARGETS = lent(np.array([1, 2, 0, 0, 3], np.uint32))
NEW, REPOST, REUSE, LENGTH, SIZE = 0.3, 0.5, 0.4, 3, 2


class Plain:
    """Screens and memories as queues."""

    def __init__(self) -> None:
        self.screens = [deque([(0, 0)] * LENGTH, LENGTH) for _ in ROWS]
        self.memory = [[0] * SIZE for _ in ROWS]
        self.slot = [0] * len(ROWS)
        self.newest = int(OURS)
        self.first: dict[int, int] = {}

    def post(self, author: int, meme: int) -> None:
        start, length = ROWS[author].tolist()
        for listener in TARGETS[start : start + length].tolist():
            self.screens[listener].appendleft((meme, author))
        self.memory[author][self.slot[author]] = meme
        self.slot[author] = (self.slot[author] + 1) % SIZE

    def turn(self, agent: int, key: np.uint64) -> None:
        lots = rng.uniforms(key, [agent], np.arange(40))
        if lots[0] < NEW:
            self.newest += 1
            self.post(agent, self.newest)
            return
        for i, (meme, source) in enumerate(list(self.screens[agent])):
            if meme == 0 or lots[1 + 3 * i] >= REPOST:
                continue
            shown = meme, source
            if lots[2 + 3 * i] < REUSE and self.memory[agent][int(lots[3 + 3 * i] * SIZE)]:
                shown = self.memory[agent][int(lots[3 + 3 * i] * SIZE)], 0xFFFFFFFF
            if shown[0] == OURS:
                self.first.setdefault(agent, shown[1])
            self.post(agent, shown[0])


def test_turns_are_those_of_a_plain_reading() -> None:
    memes, authors = np.zeros((4, LENGTH), np.uint32), np.zeros((4, LENGTH), np.uint32)
    memory, heads, slots = np.zeros((4, SIZE), np.uint32), *np.zeros((2, 4), np.uint8)
    screens = Screens(memes, authors, heads, memory, slots)
    posted, seen = np.zeros(4, np.uint8), np.array([OURS, 0], np.int64)
    plain = Plain()
    first: dict[int, int] = {}
    post(ROWS, TARGETS, 0, OURS, screens)
    plain.post(0, int(OURS))
    for tick in range(12):
        key = rng.key(5, rng.Stream.CONTACTS, tick)
        turns = np.array([2, 0, 1, 3], np.uint32)
        who, whom = np.zeros((2, 5), np.uint32)
        found = take_turns(
            ROWS, TARGETS, turns, key, NEW, REPOST, REUSE, screens, posted, who, whom, seen
        )
        first |= dict(zip(who[:found].tolist(), whom[:found].tolist(), strict=True))
        for agent in turns.tolist():
            plain.turn(agent, key)
        for agent, screen in enumerate(plain.screens):
            newest = (heads[agent] + LENGTH - 1 - np.arange(LENGTH)) % LENGTH
            assert memes[agent, newest].tolist() == [meme for meme, _ in screen]
        assert memory.tolist() == plain.memory
    assert first == plain.first
    assert len(first) > 1
    assert seen[0] == plain.newest
    assert NOTHING == 0


def test_the_message_competes_in_a_world() -> None:
    world = World.create(agents=300, mean_degree=8, seed=4)
    story = world.inject("x", seeds=range(10), model="limited-attention", repost=0.2)
    world.agents.set_status([299], 6)
    world.step(5)
    assert story.error is None
    assert story.size > 10
    assert 299 not in story.adopters
    metrics = make("limited-attention").metrics(story)
    assert metrics["posts of the message"] >= story.size
    assert metrics["memes so far"] > 300


def test_without_reposts_only_seeds_post_and_it_is_forgotten() -> None:
    world = World.create(agents=60, mean_degree=8, seed=4)
    story = world.inject(
        "x", seeds=[1, 2], model="limited-attention", originality=1.0, screen=2, memory=1, turns=0.9
    )
    world.step(40)
    assert (story.size, story.status) == (2, "quiet")
    assert make("limited-attention").metrics(story)["posts of the message"] == 2
