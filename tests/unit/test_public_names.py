"""The public names are there, and cost nothing until used."""

import subprocess
import sys

import pytest

import sim


@pytest.mark.parametrize("name", sorted(set(sim.__all__) - {"Simulation"}))
def test_public_name_is_there(name: str) -> None:
    assert getattr(sim, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Wrld'"):
        _ = sim.Wrld


def test_importing_sim_imports_nothing_heavy() -> None:
    code = "import sys, sim; print(sorted({'numpy', 'numba', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_are_listed() -> None:
    assert "World" in dir(sim)
