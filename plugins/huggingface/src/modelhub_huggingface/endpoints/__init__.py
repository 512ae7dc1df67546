"""Dedicated endpoints, by their address."""
