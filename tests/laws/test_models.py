"""Every registered propagation model keeps the laws, and the laws can be broken."""

from typing import Any, ClassVar

import numpy as np
import pytest

from sim import Cascade, Contacts, Draws, PropagationModel, convince, names, spec
from sim.errors import PluginError
from sim.testing import check_plugin


def model_class(name: str) -> type[PropagationModel]:
    cls = spec(name).cls
    assert issubclass(cls, PropagationModel)
    return cls


BUILT_IN = [name for name in names() if spec(name).origin.startswith("plugins.")]
"""Other tests of the same process may have registered models of their own."""


@pytest.mark.parametrize("name", BUILT_IN)
def test_model_keeps_the_laws(name: str) -> None:
    assert "resumes" in check_plugin(model_class(name))


class Bad(PropagationModel):
    """Convinces everybody who hears it."""

    states: ClassVar[tuple[str, ...]] = ("inactive", "active")

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        convince(cascade, contacts, draws, chance=self.bad(cascade, contacts))

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return 0.3


class Restless(Bad):
    """Draws from a generator of its own."""

    generator: ClassVar[Any] = np.random.default_rng(1)

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return float(self.generator.random())


class Vandal(Bad):
    """Writes into the network."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        contacts.targets[0] = 1
        return 0.3


class Crowded(Bad):
    """Looks at how many agents there are."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return 20.0 / contacts.agents


class Forgetful(Bad):
    """Keeps its memory outside the columns that are saved."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        cascade.memo = (cascade.memo or 0) + 1
        return float(min(0.05 + 0.15 * cascade.memo, 1.0))


class Twice(Bad):
    """Lets a seed adopt again."""

    def step(self, cascade: Cascade, contacts: Contacts, draws: Draws) -> None:
        cascade.adopt(cascade.seeds)


class Quitter(Bad):
    """Wants to end the program."""

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        raise SystemExit(3)


class Shrinking(Bad):
    """Convinces fewer the more adopted."""

    progressive: ClassVar[bool] = True

    def bad(self, cascade: Cascade, contacts: Contacts) -> float:
        return 0.9 / cascade.frontier.size**2


@pytest.mark.parametrize(
    ("cls", "sentence"),
    [
        (Restless, "two results for one seed"),
        (Vandal, "read-only"),
        (Crowded, "isolated agents"),
        (Forgetful, "did not resume"),
        (Twice, "adopt twice"),
        (Quitter, "SystemExit"),
        (Shrinking, "lost adopters"),
    ],
)
def test_broken_model_is_named(cls: type[PropagationModel], sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        check_plugin(cls)
