"""The JSON Schema of study files: for editors, which complete keys and mark what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sim.lab.studies.sections import StudySection
from sim.platform.settings import PlatformSettings
from sim.scenario.sections import (
    CommandSection,
    InterventionSection,
    MessageSection,
    NetworkSection,
    PopulationSection,
    StopSection,
)

__all__ = ["PUBLISHED", "schema"]

PUBLISHED = Path(__file__).with_name("study.schema.json")
"""The schema of this version, as it is published."""

_PARTS: dict[str, type[BaseModel]] = {
    "study": StudySection, "network": NetworkSection, "population": PopulationSection,
    "stop": StopSection, "messages": MessageSection, "commands": CommandSection,
    "interventions": InterventionSection,
}  # fmt: skip
_BLOCKS = ("messages", "commands", "interventions")
_LOOSE = {
    "metrics": "what is taken of the world, and how often",
    "alerts": "thresholds by the name of the alert; false: off",
}
_OF_PLATFORM = {
    "recommender": {"type": "string", "description": "who ranks the feeds"},
    "policy": {"type": "string", "description": "who decides what members do"},
    "parameters": {"type": "object", "description": "of the recommender"},
    "policy_parameters": {"type": "object", "description": "of the policy"},
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a study file.

    Examples
    --------
    >>> found = schema()
    >>> found["properties"]["arms"]["additionalProperties"]["$ref"]
    '#/$defs/Arm'
    """
    models: list[type[BaseModel]] = [*_PARTS.values(), PlatformSettings]
    refs, whole = models_json_schema([(cls, "validation") for cls in models])
    parts = {name: refs[cls, "validation"] for name, cls in _PARTS.items()}
    for name in _BLOCKS:
        parts[name] = {"type": "array", "items": parts[name]}
    defs = whole["$defs"]
    defs["PlatformSettings"]["properties"] |= _OF_PLATFORM
    parts["platform"] = {"anyOf": [refs[PlatformSettings, "validation"], {"type": "boolean"}]}
    parts |= {name: {"type": "object", "description": says} for name, says in _LOOSE.items()}
    arm = {name: part for name, part in parts.items() if name != "study"}
    defs["Arm"] = {"type": "object", "properties": arm, "additionalProperties": False}
    parts["arms"] = {
        "type": "object", "additionalProperties": {"$ref": "#/$defs/Arm"},
        "description": "each with other keys of any section than the base",
    }  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of Hubbub",
        "type": "object",
        "properties": parts,
        "additionalProperties": False,
        "$defs": defs,
    }
