"""Mistakes of an author: each is told with the file, the line and the cure.

`` # <-`` marks the line that the sentence must name.
"""

import re
from pathlib import Path

import pytest

from sim import load_file
from sim.errors import PluginError
from sim.testing.judge import judged

HEAD = """
import numpy as np
from sim import Act, Compartments, Field, Heard, PerExposure, Policy, PropagationModel, Recommender
from sim import contact, register
"""
MEANT = {
    "CHANCE": "    def chance(self, exposure):\n        return exposure.trust\n",
    "STATES": '    states = ("susceptible", "infected")\n    seeded = "infected"\n',
}


def cases(told: str) -> dict[str, tuple[str, str]]:
    """(what the sentence must say, text of the file) of each mistake, headed ``== name: say``."""
    for word, text in MEANT.items():
        told = told.replace(f"    {word}\n", text)
    _, *parts = re.split(r"^== (.+?): (.+)$", told, flags=re.MULTILINE)
    return dict(zip(parts[::3], zip(parts[1::3], parts[2::3], strict=True), strict=True))


LOADED = cases("""
== misspelt field: did you mean 'Field'?
from sim import Feild, PerExposure, register  # <-
== missing import: write: from sim import PerExposure
from sim import Field, register

@register("m-import")
class M(PerExposure):  # <-
    pass
== no type: base: float = Field(...)
@register("m-type")
class M(PerExposure):  # <-
    base = Field(0.1, ge=0)
    CHANCE
== unknown field option: a bound is written ge=
@register("m-option")  # <-
class M(PerExposure):
    base: float = Field(0.1, minimum=0)
    CHANCE
== non-numeric bound: the parameter base has a bound that does not fit
@register("m-bound")
class M(PerExposure):  # <-
    base: float = Field(0.1, ge="zero")
    CHANCE
== no parentheses: @register('my-model')
@register  # <-
class M(PerExposure):
    CHANCE
== bad name: try 'my-model'
@register("My_Model")  # <-
class M(PerExposure):
    CHANCE
== no base: inherit a form such as PerExposure
@register("m-base")  # <-
class M:
    pass
== not registered: decorate its class
class M(PerExposure):  # <-
    CHANCE
== two of one name: M and N, are registered as 'm-twice'
@register("m-twice")
class M(PerExposure):
    CHANCE

@register("m-twice")  # <-
class N(PerExposure):
    CHANCE
== scores for score: write def score(self, candidates)
@register("m-scores")
class M(Recommender):
    def scores(self, candidates):  # <-
        return candidates.interest
== wrong signature policy: write def probabilities(self, exposures, platform)
@register("m-policy")
class M(Policy):
    def probabilities(self, exposures):  # <-
        return {Act.LIKE: 0.1}
== async: write def chance(self, exposure)
@register("m-async")
class M(PerExposure):
    async def chance(self, exposure):  # <-
        return exposure.trust
== pydantic name: choose another name
@register("m-copy")  # <-
class M(PerExposure):
    step: float = Field(0.1, description="x")
    CHANCE
== unknown state: Did you mean 'infected'?
@register("m-state")
class M(Compartments):  # <-
    STATES
    rules = (contact("susceptible", "infectd", by="infected", chance=0.1),)
== unknown by: Did you mean 'infected'?
@register("m-by")
class M(Compartments):  # <-
    STATES
    rules = (contact("susceptible", "infected", by="infectious", chance=0.1),)
== rules no comma: with a comma
@register("m-comma")
class M(Compartments):  # <-
    STATES
    rules = (contact("susceptible", "infected", by="infected", chance=0.1))
== no seeded: does not say in which state a message starts; write seeded = 'infected'
@register("m-seeded")
class M(Compartments):  # <-
    states = ("susceptible", "infected")
    rules = (contact("susceptible", "infected", by="infected", chance=0.1),)
== contacts 0: at least 1 or 'every tie'
@register("m-contacts")
class M(Compartments):  # <-
    STATES
    contacts = 0
    rules = (contact("susceptible", "infected", by="infected", chance=0.5),)
== contact without by: by=..., chance=...
@register("m-noby")
class M(Compartments):
    STATES
    rules = (contact("susceptible", "infected", chance=0.5),)  # <-
""")
RUN = cases("""
== state in self: cascade.columns
@register("m-inself")
class M1(PerExposure):
    def chance(self, exposure):
        self.heard = exposure.trust  # <-
        return exposure.trust
== no super: super().__init__(**values)
@register("m-nosuper")
class M3(PerExposure):
    base: float = Field(0.1, description="x")
    def __init__(self, **k):  # <-
        pass
    def chance(self, exposure):
        return self.base * exposure.trust
== init raises: RuntimeError: no
@register("m-init")
class M4(PerExposure):
    def __init__(self, **k):
        super().__init__(**k)
        raise RuntimeError("no")  # <-
    CHANCE
== retweet: REPOST
@register("m-retweet")
class M5(Policy):
    def probabilities(self, exposures, platform):
        return {Act.RETWEET: exposures.appeal}  # <-
== viewer attribute: Did you mean 'openness'?
@register("m-viewer")
class M9(PerExposure):
    def chance(self, exposure):
        return exposure.viewer.opennes  # <-
== returns none: is a return missing?
@register("m-none")
class M12(PerExposure):
    def chance(self, exposure):  # <-
        exposure.trust * 0.1
== returns shape: one number an exposure
@register("m-shape")
class M13(PerExposure):
    def chance(self, exposure):  # <-
        return exposure.trust[:-1]
== mutates in array: change a copy
@register("m-mutates-array")
class M18(PropagationModel):
    def step(self, cascade, contacts, draws):
        contacts.people.column("openness")[0] = 0  # <-
== adopts floats: compare, as in > 0.5
@register("m-adopts")
class M21(Heard):
    states = ("out", "member")
    def adopts(self, heard):  # <-
        return heard.share["member"]
== deep: cannot reshape
def helper(trust):
    return np.reshape(trust, (3, 7, 11))  # <-

@register("m-deep")
class M32(PerExposure):
    def chance(self, exposure):
        return helper(exposure.trust)
== property above 1: must be in [0, 1]
@register("m-property-above")
class M26(Compartments):
    states = ("s", "i")
    seeded = "i"
    rules = (contact("s", "i", by="i", chance="beta"),)
    @property  # <-
    def beta(self):
        return 1.5
== no such parameter: Did you mean 'beta'?
@register("m-parameter")  # <-
class NoM(Compartments):
    beta: float = Field(0.1, ge=0, le=1)
    STATES
    rules = (contact("susceptible", "infected", by="infected", chance="bata"),)
== chance above 1: must be in [0, 1]
@register("m-chance")  # <-
class ChanceM(Compartments):
    STATES
    rules = (contact("susceptible", "infected", by="infected", chance=1.5),)
""")


