"""Comparison of two minds, or two prompts, in the same members of the same world."""

from sim.lab.minds.comparison import (
    MIND_MEASURES,
    ArmAgreement,
    MindsArm,
    MindsComparison,
    arm_of,
    compare_minds,
    compare_minds_now,
)

__all__ = [
    "MIND_MEASURES",
    "ArmAgreement",
    "MindsArm",
    "MindsComparison",
    "arm_of",
    "compare_minds",
    "compare_minds_now",
]
