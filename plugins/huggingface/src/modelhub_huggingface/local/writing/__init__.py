"""Texts that are written token by token: many requests beside each other in one batch, each with settings of its own."""
