"""The chat template of a model: its own, or one that the configuration gives; never one that nobody chose.

llama.cpp puts conversations into templates with an interpreter of its own, in C++: there is no Python that a template could
reach. But it bounds neither loops nor recursion, and there it would hang or crash this process. So a template that could do
that is tried first in a process of its own.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from hashlib import sha256
from subprocess import TimeoutExpired

from modelhub.plugin import SetupError, cache_folder
from modelhub_llama.apart import run_apart
from modelhub_llama.gguf.header import Header, read
from modelhub_llama.options import LlamaOptions

__all__ = ["chosen", "doubtful", "given", "settled", "tried", "written"]

_SECONDS = 20.0
"""How long a trial may take, start of a process included."""
_NAMED = "tokenizer.chat_template."
_TRIED: dict[str, str | None] = {}
_LOCK = threading.Lock()


def settled(path: str, options: LlamaOptions, *, suspect: bool = False) -> str | None:
    """What to give to the engine in place of the template in a file; ``None`` where it is that one.

    ``suspect`` says that the engine did not take the model, for whatever reason. Raises ``SetupError``.
    """
    header = read(path)
    template = chosen(header, options)
    if suspect or doubtful(template):
        tried(template, path if options.chat_template is None else "the configuration")
    return None if template == header.chat_template else template


def chosen(header: Header, options: LlamaOptions) -> str:
    """The template that a model's conversations are put into. Raises ``SetupError`` where there is none."""
    if options.chat_template is not None:
        return given(options.chat_template, options)
    if header.chat_template is not None:
        return header.chat_template
    variants = {key.removeprefix(_NAMED): str(value) for key, value in header.metadata.items() if key.startswith(_NAMED)}
    if "default" in variants:
        return variants["default"]
    has = f" (it has others: {', '.join(sorted(variants))})" if variants else ""
    raise SetupError(
        f'{header.file} has no chat template{has}, so nobody knows how it expects a conversation. Set prompt = "plain" in '
        f'[providers.{options.provider}] to let it go on with a text as it is, or chat_template = "file.jinja".'
    )


def written(header: Header, options: LlamaOptions) -> str:
    """The template, for who wants to know what it knows; empty where there is none."""
    try:
        return chosen(header, options)
    except SetupError:
        return ""


def given(template: str, options: LlamaOptions) -> str:
    """A template of the configuration: a file's text, or the template itself. Raises ``SetupError``."""
    if "{{" in template or "{%" in template:
        return template
    where = f"[providers.{options.provider}] chat_template"
    if not template.strip():
        raise SetupError(f"{where} is empty: leave it out, or name a Jinja file.")
    path = options.file(template)
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise SetupError(f"{where}: {path} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise SetupError(f"{where}: {path} is no text in UTF-8.") from None


def doubtful(template: str) -> bool:
    """Whether a template could take for ever, or the whole stack: whether it does more than loop over what it is given."""
    loops = len(re.findall(r"\{%-?\s*for\b", template))
    deep = max((len(found) for found in re.findall(r"[(\[{][(\[{\s]*", template)), default=0) > 64
    return bool(_MARKS.search(template)) or loops > 40 or deep or len(template) > 1 << 17


_MARKS = re.compile(r"\brange\b|\bmacro\b|\brecursive\b|\bnamespace\b|[^*]\*[^*]|\*\*|~[^}]*~|\bcaller\b|\bloop\s*\(")


def tried(template: str, file: str) -> None:
    """Raises ``SetupError`` for a template that llama.cpp does not take, that crashes it, or that does not come to an end.

    Each is tried once in a process, and where it is sound, once for all that come; where no process can be started, it is taken
    as it is.
    """
    with _LOCK:
        if template not in _TRIED:
            _TRIED[template] = None if _known(template) else _verdict(template)
        verdict = _TRIED[template]
    if verdict is not None:
        raise SetupError(f'The chat template of {file} {verdict} Give another one: chat_template = "file.jinja".')


def _verdict(template: str) -> str | None:
    try:
        done = run_apart("modelhub_llama.trial", given=template.encode(), seconds=_SECONDS)
    except TimeoutExpired:
        return f"did not come to an end within {_SECONDS:g} seconds."
    if done is None:
        return None
    if b"sound" in done.stdout:
        _keep(template)
        return None
    if done.returncode < 0:
        return f"crashes llama.cpp (signal {-done.returncode})."
    return f"is not taken by llama.cpp: {_words(done.stderr)}"


def _known(template: str) -> bool:
    """Whether this engine has found it sound before, in this process or another."""
    return os.path.exists(_note(template))


def _keep(template: str) -> None:
    """Note it for those that come; where nothing can be noted, they try it again."""
    note = _note(template)
    with suppress(OSError):
        os.makedirs(os.path.dirname(note), exist_ok=True)
        with open(note, "wb"):
            pass


def _note(template: str) -> str:
    """An empty file whose name says it all."""
    import xllamacpp

    version = getattr(xllamacpp, "__version__", "")
    digest = sha256(f"{version}\0{template}".encode("utf-8", "surrogatepass")).hexdigest()
    return os.path.join(cache_folder(), "templates", digest)


def _words(written: bytes) -> str:
    """Why, out of all that llama.cpp writes."""
    text = written.decode("utf-8", "replace")
    found = re.search(r"Jinja Exception: (.+)|chat_templates_init: error: (.+)|Error: (.+)", text)
    why = next(filter(None, found.groups())) if found else "it does not say why"
    return why.strip().rstrip(".")[:300] + "."
