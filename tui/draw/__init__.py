"""Drawing: panes that take frames or plain arrays, and never touch the engine."""
