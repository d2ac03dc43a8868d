"""How members act on what they see."""

from sim import RulePolicy, register

__all__: list[str] = []

register("rule")(RulePolicy)
