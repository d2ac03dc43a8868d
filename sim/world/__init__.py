"""The state and its tick: :mod:`~sim.world.world`, its phases, what it refuses.

Nothing is loaded here: worlds know the platform, whose modules need parts of this room first.
"""
