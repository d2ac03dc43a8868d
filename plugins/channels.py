"""Built-in channels, which decide who hears whom in a tick: ties, feeds, or contacts with times."""

from sim import register
from sim.world import BroadcastPlugin, FeedPlugin, StreamPlugin

register("broadcast")(BroadcastPlugin)
register("feed")(FeedPlugin)
register("stream")(StreamPlugin)
