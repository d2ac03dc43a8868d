"""Every claim of every model, as ``hubbub validate`` runs it."""

import pytest

from sim import names, spec
from sim.lab import validate_now

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "model", [name for name in names() if spec(name).origin.startswith("plugins.")]
)
def test_what_a_model_claims_holds(model: str) -> None:
    found = validate_now(model)
    assert found.passes, found.conclusion()