def line(text: str) -> int:
    """Return the number of the marked line."""
    (found,) = [place for place, each in enumerate(text.splitlines(), 1) if "# <-" in each]
    return found


@pytest.mark.filterwarnings("ignore:Field name", "ignore:Using extra keyword")
@pytest.mark.parametrize("mistake", LOADED)
def test_a_file_that_cannot_be_loaded_says_where_and_what_to_write(
    mistake: str, tmp_path: Path
) -> None:
    cure, text = LOADED[mistake]
    text = ("" if "from sim" in text else HEAD) + text
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(PluginError) as caught:
        load_file(file)
    assert f"(mine.py, line {line(text)})" in str(caught.value)
    assert cure in str(caught.value)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a check says of every model that loads; one file holds them all."""
    file = tmp_path_factory.mktemp("mistakes") / "mine.py"
    file.write_text(HEAD + "".join(text for _, text in RUN.values()))
    return {verdict.model: verdict.sentence for verdict in judged(str(file))}


@pytest.mark.parametrize("mistake", RUN)
def test_a_model_that_fails_says_where_and_what_to_write(
    mistake: str, told: dict[str, str]
) -> None:
    cure, text = RUN[mistake]
    ahead = list(RUN.values())[: list(RUN).index(mistake)]
    before = HEAD + "".join(text for _, text in ahead)
    (name,) = re.findall(r'@register\("(.*?)"', text)
    assert f"(mine.py, line {len(before.splitlines()) + line(text)})" in told[name]
    assert cure in told[name]
