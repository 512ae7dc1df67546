"""What is loaded into this process: models that compute here, each loaded once and shared by all who use it."""

from __future__ import annotations

from modelhub.engines.pool import Engine, EnginePool, Plan, engines

__all__ = ["Engine", "EnginePool", "Plan", "engines"]
