"""The screen: modes, dialogs and actions over a running simulation."""
