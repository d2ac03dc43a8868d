"""The report on the validation of models: it tells of each model and of each of its claims."""

from pathlib import Path

import pytest

from sim import names, spec
from sim.cli.validate import PAGE_BEGIN, PAGE_END
from sim.lab.validation import claims_of

PAGE = Path(__file__).parents[2] / "sim/lab/validation/README.md"
AGAIN = "hubbub validate --out sim/lab/validation/README.md writes it anew"
REPORT = PAGE.read_text().partition(PAGE_BEGIN)[2].partition(PAGE_END)[0]
MODELS = [name for name in names() if spec(name).origin.startswith("plugins.")]


@pytest.mark.parametrize("model", MODELS)
def test_the_report_names_each_claim_of_a_model(model: str) -> None:
    told = [line for line in REPORT.splitlines() if line.startswith(f"| `{model}` |")]
    claims = claims_of(model)
    assert len(told) == len(claims), AGAIN
    for line, claim in zip(told, claims, strict=True):
        assert line.startswith(f"| `{model}` | {claim.what.replace('|', chr(92) + '|')}"), AGAIN
        assert claim.how.format(runs=f"{claim.runs:,}") in line, AGAIN
        assert claim.source.replace("|", "\\|") in line, AGAIN


def test_every_claim_of_the_report_holds() -> None:
    assert "does not hold" not in REPORT
    count = sum(len(claims_of(model)) for model in MODELS)
    assert f"{count} claims of {len(MODELS)} models, the default runs: all hold." in REPORT
