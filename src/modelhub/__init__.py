"""modelhub: one uniform way to use text, embedding, image and speech models.

``import modelhub`` loads nothing but this table; each name is imported when it is first used.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modelhub.errors import ModelhubError as ModelhubError
