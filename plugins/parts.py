"""Built-in channels, minds and policies: who hears whom, who decides, how members act on posts."""

from sim import CamelMind, ModelMind, RulePolicy, register
from sim.minds import ArchetypeMind, RuleMind, SurrogateMind
from sim.world import BroadcastPlugin, FeedPlugin, StreamPlugin

register("broadcast")(BroadcastPlugin)
register("feed")(FeedPlugin)
register("stream")(StreamPlugin)

register("rule")(RuleMind)
register("model")(ModelMind)
register("archetype")(ArchetypeMind)
register("surrogate")(SurrogateMind)
register("camel")(CamelMind)

register("rule")(RulePolicy)
