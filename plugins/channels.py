"""Who hears whom: the channels that come with Hubbub."""

from sim import BroadcastPlugin, FeedPlugin, StreamPlugin, register

__all__: list[str] = []

register("broadcast")(BroadcastPlugin)
register("feed")(FeedPlugin)
register("stream")(StreamPlugin)
