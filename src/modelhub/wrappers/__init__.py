"""Models around models: each adds one thing."""
