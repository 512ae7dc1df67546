"""Files on this machine: JSON that says what a model is."""

from __future__ import annotations

import json
from pathlib import Path

from depot.models import Options
from modelhub.plugin import ModelCard, SetupError


def local(options: Options | None) -> list[ModelCard]:
    if options is None or not options.shelf:
        return []
    if not Path(options.shelf).is_dir():
        raise SetupError(f"There is no shelf {options.shelf}.")
    return [read(str(path)) for path in sorted(Path(options.shelf).glob("*.depot"))]


def read(path: str) -> ModelCard:
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    return ModelCard(
        **{"model": f"depot:{Path(path).stem}", "kind": "text", **told},
        local=True,
        file=path,
        file_bytes=Path(path).stat().st_size,
    )
