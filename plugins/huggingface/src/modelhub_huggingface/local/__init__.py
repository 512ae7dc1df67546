"""Models in this process: found on this machine, loaded once, shared, and computed one after another."""
