"""What hosts that speak the dialect differ in, as data: a row of configuration is enough for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Quirks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How a host departs from OpenAI's own API; the defaults are OpenAI's.

    A parameter that a host refuses by name with a 400 is found out at the first refusal and left out from then on; what stands
    here saves that first refusal.
    """

    max_tokens: Literal["max_tokens", "max_completion_tokens"] | None = None
    """How the limit of the answer is called; left out, the base model decides."""
    stream_usage: bool = True
    """Whether ``stream_options.include_usage`` may be sent."""
    structured_output: Literal["json_schema", "json_object", "none"] = "json_schema"
    """The best that ``response_format`` takes. Where it takes no schema, the schema is put into the prompt."""
    schema_limits: bool = True
    """Whether a strict schema may hold ``minimum``, ``pattern``, ``minItems`` and the like; else they are put into words."""
    system_role: Literal["system", "developer"] = "system"
    parallel_tool_calls: bool = True
    """Whether ``parallel_tool_calls`` may be sent."""
    forced_tools: bool = True
    """Whether ``tool_choice`` may force a tool."""
    named_tools: bool = True
    """Whether ``tool_choice`` may name a tool; where not, that tool alone is sent, and required."""
    embedding_format: Literal["base64", "float"] | None = "base64"
    """What ``encoding_format`` asks for; ``false`` sends none and reads both."""
    embedding_index: bool = True
    """Whether each vector says which text it belongs to; ``false`` trusts the order in which they come."""
    reasoning: Literal["reasoning_content", "reasoning"] | None = None
    """The field in which an assistant's earlier reasoning is sent back; left out, it is not."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Body fields that go by another name here: ``{ seed = "random_seed" }``."""
    omit: tuple[str, ...] = ()
    """Body fields that are never sent."""

    def written(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body's fields as this host calls them, without those that are never sent."""
        return {self.rename.get(name, name): value for name, value in body.items() if name not in self.omit}
