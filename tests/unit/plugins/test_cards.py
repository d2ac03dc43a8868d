"""Every built-in model says what it is, and refuses what it cannot take."""

from typing import Any

import pytest

from sim import make, spec
from sim.core import card_of, describe
from sim.errors import ParameterError
from sim.testing import tiny_world

MODELS = [
    "diffusion", "hybrid", "independent-cascade", "linear-threshold", "si", "sir", "sis", "viral",
]  # fmt: skip
CITED = {
    "diffusion": "ICML 2011", "hybrid": "Granovetter 1973", "independent-cascade": "KDD\n    2003",
    "linear-threshold": "KDD 2003", "sis": "Bailey 1975", "sir": "Kermack & McKendrick 1927",
    "viral": "PNAS 2007",
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_parameters_have_bounds_and_a_description(name: str) -> None:
    for parameter in describe(spec(name).cls):
        assert parameter.description
        assert parameter.choices or (parameter.low is not None and parameter.high is not None)
        assert parameter.default is not None


@pytest.mark.parametrize("name", CITED)
def test_models_name_their_source(name: str) -> None:
    assert CITED[name] in (spec(name).cls.__doc__ or "") + card_of(spec(name).cls).source


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("independent-cascade", {"probability": 1.5}, r"must be in \[0, 1\], got 1.5"),
        ("independent-cascade", {"weights": "trusted"}, "one of 'constant', 'trust'"),
        ("viral", {"attention": 0}, "attention must be"),
        ("viral", {"attention": 2.5}, "attention must be"),
        ("diffusion", {"span": 0}, "span must be"),
        ("hybrid", {"strong": "love"}, "one of 'community', 'trust'"),
        ("sir", {"beta": float("nan")}, "beta must be"),
        ("sir", {"gama": 0.1}, "did you mean 'gamma'"),
    ],
)
def test_parameters_out_of_range_are_refused(name: str, options: Any, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        make(name, **options)


@pytest.mark.parametrize(
    ("name", "mode"), [("independent-cascade", "skips"), ("sir", "skips"), ("viral", "coins")]
)
def test_the_draw_mode_is_the_model_s_own(name: str, mode: str) -> None:
    assert tiny_world().inject("x", seeds=[0], model=name).draws_mode == mode
