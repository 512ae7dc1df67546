"""Pipelines over the wire: the classic tasks as ``{inputs, parameters}``, which the hub's servers and its router both take."""
