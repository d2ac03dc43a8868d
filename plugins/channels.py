"""Built-in channels, which decide who hears whom in a tick: ties, feeds, or contacts with times."""

from sim import BroadcastPlugin, FeedPlugin, StreamPlugin, register

__all__: list[str] = []

register("broadcast")(BroadcastPlugin)
register("feed")(FeedPlugin)
register("stream")(StreamPlugin)
