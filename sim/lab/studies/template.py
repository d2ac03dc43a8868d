"""A study to begin with: commented, small, and ready to run."""

from __future__ import annotations

import sim
from sim.core.toml import toml_value

__all__ = ["template"]

_TEXT = """\
# A study of Hubbub: one question, arms that may answer it, and what should be seen.
#   hubbub study run FILE --replicates 40      runs it; stopped, go on with --resume
#   hubbub study report FILE --into report.html
# Editors complete its keys by the schema that hubbub study schema --into study.schema.json writes.

[study]
title = {title}
question = "How much of a rumour does a correction stop, by how many it reaches first?"
seed = 1                      # of the first replicate; the next ones follow it
replicates = 20               # runs of each arm; one seed draws the same under every arm
worlds = 2                    # networks that replicates begin from in turn
measures = ["share", "depth"] # what is compared; the first is the main one
against = "unchecked"         # the arm that all others are compared with
expects = [                   # what should be seen, written down before the first run
  "share: checked < unchecked",
  {{ measure = "share", arm = "wide", against = "checked", direction = "less" }},
]
versions = {{ hubbub = {version} }}

# The base: the sections of a scenario. Or, in [study], scenario = "gallery:fact-check", and here
# only what differs from that.
[network]
kind = "preferential-attachment"
agents = 2000
mean_degree = 10
seed = 11

[[messages]]
text = "The bridge is closed for a year."
seeds = "random:10"
model = "competitive-cascade"
parameters = {{ probability = 0.15, tie = "priority" }}

[stop]
ticks = 40
until_quiet = true

# The arms: other keys of any section, as in the variants of a scenario.
[arms.unchecked]

[arms.checked]
interventions = [{{ at = 2, do = "fact-check", reach = 0.05, text = "The bridge is open." }}]

[arms.wide]
interventions = [{{ at = 2, do = "fact-check", reach = 0.2, text = "The bridge is open." }}]
"""


def template(title: str) -> str:
    """Return the text of a study file to begin with.

    Parameters
    ----------
    title
        Of the study, any text.

    Examples
    --------
    >>> template("A rumour").splitlines()[6]
    'title = "A rumour"'
    """
    return _TEXT.format(title=toml_value(title), version=toml_value(sim.__version__))
