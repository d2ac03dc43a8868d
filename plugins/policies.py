"""Built-in policies: how members act on the posts that a feed shows them."""

from sim import RulePolicy, register

__all__: list[str] = []

register("rule")(RulePolicy)
