"""Models with one planted defect each; no test imports this file, it is tried as a plugin."""

import os
import random
import time
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from sim import (
    Compartments,
    Exposure,
    Field,
    PerExposure,
    PropagationModel,
    contact,
    convince,
    register,
)

SEEN: list[Any] = []


class Sound(PropagationModel):
    """Convinces by a constant chance."""

    def step(self, cascade: Any, contacts: Any, draws: Any) -> None:
        convince(cascade, contacts, draws, chance=self.how(cascade, contacts, draws))

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return 0.3


@register("defect-none")
class Fine(Sound):
    """Has none."""


@register("defect-writes")
class Writes(Sound):
    """Writes into a column."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        contacts.people.column("activity")[0] = 0.5
        return 0.3


@register("defect-forces")
class Forces(Sound):
    """Writes into a column behind its lock."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        contacts.people.column("activity").base[0] += 1
        return 0.3


@register("defect-random")
class Random(Sound):
    """Draws from Python's generator."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return random.random()


@register("defect-randint")
class RandInt(Sound):
    """Draws from Python's generator through a function of Python."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return random.randint(1, 9) / 10


@register("defect-numpy")
class Numpy(Sound):
    """Draws from numpy's global generator."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        np.random.seed(4)  # noqa: NPY002 - a defect
        return float(np.random.random())  # noqa: NPY002 - a defect


@register("defect-generator")
class Generator(Sound):
    """Makes a generator of its own."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return float(np.random.default_rng(draws.tick).random())


@register("defect-urandom")
class Urandom(Sound):
    """Asks the system for randomness."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return os.urandom(1)[0] / 255


@register("defect-order")
class Order(Sound):
    """Lets the first two speak."""

    def step(self, cascade: Any, contacts: Any, draws: Any) -> None:
        convince(cascade, contacts, draws, chance=0.5, speakers=cascade.frontier[:2])


@register("defect-timid")
class Timid(Sound):
    """Lets the first two speak, at a chance so small that it hardly shows."""

    chance: float = Field(0.01, ge=0, le=1, description="chance of an attempt")

    def step(self, cascade: Any, contacts: Any, draws: Any) -> None:
        speakers = cascade.frontier[:2]
        convince(cascade, contacts, draws, chance=self.chance, speakers=speakers)


@register("defect-leak")
class Leak(Sound):
    """Keeps everything."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        SEEN.append(np.zeros(1000))
        return 0.3


@register("defect-hog")
class Hog(Sound):
    """Asks for 8 PB."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return float(np.ones(10**15).mean())


@register("defect-exit")
class Exit(Sound):
    """Ends the program."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        raise SystemExit(3)


@register("defect-interrupt")
class Interrupt(Sound):
    """Pretends that somebody pressed Ctrl-C."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        raise KeyboardInterrupt


@register("defect-print")
class Print(Sound):
    """Prints escape codes."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        print("\x1b[2J gone")  # noqa: T201 - a defect
        return 0.3


@register("defect-terminal")
class Terminal(Sound):
    """Writes escape codes past Python."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        os.write(1, b"\x1b[2J gone")
        return 0.3


@register("defect-clock")
class Clock(Sound):
    """Looks at the clock."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return 0.3 if time.time() > 0 else 0.2


@register("defect-date")
class Date(Sound):
    """Looks at the calendar."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        return 0.3 if datetime.now().year > 0 else 0.2  # noqa: DTZ005 - a defect


@register("defect-state")
class State(Sound):
    """Keeps a count on its class."""

    heard: ClassVar[dict[int, int]] = {}

    def start(self, cascade: Any) -> None:
        self.heard[cascade.id] = 0
        cascade.adopt(cascade.seeds)

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        self.heard[cascade.id] = self.heard.get(cascade.id, 0) + 1
        return 0.3 if self.heard[cascade.id] < 4 else 0.9


@register("defect-branch")
class Branch(PerExposure):
    """Branches on a column."""

    def chance(self, exposure: Exposure) -> Any:
        return 0.5 if exposure.trust > 0.5 else 0.1


@register("defect-shape")
class Shape(PerExposure):
    """Returns too few chances."""

    def chance(self, exposure: Exposure) -> Any:
        return np.zeros(1)


@register("defect-rules")
class Rules(Compartments):
    """Has chances that sum to more than one."""

    states: ClassVar[tuple[str, ...]] = ("in", "out")
    seeded: ClassVar[str] = "out"
    rules: ClassVar = (
        contact("in", "out", by="out", chance=0.7),
        contact("in", "out", by="out", chance=0.7),
    )


@register("defect-keeper")
class Keeper(Sound):
    """Keeps what belongs to worlds that are gone."""

    def how(self, cascade: Any, contacts: Any, draws: Any) -> float:
        SEEN.append(cascade)
        return 0.3
