"""Built-in policies: how members act on the posts that a feed shows them."""

from sim import RulePolicy, register

register("rule")(RulePolicy)
