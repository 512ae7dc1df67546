"""What is loaded into this process: models that compute here, each loaded once and shared by all who use it."""

from __future__ import annotations

from modelhub.engines.plan import Engine, Plan
from modelhub.engines.pool import EnginePool, engines

__all__ = ["Engine", "EnginePool", "Plan", "engines"]
