"""Models that come in another form than an engine runs: written as a file first, by the plugin that knows how."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from modelhub.catalog.inspecting import providers
from modelhub.catalog.store import Store
from modelhub.errors import InvalidRequest, PluginMissing
from modelhub.providers import imported

__all__ = ["Converter", "as_file"]

Converter = Callable[[str, str, str | None], str]
"""From a source, a folder to write into, and a form (the plugin's own default) to the path of a file."""


@contextmanager
def as_file(source: str, form: str | None, store: Store) -> Iterator[str]:
    """The file of a model. A folder, or ``package:NAME``, is written as one first, which is gone when the context ends.

    Raises ``PluginMissing`` where no plugin knows how, and what the plugin raises.
    """
    if not source.startswith("package:") and not os.path.isdir(os.path.expanduser(source)):
        if form is not None:
            raise InvalidRequest(f"{source} is added as it is: a form is for folders and packages.")
        yield source
        return
    convert = _converter()
    os.makedirs(store.parts_folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store.parts_folder) as folder:
        yield convert(source, folder, form)


def _converter() -> Converter:
    for provider in providers():
        if provider.conversion is not None:
            convert: Converter = imported(provider.conversion)
            return convert
    raise PluginMissing("No installed plugin makes a file of a folder's model. See: modelhub plugins")
