"""Where llama.cpp answers: the dialect's host, whose errors say whose fault they are."""

from __future__ import annotations

import re

from modelhub_openai.site import Host

from modelhub.plugin import AnswerError, BadRequest, HttpResponse, ModelhubError, Unsupported, shown

__all__ = ["LlamaHost"]


class LlamaHost(Host):
    """The dialect's host. An error is the same whether it is a response of its own or stands in a stream."""

    __slots__ = ()

    @property
    def advice(self) -> str:
        """What to do where a server cannot be reached."""
        return f"Is a server running there? `llama-server -m FILE.gguf` starts one; base_url is {shown(self.base_url)}."

    def fault(self, response: HttpResponse, model: str) -> ModelhubError:
        return _worded(super().fault(response, model))


def _worded(error: ModelhubError) -> ModelhubError:
    """The error in words that say whose fault it is, where llama.cpp's own are about its insides."""
    words = error.message
    if "does not match the expected" in words:
        told = "llama.cpp could not read what its model wrote (broken characters, or another form than its template's)"
        return AnswerError(f"{told}: ask again with another seed. It says: {words}.", head=words.encode()[:200])
    if found := re.search(r"(image|audio) input is not supported", words):
        kind = "images" if found[1] == "image" else "audio"
        return Unsupported(f"This model does not take {kind}: llama.cpp runs it without a projector (mmproj).", feature=kind)
    if "does not support logits computation" in words:
        return Unsupported("This model writes no text: it was made for vectors or scores.", feature="text")
    if not isinstance(error, BadRequest):
        return error
    if found := re.search(r"Jinja Exception: (.+)", words, re.DOTALL):
        error.args = (f"The model's chat template does not take this conversation: {found[1].strip()}",)
    elif "failed to parse grammar" in words:
        error.args = (
            f"The grammar (GBNF) has a mistake; where, llama.cpp tells on standard error alone ({words.rstrip('.')}).",
        )
    elif found := re.search(r"JSON schema error at .*", words, re.DOTALL):
        error.args = (f"llama.cpp cannot hold a model to this schema: {found[0].strip()}",)
    return error
