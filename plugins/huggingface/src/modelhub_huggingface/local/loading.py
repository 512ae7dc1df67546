"""Networks and what belongs to them, loaded from a folder: nothing is fetched, no code of theirs is run, no weight made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from json import JSONDecodeError
from pickle import UnpicklingError
from textwrap import shorten
from types import ModuleType
from typing import Any

from modelhub.plugin import ModelhubError, SetupError
from modelhub_huggingface.local.devices import device, precision, torch_of
from modelhub_huggingface.local.files import ModelFolder
from modelhub_huggingface.local.plans import safe
from modelhub_huggingface.local.silence import hush, silence
from modelhub_huggingface.options import HuggingFaceOptions

__all__ = ["library", "loaded", "network", "part", "quietly", "tokenizer_of"]

_NOT_NEEDED = ("masked_spec_embed", "position_ids", "weight_g", "weight_v", "original0", "original1")
"""Weights that are for training alone, or that are there under an older name."""
_HARDLY_ANY = 3
"""Tokens beside its marks that a tokenizer holds for which there were no files: transformers makes one all the same."""


def library(name: str, extra: str = "local") -> ModuleType:
    """A library that computes. Raises ``SetupError`` where it is not installed."""
    try:
        found = import_module(name)
    except ImportError as error:
        missing = error.name or name
        raise SetupError(f'{missing} is not installed: pip install "modelhub-huggingface[{extra}]".') from error
    hush(name)
    return found


def network(loader: str, folder: ModelFolder, options: HuggingFaceOptions, spare: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """A network of transformers, by the name of the class that loads it, ready to compute; and its device.

    Weights that begin with one of ``spare`` may be missing: nobody looks at what they would give.
    """
    torch, transformers = torch_of(options), library("transformers")
    place, found = device(torch, options), safe(folder, options)
    with loaded(folder, options.task), quietly(transformers):
        made, told = getattr(transformers, loader).from_pretrained(
            folder.path,
            dtype=precision(torch, options, found.stored, place),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=not found.pickled,
            output_loading_info=True,
        )
        _require_whole(folder, told, spare, options.task)
        return made.eval().to(place), place


def part(loader: str, folder: ModelFolder) -> Any:
    """What stands beside a network (a tokenizer, what reads sounds), by the name of the class that loads it."""
    transformers = library("transformers")
    with loaded(folder), quietly(transformers):
        return getattr(transformers, loader).from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)


def tokenizer_of(folder: ModelFolder) -> Any:
    """Its tokenizer. Raises ``SetupError`` where the folder holds none: one without words would make nonsense of any text."""
    try:
        made = part("AutoTokenizer", folder)
    except SetupError as error:
        if "instantiate the backend tokenizer" not in str(error.__cause__) or folder.has("tokenizer.json"):
            raise
        raise _no_tokenizer(folder) from error
    marks = {*made.all_special_tokens, *(token.content for token in made.added_tokens_decoder.values())}
    if len(made) - len(marks) <= _HARDLY_ANY:
        raise _no_tokenizer(folder)
    return made


def _no_tokenizer(folder: ModelFolder) -> SetupError:
    return SetupError(f"{folder.path} has no tokenizer: save it into the folder, or fetch the model again.")


@contextmanager
def loaded(folder: ModelFolder, task: str | None = None) -> Iterator[None]:
    """What a library raises while it reads these files, as a ``SetupError`` that names them. ``task``: as the options say."""
    try:
        yield
    except (ModelhubError, MemoryError):
        raise
    except ImportError as error:
        raise SetupError(f"{folder.path} needs a library that is not installed: {_first(error)}") from error
    except Exception as error:
        raise SetupError(f"{folder.path} {_why(folder, task, error)}") from error


def _why(folder: ModelFolder, task: str | None, error: Exception) -> str:
    """Why the files cannot be loaded, and what to do: they are fetched again where they are damaged, and else not."""
    said, kind = str(error), folder.config.get("model_type")
    if "custom code" in said:
        return (
            "needs code of its own (auto_map in its config.json), and such code is never run here. "
            "Take a model that transformers knows, or ask this one where it is served."
        )
    if "does not recognize this architecture" in said:
        return (
            f"is of the type {kind!r}, which this transformers does not know. A newer one may, where that is a new type: "
            "pip install --upgrade transformers; or ask the model where it is served."
        )
    if said.startswith("Unrecognized configuration class"):
        unfit = "which is not computed here" if task is None else f'which was not made for task = "{task}": leave task out'
        return f"is a {(folder.config.get('architectures') or [kind])[0]}, {unfit}, or take another model."
    if "ignore_mismatched_sizes" in said:
        return "has weights of other shapes than its config.json says. Fetch the model again."
    damaged = isinstance(error, _DAMAGED) or type(error).__name__ in _DAMAGED_BY_NAME or getattr(error, "errno", 0) is None
    return f"cannot be loaded: {_first(error)}{' Fetch the model again.' if damaged else ''}"


_DAMAGED = (EOFError, LookupError, UnicodeError, JSONDecodeError, UnpicklingError)
_DAMAGED_BY_NAME = ("SafetensorError", "Exception")
"""The second is all that the library of tokenizers raises."""


@contextmanager
def quietly(*libraries: Any) -> Iterator[None]:
    """While it lasts, these libraries draw no bars on the screen, and tell this thread errors alone."""
    speaking = [each.utils.logging for each in libraries if each.utils.logging.is_progress_bar_enabled()]
    for logging in speaking:
        logging.disable_progress_bar()
    try:
        with silence():
            yield
    finally:
        for logging in speaking:
            logging.enable_progress_bar()


def _require_whole(folder: ModelFolder, told: Any, spare: tuple[str, ...], task: str | None) -> None:
    """A weight that the files lack would be made up by the library, at random."""
    missing = [name for name in told.get("missing_keys", ()) if not name.endswith(_NOT_NEEDED) and not name.startswith(spare)]
    if missing or told.get("mismatched_keys"):
        what = f"lack {len(missing)} weights, {min(missing)} among them" if missing else "have weights of other shapes"
        other = "" if task is None else f' Where it was not made for task = "{task}", leave task out.'
        message = f"The files of {folder.path} {what}: they are no whole model of that kind. Fetch the model again."
        raise SetupError(f"{message}{other}")


def _first(error: Exception) -> str:
    """What an error says first: libraries go on for pages."""
    told = shorten(str(error), 300, placeholder=" …").rstrip(".") or type(error).__name__
    return f"{told}."
