"""Models around models: each adds one thing, for every kind."""
