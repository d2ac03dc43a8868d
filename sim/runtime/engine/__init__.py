"""The engine thread that owns a world: command queue, tick control, plugin guards."""
