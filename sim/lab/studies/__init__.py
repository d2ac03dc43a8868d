"""Studies: a question in a file, run so that it can be stopped, and reported to be repeatable.

A study (:mod:`~sim.lab.studies.study`) names arms, replicates, measures and expected
results; :func:`run_study` runs it; the findings hold the results, and write the report.
"""

from sim.lab.studies.findings import StudyFindings, Verdict, read_findings, run_study, run_study_now
from sim.lab.studies.study import (
    Claim,
    Study,
    StudyMeasure,
    StudySection,
    results_beside,
    schema,
    study_of,
    template,
    write_template,
)

__all__ = [
    "Claim",
    "Study",
    "StudyFindings",
    "StudyMeasure",
    "StudySection",
    "Verdict",
    "read_findings",
    "results_beside",
    "run_study",
    "run_study_now",
    "schema",
    "study_of",
    "template",
    "write_template",
]
