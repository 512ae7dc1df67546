"""Prompting: how a question is put. A strategy, a template and examples, switched on by ``[prompts.NAME]``."""

from __future__ import annotations

from modelhub.prompting.building import prompting

__all__ = ["prompting"]
