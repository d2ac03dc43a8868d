"""Built-in minds, which decide the acts of members: language models, archetypes, surrogates."""

from sim import CamelMind, ModelMind, register
from sim.minds import ArchetypeMind, RuleMind, SurrogateMind

register("rule")(RuleMind)
register("model")(ModelMind)
register("archetype")(ArchetypeMind)
register("surrogate")(SurrogateMind)
register("camel")(CamelMind)
